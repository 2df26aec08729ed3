//! The `limits` setting: lines `NAME SOFT[:HARD]`, as `nofile 65536` or `core 0:unlimited`.

use std::fmt;

use super::environment::Bad;
use super::lines::lines;
use super::numbers::whole;
use super::values::Wrong;
use super::{File, Limit, Resource};

const WANT: &str = "lines `NAME SOFT` or `NAME SOFT:HARD`, such as `nofile 65536`";

const NAMES: [(&str, Resource); 16] = [
    ("as", Resource::As),
    ("core", Resource::Core),
    ("cpu", Resource::Cpu),
    ("data", Resource::Data),
    ("fsize", Resource::Fsize),
    ("locks", Resource::Locks),
    ("memlock", Resource::Memlock),
    ("msgqueue", Resource::Msgqueue),
    ("nice", Resource::Nice),
    ("nofile", Resource::Nofile),
    ("nproc", Resource::Nproc),
    ("rss", Resource::Rss),
    ("rtprio", Resource::Rtprio),
    ("rttime", Resource::Rttime),
    ("sigpending", Resource::Sigpending),
    ("stack", Resource::Stack),
];

/// The limits, in the order of their resources, so that the order of the lines is no change.
pub(super) fn limits(file: &File) -> Result<Box<[Limit]>, Bad> {
    let limits = lines(file, WANT, "this limit is set twice", |line| {
        let limit = limit(line)?;
        Ok((limit.resource, limit))
    });
    Ok(limits?.into_values().collect())
}

fn limit(line: &str) -> Result<Limit, Wrong> {
    let mut words = line.split_whitespace();
    let (Some(name), Some(value), None) = (words.next(), words.next(), words.next()) else {
        return Err("not a name and a value");
    };
    let resource = resource(name).ok_or("not the name of a limit")?;
    let (soft, hard) = value.split_once(':').unwrap_or((value, value));
    let (soft, hard) = (amount(soft)?, amount(hard)?);
    if soft > hard {
        return Err("the soft limit is above the hard one");
    }
    Ok(Limit { resource, soft, hard })
}

fn amount(text: &str) -> Result<u64, Wrong> {
    if text.eq_ignore_ascii_case("unlimited") {
        return Ok(Limit::UNLIMITED);
    }
    whole(text).ok_or("not a whole number without a unit, or `unlimited`")
}

fn resource(name: &str) -> Option<Resource> {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("rlimit_").unwrap_or(&name);
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, resource)| *resource)
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(_, resource)| resource == self).map_or("?", |(name, _)| name))
    }
}

/// As a line of the file.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, soft, hard } = self;
        write!(f, "{resource} {}", Amount(*soft))?;
        if soft == hard { Ok(()) } else { write!(f, ":{}", Amount(*hard)) }
    }
}

/// How much, as in the file.
struct Amount(u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Limit::UNLIMITED { f.write_str("unlimited") } else { write!(f, "{}", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Fault;

    /// Resource, soft, hard.
    type Row = (Resource, u64, u64);

    fn check(content: &str, expect: Result<&[Row], (usize, Wrong)>) {
        let got = limits(&File::Bytes(content.as_bytes().to_vec())).map_err(|Bad { line, fault, .. }| {
            let Fault::Value { wrong, .. } = fault else { panic!("{fault:?}") };
            (line.unwrap_or_default(), wrong)
        });
        let limit = |(resource, soft, hard): &Row| Limit { resource: *resource, soft: *soft, hard: *hard };
        assert_eq!(got, expect.map(|limits| limits.iter().map(limit).collect()), "{content:?}");
    }

    #[test]
    fn limits_are_named_as_the_kernel_names_them() {
        check("", Ok(&[]));
        check("nofile 65536\n", Ok(&[(Resource::Nofile, 65_536, 65_536)]));
        check("RLIMIT_CORE 0:Unlimited", Ok(&[(Resource::Core, 0, Limit::UNLIMITED)]));
        check(
            "# big\n\nNproc 10:20 # twenty\r\nas unlimited",
            Ok(&[(Resource::As, Limit::UNLIMITED, Limit::UNLIMITED), (Resource::Nproc, 10, 20)]),
        );
    }

    #[test]
    fn a_bad_limit_is_named_by_its_line() {
        check("\n\nfiles 1", Err((3, "not the name of a limit")));
        check("nofile", Err((1, "not a name and a value")));
        check("nofile 1 2", Err((1, "not a name and a value")));
        check("nofile 2:1", Err((1, "the soft limit is above the hard one")));
        check("nofile unlimited:1", Err((1, "the soft limit is above the hard one")));
        check("nofile 1\nNOFILE 2", Err((2, "this limit is set twice")));
        for value in ["1M", "-1", "1.5", "1:", ":1", "99999999999999999999"] {
            let wrong = "not a whole number without a unit, or `unlimited`";
            check(&format!("nofile {value}"), Err((1, wrong)));
        }
    }
}
