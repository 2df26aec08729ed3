//! The text format 0.0.4 (`prometheus.io/docs/instrumenting/exposition_formats`).
//!
//! **Invariant:** a family stands in one place, its HELP and TYPE once before its samples; families come by name, and
//! the same figures give the same text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A page in the making.
#[derive(Debug, Default)]
pub(super) struct Text {
    families: BTreeMap<String, Family>,
}

#[derive(Debug)]
struct Family {
    kind: &'static str,
    help: String,
    samples: String,
}

impl Text {
    /// The family of that name, which is made if it is new.
    pub(super) fn family(&mut self, name: &str, kind: &'static str, help: &str) -> Samples<'_> {
        let family = self.families.entry(name.to_owned()).or_insert_with(|| Family {
            kind,
            help: help.to_owned(),
            samples: String::new(),
        });
        Samples { name: name.to_owned(), lines: &mut family.samples }
    }

    /// The whole page. A family without samples is left out.
    pub(super) fn finish(self) -> String {
        let mut page = String::new();
        for (name, Family { kind, help, samples }) in self.families {
            if !samples.is_empty() {
                let help = help.replace('\\', "\\\\").replace('\n', "\\n");
                // Writing to a string cannot fail.
                let _ = write!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n{samples}");
            }
        }
        page
    }
}

/// Where the samples of one family go.
#[derive(Debug)]
pub(super) struct Samples<'a> {
    name: String,
    lines: &'a mut String,
}

impl Samples<'_> {
    /// Adds a sample.
    pub(super) fn add(&mut self, labels: &[(&str, &str)], value: f64) {
        self.add_suffixed("", labels, value);
    }

    /// Adds a sample whose name is that of the family and a suffix, as a histogram has.
    pub(super) fn add_suffixed(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        self.lines.push_str(&self.name);
        self.lines.push_str(suffix);
        for (index, (label, text)) in labels.iter().enumerate() {
            self.lines.push(if index == 0 { '{' } else { ',' });
            // Writing to a string cannot fail.
            let _ = write!(self.lines, "{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.lines.push('}');
        }
        let _ = writeln!(self.lines, " {}", number(value));
    }

    /// Adds the samples of something that is one of several: 1 for what it is, 0 for the others.
    pub(super) fn one_of<'a>(
        &mut self,
        profile: &str,
        label: &str,
        words: impl IntoIterator<Item = &'a str>,
        is: &str,
    ) {
        for word in words {
            self.add(&[("profile", profile), (label, word)], flag(word == is));
        }
    }
}

/// 1 for yes.
pub(super) fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

/// A count; beyond 2^53 the last digits are lost, as in Prometheus itself.
#[expect(clippy::cast_precision_loss, reason = "every value is a float there")]
pub(super) fn count(value: u64) -> f64 {
    value as f64
}

/// As Prometheus writes it.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
