//! The files of the profile that is tested, read once, and what a test says of them.
//!
//! **Invariant:** what is read is what the supervisor reads: the same scan, the same parser, the same layers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proclaunch_core::hook::Hook;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::{
    Defaults, File, Files, Fingerprint, Parsed, Profile, Run, SETTINGS, closest, is_known, parse,
};

use crate::hooks::{Source, Sources};
use crate::scan::{self, ScanError};

/// One profile, as a test sees it.
#[derive(Clone, Debug)]
pub(super) struct ProfileFiles {
    pub(super) name: ProfileName,
    /// The directory that it stands in.
    pub(super) profiles_dir: PathBuf,
    files: Files,
    defaults: BTreeMap<String, File>,
}

impl ProfileFiles {
    /// Reads them. A profile without `run` is taken for one that has it: examples are such.
    ///
    /// # Errors
    /// In words.
    pub(super) fn read(dir: &Path) -> Result<Self, String> {
        let shown = dir.display();
        let name = dir.file_name().and_then(|name| name.to_str()).and_then(ProfileName::parse);
        let name = name.ok_or_else(|| format!("`{shown}`: the name of the directory is no profile name"))?;
        let profiles_dir = dir.parent().unwrap_or(dir).to_owned();
        let failed = |error: ScanError| error.to_string();
        let files = scan::scan_one(&profiles_dir, &name).map_err(failed)?;
        let mut files = files.ok_or_else(|| format!("`{shown}` is no directory"))?;
        if !matches!(files.run, Run::Executable(_)) {
            files.run = Run::Executable(Fingerprint::of(b""));
        }
        let defaults = scan::scan_defaults(&profiles_dir).map_err(failed)?;
        Ok(Self { name, profiles_dir, files, defaults })
    }

    /// The profile's own directory.
    pub(super) fn dir(&self) -> PathBuf {
        self.profiles_dir.join(self.name.as_str())
    }

    /// Writes a setting or hook file anew, or removes it, for this test alone.
    ///
    /// # Errors
    /// The name means nothing.
    pub(super) fn set(&mut self, name: &str, text: Option<&[u8]>) -> Result<(), String> {
        if !is_known(name) {
            let meant = closest(name, &SETTINGS).map(|meant| format!(", did you mean `{meant}`?"));
            return Err(format!("`{name}` is no setting or hook file{}", meant.unwrap_or_default()));
        }
        match text {
            Some(text) if name == "run" => self.files.run = Run::Executable(Fingerprint::of(text)),
            Some(text) => {
                self.files.entries.insert(name.to_owned(), File::Bytes(text.to_vec()));
            }
            None if name == "run" => self.files.run = Run::Missing,
            None => {
                self.files.entries.remove(name);
            }
        }
        Ok(())
    }

    /// What the files say.
    pub(super) fn parsed(&self) -> Parsed {
        parse(&self.files, &Defaults::parse(&self.defaults).0)
    }

    /// The text of a file, the profile's own before that of `.defaults/`.
    fn source(&self, name: &str) -> Option<Source> {
        let own = self.files.entries.get(name).map(|file| (self.dir(), file));
        let default = self.defaults.get(name).map(|file| (self.profiles_dir.join(".defaults"), file));
        own.or(default).and_then(|(dir, file)| bytes(dir.join(name), file))
    }

    /// The hook files as the engine takes them.
    pub(super) fn sources(&self, profile: &Profile, vars: String) -> Sources {
        let hooks = profile.policy.hooks.present.iter();
        let files = hooks.filter_map(|hook| Some((*hook, self.source(&format!("{hook}.lua"))?)));
        let settings = SETTINGS.iter().filter(|name| **name != "run").filter_map(|name| {
            let text = self.source(name)?.text;
            Some(((*name).to_owned(), String::from_utf8_lossy(&text).trim().to_owned()))
        });
        Sources {
            files: files.collect(),
            defaults_event: self.default_event(),
            env: profile.shape.env.to_vec(),
            settings: settings.collect(),
            vars,
            profile_dir: self.dir(),
        }
    }

    /// `on_event.lua` of `.defaults/`, where the profile has one of its own: both are called.
    fn default_event(&self) -> Option<Source> {
        let name = format!("{}.lua", Hook::OnEvent);
        self.files.entries.get(&name)?;
        let path = self.profiles_dir.join(".defaults").join(&name);
        bytes(path, self.defaults.get(&name)?)
    }
}

fn bytes(path: PathBuf, file: &File) -> Option<Source> {
    match file {
        File::Bytes(text) => Some(Source { path, text: text.clone() }),
        File::TooLarge(_) | File::Unreadable(_) | File::Directory(_) | File::Other => None,
    }
}
