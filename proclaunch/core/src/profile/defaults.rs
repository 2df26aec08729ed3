//! `.defaults/`: settings for every profile that has no file of its own.

use std::collections::BTreeMap;

use super::parse::{Layer, Reader, name_warnings};
use super::{Fault, File, Fingerprint, Problem};

/// Where the defaults stand, as problems name it.
pub(super) const PREFIX: &str = ".defaults/";

/// The files of `.defaults/`, checked once.
///
/// A file with a bad value stays in: each profile that has no file of its own in its place is a profile with a bad
/// value, and keeps the last good settings it had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    files: BTreeMap<String, File>,
    modules: Fingerprint,
}

impl Defaults {
    /// The defaults, and everything that is wrong with them: bad values, and names that mean nothing there.
    pub fn parse(files: &BTreeMap<String, File>) -> (Self, Vec<Problem>) {
        let mut files = files.clone();
        let mut problems = Vec::new();
        if files.remove("run").is_some() {
            let fault = Fault::Useless("is no default that can serve: each profile has a `run` of its own");
            problems.push(Problem { file: format!("{PREFIX}run"), line: None, fault });
        }
        if files.remove("instances").is_some() {
            let fault =
                Fault::Useless("is no default: how many run of a profile is said in its own directory");
            problems.push(Problem { file: format!("{PREFIX}instances"), line: None, fault });
        }
        problems.extend(name_warnings(PREFIX, &files));
        let defaults = Self { files, modules: Fingerprint::default() };
        let mut reader = Reader::new([Some(defaults.layer()), None]);
        reader.read_settings();
        problems.extend(reader.problems);
        (defaults, problems)
    }

    /// The same, with a digest of the modules that the hooks of every profile can require.
    #[must_use]
    pub fn with_modules(self, modules: Fingerprint) -> Self {
        Self { modules, ..self }
    }

    pub(super) const fn modules(&self) -> Fingerprint {
        self.modules
    }

    pub(super) fn layer(&self) -> Layer<'_> {
        Layer { prefix: PREFIX, files: &self.files }
    }
}
