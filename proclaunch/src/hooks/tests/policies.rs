//! `policy`: what ready-made policies answer.

use std::time::Duration;

use proclaunch_core::exit::Exit;
use proclaunch_core::hook::{Answer, Hook, LastExit, Outcome, Question, Verdict};
use proclaunch_core::ids::ProcId;
use proclaunch_core::signal::Signal;

use super::support::{Bench, LONG, failure, question, run};

fn died(exit: Exit, uptime: u64) -> Question {
    let mut question = question(Hook::ShouldRestart, LONG);
    let uptime = Duration::from_secs(uptime);
    question.service.exit = Some(LastExit { exit, oom: false, requested: false, uptime });
    question
}

fn code(code: u8) -> Question {
    died(Exit::Code(code), 1)
}

fn after(seconds: f64, reason: &str) -> Answer {
    Answer::Restart(Verdict::After(Duration::from_secs_f64(seconds), reason.to_owned()))
}

fn no(reason: &str) -> Answer {
    Answer::Restart(Verdict::No(reason.to_owned()))
}

/// What one policy answers to one question after the other.
#[track_caller]
fn check(policy: &str, asked: &[(Question, Answer)]) {
    run(async {
        let bench = Bench::new(&[(Hook::ShouldRestart, &format!("return {policy}"))]).await;
        assert_eq!(bench.host.hooks().broken, [], "{policy}");
        for (index, (question, expected)) in asked.iter().enumerate() {
            let got = bench.host.call(question).await;
            assert_eq!(got, Outcome::Answer(expected.clone()), "{policy}, question {index}");
        }
    });
}

#[test]
fn backoff_grows_to_its_cap_and_forgets_after_a_good_run() {
    let options = "policy.backoff{ base = 1, factor = 3, cap = 10, reset = 30 }";
    check(
        options,
        &[
            (code(1), after(1.0, "backoff, attempt 1")),
            (code(1), after(3.0, "backoff, attempt 2")),
            (code(1), after(9.0, "backoff, attempt 3")),
            (code(1), after(10.0, "backoff, attempt 4")),
            (died(Exit::Code(1), 30), after(1.0, "backoff, attempt 1")),
            (code(1), after(3.0, "backoff, attempt 2")),
        ],
    );
    check("policy.backoff()", &[(code(1), after(0.2, "backoff, attempt 1"))]);
}

#[test]
fn flapping_pauses_and_then_gives_up() {
    let quick = |ages: &[u64]| {
        let mut question = code(1);
        question.service.exit_ages = ages.iter().copied().map(Duration::from_secs).collect();
        question
    };
    let reason = |pause| format!("flapping: 2 exits in 60 s, pause {pause} of 2");
    let storm = || quick(&[50, 0]);
    check(
        "policy.flapping{ times = 2, within = 60, pause = 600, rounds = 2 }",
        &[
            (quick(&[0]), Answer::Nothing),
            (quick(&[61, 0]), Answer::Nothing),
            (storm(), after(600.0, &reason(1))),
            (quick(&[0]), Answer::Nothing),
            (storm(), after(600.0, &reason(2))),
            (storm(), no("flapping: 2 pauses did not help")),
            (died(Exit::Code(1), 600), Answer::Nothing),
            (storm(), after(600.0, &reason(1))),
        ],
    );
}

#[test]
fn codes_have_verdicts() {
    let policy = "policy.codes{ [78] = false, [0] = true, [75] = { after = 60 }, [3] = 5, SEGV = false,
                  oom = { after = 2, reason = 'too big' } }";
    let killed = |signal| died(Exit::Signal { signal, core: false }, 1);
    let mut oom = killed(Signal::KILL);
    oom.service.exit.as_mut().unwrap().oom = true;
    let mut unhealthy = code(78);
    unhealthy.service.process = Some(ProcId { pid: 1, start: 1 });
    check(
        policy,
        &[
            (code(78), no("exit 78")),
            (code(0), Answer::Restart(Verdict::Yes)),
            (code(75), after(60.0, "exit 75")),
            (code(3), after(5.0, "exit 3")),
            (code(1), Answer::Nothing),
            (killed(Signal::parse("SEGV").unwrap()), no("signal SEGV")),
            (killed(Signal::KILL), Answer::Nothing),
            (oom, after(2.0, "too big")),
            (unhealthy, Answer::Nothing),
            (question(Hook::ShouldRestart, LONG), Answer::Nothing),
        ],
    );
}

