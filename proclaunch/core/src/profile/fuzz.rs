//! The parser's promise as one function of any bytes, for the tests and for `cargo fuzz`.

use std::collections::BTreeMap;

use super::known::{LATER, SETTINGS};
use super::{Defaults, File, Files, Fingerprint, Problem, Run, parse};
use crate::hook::Hook;

/// The longest problem as it is shown, in bytes.
const SHOWN_MAX: usize = 400;

/// Builds a profile and its defaults from `data`, parses both, and asserts what holds for any files: a bad profile
/// has a problem, and every problem is one short line without control characters.
pub fn fuzz_one(data: &[u8]) {
    let mut source = Source { data };
    let run = match source.byte() % 8 {
        0 => Run::Missing,
        1 => Run::NotExecutable,
        2 => Run::Unreadable(source.text()),
        _ => Run::Executable(Fingerprint(1)),
    };
    let mut own = BTreeMap::new();
    let mut behind = BTreeMap::new();
    while !source.data.is_empty() {
        let entries = if source.byte().is_multiple_of(4) { &mut behind } else { &mut own };
        let name = source.name();
        entries.insert(name, source.file(2));
    }
    let (defaults, problems) = Defaults::parse(&behind);
    let parsed = parse(&Files { run, entries: own }, &defaults);
    check(&problems);
    check(&parsed.warnings);
    match parsed.profile {
        Ok(profile) => assert!(!profile.policy.stop.is_empty(), "a stop without a step"),
        Err(problems) => {
            assert!(!problems.is_empty(), "a bad profile without a reason");
            check(&problems);
        }
    }
}

fn check(problems: &[Problem]) {
    for problem in problems {
        let shown = problem.to_string();
        assert!(shown.len() < SHOWN_MAX, "{} bytes: {shown}", shown.len());
        assert!(!shown.contains(char::is_control), "{shown:?}");
    }
}

/// Reads the bytes as decisions; an exhausted source decides 0.
struct Source<'a> {
    data: &'a [u8],
}

impl<'a> Source<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.data.split_first() else { return 0 };
        self.data = rest;
        *first
    }

    /// A length and as many bytes.
    fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.data.len());
        let (bytes, rest) = self.data.split_at(length);
        self.data = rest;
        bytes
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// A known name, or any.
    fn name(&mut self) -> String {
        let known = SETTINGS.len() + LATER.len() + Hook::ALL.len();
        let index = usize::from(self.byte()) % (known + 8);
        let settings = SETTINGS.iter().chain(&LATER).map(|name| (*name).to_owned());
        let hooks = Hook::ALL.iter().map(|hook| format!("{hook}.lua"));
        settings.chain(hooks).nth(index).unwrap_or_else(|| self.text())
    }

    fn file(&mut self, depth: usize) -> File {
        match self.byte() % 16 {
            0 => File::TooLarge(u64::from(self.byte()) << 56),
            1 => File::Unreadable(self.text()),
            2 if depth == 0 => File::Directory(BTreeMap::new()),
            2 | 3 => {
                let count = self.byte() % 4;
                File::Directory(
                    (0..count).map(|_| (self.text(), self.file(depth.saturating_sub(1)))).collect(),
                )
            }
            4 => File::Other,
            5 => File::NotExecutable,
            _ => File::Bytes(self.bytes().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that lead deeper into the parsers than random bytes do.
    const WORDS: [&str; 26] = [
        "TERM",
        "KILL",
        "HUP",
        "SIGUSR1",
        "10",
        "0.5",
        " ",
        "\n",
        "always",
        "on-failure",
        "never",
        "mixed",
        "tree",
        "nofile",
        "core",
        "65536",
        "unlimited",
        ":",
        "=",
        "PATH",
        "export ",
        "\"",
        "-20",
        "777",
        "64K",
        "timestamps",
    ];

    /// `xorshift64*` by Vigna: a seed replays a run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            let high = (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize;
            high % limit
        }

        fn content(&mut self) -> Vec<u8> {
            let mut content = Vec::new();
            for _ in 0..self.below(6) {
                match self.below(5) {
                    0 => content.extend((0..self.below(40)).map(|_| self.below(256).to_le_bytes()[0])),
                    _ => content.extend_from_slice(WORDS[self.below(WORDS.len())].as_bytes()),
                }
            }
            content.truncate(255);
            content
        }

        /// Bytes in the form that [`Source`] takes apart.
        fn input(&mut self) -> Vec<u8> {
            let mut input = vec![self.below(256).to_le_bytes()[0]];
            for _ in 0..self.below(12) {
                input.extend((0..3).map(|_| self.below(256).to_le_bytes()[0]));
                let content = self.content();
                input.push(content.len().to_le_bytes()[0]);
                input.extend(content);
            }
            input
        }
    }

    #[test]
    fn ten_thousand_random_profiles_give_a_value_or_a_named_error() {
        for seed in 1..=10_000_u64 {
            let input = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).input();
            let result = std::panic::catch_unwind(|| fuzz_one(&input));
            assert!(result.is_ok(), "seed {seed}");
        }
    }

    #[test]
    fn the_longest_names_and_values_stay_short_when_shown() {
        let long = "\u{7}\u{10ffff}".repeat(60);
        let content = |name: &str| (name.to_owned(), File::Bytes(long.clone().into_bytes()));
        let mut entries: BTreeMap<_, _> = SETTINGS.iter().map(|name| content(name)).collect();
        entries.insert("env".to_owned(), File::Directory([content(&long)].into()));
        let (defaults, problems) = Defaults::parse(&entries);
        check(&problems);
        let files = Files { run: Run::Unreadable(long.clone()), entries: BTreeMap::new() };
        let problems = parse(&files, &defaults).profile.unwrap_err();
        assert_eq!(
            problems.len(),
            SETTINGS.len() - 4,
            "all but down, oneshot and log_run, which say nothing, and instances, which is no default"
        );
        check(&problems);
    }
}
