//! Names of profiles with `*`, `?` and `[a-z]` in them, as a shell has them.
//!
//! **Invariant:** a name without these means itself and nothing else: `foo` is not `foobar`. Only where it is that of no
//! profile it means the instances of the directory of that name: `foo@1` and so on.
//! **Invariant:** matching takes no more steps than pattern length times name length, whatever the pattern.

use std::fmt;

use proclaunch_core::ids::{NAME_MAX, ProfileName};

/// The longest pattern, in bytes: longer ones match nothing that a shorter one does not.
const PATTERN_MAX: usize = 2 * NAME_MAX;

/// A pattern of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
    parts: Vec<Part>,
    /// It means the instances of the directory of this name too.
    directory: Option<ProfileName>,
}

/// What one place of a name can be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Byte(u8),
    Any,
    Several,
    Class { negated: bool, ranges: Vec<(u8, u8)> },
}

impl Glob {
    /// Understands a pattern.
    ///
    /// # Errors
    /// No name could match it, or a `[` has no `]`; in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut bytes = text.as_bytes();
        if bytes.is_empty() || bytes.len() > PATTERN_MAX {
            return Err(format!("a pattern of names has 1 to {PATTERN_MAX} characters"));
        }
        while let Some((first, mut rest)) = bytes.split_first() {
            let part = match first {
                b'*' => Part::Several,
                b'?' => Part::Any,
                b'[' => {
                    let (class, after) = class(rest).ok_or("a `[` in a pattern of names has no `]`")?;
                    rest = after;
                    class
                }
                byte if byte.is_ascii_alphanumeric() || b"_.@-".contains(byte) => Part::Byte(*byte),
                _ => return Err("a pattern has letters, digits, `_.@-`, `*`, `?` and `[a-z]`".to_owned()),
            };
            // Several `*` in a row are one.
            if part != Part::Several || parts.last() != Some(&Part::Several) {
                parts.push(part);
            }
            bytes = rest;
        }
        Ok(Self { text: text.to_owned(), parts, directory: None })
    }

    /// Whether it is of a name that it can be no other than.
    pub fn exact(&self) -> Option<ProfileName> {
        let is_exact = self.parts.iter().all(|part| matches!(part, Part::Byte(_)));
        is_exact.then(|| ProfileName::parse(&self.text)).flatten()
    }

    /// What it means among these profiles: a name that is that of none of them means all instances of the directory of
    /// that name.
    #[must_use]
    pub fn among(self, is_there: impl Fn(&ProfileName) -> bool) -> Self {
        let directory = self.exact().filter(|name| !is_there(name));
        Self { directory, ..self }
    }

    /// Whether a name is of this pattern.
    pub fn matches(&self, name: &ProfileName) -> bool {
        let is_instance =
            |directory: &ProfileName| name.instance_of().is_some_and(|(of, _)| of == *directory);
        self.is_of(name) || self.directory.as_ref().is_some_and(is_instance)
    }

    fn is_of(&self, name: &ProfileName) -> bool {
        let name = name.as_str().as_bytes();
        let (mut at, mut part) = (0, 0);
        // Where the last `*` was, and what it takes so far: it takes one more where the rest does not match.
        let mut star: Option<(usize, usize)> = None;
        while at < name.len() {
            match self.parts.get(part) {
                Some(Part::Several) => {
                    star = Some((part, at));
                    part += 1;
                    continue;
                }
                Some(one) if one.matches(name[at]) => {
                    at += 1;
                    part += 1;
                    continue;
                }
                Some(_) | None => {}
            }
            let Some((from, taken)) = &mut star else { return false };
            *taken += 1;
            at = *taken;
            part = *from + 1;
        }
        self.parts[part..].iter().all(|part| *part == Part::Several)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Part {
    fn matches(&self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => *own == byte,
            Self::Any => true,
            Self::Several => false,
            Self::Class { negated, ranges } => {
                *negated != ranges.iter().any(|(from, to)| (*from..=*to).contains(&byte))
            }
        }
    }
}

