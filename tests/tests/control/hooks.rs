//! A hook that is called because somebody asks for it.

use std::thread;

use proclaunch::control::api::HookRun;
use proclaunch_tests::sandbox::Sandbox;

use crate::SLEEP;

const TICK: &str = "return { every = 3600, function(service)
  service.vars.count = (service.vars.count or 0) + 1
  log.info('call ' .. service.vars.count .. ' of ' .. service.name)
  if service.vars.count == 2 then service:restart('twice') end
end }";

#[test]
fn a_hook_is_called_once_and_a_dry_run_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("on_tick.lua", TICK);
    sandbox.profile("plain", SLEEP);
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    let control = supervisor.control();
    let run =
        |query: &str| -> HookRun { control.post(&format!("/v1/profiles/web/hooks/on_tick{query}")).json() };
    for _ in 0..2 {
        let dry = run("?dry_run=true");
        assert_eq!(
            (&*dry.outcome, &*dry.log, dry.applied),
            ("nothing", &["call 1 of web".to_owned()][..], false)
        );
    }
    assert_eq!(run("").log, ["call 1 of web"]);
    let dry = run("?dry_run=true");
    assert_eq!(dry.requests, ["restart: twice"]);
    let pids = supervisor.pids("web");
    assert_eq!(run("").requests, ["restart: twice"]);
    supervisor.wait_for("it to be restarted", || (supervisor.pids("web").len() > pids.len()).then_some(()));
    let error = control.post("/v1/profiles/web/hooks/health").error(409);
    assert_eq!(error.error, "web has no hook `health`");
    control.post("/v1/profiles/plain/hooks/health").error(409);
    control.post("/v1/profiles/none/hooks/health").error(404);
    control.post("/v1/profiles/web/hooks/on_tock").error(404);
    supervisor.drain();
}

#[test]
fn answers_errors_and_checks_are_told_in_words() {
    let sandbox = Sandbox::new();
    let checks = "return { function() return true end, function() return false, 'http 503' end }";
    let web = sandbox.profile("web", SLEEP).set("health.lua", checks);
    web.set("should_restart.lua", "return function() error('no idea') end");
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    let control = supervisor.control();
    let run = |hook: &str| -> HookRun {
        control.post(&format!("/v1/profiles/web/hooks/{hook}?dry_run=true")).json()
    };
    let health = run("health");
    assert_eq!((&*health.answer, health.reason.as_deref()), ("unhealthy", Some("http 503")));
    let failed = run("should_restart");
    assert_eq!(failed.outcome, "failed");
    assert!(failed.reason.unwrap().contains("should_restart.lua:1: no idea"));
    assert!(supervisor.said("web", "hook should_restart failed").is_empty(), "nobody else is told");
    supervisor.drain();
}

#[test]
fn a_hook_that_never_ends_slows_nobody_down_and_is_cut_at_its_budget() {
    let sandbox = Sandbox::new();
    let web = sandbox
        .profile("web", SLEEP)
        .set("on_tick.lua", "return { every = 3600, function() sleep(1000) end }");
    web.set("hook_timeout", "on_tick 2");
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    let control = supervisor.control();
    let asking = thread::spawn({
        let control = control.clone();
        move || control.post("/v1/profiles/web/hooks/on_tick").json::<HookRun>()
    });
    for _ in 0..20 {
        assert_eq!(control.profile("web").state, "running");
    }
    let run = asking.join().unwrap();
    assert_eq!(run.outcome, "timeout", "{run:?}");
    assert!(run.seconds >= 2.0, "{run:?}");
    supervisor.drain();
}
