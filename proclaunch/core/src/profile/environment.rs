//! The `env` setting: a file of `KEY=VALUE` lines, or a directory with a file per variable.
//!
//! In a file, a later line for the same name wins, blank lines and `#` lines mean nothing, blanks around a value are
//! cut, one pair of quotes around it is taken off, and nothing is expanded. In a directory, as in daemontools'
//! `envdir`, the first line of a file counts, its trailing blanks are cut and a NUL stands for a newline; an empty
//! file is an empty value. Hidden files and editors' backups in it are no variables.
//!
//! **Invariant:** no name begins with `PROCLAUNCH_`: those are the supervisor's word to the process.

use std::collections::BTreeMap;

use super::near_miss::is_left_over;
use super::problem::{Excerpt, Fault};
use super::values::{Wrong, bytes};
use super::{File, Variable};

const WANT: &str = "lines `KEY=VALUE`";
const WANT_NAME: &str = "a file name of letters, digits and `_`, without a digit in front";

/// What is wrong within a file or a directory, and where.
#[derive(Debug)]
pub(super) struct Bad {
    /// The file, if the setting is a directory.
    pub(super) below: Option<String>,
    /// The line, from 1.
    pub(super) line: Option<usize>,
    /// What is wrong there.
    pub(super) fault: Fault,
}

impl From<Fault> for Bad {
    fn from(fault: Fault) -> Self {
        Self { below: None, line: None, fault }
    }
}

/// The variables, in the order of their names.
pub(super) fn variables(file: &File) -> Result<Box<[Variable]>, Bad> {
    let variables = match file {
        File::Directory(files) => from_directory(files)?,
        File::Bytes(_) | File::TooLarge(_) | File::NotExecutable | File::Unreadable(_) | File::Other => {
            from_lines(bytes(file)?)?
        }
    };
    let variable = |(name, value): (&str, Box<[u8]>)| Variable { name: name.into(), value };
    Ok(variables.into_iter().map(variable).collect())
}

fn from_lines(content: &[u8]) -> Result<BTreeMap<&str, Box<[u8]>>, Bad> {
    let mut variables = BTreeMap::new();
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let (name, value) = assignment(line).map_err(|wrong| Bad {
            below: None,
            line: Some(index + 1),
            fault: Fault::Value { excerpt: Excerpt::of(line), wrong, want: WANT },
        })?;
        variables.insert(name, value.into());
    }
    Ok(variables)
}

fn assignment(line: &[u8]) -> Result<(&str, &[u8]), Wrong> {
    if line.starts_with(b"export ") {
        return Err("this is no shell script: leave out `export`");
    }
    if line.contains(&0) {
        return Err("it holds a NUL");
    }
    let equals = line.iter().position(|byte| *byte == b'=').ok_or("there is no `=`")?;
    let (name, value) = (&line[..equals], line[equals + 1..].trim_ascii());
    if name.last().is_some_and(u8::is_ascii_whitespace) {
        return Err("there is a blank before the `=`");
    }
    Ok((variable_name(name)?, unquoted(value)))
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        _ => value,
    }
}

fn variable_name(name: &[u8]) -> Result<&str, Wrong> {
    const NO_NAME: Wrong = "not a variable name";
    let name = std::str::from_utf8(name).map_err(|_| NO_NAME)?;
    let legal = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if name.is_empty() || !legal || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(NO_NAME);
    }
    if name.starts_with("PROCLAUNCH_") {
        return Err("names in PROCLAUNCH_ are reserved");
    }
    Ok(name)
}

fn from_directory(files: &BTreeMap<String, File>) -> Result<BTreeMap<&str, Box<[u8]>>, Bad> {
    let mut variables = BTreeMap::new();
    for (name, file) in files.iter().filter(|(name, _)| !is_left_over(name)) {
        let bad = |fault| Bad { below: Some(name.clone()), line: None, fault };
        let checked = variable_name(name.as_bytes()).map_err(|wrong| {
            bad(Fault::Value { excerpt: Excerpt::of(name.as_bytes()), wrong, want: WANT_NAME })
        })?;
        variables.insert(checked, envdir_value(bytes(file).map_err(bad)?));
    }
    Ok(variables)
}

