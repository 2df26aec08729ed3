//! The files of the profile that is tested, read once, and what a test says of them.
//!
//! **Invariant:** what is read is what the supervisor reads: the same scan, the same parser, the same layers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proclaunch_core::hook::Hook;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::{
    Defaults, File, Files, Fingerprint, Instances, Parsed, Profile, Run, SETTINGS, closest, is_known, parse,
};

use crate::hooks::{Source, Sources};
use crate::scan::{self, ScanError};

/// One profile, as a test sees it.
#[derive(Clone, Debug)]
pub(super) struct ProfileFiles {
    pub(super) directory: ProfileName,
    /// That of the directory, or of its first instance if it has such.
    pub(super) name: ProfileName,
    /// The directory that it stands in.
    pub(super) profiles_dir: PathBuf,
    files: Files,
    defaults: BTreeMap<String, File>,
    /// What the test says of files, by name; none: gone.
    said: BTreeMap<String, Option<Vec<u8>>>,
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
        let instances = parse(&files, &Defaults::parse(&defaults).0).instances;
        let first = name.instance(1).filter(|_| instances != Instances::None);
        let (name, directory) = (first.unwrap_or_else(|| name.clone()), name);
        Ok(Self { directory, name, profiles_dir, files, defaults, said: BTreeMap::new() })
    }

    /// The profile's own directory.
    pub(super) fn dir(&self) -> PathBuf {
        self.profiles_dir.join(self.directory.as_str())
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
        if name != "run" {
            self.said.insert(name.to_owned(), text.map(<[u8]>::to_vec));
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
        let parsed = parse(&self.files, &Defaults::parse(&self.defaults).0);
        if self.name == self.directory {
            return parsed;
        }
        Parsed { profile: parsed.profile.map(|profile| Arc::new(profile.as_instance(1))), ..parsed }
    }

    /// The hook files as the engine takes them.
    pub(super) fn sources(&self, profile: &Profile, vars: String) -> Sources {
        let defaults = self.profiles_dir.join(".defaults");
        let read = Sources::read(self.dir(), &defaults, &profile.policy.hooks.present);
        let mut sources = Sources { env: profile.shape.env.to_vec(), vars, ..read };
        for (name, text) in &self.said {
            let own = text.as_ref().map(|text| Source { path: self.dir().join(name), text: text.clone() });
            let source = own.or_else(|| self.default(&defaults, name));
            match (name.strip_suffix(".lua").and_then(Hook::parse), source) {
                (Some(hook), Some(source)) => drop(sources.files.insert(hook, source)),
                (Some(hook), None) => drop(sources.files.remove(&hook)),
                (None, Some(source)) => {
                    let text = String::from_utf8_lossy(&source.text).trim().to_owned();
                    sources.settings.insert(name.clone(), text);
                }
                (None, None) => drop(sources.settings.remove(name)),
            }
        }
        sources
    }

    /// The file of `.defaults/`, where there is one; but for `on_event.lua`, which is called besides.
    fn default(&self, defaults: &Path, name: &str) -> Option<Source> {
        match self.defaults.get(name)? {
            File::Bytes(text) if name != "on_event.lua" => {
                Some(Source { path: defaults.join(name), text: text.clone() })
            }
            File::Bytes(_)
            | File::TooLarge(_)
            | File::NotExecutable
            | File::Unreadable(_)
            | File::Directory(_)
            | File::Other => None,
        }
    }
}
