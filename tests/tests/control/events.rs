//! Events: as they come, and from where one has stopped.

use proclaunch_tests::control::Control;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

use crate::SLEEP;

fn started() -> (Supervisor, Control) {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    sandbox.profile("db", SLEEP);
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    supervisor.main_process("db");
    let control = supervisor.control();
    (supervisor, control)
}

#[test]
fn what_happens_is_told_to_whoever_follows() {
    let (supervisor, control) = started();
    let mut events = control.send("GET", "/v1/events?follow=true&profile=w*", &[]).events();
    let up = events.find(|event| event.to.as_deref() == Some("running")).unwrap();
    assert_eq!(
        (up.profile.as_deref(), &*up.kind, up.pid),
        (Some("web"), "transition", Some(supervisor.pids("web")[0]))
    );
    control.order("db", "stop");
    control.order("web", "stop");
    let down = events.find(|event| event.to.as_deref() == Some("stopped")).unwrap();
    assert_eq!(down.profile.as_deref(), Some("web"));
    supervisor.drain();
}

#[test]
fn a_reader_goes_on_where_it_has_stopped() {
    let (supervisor, control) = started();
    let first = control.get("/v1/events?profile=web").events();
    let last = &first.last().unwrap().id;
    assert_eq!(control.get(&format!("/v1/events?profile=web&after={last}")).events(), []);
    control.order("web", "stop");
    let header = format!("Last-Event-ID: {last}");
    let next = control.send("GET", "/v1/events?profile=web", &[&header]).all().events();
    assert_eq!(next.last().unwrap().to.as_deref(), Some("stopped"));
    let all = control.get("/v1/events?profile=web").events();
    assert_eq!(all, [first, next].concat());
    let ids: Vec<_> = all.iter().map(|event| event.id.clone()).collect();
    let mut unique = ids.clone();
    unique.dedup();
    assert_eq!(ids, unique);
    supervisor.drain();
}

#[test]
fn an_id_of_another_supervisor_has_missed_something() {
    let (supervisor, control) = started();
    for id in ["0123456789abcdef-7", "nonsense", "0-0"] {
        let events = control.get(&format!("/v1/events?after={id}")).events();
        assert_eq!(events[0].kind, "missed", "{id}");
        assert!(events.iter().any(|event| event.to.as_deref() == Some("running")), "then all that is kept");
    }
    supervisor.drain();
}

#[test]
fn a_reader_that_reads_nothing_holds_nobody_up() {
    let (supervisor, control) = started();
    let _slow = control.send("GET", "/v1/events?follow=true", &[]);
    for _ in 0..50 {
        control.order("web", "restart");
    }
    supervisor.drain();
}
