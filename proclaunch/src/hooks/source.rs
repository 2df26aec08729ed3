//! Source text, before the compiler sees it.
//!
//! **Invariant:** only text is compiled, and not too much of it: the compiler cannot be interrupted, and compiled code
//! would be believed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use proclaunch_core::hook::Hook;
use proclaunch_core::profile::{SETTINGS, Variable, is_told};

/// The longest file, in bytes.
pub(super) const LONGEST: usize = 256 * 1024;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it stands.
    pub path: PathBuf,
    /// What is in it.
    pub text: Vec<u8>,
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no regular file: a FIFO would be waited for.
    pub fn read(path: PathBuf) -> io::Result<Self> {
        if !fs::metadata(&path)?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        Ok(Self { text: fs::read(&path)?, path })
    }
}

/// The hook files of a profile, and what else its hooks are told of its directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The directory of the profile: `require` looks there first.
    pub profile_dir: PathBuf,
    /// The files.
    pub files: BTreeMap<Hook, Source>,
    /// `on_event.lua` of `.defaults/`: it is called for the events of every profile, after the profile's own.
    pub defaults_event: Option<Source>,
    /// What the service would be given as environment.
    pub env: Vec<Variable>,
    /// The text of the setting files.
    pub settings: BTreeMap<String, String>,
    /// The variables that were kept, as JSON; empty for none. Taken only if the hooks have none of their own yet.
    pub vars: String,
}

impl Sources {
    /// Reads the hook files that `present` names, and the texts of the settings. A file of the profile's own wins over
    /// the same file in `defaults`; `on_event.lua` has its say in both.
    pub fn read(profile_dir: PathBuf, defaults: &Path, present: &[Hook]) -> Self {
        let from = |dir: &Path, file: &str| Source::read(dir.join(file)).ok();
        let either = |file: &str| from(&profile_dir, file).or_else(|| from(defaults, file));
        let hook = |hook: &Hook| {
            let file = format!("{hook}.lua");
            let source = if *hook == Hook::OnEvent { from(&profile_dir, &file) } else { either(&file) };
            Some((*hook, source?))
        };
        let settings = SETTINGS.iter().filter(|file| is_told(file)).filter_map(|file| {
            let text = either(file)?.text;
            Some(((*file).to_owned(), String::from_utf8_lossy(&text).trim().to_owned()))
        });
        let defaults_event = present.contains(&Hook::OnEvent).then(|| from(defaults, "on_event.lua"));
        Self {
            files: present.iter().filter_map(hook).collect(),
            defaults_event: defaults_event.flatten(),
            settings: settings.collect(),
            profile_dir,
            ..Self::default()
        }
    }

    /// Whether there is no hook at all.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.defaults_event.is_none()
    }

    /// Every file, with the hook that it is for; of one hook, in the order that they are called in.
    pub fn all(&self) -> impl Iterator<Item = (Hook, &Source)> {
        let files = self.files.iter().map(|(hook, source)| (*hook, source));
        files.chain(self.defaults_event.iter().map(|source| (Hook::OnEvent, source)))
    }
}

/// The text as the compiler is to see it, or what is wrong with it.
pub(crate) fn checked(text: &[u8]) -> Result<Vec<u8>, String> {
    if text.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    if text.first().is_some_and(|byte| *byte < 9 || *byte == 27) {
        return Err("is compiled code; only source text is accepted".to_owned());
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if !text.starts_with(b"#!") {
        return Ok(text.to_vec());
    }
    // The line itself stays, so that the others keep their numbers.
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    Ok(text[end..].to_vec())
}

/// What a file is called in messages: its name and its directory's, `web/health.lua`.
pub fn shown(path: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let file = name(path).unwrap_or_else(|| path.display().to_string());
    match path.parent().and_then(name) {
        Some(directory) => format!("{directory}/{file}"),
        None => file,
    }
}
