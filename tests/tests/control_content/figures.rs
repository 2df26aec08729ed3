//! CPU, memory and metrics.

use std::fs;

use nix::sys::signal::Signal;
use proclaunch::control::api::{Own, Profile};
use proclaunch::control::routes::{Method, ROUTES};
use proclaunch_tests::promtool;
use proclaunch_tests::sandbox::Sandbox;

use super::SLEEP;

/// The value of a series, if it is there.
fn value(page: &str, series: &str) -> Option<f64> {
    let rest = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    rest.parse().ok()
}

#[test]
fn a_profile_is_measured_with_its_whole_tree_and_nothing_else() {
    let sandbox = Sandbox::new();
    // One in the session, one that has left it, and one whose parent has ended.
    let tree = "sleep 1000 & setsid sleep 1000 & (setsid sleep 1000 &) ; exec sleep 1000";
    sandbox.profile("tree", tree);
    sandbox.profile("one", SLEEP);
    sandbox.profile("busy", "while :; do :; done");
    let supervisor = sandbox.start();
    let tree = supervisor.wait_for_profile("tree", |profile| profile.processes == Some(4));
    let one = supervisor.wait_for_profile("one", |profile| profile.processes == Some(1));
    let memory = |profile: &Profile| profile.memory_bytes.unwrap();
    assert!(memory(&tree) > 2 * memory(&one), "{tree:?} {one:?}");
    let is_busy = |profile: &Profile| profile.cpu_percent.is_some_and(|percent| percent > 5.0);
    let busy = supervisor.wait_for_profile("busy", is_busy);
    assert!(busy.cpu_seconds > Some(0.0), "{busy:?}");
    let control = supervisor.control();
    assert_eq!(control.order("busy", "stop").profile.unwrap().processes, None);
    supervisor.drain();
}

#[test]
fn the_cpu_counter_goes_on_over_restarts() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exec sleep 1000");
    let supervisor = sandbox.start();
    let control = supervisor.control();
    let series = "proclaunch_profile_cpu_seconds_total{profile=\"web\"}";
    let more_than = |least: f64| {
        let total = value(&control.get("/metrics").body, series)?;
        (total > least).then_some(total)
    };
    let first = supervisor.wait_for("CPU to be counted", || more_than(0.0));
    supervisor.sandbox.write("web", "restart", "");
    control.order("web", "restart");
    supervisor.wait_for("CPU of the next start to be counted", || more_than(first));
    supervisor.drain();
}

#[test]
fn the_metrics_tell_of_profiles_hooks_and_proclaunch() {
    let sandbox = Sandbox::new();
    let health = "return { every = 0.1, function() metrics.counter('seen_total', 1, { by = 'a\"b' }) return true end }\n";
    sandbox.profile("web", SLEEP).set("restart", "").set("health.lua", health);
    let supervisor = sandbox.start();
    let control = supervisor.control();
    let calls = "proclaunch_hook_calls_total{profile=\"web\",hook=\"health\",outcome=\"answer\"}";
    let page = supervisor.wait_for("calls to be counted", || {
        let page = control.get("/metrics");
        assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        value(&page.body, calls).filter(|calls| *calls >= 3.0).map(|_| page.body)
    });
    for (series, least) in [
        ("proclaunch_profile_state{profile=\"web\",state=\"running\"}", 1.0),
        ("proclaunch_profile_health{profile=\"web\"}", 1.0),
        ("proclaunch_hook_duration_seconds_count{profile=\"web\",hook=\"health\"}", 3.0),
        ("proclaunch_hook_duration_seconds_bucket{profile=\"web\",hook=\"health\",le=\"+Inf\"}", 3.0),
        ("proclaunch_profile_events_total{profile=\"web\",kind=\"transition\",level=\"info\"}", 2.0),
        ("proclaunch_process_memory_bytes{role=\"keeper\"}", 100_000.0),
        ("proclaunch_process_memory_bytes{role=\"supervisor\"}", 100_000.0),
        ("proclaunch_process_memory_bytes{role=\"logger\"}", 100_000.0),
        ("seen_total{profile=\"web\",by=\"a\\\"b\"}", 3.0),
    ] {
        let value = value(&page, series);
        assert!(value >= Some(least), "{series} is {value:?} in\n{page}");
    }
    promtool::check(&page);
    control.order("web", "stop");
    let page = control.get("/metrics").body;
    assert!(value(&page, "proclaunch_decisions_total{profile=\"web\",by=\"order\"}") >= Some(1.0), "{page}");
    assert_eq!(value(&page, "proclaunch_profile_standing{profile=\"web\",standing=\"stopped\"}"), Some(1.0));
    assert_eq!(value(&page, "proclaunch_profile_uptime_seconds{profile=\"web\"}"), None);
    fs::remove_dir_all(supervisor.sandbox.profiles().join("web")).unwrap();
    let is_gone = || (!control.get("/metrics").body.contains("profile=\"web\"")).then_some(());
    supervisor.wait_for("the profile to be gone from the metrics", is_gone);
    supervisor.wait_for_parts().keeper.signal(Signal::SIGTERM);
}

#[test]
fn proclaunchs_own_processes_are_measured() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let supervisor = sandbox.start();
    let parts = supervisor.wait_for_parts();
    let expected =
        [("keeper", parts.keeper.pid), ("supervisor", parts.supervisor.pid), ("logger", parts.logger.pid)];
    // The keeper tells the supervisor of the logger once it has started it.
    let own: Own = supervisor.wait_for("all three", || {
        let own: Own = supervisor.control().get("/v1/self").json();
        let found = own.processes.iter().map(|one| (one.role.as_str(), one.pid));
        found.eq(expected).then_some(own)
    });
    assert!(own.processes.iter().all(|one| one.memory_bytes > 0 && one.descriptors > 0), "{own:?}");
    assert_eq!((own.mode.as_str(), own.profiles), ("supervising", 1));
    supervisor.drain();
}

#[test]
fn every_route_that_is_described_leads_somewhere() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let supervisor = sandbox.start();
    supervisor.wait_for_profile("web", |profile| profile.state == "running");
    let control = supervisor.control();
    let looks = ROUTES.iter().filter(|route| route.method == Method::Get);
    for route in looks {
        let answer = control.get(&route.path.replace("{name}", "web"));
        assert_eq!(answer.status, 200, "{}", route.path);
    }
    let description: serde_json::Value = serde_json::from_str(&control.get("/v1/openapi.json").body).unwrap();
    assert_eq!(description["paths"].as_object().unwrap().len(), paths());
    supervisor.drain();
}

/// How many paths the routes have.
fn paths() -> usize {
    ROUTES.iter().map(|route| route.path).collect::<std::collections::BTreeSet<_>>().len()
}
