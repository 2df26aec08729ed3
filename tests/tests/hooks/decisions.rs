//! What hooks decide, what they cannot prevent, and what becomes of bad ones.

#![expect(clippy::disallowed_methods, reason = "a latency is measured on the real clock")]

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use proclaunch_tests::sandbox::Sandbox;

use crate::SLEEP;

#[test]
fn on_start_is_a_gate_that_is_asked_again_and_adds_variables() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "echo \"colour $COLOUR\"; exec sleep 1000").set(
        "on_start.lua",
        "return function(service)\n  service.vars.asked = (service.vars.asked or 0) + 1\n  \
         if service.vars.asked < 2 then return false, 'database not reachable' end\n  \
         return { env = { COLOUR = 'green' } }\nend\n",
    );
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    let waited = supervisor.said("web", "waits to start");
    assert_eq!(waited.len(), 1, "{}", supervisor.log());
    assert!(waited[0].contains("database not reachable"), "{waited:?}");
    supervisor.wait_for("the variable", || supervisor.output("web").contains("colour green").then_some(()));
    supervisor.drain();
}

#[test]
fn a_gate_that_stays_shut_prevents_no_drain() {
    let sandbox = Sandbox::new();
    sandbox.profile("shut", SLEEP).set("on_start.lua", "return function() return false, 'never' end");
    sandbox.profile("open", SLEEP);
    let supervisor = sandbox.start();
    supervisor.wait_for_line("shut", "waits to start");
    supervisor.main_process("open");
    supervisor.drain();
}

#[test]
fn should_restart_decides_after_a_death_and_no_opinion_leaves_it_to_the_settings() {
    let sandbox = Sandbox::new();
    let policy = "return function(service)\n  if service.exit.code == 78 then return false, 'EX_CONFIG' end\n  \
                  if service.exit.code == 75 then return { after = 0.1, reason = 'try again' } end\nend\n";
    sandbox.profile("config", "exit 78").set("restart", "").set("should_restart.lua", policy);
    sandbox.profile("again", "exit 75").set("should_restart.lua", policy);
    sandbox.profile("other", "exit 1").set("should_restart.lua", policy);
    sandbox.profile("steady", SLEEP);
    let supervisor = sandbox.start();
    assert_eq!(
        supervisor.wait_for_line("config", "is not restarted"),
        "is not restarted: EX_CONFIG (should_restart.lua)"
    );
    supervisor.wait_for("a second try", || supervisor.pids("again").get(2).copied());
    assert!(supervisor.said("again", "restarts in")[0].contains("try again"));
    supervisor.wait_for_line("other", "died");
    supervisor.main_process("steady");
    assert_eq!(supervisor.pids("config").len(), 1, "{}", supervisor.log());
    assert_eq!(supervisor.pids("other").len(), 1, "no `restart`, no opinion: {}", supervisor.log());
    supervisor.drain();
}

#[test]
fn scenario_19_health_fails_in_a_row_and_the_profile_is_restarted_with_the_reason() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "").set(
        "health.lua",
        "return { every = 0.2, times = 3, function(service) return service.uptime < 1, 'too old' end }",
    );
    let supervisor = sandbox.start();
    supervisor.wait_for_line("web", "healthy");
    assert_eq!(supervisor.wait_for_line("web", "unhealthy"), "unhealthy (too old)");
    supervisor.wait_for("web to be restarted", || supervisor.pids("web").get(1).copied());
    supervisor.drain();
}

#[test]
fn scenario_19_a_check_that_hangs_is_cut_at_its_timeout_and_has_failed() {
    let sandbox = Sandbox::new();
    sandbox
        .profile("web", SLEEP)
        .set("restart", "")
        .set("health.lua", "return { every = 0.2, timeout = 0.2, times = 2, function() sleep(3600) end }");
    let supervisor = sandbox.start();
    assert_eq!(supervisor.wait_for_line("web", "unhealthy"), "unhealthy (no answer within 0.2s)");
    supervisor.wait_for("web to be restarted", || supervisor.pids("web").get(1).copied());
    supervisor.drain();
}

#[test]
fn on_stop_chooses_the_signal_and_cannot_prevent_the_stop() {
    let sandbox = Sandbox::new();
    let run = "trap 'echo got USR1; exit 0' USR1; while :; do sleep 0.05; done";
    sandbox.profile("chooses", run).set("on_stop.lua", "return function() return 'USR1' end");
    sandbox.profile("hangs", SLEEP).set("on_stop.lua", "return function() while true do end end");
    sandbox.profile("raises", SLEEP).set("on_stop.lua", "return function() error('no') end");
    let mut supervisor = sandbox.start();
    for name in ["chooses", "hangs", "raises"] {
        supervisor.main_process(name);
    }
    let exit = supervisor.end(Signal::SIGHUP);
    let log = supervisor.log();
    assert_eq!(exit.code(), Some(111), "{log}");
    assert!(supervisor.said("chooses", "stopped (")[0].ends_with("exit 0)"), "{log}");
    for name in ["hangs", "raises"] {
        assert!(supervisor.said(name, "stopped (")[0].ends_with("signal TERM)"), "{log}");
        assert_eq!(supervisor.said(name, "hook on_stop failed").len(), 1, "{log}");
    }
    assert!(supervisor.output("chooses").contains("got USR1"));
}

