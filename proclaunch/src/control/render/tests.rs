//! What each answer looks like: compared with the files in `snapshots`, in colour and without.

use super::*;
use crate::control::api;
use crate::control::client::Order;
use crate::snapshot::snapshot;
use samples::{AT, backoff, died, down, exit, fleet, held, hostile_profile, serving};

mod samples;

const PLAIN: Style = Style { colour: false, width: None };

#[test]
fn status_is_a_table() {
    snapshot("control/render/snapshots/status.txt", &profiles(PLAIN, &fleet()));
    snapshot(
        "control/render/snapshots/status-narrow.txt",
        &profiles(Style { width: Some(100), ..PLAIN }, &fleet()),
    );
    snapshot(
        "control/render/snapshots/status-60.txt",
        &profiles(Style { width: Some(60), ..PLAIN }, &fleet()),
    );
    snapshot(
        "control/render/snapshots/status-colour.txt",
        &profiles(Style { colour: true, ..PLAIN }, &fleet()).replace('\x1b', "^"),
    );
    let draining = api::Profiles { profiles: vec![serving("web")], mode: "draining".to_owned() };
    snapshot("control/render/snapshots/status-draining.txt", &profiles(PLAIN, &draining));
}

#[test]
fn five_hundred_profiles_are_one_line_each_and_no_line_is_too_long() {
    let many = (0..500).map(|number| serving(&format!("service-{number:03}"))).collect();
    let many = api::Profiles { profiles: many, mode: "supervising".to_owned() };
    let text = profiles(Style { width: Some(100), ..PLAIN }, &many);
    assert_eq!(text.lines().count(), 503);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(text.ends_with("\n500 profiles: 500 serving\n"));
}

#[test]
fn nothing_from_outside_reaches_the_terminal() {
    let evil = "x\x1b]0;owned\x07\r\n\u{9b}31m";
    let mut profile = hostile_profile(evil);
    profile.exit = Some(exit(None, Some(evil)));
    let decision = api::Decision {
        at: evil.to_owned(),
        what: evil.to_owned(),
        by: evil.to_owned(),
        inputs: evil.to_owned(),
        reason: evil.to_owned(),
    };
    let outlook = api::Outlook { event: evil.to_owned(), then: evil.to_owned(), after: None };
    let step = api::Transition {
        at: evil.to_owned(),
        from: evil.to_owned(),
        to: evil.to_owned(),
        event: evil.to_owned(),
        reason: evil.to_owned(),
    };
    let error = api::Error {
        error: evil.to_owned(),
        hint: Some(evil.to_owned()),
        result: None,
        profile: Some(Box::new(profile.clone())),
    };
    let run = api::HookRun {
        hook: evil.to_owned(),
        outcome: evil.to_owned(),
        answer: evil.to_owned(),
        reason: Some(evil.to_owned()),
        seconds: f64::NAN,
        log: vec![evil.to_owned()],
        requests: vec![evil.to_owned()],
        applied: false,
    };
    let all = [
        profiles(PLAIN, &api::Profiles { profiles: vec![profile.clone()], mode: evil.to_owned() }),
        explanation(
            PLAIN,
            &api::Explanation { profile: profile.clone(), decisions: vec![decision], outlook: vec![outlook] },
        ),
        history(
            PLAIN,
            evil,
            &api::History { transitions: vec![step], exits: profile.exit.iter().cloned().collect() },
        ),
        refused(PLAIN, evil, &Order::Stop, &error),
        ordered(
            PLAIN,
            evil,
            &Order::Stop,
            &api::Ordered { result: "done".to_owned(), profile: Some(profile) },
        ),
        hook_run(PLAIN, evil, &run),
        event(PLAIN, &api::Event { reason: evil.to_owned(), ..died(evil) }),
    ];
    for text in all {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }
}

#[test]
fn status_self_is_what_proclaunch_takes() {
    let process = |role: &str, pid| api::OwnProcess {
        role: role.to_owned(),
        pid,
        uptime: 93_784.0,
        memory_bytes: 2_300_000,
        cpu_seconds: 1.234,
        descriptors: 27,
        wakeups: 31_415,
    };
    let processes = vec![process("keeper", 1), process("supervisor", 12), process("logger", 13)];
    let all = api::Own {
        version: "2.0.0".to_owned(),
        mode: "supervising".to_owned(),
        profiles_dir: "/etc/profiles".to_owned(),
        state_dir: "/var/lib/proclaunch".to_owned(),
        profiles: 500,
        upgrades_refused: 0,
        upgrade_refusal: None,
        processes,
    };
    snapshot("control/render/snapshots/self.txt", &own(PLAIN, &all));
}

#[test]
fn explain_says_what_was_decided_and_what_would_come() {
    let decision = |what: &str, by: &str, inputs: &str, reason: &str| api::Decision {
        at: AT.to_owned(),
        what: what.to_owned(),
        by: by.to_owned(),
        inputs: inputs.to_owned(),
        reason: reason.to_owned(),
    };
    let outlook = |event: &str, then: &str, after| api::Outlook {
        event: event.to_owned(),
        then: then.to_owned(),
        after,
    };
    let all = api::Explanation {
        profile: backoff(),
        decisions: vec![
            decision("starts", "default", "", "no file `down`"),
            decision("restarts in 0.4s", "backoff", "exit 1 after 0.2s, 3 deaths in a row", ""),
            decision(
                "restarts in 10s",
                "should_restart.lua",
                "exit 1 after 0.2s, 4 deaths in a row",
                "mail is slow",
            ),
        ],
        outlook: vec![
            outlook("backoff is over", "starts", Some(8.0)),
            outlook("is told to stop", "stays stopped", None),
        ],
    };
    snapshot("control/render/snapshots/explain.txt", &explanation(PLAIN, &all));
    let bare = api::Explanation { profile: serving("web"), decisions: Vec::new(), outlook: Vec::new() };
    snapshot("control/render/snapshots/explain-bare.txt", &explanation(PLAIN, &bare));
}