/// What stands behind a `[`, and what stands behind its `]`. A `]` in first place is itself.
fn class(bytes: &[u8]) -> Option<(Part, &[u8])> {
    let (negated, bytes) = match bytes.split_first() {
        Some((b'!' | b'^', rest)) => (true, rest),
        _ => (false, bytes),
    };
    let end = bytes.iter().skip(1).position(|byte| *byte == b']')? + 1;
    let (mut inner, rest) = (&bytes[..end], &bytes[end + 1..]);
    let mut ranges = Vec::new();
    while let [first, tail @ ..] = inner {
        (ranges, inner) = match tail {
            [b'-', last, tail @ ..] => ([ranges, vec![(*first, *last)]].concat(), tail),
            _ => ([ranges, vec![(*first, *first)]].concat(), tail),
        };
    }
    Some((Part::Class { negated, ranges }, rest))
}

/// Whether a name is of one of these patterns; of none at all, any name is.
pub fn any_matches(globs: &[Glob], name: &ProfileName) -> bool {
    globs.is_empty() || globs.iter().any(|glob| glob.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let glob = Glob::parse(pattern).unwrap();
        let is_match = |text: &&str| glob.matches(&ProfileName::parse(text).unwrap());
        assert!(matching.iter().all(is_match), "{pattern}");
        assert!(!others.iter().any(is_match), "{pattern}");
    }

    #[test]
    fn scenario_36_a_name_is_itself_alone() {
        check("foo", &["foo"], &["foobar", "fo", "xfoo", "Foo"]);
        check("web.1", &["web.1"], &["webx1"]);
    }

    #[test]
    fn patterns_are_those_of_a_shell() {
        check("*", &["a", "web@1"], &[]);
        check("web*", &["web", "web@1", "website"], &["aweb"]);
        check("*-db", &["x-db", "x-db-db"], &["db", "x-dbx"]);
        check("a*b*c", &["abc", "axbxc", "abbcbc"], &["ab", "acb"]);
        check("we?", &["web", "wet"], &["we", "webs"]);
        check("web[0-3]", &["web0", "web3"], &["web4", "web", "web10"]);
        check("web[!0-3a]", &["web4", "webb"], &["web0", "weba", "web"]);
        check("x[ab][.-]", &["xa.", "xb-"], &["xab"]);
        check("**a***", &["a", "bab"], &["b"]);
    }

    #[test]
    fn a_name_of_no_profile_is_that_of_its_instances() {
        let name = |text: &str| ProfileName::parse(text).unwrap();
        let among = |text: &str, there: &[&str]| {
            let glob = Glob::parse(text).unwrap().among(|name| there.contains(&name.as_str()));
            ["web", "web@1", "web@12", "web@x", "webs@1", "web@1@1"].map(|text| glob.matches(&name(text)))
        };
        assert_eq!(among("web", &["web@1", "web@12"]), [true, true, true, false, false, false]);
        assert_eq!(among("web", &["web", "web@1"]), [true, false, false, false, false, false]);
        assert_eq!(among("web@1", &["web@1"]), [false, true, false, false, false, false]);
        assert_eq!(among("web@1", &["web@1@1"]), [false, true, false, false, false, true]);
        assert_eq!(among("web*", &["web@1"]), [true; 6]);
        assert_eq!(among("we?", &["web@1"]), [true, false, false, false, false, false], "only of names");
    }

    #[test]
    fn what_cannot_match_is_refused() {
        for text in ["", "a/b", "a b", "[ab", "[]", "{a,b}", "\u{e9}", &"x".repeat(257)] {
            assert!(Glob::parse(text).is_err(), "{text}");
        }
        assert_eq!(Glob::parse("web").unwrap().exact(), ProfileName::parse("web"));
        assert_eq!(Glob::parse("we*").unwrap().exact(), None);
        assert_eq!(Glob::parse(".x").unwrap().exact(), None);
    }

    #[test]
    fn a_bad_pattern_costs_no_time() {
        let glob = Glob::parse(&"a*".repeat(128)).unwrap();
        assert!(!glob.matches(&ProfileName::parse(&"a".repeat(127)).unwrap()));
        let glob = Glob::parse(&format!("{}b", "*a".repeat(60))).unwrap();
        assert!(!glob.matches(&ProfileName::parse(&"a".repeat(128)).unwrap()));
    }
}
