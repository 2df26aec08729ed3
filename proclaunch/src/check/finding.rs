//! What a check found, as lines for people and as JSON for programs.
//!
//! **Invariant:** a finding is one line without control characters, whatever files and directories are called.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot work.
    Error,
    /// It is probably not what was meant, or depends on the machine.
    Warning,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file or directory, as seen from where the check was asked for.
    #[serde(serialize_with = "as_text")]
    pub path: PathBuf,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Finding {
    /// Something that cannot work.
    pub fn error(path: impl Into<PathBuf>, line: Option<usize>, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, severity: Severity::Error, message: message.into() }
    }

    /// Something that is probably not what was meant.
    pub fn warning(path: impl Into<PathBuf>, line: Option<usize>, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, severity: Severity::Warning, message: message.into() }
    }
}

/// `web/health.lua:3: error: unknown name 'nett', did you mean 'net'?`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", printable(&self.path.to_string_lossy()))?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, " {severity}: {}", printable(&self.message))
    }
}

/// All that a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The profiles that were checked, by name.
    pub profiles: Vec<String>,
    /// What was found, in the order of the files, each thing once.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Adds a finding, unless the same was found already: `.defaults/` is part of every profile.
    pub(super) fn add(&mut self, finding: Finding) {
        let is_same = |known: &Finding| {
            (&known.path, known.line, &known.message) == (&finding.path, finding.line, &finding.message)
        };
        if !self.findings.iter().any(is_same) {
            self.findings.push(finding);
        }
    }

    /// How many findings are of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// All in one object.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("it holds only text and numbers")
    }
}

/// A line for each finding, and one that sums up.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        let count = |number: usize, what: &str| match number {
            1 => format!("1 {what}"),
            number => format!("{number} {what}s"),
        };
        let profiles = count(self.profiles.len(), "profile");
        let errors = count(self.count(Severity::Error), "error");
        writeln!(f, "{profiles} checked: {errors}, {}", count(self.count(Severity::Warning), "warning"))
    }
}

fn printable(text: &str) -> String {
    let escaped = |character: char| {
        let is_bad = character.is_control();
        let escape = character.escape_default().filter(move |_| is_bad);
        escape.chain((!is_bad).then_some(character))
    };
    text.chars().flat_map(escaped).collect()
}

fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_whatever_files_are_called() {
        let finding = Finding::error("we\nb: error/health.lua", Some(3), "unknown name '\x1b[31m'");
        assert_eq!(finding.to_string(), "we\\nb: error/health.lua:3: error: unknown name '\\u{1b}[31m'");
        assert_eq!(Finding::warning("web/kill", None, "is odd").to_string(), "web/kill: warning: is odd");
    }

    #[test]
    fn a_report_sums_up_and_says_each_thing_once() {
        let mut report = Report { profiles: vec!["db".into(), "web".into()], ..Report::default() };
        assert_eq!(report.to_string(), "2 profiles checked: 0 errors, 0 warnings\n");
        report.profiles.pop();
        for _ in 0..2 {
            report.add(Finding::error(".defaults/nice", None, "is blank"));
        }
        assert_eq!(
            report.to_string(),
            ".defaults/nice: error: is blank\n1 profile checked: 1 error, 0 warnings\n"
        );
    }
}
