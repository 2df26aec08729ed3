//! Answers to be rendered: one profile of each standing, and what comes with them.

use crate::control::api;

pub(super) const AT: &str = "2026-11-23T14:31:05.123Z";

pub(super) fn exit(code: Option<i32>, signal: Option<&str>) -> api::Exit {
    api::Exit {
        at: AT.to_owned(),
        pid: 4242,
        code,
        signal: signal.map(str::to_owned),
        core: false,
        oom: false,
        requested: false,
        uptime: 0.2,
    }
}

/// One that runs and is well.
pub(super) fn serving(name: &str) -> api::Profile {
    api::Profile {
        name: name.to_owned(),
        state: "running".to_owned(),
        phase: "running".to_owned(),
        want: "up".to_owned(),
        standing: "serving".to_owned(),
        health: "healthy".to_owned(),
        has_checks: true,
        pid: Some(4242),
        uptime: Some(10_920.4),
        ready_for: Some(10_919.0),
        started_at: Some(AT.to_owned()),
        state_for: Some(10_919.0),
        restarts: 2,
        failures: 0,
        cpu_seconds: Some(81.5),
        cpu_percent: Some(12.34),
        memory_bytes: Some(129_000_000),
        processes: Some(5),
        exit: None,
        cause: String::new(),
        reason: String::new(),
        why: "ready, and healthy".to_owned(),
        next: None,
        changed: false,
        trouble: None,
        hooks_off: Vec::new(),
    }
}

/// One that is down, in this standing.
pub(super) fn down(name: &str, standing: &str, why: &str) -> api::Profile {
    api::Profile {
        state: "stopped".to_owned(),
        phase: "idle".to_owned(),
        want: "down".to_owned(),
        standing: standing.to_owned(),
        health: "unknown".to_owned(),
        has_checks: false,
        pid: None,
        uptime: None,
        ready_for: None,
        started_at: None,
        restarts: 0,
        cpu_seconds: None,
        cpu_percent: None,
        memory_bytes: None,
        processes: None,
        why: why.to_owned(),
        ..serving(name)
    }
}

/// One that its files hold; its hook is off for the same reason.
pub(super) fn held(name: &str) -> api::Profile {
    let why = "on_start.lua: held/on_start.lua:2: unexpected <eof>";
    let reason = why.trim_start_matches("on_start.lua: ").to_owned();
    api::Profile {
        trouble: Some(why.to_owned()),
        hooks_off: vec![api::HookOff { hook: "on_start".to_owned(), reason }],
        ..down(name, "held", why)
    }
}

pub(super) fn backoff() -> api::Profile {
    api::Profile {
        phase: "backoff".to_owned(),
        want: "up".to_owned(),
        failures: 4,
        restarts: 13,
        exit: Some(exit(Some(1), None)),
        cause: "died".to_owned(),
        reason: "exit 1 after 0.2s".to_owned(),
        state_for: Some(3.0),
        next: Some(api::Next { what: "next try".to_owned(), after: 8.0 }),
        ..down("mailer", "backoff", "died 4 times, exit 1")
    }
}

/// One of each standing, and one with all that can be wrong with it.
pub(super) fn fleet() -> api::Profiles {
    let unhealthy = api::Profile {
        standing: "unhealthy".to_owned(),
        health: "unhealthy".to_owned(),
        why: "GET http://127.0.0.1:8080/healthz: status 503".to_owned(),
        ..serving("api")
    };
    let starting = api::Profile {
        state: "starting".to_owned(),
        phase: "waiting".to_owned(),
        standing: "starting".to_owned(),
        health: "unknown".to_owned(),
        uptime: Some(1.5),
        next: Some(api::Next { what: "start fails".to_owned(), after: 58.5 }),
        why: "not ready yet".to_owned(),
        ..serving("cache")
    };
    let hostile = api::Profile {
        changed: true,
        trouble: Some("stop_signal: no such signal \x1b[2J\nroot".to_owned()),
        hooks_off: vec![api::HookOff { hook: "health".to_owned(), reason: "5 errors in a row".to_owned() }],
        ..serving("web")
    };
    let profiles = vec![
        unhealthy,
        starting,
        down("cron", "down", "its file `down` is there"),
        api::Profile {
            exit: Some(exit(None, Some("KILL"))),
            ..down("dead", "dead", "signal KILL, not restarted")
        },
        serving("db"),
        down("gone", "gave_up", "ended 5 times within 60s"),
        held("held"),
        backoff(),
        down("migrate", "done", "finished: exit 0"),
        down("old", "stopped", "stopped by order"),
        hostile,
    ];
    api::Profiles { profiles, mode: "supervising".to_owned() }
}

pub(super) fn hostile_profile(evil: &str) -> api::Profile {
    api::Profile {
        state: evil.to_owned(),
        phase: evil.to_owned(),
        want: evil.to_owned(),
        health: evil.to_owned(),
        cause: evil.to_owned(),
        reason: evil.to_owned(),
        why: evil.to_owned(),
        next: Some(api::Next { what: evil.to_owned(), after: f64::INFINITY }),
        trouble: Some(evil.to_owned()),
        hooks_off: vec![api::HookOff { hook: evil.to_owned(), reason: evil.to_owned() }],
        ..serving(evil)
    }
}

pub(super) fn died(name: &str) -> api::Event {
    api::Event {
        id: "0123456789abcdef-7".to_owned(),
        time: AT.to_owned(),
        profile: Some(name.to_owned()),
        kind: "transition".to_owned(),
        level: "warn".to_owned(),
        from: Some("running".to_owned()),
        to: Some("stopped".to_owned()),
        reason: "restart in 0.2s".to_owned(),
        pid: None,
        exit: Some(exit(Some(1), None)),
    }
}
