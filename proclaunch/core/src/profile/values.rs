//! Settings of one value: text to words, pairs, users, paths and numbers.
//!
//! **Invariant:** a parser here takes trimmed text that is not blank, of one line, without control characters; it
//! answers with a value or with the reason why there is none.

use super::numbers::{positive_seconds, seconds, whole};
use super::problem::{Excerpt, Fault};
use super::{Backoff, File, GiveUp, INSTANCES_MAX, Kill, Restart, User};

/// The longest path (`PATH_MAX` less its NUL).
const PATH_MAX: usize = 4095;

/// A parser's reason for refusing a value.
pub(super) type Wrong = &'static str;

/// The bytes of a regular file.
pub(super) fn bytes(file: &File) -> Result<&[u8], Fault> {
    match file {
        File::Bytes(bytes) => Ok(bytes),
        File::TooLarge(bytes) => Err(Fault::TooLarge(*bytes)),
        File::NotExecutable => Err(Fault::NotExecutable),
        File::Unreadable(reason) => Err(Fault::Unreadable(reason.clone())),
        File::Directory(_) => Err(Fault::Directory),
        File::Other => Err(Fault::NotRegular),
    }
}

/// A program, however large it is.
pub(super) fn program(file: &File) -> Result<(), Fault> {
    match file {
        File::TooLarge(_) => Ok(()),
        File::Bytes(_) | File::NotExecutable | File::Unreadable(_) | File::Directory(_) | File::Other => {
            bytes(file).map(drop)
        }
    }
}

/// The text of a regular file, trimmed; possibly empty.
pub(super) fn text<'a>(file: &'a File, want: &'static str) -> Result<&'a str, Fault> {
    let bytes = bytes(file)?;
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    text.map(str::trim).ok_or_else(|| Fault::NotText { excerpt: Excerpt::of(bytes), want })
}

/// The one value of a file; `want` says what would be right.
pub(super) fn one<T>(
    file: &File,
    want: &'static str,
    parse: impl FnOnce(&str) -> Result<T, Wrong>,
) -> Result<T, Fault> {
    let text = text(file, want)?;
    if text.is_empty() {
        return Err(Fault::Blank { want });
    }
    one_line(text).and_then(parse).map_err(|wrong| Fault::Value {
        excerpt: Excerpt::of(text.as_bytes()),
        wrong,
        want,
    })
}

/// Refuses what no single value holds. A tab is a blank like any other.
fn one_line(text: &str) -> Result<&str, Wrong> {
    if text.contains('\n') {
        return Err("several lines where one value is needed");
    }
    if text.contains(|c: char| c.is_control() && c != '\t') {
        return Err("it holds a control character");
    }
    Ok(text)
}

/// Exactly two words.
fn pair(text: &str) -> Result<(&str, &str), Wrong> {
    let mut words = text.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(first), Some(second), None) => Ok((first, second)),
        _ => Err("not two numbers"),
    }
}

/// `always`, `on-failure`, `never`.
pub(super) fn restart(text: &str) -> Result<Restart, Wrong> {
    match text {
        "always" => Ok(Restart::Always),
        "on-failure" => Ok(Restart::OnFailure),
        "never" => Ok(Restart::Never),
        _ => Err("not a restart policy"),
    }
}

/// `BASE CAP`.
pub(super) fn backoff(text: &str) -> Result<Backoff, Wrong> {
    let (base, cap) = pair(text)?;
    let (base, cap) = (seconds(base)?, seconds(cap)?);
    if cap < base { Err("the cap is below the base") } else { Ok(Backoff { base, cap }) }
}

/// `N SECONDS`.
pub(super) fn give_up(text: &str) -> Result<GiveUp, Wrong> {
    let (deaths, within) = pair(text)?;
    let deaths = whole(deaths).filter(|deaths| *deaths >= 1).ok_or("not a number of deaths, 1 or more")?;
    Ok(GiveUp { deaths, within: positive_seconds(within)? })
}

/// `mixed`, `group`, `tree`, `process`.
pub(super) fn kill(text: &str) -> Result<Kill, Wrong> {
    match text {
        "mixed" => Ok(Kill::Mixed),
        "group" => Ok(Kill::Group),
        "tree" => Ok(Kill::Tree),
        "process" => Ok(Kill::Process),
        _ => Err("not a way to kill"),
    }
}

/// `USER[:GROUP]`.
pub(super) fn user(text: &str) -> Result<User, Wrong> {
    let (user, group) = match text.split_once(':') {
        None => (text, None),
        Some((user, group)) => (user, Some(group)),
    };
    if !is_account(user) {
        return Err("not a user name or number");
    }
    if group.is_some_and(|group| !is_account(group)) {
        return Err("not a group name or number");
    }
    Ok(User { user: user.into(), group: group.map(Into::into) })
}