#[test]
fn history_is_in_the_order_of_time() {
    let step = |at: &str, from: &str, to: &str, event: &str, reason: &str| api::Transition {
        at: format!("2026-11-23T14:31:{at}Z"),
        from: from.to_owned(),
        to: to.to_owned(),
        event: event.to_owned(),
        reason: reason.to_owned(),
    };
    let all = api::History {
        transitions: vec![
            step("00.000", "stopped", "starting", "scanned", ""),
            step("00.500", "starting", "running", "spawned", "pid 4241 runs"),
            step("00.500", "running", "stopped", "exited", "exit 1"),
            step("00.500", "stopped", "starting", "timeout", "backoff over"),
            step("01.000", "starting", "running", "ready", "pid file names pid 4242"),
            step("05.123", "running", "stopped", "exited", "exit 1 after 0.2s"),
        ],
        exits: vec![
            api::Exit {
                at: "2026-11-23T14:31:00.500Z".to_owned(),
                pid: 4241,
                uptime: 0.0,
                ..exit(Some(1), None)
            },
            api::Exit { oom: true, ..exit(None, Some("KILL")) },
        ],
    };
    snapshot("control/render/snapshots/history.txt", &history(PLAIN, "web", &all));
    let none = api::History { transitions: Vec::new(), exits: Vec::new() };
    snapshot("control/render/snapshots/history-none.txt", &history(PLAIN, "web", &none));
}

#[test]
fn an_event_is_a_line_as_in_the_log() {
    let all = [
        died("web"),
        api::Event {
            kind: "health".to_owned(),
            level: "error".to_owned(),
            from: Some("healthy".to_owned()),
            to: Some("unhealthy".to_owned()),
            pid: Some(4242),
            exit: None,
            ..died("web")
        },
        api::Event {
            profile: None,
            kind: "missed".to_owned(),
            level: "info".to_owned(),
            from: None,
            to: None,
            exit: None,
            reason: "12 events".to_owned(),
            ..died("")
        },
    ];
    let text: String = all.iter().map(|one| event(PLAIN, one)).collect();
    snapshot("control/render/snapshots/events.txt", &text);
}

#[test]
fn what_became_of_an_order_is_a_line() {
    let done = |profile: Option<api::Profile>| api::Ordered { result: "done".to_owned(), profile };
    let stopped = api::Profile { exit: Some(exit(None, Some("TERM"))), ..down("web", "stopped", "") };
    let start = Order::Start { force: false };
    let error = |result: &str, error: &str, hint: Option<&str>, profile: Option<api::Profile>| api::Error {
        error: error.to_owned(),
        hint: hint.map(str::to_owned),
        result: Some(result.to_owned()),
        profile: profile.map(Box::new),
    };
    let text = [
        ordered(PLAIN, "web", &start, &done(Some(serving("web")))),
        ordered(PLAIN, "migrate", &start, &done(Some(down("migrate", "done", "")))),
        ordered(PLAIN, "web", &start, &api::Ordered { result: "taken".to_owned(), profile: None }),
        ordered(PLAIN, "web", &Order::Stop, &done(Some(stopped))),
        ordered(PLAIN, "web", &Order::Stop, &done(None)),
        ordered(PLAIN, "web", &Order::Reload, &done(Some(serving("web")))),
        ordered(PLAIN, "web", &Order::Signal("HUP".to_owned()), &done(Some(serving("web")))),
        refused(
            PLAIN,
            "web",
            &start,
            &error("refused", "its `run` is missing", Some("make it executable"), None),
        ),
        refused(PLAIN, "mailer", &start, &error("failed", "it ended: exit 1", None, Some(backoff()))),
        refused(PLAIN, "web", &Order::Stop, &error("overtaken", "another order came: start", None, None)),
        refused(
            PLAIN,
            "web",
            &Order::Stop,
            &error(
                "timeout",
                "web: not done within 5 s",
                Some("the order stays in force"),
                Some(serving("web")),
            ),
        ),
        refused(
            PLAIN,
            "held",
            &start,
            &error(
                "failed",
                "held: has no `run`",
                Some("`proclaunch explain held` says more"),
                Some(held("held")),
            ),
        ),
    ];
    snapshot("control/render/snapshots/orders.txt", &text.concat());
}

#[test]
fn run_hook_shows_what_a_hook_said_and_did() {
    let run = api::HookRun {
        hook: "health".to_owned(),
        outcome: "answer".to_owned(),
        answer: "false".to_owned(),
        reason: Some("status 503".to_owned()),
        seconds: 0.0123,
        log: vec!["WARN asked".to_owned()],
        requests: vec!["restart: too old".to_owned()],
        applied: false,
    };
    let failed = api::HookRun {
        outcome: "failed".to_owned(),
        reason: Some("health.lua:3: no such thing".to_owned()),
        log: Vec::new(),
        requests: Vec::new(),
        applied: true,
        ..run.clone()
    };
    snapshot(
        "control/render/snapshots/run-hook.txt",
        &[hook_run(PLAIN, "web", &run), hook_run(PLAIN, "web", &failed)].concat(),
    );
}
