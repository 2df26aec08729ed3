//! What hooks may return, and what is said of everything else.

use std::time::Duration;

use proclaunch_core::hook::{Answer, Change, Farewell, Gate, Hook, Outcome, Schedule, Verdict};
use proclaunch_core::profile::Variable;
use proclaunch_core::signal::Signal;

use super::support::{Bench, failure, outcome, run};

fn answers(hook: Hook, returned: &str, expected: &Answer) {
    let text = format!("return function(service, event) return {returned} end");
    assert_eq!(outcome(hook, &text), Outcome::Answer(expected.clone()), "{hook}: {returned}");
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn on_start_is_a_gate() {
    let go = |env: &[(&str, &str)]| {
        let variable =
            |(name, value): &(&str, &str)| Variable { name: (*name).into(), value: value.as_bytes().into() };
        Answer::Start(Gate::Go(env.iter().map(variable).collect()))
    };
    let hook = Hook::OnStart;
    for returned in ["", "nil", "true", "true, 'a reason that nobody needs'", "{ env = {} }"] {
        answers(hook, returned, &go(&[]));
    }
    answers(hook, "{ env = { B = 'two', A = 1 } }", &go(&[("A", "1"), ("B", "two")]));
    answers(hook, "false", &Answer::Start(Gate::NotYet("on_start said not yet".into())));
    answers(hook, "false, 'no database'", &Answer::Start(Gate::NotYet("no database".into())));
    answers(hook, "'abort', 'broken'", &Answer::Start(Gate::Abort("broken".into())));
    answers(hook, "'abort'", &Answer::Start(Gate::Abort("on_start said abort".into())));
    answers(hook, "2", &Answer::Start(Gate::Again(secs(2), "on_start said not yet".into())));
    answers(hook, "0.5, 'soon'", &Answer::Start(Gate::Again(Duration::from_millis(500), "soon".into())));
    answers(hook, "{ after = 3, reason = 'r' }", &Answer::Start(Gate::Again(secs(3), "r".into())));
}

#[test]
fn the_other_hooks_have_their_own_answers() {
    answers(Hook::Ready, "true", &Answer::Ready(Ok(())));
    answers(Hook::Ready, "false, 'starting'", &Answer::Ready(Err("starting".into())));
    answers(Hook::Ready, "nil", &Answer::Nothing);
    answers(Hook::Health, "true, 'reason'", &Answer::Health(Ok(())));
    answers(Hook::Health, "false", &Answer::Health(Err("health said unhealthy".into())));
    answers(Hook::Health, "false, 500", &Answer::Health(Err("500".into())));
    answers(Hook::Health, "", &Answer::Nothing);
    for hook in [Hook::OnReady, Hook::OnTick, Hook::OnExit, Hook::OnEvent] {
        for returned in ["", "true", "{}", "print", "1, 2, 3"] {
            answers(hook, returned, &Answer::Nothing);
        }
    }
    answers(Hook::ShouldRestart, "true", &Answer::Restart(Verdict::Yes));
    answers(Hook::ShouldRestart, "false, 'why'", &Answer::Restart(Verdict::No("why".into())));
    answers(Hook::ShouldRestart, "nil, 'why'", &Answer::Nothing);
    answers(
        Hook::ShouldRestart,
        "9",
        &Answer::Restart(Verdict::After(secs(9), "should_restart said so".into())),
    );
    answers(
        Hook::ShouldRestart,
        "{ after = 600, reason = 'flapping' }",
        &Answer::Restart(Verdict::After(secs(600), "flapping".into())),
    );
    answers(Hook::OnStop, "", &Answer::Nothing);
    answers(Hook::OnStop, "7", &Answer::Stop(Farewell::Wait(secs(7))));
    answers(Hook::OnStop, "'SIGQUIT'", &Answer::Stop(Farewell::Signal(Signal::parse("QUIT").unwrap())));
    answers(Hook::OnChange, "'restart'", &Answer::Change(Change::Restart));
    answers(Hook::OnChange, "'reload'", &Answer::Change(Change::Reload));
    answers(Hook::OnChange, "'ignore'", &Answer::Change(Change::Ignore));
    answers(Hook::OnChange, "nil", &Answer::Nothing);
}

#[test]
fn what_is_no_answer_is_named_with_file_hook_expected_and_got() {
    let wrong = |hook: Hook, returned: &str, part: &str| {
        let why = failure(hook, &format!("return function() return {returned} end"));
        assert!(why.starts_with(&format!("web/{hook}.lua: ")), "{why}");
        assert!(why.contains(part), "{hook}: {returned}: {why}");
    };
    wrong(Hook::Health, "{}", "health must return true, false and a reason, or nil; got a table");
    wrong(Hook::Health, "1", "got 1");
    wrong(Hook::Health, "'yes'", "got the string `yes`");
    wrong(Hook::Health, "print", "got a function");
    wrong(Hook::Health, "false, {}", "the reason must be a string; got a table");
    wrong(Hook::Ready, "0", "ready must return");
    wrong(Hook::OnStart, "'abrot'", "on_start must return");
    wrong(Hook::OnStart, "-1", "got -1");
    wrong(Hook::OnStart, "1/0", "got inf");
    wrong(Hook::OnStart, "0/0", "got");
    wrong(Hook::OnStart, "1e300", "on_start must return");
    wrong(Hook::OnStart, "{ enf = {} }", "unknown key `enf`, did you mean `env`?");
    wrong(Hook::OnStart, "{ env = 1 }", "`env` must be a table of variables; got 1");
    wrong(Hook::OnStart, "{ env = { ['A=B'] = 'x' } }", "which no variable can have");
    wrong(Hook::OnStart, "{ env = { A = {} } }", "`env.A` must be a string; got a table");
    wrong(Hook::OnStart, "{ env = { A = 'x\\0y' } }", "`env.A` must be a string");
    wrong(Hook::OnStart, "{ env = {}, after = 1 }", "both");
    wrong(Hook::OnStart, "{}", "`after` must be a number of seconds; got nil");
    wrong(Hook::ShouldRestart, "'yes'", "should_restart must return");
    wrong(Hook::ShouldRestart, "{ after = 'x' }", "`after` must be a number of seconds; got the string `x`");
    wrong(Hook::ShouldRestart, "{ afer = 1 }", "did you mean `after`?");
    wrong(Hook::ShouldRestart, "{ 1 }", "got a table with 1");
    wrong(
        Hook::OnStop,
        "true",
        "on_stop must return a number of seconds, the name of a signal, or nothing; got true",
    );
    wrong(Hook::OnStop, "'TREM'", "got the string `TREM`");
    wrong(Hook::OnChange, "'restrat'", "on_change must return");
    wrong(Hook::OnChange, "1", "got 1");
}

#[test]
fn a_file_that_returns_no_function_is_broken() {
    for (hook, text, part) in [
        (Hook::OnStart, "", "web/on_start.lua: the file must return a function; got nothing"),
        (Hook::OnStart, "return {}", "got a table"),
        (Hook::OnTick, "return 1", "a function, or { every = seconds, function }; got 1"),
        (Hook::OnTick, "return { every = 0, print }", "at least 0.1"),
        (Hook::OnTick, "return { evry = 5, print }", "did you mean `every`?"),
        (Hook::Health, "return 'x'", "a function, a check or a list of checks"),
        (Hook::Health, "return {}", "empty"),
        (Hook::Health, "return { print, print, every = 3 }", "unknown key `every` in a list of checks"),
        (Hook::Health, "return { times = {4, 3}, print }", "`times` must be N or {N, M}"),
        (Hook::Health, "return { times = 1.5, print }", "`times` must be N or {N, M}"),
        (Hook::Health, "return { grace = 'x', print }", "`grace` must be a number of seconds"),
        (Hook::Health, "return { { every = 5 } }", "must be a function"),
        (Hook::Health, "return { print, 5 }", "a check must be a function or a table; got 5"),
        (Hook::ShouldRestart, "return { after = 1 }", "the first item of the table must be a function"),
        (Hook::Health, "return function(", "web/health.lua:1: "),
        (Hook::Health, "\x1bLua", "compiled code"),
        (Hook::Health, "\x06\x01", "compiled code"),
    ] {
        let why = failure(hook, text);
        assert!(why.starts_with(&format!("web/{hook}.lua")) && why.contains(part), "{text:?}: {why}");
    }
    let why = failure(Hook::Health, &format!("return function() end -- {}", "x".repeat(300_000)));
    assert!(why.contains("longer than 262144 bytes"), "{why}");
}

#[test]
fn checks_and_ticks_carry_their_schedule() {
    run(async {
        let text = "#!/usr/bin/env luau\nreturn { print, { every = 30, timeout = 2.5, times = {3, 5}, grace = 9, print }, \
                    { times = 2, print } }";
        let bench = Bench::new(&[(Hook::Health, text), (Hook::OnTick, "return { every = 60, print }")]).await;
        let hooks = bench.host.hooks();
        let default = Schedule::default();
        let full =
            Schedule { every: secs(30), timeout: Duration::from_millis(2500), bad: 3, of: 5, grace: secs(9) };
        assert_eq!(hooks.checks, [default, full, Schedule { bad: 2, of: 2, ..default }]);
        assert_eq!(hooks.tick, Some(secs(60)));
        assert_eq!(hooks.loaded, [Hook::Health, Hook::OnTick]);
    });
}