fn envdir_value(content: &[u8]) -> Box<[u8]> {
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.trim_ascii_end().iter().map(|byte| if *byte == 0 { b'\n' } else { *byte }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `NAME=VALUE` separated by `|`, or the place and the reason.
    fn shown(file: &File) -> Result<String, String> {
        let one = |v: &Variable| format!("{}={}", v.name, String::from_utf8_lossy(&v.value));
        match variables(file) {
            Ok(variables) => Ok(variables.iter().map(one).collect::<Vec<_>>().join("|")),
            Err(Bad { below, line, fault }) => {
                let Fault::Value { wrong, .. } = fault else { return Err(format!("{below:?} {fault:?}")) };
                Err(format!("{} {}: {wrong}", below.unwrap_or_default(), line.unwrap_or_default()))
            }
        }
    }

    fn check(content: &[u8], expect: Result<&str, &str>) {
        let got = shown(&File::Bytes(content.to_vec()));
        assert_eq!(got, expect.map(str::to_owned).map_err(str::to_owned), "{:?}", Excerpt::of(content));
    }

    #[test]
    fn lines_assign_and_nothing_is_expanded() {
        check(b"", Ok(""));
        check(b"# note\n\n  A=1\r\nB = ", Err(" 4: there is a blank before the `=`"));
        check(b"B=2\nA=1", Ok("A=1|B=2"));
        check(b"A=1\nA=2", Ok("A=2"));
        check(b"A=", Ok("A="));
        check(b"A= x y ", Ok("A=x y"));
        check(b"A=\" x \"\nB='y'\nC=\"z'\nD=\"", Ok("A= x |B=y|C=\"z'|D=\""));
        check(b"A=$HOME\\n # no comment", Ok("A=$HOME\\n # no comment"));
        check(b"A=b=c", Ok("A=b=c"));
        check("A=\u{fc}".as_bytes(), Ok("A=\u{fc}"));
    }

    #[test]
    fn a_bad_line_is_named() {
        check(b"A=1\nexport B=2", Err(" 2: this is no shell script: leave out `export`"));
        check(b"A", Err(" 1: there is no `=`"));
        check(b"=1", Err(" 1: not a variable name"));
        check(b"1A=1", Err(" 1: not a variable name"));
        check(b"A-B=1", Err(" 1: not a variable name"));
        check(b"\xff=1", Err(" 1: not a variable name"));
        check(b"A=1\0", Err(" 1: it holds a NUL"));
        check(b"PROCLAUNCH_TICKET=1", Err(" 1: names in PROCLAUNCH_ are reserved"));
    }

    #[test]
    fn a_directory_holds_a_file_per_variable() {
        let directory = |files: &[(&str, File)]| {
            File::Directory(files.iter().map(|(name, file)| ((*name).to_owned(), file.clone())).collect())
        };
        let file = |content: &[u8]| File::Bytes(content.to_vec());
        let good = [
            ("B", file(b"two \t\r\nignored")),
            ("A", file(b" 1\x002\n")),
            ("EMPTY", file(b"")),
            (".hidden", File::Other),
            ("B~", file(b"old")),
        ];
        assert_eq!(shown(&directory(&good)), Ok("A= 1\n2|B=two|EMPTY=".to_owned()));
        assert_eq!(shown(&directory(&[("A-B", file(b"1"))])), Err("A-B 0: not a variable name".to_owned()));
        for bad in [File::TooLarge(70_000), File::Directory(BTreeMap::new()), File::Other] {
            assert!(shown(&directory(&[("A", bad)])).unwrap_err().starts_with("Some(\"A\")"));
        }
    }
}
