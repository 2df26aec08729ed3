//! A fleet of the real supervisor with a profile in every state, and what all verbs and routes tell of it.

use proclaunch::control::api::Profile;
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::sandbox::Sandbox;

use super::live::verb;

mod json;
mod kills;
mod mask;
mod routes;

/// A service that says that it is there.
const SERVICE: &str = "echo up; exec sleep 1000";

/// A service that does not end by itself, nor when it is told to.
const DEAF: &str = "trap '' TERM; echo up; while :; do sleep 0.1; done";

/// How each profile is at last, in the order of names.
const STATES: [(&str, &str); 19] = [
    ("backoff", "stopped backoff"),
    ("changed", "running serving"),
    ("daemon", "running serving"),
    ("dead", "stopped dead"),
    ("deaf", "stopping stopped"),
    ("done", "stopped done"),
    ("down", "stopped down"),
    ("gate", "starting starting"),
    ("gave-up", "stopped gave_up"),
    ("healthy", "running serving"),
    ("held", "stopped held"),
    ("hooks-off", "running serving"),
    ("killed", "running serving"),
    ("plain", "running serving"),
    ("pool@1", "running serving"),
    ("starting", "starting starting"),
    ("stopped", "stopped stopped"),
    ("trouble", "running serving"),
    ("unhealthy", "running unhealthy"),
];

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let service = |name: &str| sandbox.profile(name, SERVICE);
    sandbox.profile("backoff", "exit 1").set("restart", "").set("backoff", "5000 5000");
    service("changed")
        .set("on_change.lua", "return function() return 'ignore', 'later' end")
        .set("env", "A=1");
    sandbox
        .profile("daemon", "sleep 1000 & echo $! >new.pid; mv new.pid daemon.pid")
        .set("pid_file", "daemon.pid")
        .set("reload", "WINCH");
    sandbox.profile("dead", "exit 3");
    sandbox.profile("deaf", DEAF).set("stop_timeout", "5000");
    sandbox.profile("done", "echo worked").set("oneshot", "");
    service("down").set("down", "");
    service("gate")
        .set("on_start.lua", "return function() return 5000, 'it is closed' end")
        .set("restart", "");
    sandbox.profile("gave-up", "exit 4").set("restart", "").set("give_up", "1 60");
    service("healthy").set("health.lua", "return { every = 0.1, function() return true end }");
    service("held").set("stop_signal", "LOUD");
    service("hooks-off").set("on_tick.lua", "return { every = 0.1, function() error('no idea') end }");
    service("killed").set("restart", "").set("backoff", "0 0");
    service("plain");
    service("pool").set("instances", "1");
    service("starting")
        .set("ready.lua", "return function() return false, 'it warms up' end")
        .set("start_timeout", "5000");
    service("stopped");
    service("trouble");
    // It says so once, and has no opinion after that.
    let once = "return { every = 0.1, times = 1, function(service)
  if service.vars.said then return nil end
  service.vars.said = true
  return false, 'http 503'
end }";
    service("unhealthy").set("health.lua", once);
    sandbox
}

/// Starts it, and brings each into its state.
fn started() -> Daemon {
    let daemon = sandbox().daemonize();
    let is = |name: &str, is_right: &dyn Fn(&Profile) -> bool| daemon.wait_for_profile(name, is_right);
    for name in ["changed", "daemon", "deaf", "killed", "stopped", "trouble"] {
        is(name, &|profile| profile.state == "running");
    }
    for name in ["deaf", "killed", "stopped"] {
        daemon.wait_for("it to be up", || daemon.output(name).contains("up").then_some(()));
    }
    verb(&daemon, &["stop", "stopped"], 0);
    verb(&daemon, &["signal", "SEGV", "killed"], 0);
    is("killed", &|profile| profile.restarts == 1 && profile.state == "running");
    daemon.sandbox.write("changed", "env", "A=2");
    daemon.sandbox.write("trouble", "nice", "very");
    verb(&daemon, &["rescan"], 0);
    verb(&daemon, &["stop", "deaf", "--no-wait"], 0);
    is("changed", &|profile| profile.changed);
    is("trouble", &|profile| profile.trouble.is_some());
    is("hooks-off", &|profile| !profile.hooks_off.is_empty());
    is("healthy", &|profile| profile.health == "healthy");
    is("unhealthy", &|profile| profile.health == "unhealthy");
    is("gate", &|profile| profile.next.is_some());
    is_all_there(&daemon);
    daemon
}

/// Waits until each is in its state.
#[track_caller]
fn is_all_there(daemon: &Daemon) {
    for (name, state) in STATES {
        daemon.wait_for_profile(name, |profile| format!("{} {}", profile.state, profile.standing) == state);
    }
    daemon.wait_for_parts();
}
