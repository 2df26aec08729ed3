//! Events: as they come, and from where one has stopped.

use std::thread;

use proclaunch_tests::control::Control;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;
use proclaunch_tests::wait;

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
fn who_takes_nothing_holds_nobody_up_and_is_dropped_with_notice() {
    let sandbox = Sandbox::new();
    sandbox.profile("loud", "yes | head -c 4000000\nexec sleep 1000");
    sandbox.profile("web", SLEEP);
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    let control = supervisor.control();
    let mut live = control.send("GET", "/v1/events?follow=true&profile=web", &[]).events();
    let seen = live.find(|event| event.to.as_deref() == Some("running")).unwrap();
    // One that reads is told everything.
    let live = thread::spawn(move || live.map(|event| event.id).collect::<Vec<_>>());
    let slow = control.send("GET", "/v1/events?follow=true", &[]);
    let deaf = control.send("GET", "/v1/profiles/loud/log?follow=true", &[]);
    let quiet = control.send("GET", "/v1/events?follow=true&profile=nobody", &[]);
    // More than all buffers on the way hold.
    for _ in 0..800 {
        control.order("web", "restart");
    }
    supervisor.wait_for("a line of who was dropped", || {
        let log = supervisor.log();
        log.contains("ProcLaunch drops ").then_some(())
    });
    let log = supervisor.log();
    assert!(log.contains(&format!("pid {}, who took nothing of `GET /v1/", std::process::id())), "{log}");
    for reply in [slow, deaf] {
        wait::until(|| reply.is_closed().then_some(())).expect("both are dropped");
    }
    assert!(!quiet.is_closed(), "there was nothing for it");
    // One that was dropped goes on where it was.
    let last = control.get("/v1/events?profile=web").events().pop().unwrap();
    let header = format!("Last-Event-ID: {}", seen.id);
    let missed = control.send("GET", "/v1/events?profile=web", &[&header]).all().events();
    assert_eq!(missed.last().unwrap().id, last.id);
    supervisor.drain();
    assert!(live.join().unwrap().contains(&last.id));
}
