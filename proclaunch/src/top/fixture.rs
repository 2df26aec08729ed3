//! Profiles as a supervisor could tell of them.

use crate::control::api::{Exit, History, Next, Profile, Profiles, Transition};

/// One that serves.
pub(super) fn profile(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        state: "running".to_owned(),
        phase: "ready".to_owned(),
        want: "up".to_owned(),
        standing: "serving".to_owned(),
        health: "healthy".to_owned(),
        has_checks: true,
        pid: Some(4242),
        uptime: Some(10_920.4),
        ready_for: Some(10_919.0),
        started_at: Some("2026-11-23T11:29:05.123Z".to_owned()),
        state_for: Some(10_919.0),
        restarts: 2,
        failures: 0,
        cpu_seconds: Some(61.0),
        cpu_percent: Some(12.34),
        memory_bytes: Some(52 << 20),
        processes: Some(3),
        exit: None,
        cause: String::new(),
        reason: String::new(),
        why: "runs and is healthy".to_owned(),
        next: None,
        changed: false,
        trouble: None,
        hooks_off: Vec::new(),
    }
}

/// One that waits for its next try.
pub(super) fn in_backoff(name: &str) -> Profile {
    Profile {
        state: "stopped".to_owned(),
        phase: "backoff".to_owned(),
        standing: "backoff".to_owned(),
        health: "unknown".to_owned(),
        has_checks: false,
        pid: None,
        uptime: None,
        cpu_percent: None,
        memory_bytes: None,
        processes: None,
        restarts: 17,
        failures: 5,
        exit: Some(exit()),
        cause: "died".to_owned(),
        why: "died 5 times in a row, the last time with exit 3".to_owned(),
        next: Some(Next { what: "start".to_owned(), after: 3.2 }),
        ..profile(name)
    }
}

/// One with this standing.
pub(super) fn standing(name: &str, standing: &str) -> Profile {
    Profile { standing: standing.to_owned(), ..profile(name) }
}

/// How it ended.
pub(super) fn exit() -> Exit {
    Exit {
        at: "2026-11-23T14:31:05.123Z".to_owned(),
        pid: 4241,
        code: Some(3),
        signal: None,
        core: false,
        oom: false,
        requested: false,
        uptime: 8.0,
    }
}

/// All of them.
pub(super) fn profiles(profiles: Vec<Profile>) -> Profiles {
    Profiles { profiles, mode: "supervising".to_owned() }
}

/// What happened.
pub(super) fn history() -> History {
    let transition = |at: &str, from: &str, to: &str, reason: &str| Transition {
        at: format!("2026-11-23T{at}.000Z"),
        from: from.to_owned(),
        to: to.to_owned(),
        event: "x".to_owned(),
        reason: reason.to_owned(),
    };
    History {
        transitions: vec![
            transition("14:30:57", "stopped", "starting", "backoff is over"),
            transition("14:30:58", "starting", "running", "ready at exec"),
            transition("14:31:05", "running", "stopped", "died with exit 3"),
        ],
        exits: vec![exit()],
    }
}