/// A name as the user databases have them, directory services included, or a number. `u32::MAX` is the kernel's
/// "no such id" (`setresuid(2)`).
fn is_account(text: &str) -> bool {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return whole::<u32>(text).is_some_and(|id| id != u32::MAX);
    }
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"_.@\\$+-".contains(&b);
    text.len() <= 256 && !text.starts_with(['-', '+']) && text.bytes().all(legal)
}

/// A path of the file system.
pub(super) fn path(text: &str) -> Result<Box<str>, Wrong> {
    if text.len() > PATH_MAX { Err("longer than a path can be") } else { Ok(text.into()) }
}

/// Octal, 0 to 777.
pub(super) fn umask(text: &str) -> Result<u32, Wrong> {
    let octal = text.len() <= 4 && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let mask = octal.then(|| u32::from_str_radix(text, 8).ok()).flatten();
    mask.filter(|mask| *mask <= 0o777).ok_or("not an octal mask")
}

/// 0 to 1000.
pub(super) fn instances(text: &str) -> Result<u16, Wrong> {
    whole(text).filter(|count| *count <= INSTANCES_MAX).ok_or("not a number of instances")
}

/// -20 to 19.
pub(super) fn nice(text: &str) -> Result<i8, Wrong> {
    let number = text.parse().ok().filter(|nice| (-20..=19).contains(nice));
    number.ok_or("not a nice value")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check<T: std::fmt::Debug + PartialEq>(got: Result<T, Wrong>, expect: Option<T>, input: &str) {
        assert_eq!((got.ok(), input), (expect, input));
    }

    #[test]
    fn pairs_need_both_numbers_in_order() {
        let (base, cap) = (Duration::from_millis(500), Duration::from_secs(30));
        check(backoff("0.5 30"), Some(Backoff { base, cap }), "0.5 30");
        check(backoff("30\t30"), Some(Backoff { base: cap, cap }), "30 30");
        for text in ["1", "1 2 3", "2 1", "a 2", "1 b", "-1 2"] {
            check(backoff(text), None, text);
        }
        check(give_up("5 30"), Some(GiveUp { deaths: 5, within: cap }), "5 30");
        for text in ["5", "0 30", "5 0", "1.5 30", "-1 30", "4294967296 30", "5 30 1"] {
            check(give_up(text), None, text);
        }
    }

    #[test]
    fn a_user_is_a_name_or_a_number_with_a_group_if_need_be() {
        let expect =
            |user: &str, group: Option<&str>| Some(User { user: user.into(), group: group.map(Into::into) });
        check(user("www-data"), expect("www-data", None), "www-data");
        check(user("www:adm"), expect("www", Some("adm")), "www:adm");
        check(user("1000:0"), expect("1000", Some("0")), "1000:0");
        check(user("CORP\\svc.web$"), expect("CORP\\svc.web$", None), "CORP");
        for text in ["", ":", "a:", ":b", "a:b:c", "a b", "-a", "a/b", "4294967295", "4294967296", "\u{fc}"] {
            check(user(text), None, text);
        }
    }

    #[test]
    fn masks_are_octal_and_nice_values_in_range() {
        for (text, mask) in [("0", 0), ("022", 0o22), ("22", 0o22), ("0777", 0o777)] {
            check(umask(text), Some(mask), text);
        }
        for text in ["8", "1000", "00022", "0o22", "-1", "+1", ""] {
            check(umask(text), None, text);
        }
        for (text, value) in [("-20", -20), ("0", 0), ("+5", 5), ("19", 19)] {
            check(nice(text), Some(value), text);
        }
        for text in ["-21", "20", "1.0", "", "999", "low"] {
            check(nice(text), None, text);
        }
    }

    fn shown(fault: Fault) -> String {
        crate::profile::Problem { file: "f".to_owned(), line: None, fault }.to_string()
    }

    #[test]
    fn one_value_is_one_line_of_text() {
        let path_of = |bytes: &[u8]| one(&File::Bytes(bytes.to_vec()), "a path", path).map_err(shown);
        assert_eq!(path_of(b" /run/x.pid \r\n\n"), Ok("/run/x.pid".into()));
        assert_eq!(path_of(b"my dir/x"), Ok("my dir/x".into()));
        for (bytes, problem) in [
            (b"".as_slice(), "`f` is blank; write a path"),
            (b" \n\t\n", "`f` is blank; write a path"),
            (b"a\nb", "`f` says `a\\nb`: several lines where one value is needed; write a path"),
            (b"a\x07b", "`f` says `a\\u{7}b`: it holds a control character; write a path"),
            (b"a\0", "`f` holds `a\\u{0}`: not text; write a path"),
            (b"a\xff", "`f` holds `a\\u{fffd}...` (2 bytes): not text; write a path"),
        ] {
            assert_eq!(path_of(bytes), Err(problem.to_owned()));
        }
        assert!(path_of(&[b'x'; 4096]).is_err());
    }
}
