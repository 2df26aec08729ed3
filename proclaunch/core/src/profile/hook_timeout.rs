//! The `hook_timeout` setting: lines `NAME SECONDS`, as `on_start 900`.

use std::time::Duration;

use super::File;
use super::environment::Bad;
use super::lines::lines;
use super::numbers::positive_seconds;
use super::values::Wrong;
use crate::hook::Hook;

const WANT: &str = "lines `NAME SECONDS` such as `on_start 900`";

/// How long calls may take, in the order of the hooks.
pub(super) fn hook_timeout(file: &File) -> Result<Box<[(Hook, Duration)]>, Bad> {
    let times = lines(file, WANT, "this hook is there twice", time)?;
    Ok(times.into_iter().collect())
}

fn time(line: &str) -> Result<(Hook, Duration), Wrong> {
    let mut words = line.split_whitespace();
    let (Some(name), Some(seconds), None) = (words.next(), words.next(), words.next()) else {
        return Err("not the name of a hook and a number of seconds");
    };
    let hook = Hook::parse(name).ok_or("not the name of a hook")?;
    // Which of several checks would be meant?
    if hook == Hook::Health {
        return Err("a check has a `timeout` of its own in health.lua");
    }
    Ok((hook, positive_seconds(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<&[(Hook, u64)], &str>) {
        let got = hook_timeout(&File::Bytes(text.as_bytes().to_vec()));
        let got = got.map_err(|bad| format!("{} {}", bad.line.unwrap_or(0), bad.fault));
        let expect = expect.map(|times| -> Box<[(Hook, Duration)]> {
            times.iter().map(|(hook, seconds)| (*hook, Duration::from_secs(*seconds))).collect()
        });
        match (got, expect) {
            (Err(got), Err(expect)) => assert!(got.starts_with(expect), "{text:?}: {got}"),
            (got, expect) => assert_eq!(got, expect.map_err(str::to_owned), "{text:?}"),
        }
    }

    #[test]
    fn each_line_names_a_hook_and_its_seconds() {
        let (start, tick) = (Hook::OnStart, Hook::OnTick);
        check("on_start 900\n", Ok(&[(start, 900)]));
        check("# slow\n\non_tick 7 # of ten\non_start 1\n", Ok(&[(start, 1), (tick, 7)]));
        check("on_tick 7\non_start 1\n", Ok(&[(start, 1), (tick, 7)]));
        check("", Ok(&[]));
        check("\non_strat 1", Err("2 says `on_strat 1`: not the name of a hook; write lines `NAME SECONDS`"));
        check("on_start", Err("1 says `on_start`: not the name of a hook and a number"));
        check("on_start 1 2", Err("1 says `on_start 1 2`: not the name of a hook and a number"));
        check("on_start 0", Err("1 says `on_start 0`: it must be more than 0"));
        check("on_start soon", Err("1 says `on_start soon`: not a number of seconds"));
        check("on_start 1\non_start 1", Err("2 says `on_start 1`: this hook is there twice"));
        check("health 1", Err("1 says `health 1`: a check has a `timeout` of its own in health.lua"));
    }
}
