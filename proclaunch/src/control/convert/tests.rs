//! What becomes of the core's data.

use proclaunch_core::hook::{Happening, Hook};
use proclaunch_core::ids::{ProcId, Ticket};
use proclaunch_core::log::Level;
use proclaunch_core::machine::{Cause, Decided, Health, StateName};
use proclaunch_core::signal::Signal;

use super::*;

/// Noon of a day, 1000 s after the origin of the monotonic clock.
pub(in crate::control) const NOON: Clocks =
    Clocks { now: Moment::from_nanos(1_000_000_000_000), wall: 1_800_000_000_000 };

pub(in crate::control) fn name(text: &str) -> ProfileName {
    ProfileName::parse(text).unwrap()
}

fn ago(seconds: u64) -> Moment {
    NOON.now.minus(Duration::from_secs(seconds))
}

/// A profile that has everything that there can be.
pub(in crate::control) fn status() -> Status {
    let id = ProcId { pid: 42, start: 7 };
    Status {
        state: StateName::Running,
        phase: "ready",
        want: Want::Up,
        standing: Standing::Serving,
        health: Health::Healthy,
        process: Some(id),
        ticket: Some(Ticket { instance: 1, serial: 2 }),
        since: Some(ago(60)),
        ready_since: Some(ago(59)),
        state_since: Some(ago(59)),
        starts: 3,
        failures: 1,
        exit: Some(Ended {
            at: ago(61),
            id: ProcId { pid: 41, start: 6 },
            exit: Exit::Signal { signal: Signal::TERM, core: true },
            after: Duration::from_millis(1500),
            requested: true,
        }),
        cause: Cause::Changed,
        reason: "its files changed".to_owned(),
        why: "running".to_owned(),
        next: Some(Next { what: "health check".to_owned(), at: NOON.now.plus(Duration::from_secs(2)) }),
        changed: true,
        trouble: Some("`user`: nobody of that name".to_owned()),
        hooks_off: vec![(Hook::OnTick, "5 errors in a row".to_owned())],
        has_checks: true,
        decided: Decided { orders: 1, settings: 2, hooks: 3, defaults: 0 },
    }
}

pub(in crate::control) fn usage() -> Usage {
    Usage { cpu: Duration::from_millis(1250), percent: Some(12.5), memory_bytes: 4096 * 100, processes: 3 }
}

#[test]
fn moments_become_times() {
    for (at, time) in [
        (NOON.now, "2027-01-15T08:00:00.000Z"),
        (ago(1), "2027-01-15T07:59:59.000Z"),
        (NOON.now.plus(Duration::from_millis(1)), "2027-01-15T08:00:00.001Z"),
        (Moment::default(), "2027-01-15T07:43:20.000Z"),
    ] {
        assert_eq!(NOON.time(at), time, "{at:?}");
    }
    let long_ago = Clocks { now: Moment::from_nanos(u64::MAX), wall: i64::MIN };
    assert_eq!(long_ago.time(Moment::default()), "1970-01-01T00:00:00.000Z", "no time is no panic");
}

#[test]
fn a_moment_has_one_time_whenever_it_is_told() {
    let begun = 1_800_000_000_000_123_456;
    let at = NOON.now;
    for nanos in [0, 1, 499_999, 876_543, 876_544, 999_999, 1_000_000, 1_234_567_890_123] {
        let later = i64::try_from(nanos).unwrap();
        let clocks = Clocks::aligned(at.plus(Duration::from_nanos(nanos)), begun + later);
        assert_eq!(clocks.time(at), "2027-01-15T08:00:00.001Z", "{nanos} ns later");
    }
    let at = Clocks::read().now.minus(Duration::from_nanos(3_141_592_653));
    let time = Clocks::read().time(at);
    for _ in 0..10_000 {
        assert_eq!(Clocks::read().time(at), time);
    }
}

#[test]
fn a_profile_is_told_whole() {
    let profile = NOON.profile(&name("web"), &status(), Some(&usage()));
    let told = serde_json::to_string_pretty(&profile).unwrap();
    let expected = include_str!("../fixtures/profile.json").trim_end();
    assert_eq!(told, expected);
    assert_eq!(serde_json::from_str::<api::Profile>(&told).unwrap(), profile);
}

#[test]
fn a_profile_without_a_process_has_no_figures() {
    let status = Status { process: None, ticket: None, since: None, starts: 0, ..status() };
    let profile = NOON.profile(&name("web"), &status, Some(&usage()));
    assert_eq!((profile.pid, profile.memory_bytes, profile.cpu_percent), (None, None, None));
    assert_eq!((profile.uptime, profile.restarts), (None, 0));
}

#[test]
fn ends_are_told_as_hooks_are() {
    let ended = |exit| NOON.exit(&Ended { exit, ..status().exit.unwrap() });
    assert_eq!(ended(Exit::Code(3)).code, Some(3));
    let oom = ended(Exit::OutOfMemory);
    assert_eq!((oom.code, oom.signal.as_deref(), oom.oom), (None, Some("KILL"), true));
    let unknown = ended(Exit::Unknown);
    assert_eq!((unknown.code, unknown.signal, unknown.core), (None, None, false));
}

#[test]
fn who_decided_is_named_by_the_file() {
    let decided = |by| {
        let decision =
            Decision { at: ago(1), what: String::new(), by, inputs: String::new(), reason: String::new() };
        NOON.decision(&decision).by
    };
    assert_eq!(decided(By::Order), "order");
    assert_eq!(decided(By::Default), "default");
    assert_eq!(decided(By::Setting("give_up".to_owned())), "give_up");
    assert_eq!(decided(By::Hook(Hook::ShouldRestart)), "should_restart.lua");
}

#[test]
fn events_of_profiles_and_of_proclaunch() {
    let what = Happening {
        kind: "gave_up".to_owned(),
        level: "error".to_owned(),
        from: String::new(),
        to: String::new(),
        reason: "died 3 times".to_owned(),
    };
    let told = Told::Happened { name: name("web"), at: ago(1), what, pid: None, exit: status().exit };
    let event = NOON.event("a-1".to_owned(), &told);
    assert_eq!((event.kind.as_str(), event.from, event.exit.unwrap().pid), ("gave_up", None, 41));
    let own = Told::Own {
        at: ago(1),
        kind: "supervisor",
        level: Level::Info,
        name: None,
        text: "began".to_owned(),
    };
    let event = NOON.event("a-2".to_owned(), &own);
    assert_eq!((event.profile, event.reason.as_str()), (None, "began"));
}