#[test]
fn the_first_that_has_an_opinion() {
    let policy = "policy.first{
        policy.codes{ [78] = false },
        function(service) if service.exit.code == 2 then return false, 'two' end end,
        policy.backoff{ base = 4 },
    }";
    check(
        policy,
        &[
            (code(78), no("exit 78")),
            (code(2), no("two")),
            (code(1), after(4.0, "backoff, attempt 1")),
            (code(2), no("two")),
            (code(1), after(8.0, "backoff, attempt 2")),
        ],
    );
}

#[test]
fn what_they_remember_has_a_name() {
    run(async {
        let text = "local quick, slow = policy.backoff{ name = 'quick' }, policy.backoff{ base = 2 }
            return function(service)
                quick[1](service) quick[1](service) slow[1](service)
                local vars = service.vars
                return false, vars['policy.quick'].deaths .. ' ' .. vars['policy.backoff'].deaths
            end";
        let bench = Bench::new(&[(Hook::ShouldRestart, text)]).await;
        assert_eq!(bench.host.call(&code(1)).await, Outcome::Answer(no("2 1")));
    });
}

#[test]
fn a_policy_that_spins_is_stopped_and_one_that_raises_names_its_line() {
    let spin = "return policy.first{ function() while true do end end }";
    let why = failure(Hook::ShouldRestart, spin);
    assert!(why.contains("CPU"), "{why}");
    let raise = "return policy.first{\nfunction(service) error('boom') end }";
    assert_eq!(failure(Hook::ShouldRestart, raise), "web/should_restart.lua:2: boom");
}

#[test]
fn wrong_arguments_are_named() {
    for (call, expected) in [
        ("policy.backoff(3)", "policy.backoff: `options` must be a table; got 3"),
        ("policy.backoff{ bse = 3 }", "policy.backoff: unknown option `bse`, did you mean `base`?"),
        (
            "policy.backoff{ base = 'x' }",
            "policy.backoff: `base` must be a number of seconds; got the string `x`",
        ),
        ("policy.backoff{ factor = 0.5 }", "policy.backoff: `factor` must be from 1 to 1000; got 0.5"),
        ("policy.flapping{ times = 65 }", "policy.flapping: `times` must be at most 64; got 65"),
        ("policy.flapping{ times = 0 }", "policy.flapping: `times` must be a whole number from 1; got 0"),
        (
            "policy.flapping{ pause = {} }",
            "policy.flapping: `pause` must be a number of seconds; got a table",
        ),
        ("policy.codes()", "policy.codes: `verdicts` must be a table; got nil"),
        (
            "policy.codes{ [256] = false }",
            "policy.codes: a key must be an exit code from 0 to 255, the name of a signal, or \"oom\"; got 256",
        ),
        (
            "policy.codes{ [1] = 'no' }",
            "policy.codes: the verdict for 1 must be true, false, a number of seconds or { after = seconds }; got \
             the string `no`",
        ),
        ("policy.codes{ [1] = { aftr = 1 } }", "policy.codes: unknown option `aftr`, did you mean `after`?"),
        ("policy.first{}", "policy.first: there must be 1 to 32 policies; got 0"),
        (
            "policy.first{ 'x' }",
            "policy.first: `policies[1]` must be a policy or a function; got the string `x`",
        ),
    ] {
        let why = failure(Hook::ShouldRestart, &format!("\nreturn {call}"));
        assert_eq!(why, format!("web/should_restart.lua:2: {expected}"));
    }
}