#[test]
fn scenario_44_variables_survive_a_reload_and_a_supervisor_that_was_killed() {
    let sandbox = Sandbox::new();
    let hook = |text: &str| {
        format!(
            "return {{ every = 0.2, function(service)\n  service.vars.n = (service.vars.n or 0) + 1\n  \
             log.info('{text} ' .. service.vars.n)\nend }}"
        )
    };
    let profile = sandbox.profile("web", SLEEP).set("on_tick.lua", hook("first"));
    let supervisor = sandbox.start();
    supervisor.wait_for_line("web", "on_tick: first 3");
    profile.set("on_tick.lua", hook("second"));
    supervisor.wait_for_line("web", "on_tick: second");
    let number = |text: &str| -> u32 { text.rsplit(' ').next().unwrap().parse().unwrap() };
    let after_reload = number(&supervisor.said("web", "on_tick: second")[0]);
    assert!(after_reload > 3, "{}", supervisor.log());
    supervisor.wait_for("its process", || supervisor.supervisor()).signal(Signal::SIGKILL);
    supervisor.wait_for_line("ProcLaunch", "supervisor restarted");
    let before = supervisor.said("web", "on_tick: second").len();
    supervisor.wait_for("another tick", || supervisor.said("web", "on_tick: second").get(before).cloned());
    let after_kill = number(&supervisor.said("web", "on_tick: second")[before]);
    assert!(after_kill > after_reload, "{}", supervisor.log());
    assert_eq!(supervisor.pids("web").len(), 2, "adopted, not started again: {}", supervisor.log());
    supervisor.drain();
}

#[test]
fn scenario_43_a_hook_that_does_not_compile_leaves_the_last_good_one_in_force() {
    let sandbox = Sandbox::new();
    let good = "return { every = 0.2, function() log.info('good') end }";
    let profile = sandbox.profile("web", SLEEP).set("on_tick.lua", good);
    sandbox.profile("never", SLEEP).set("on_start.lua", "return function( end");
    let supervisor = sandbox.start();
    supervisor.wait_for_line("web", "on_tick: good");
    let never = supervisor.wait_for_line("never", "has no good on_start.lua");
    assert!(never.contains("never/on_start.lua:1"), "{never}");
    profile.set("on_tick.lua", "return {\n  every = ,\n}");
    let kept = supervisor.wait_for_line("web", "keeps its last good on_tick.lua");
    assert!(kept.contains("web/on_tick.lua:2"), "{kept}");
    let before = supervisor.said("web", "on_tick: good").len();
    supervisor.wait_for("it goes on", || supervisor.said("web", "on_tick: good").get(before + 2).cloned());
    assert!(supervisor.pids("never").is_empty(), "what its gate would have said is not known");
    supervisor.drain();
}

#[test]
fn scenario_41_hostile_hooks_are_cut_and_delay_no_restart_of_another_profile() {
    let sandbox = Sandbox::new();
    for (name, body) in [
        ("loops", "while true do end"),
        ("swallows", "while true do pcall(function() while true do end end) end"),
        ("matches", "return string.find(string.rep('a', 40) .. 'b', string.rep('a*', 40) .. 'c')"),
        ("grows", "local t = {} while true do t[#t + 1] = string.rep('x', 65536) end"),
        ("recurses", "local function f() return f() + 1 end return f()"),
    ] {
        let hook = format!("return {{ every = 0.2, function() {body} end }}");
        sandbox.profile(name, SLEEP).set("on_tick.lua", hook);
    }
    let service = sandbox.profile("crash", SLEEP).set("restart", "").set("backoff", "0 0");
    let supervisor = sandbox.start();
    supervisor.wait_for_line("loops", "does not call on_tick.lua any more");
    let mut slowest = Duration::ZERO;
    for kill in 0..10 {
        let old = supervisor.main_process("crash");
        let begin = Instant::now();
        old.signal(Signal::SIGKILL);
        supervisor.wait_for("crash to be back", || supervisor.pids("crash").get(kill + 1).copied());
        slowest = slowest.max(begin.elapsed());
    }
    // The harness looks every 20 ms; what it would see of a hook that holds the reactor up is 100 ms and more.
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    assert!(fs::exists(service.dir.join("run")).unwrap());
    supervisor.drain();
}

#[test]
fn scenario_42_an_answer_of_the_wrong_type_names_hook_and_type_and_is_the_default() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "exit 1").set("should_restart.lua", "return function() return {} end");
    sandbox.profile("steady", SLEEP);
    let supervisor = sandbox.start();
    let failed = supervisor.wait_for_line("web", "hook should_restart failed");
    assert!(failed.contains("web/should_restart.lua"), "{failed}");
    supervisor.main_process("steady");
    assert_eq!(supervisor.pids("web").len(), 1, "{}", supervisor.log());
    supervisor.drain();
}
