//! `status`, `list`, `explain`, `history`, `run-hook`, `rescan`, `shutdown`: one question, one answer.

use std::fs;
use std::process::Command;

use proclaunch::control::api::{Done, Explanation, History, HookRun, Own, Profile};
use serde_json::Value;

use crate::fake::{Answer, Asked, Fake, down, json, printed, serving, wrong};

fn fleet() -> Vec<Profile> {
    vec![
        down("cron", "down"),
        serving("database"),
        down("mailer", "backoff"),
        down("migrate", "done"),
        serving("web-1"),
        serving("web-2"),
    ]
}

fn nothing_else(asked: &Asked) -> Answer {
    panic!("nobody asks for {asked:?}")
}

#[test]
fn status_ends_with_what_the_named_profiles_are() {
    let fake = Fake::of(fleet(), nothing_else);
    let (out, err) = fake.printed(&["status"], 0);
    assert!(out.contains("! mailer    stopped (backoff)"), "{out}");
    assert!(out.ends_with("\n6 profiles: 1 in backoff, 1 down, 1 done, 3 serving\n"), "{out}");
    assert_eq!(err, "");
    assert!(!out.contains('\x1b'), "no colours go into a pipe: {out}");
    fake.printed(&["status", "database", "cron", "migrate"], 0);
    let (out, _) = fake.printed(&["status", "mailer"], 3);
    assert_eq!(out.lines().count(), 2, "{out}");
    fake.printed(&["status", "*"], 3);
    let (out, err) = fake.printed(&["status", "mailer", "databse"], 4);
    assert!(out.contains("mailer"), "{out}");
    assert_eq!(err, "proclaunch: there is no profile `databse`; did you mean `database`?\n");
}

#[test]
fn names_and_globs_mean_each_profile_once() {
    let fake = Fake::of(fleet(), nothing_else);
    assert_eq!(fake.printed(&["list", "web-2", "web-*", "data*"], 0).0, "database\nweb-1\nweb-2\n");
    let (out, err) = fake.printed(&["list", "web-?", "x*"], 4);
    assert_eq!(
        (out.as_str(), err.as_str()),
        ("web-1\nweb-2\n", "proclaunch: no profile has a name like `x*`\n")
    );
    let many: Vec<String> = (0..100).map(|number| format!("web-{number}")).collect();
    let words: Vec<&str> = ["list"].into_iter().chain(many.iter().map(String::as_str)).collect();
    assert_eq!(fake.printed(&words, 4).0, "web-1\nweb-2\n");
    assert!(fake.asked().iter().all(|asked| asked.line.len() < 1000), "no request line is long");
    fake.printed(&["list", "a/b"], 2);
    let (out, _) = fake.printed(&["list", "--json"], 0);
    assert_eq!(serde_json::from_str::<Vec<String>>(&out).unwrap().len(), 6, "{out}");
}

#[test]
fn status_as_json_is_what_the_supervisor_says() {
    let fake = Fake::of(fleet(), nothing_else);
    let (out, _) = fake.printed(&["status", "--json", "web-1"], 0);
    assert_eq!(out.lines().count(), 1, "{out}");
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&value["mode"], &value["profiles"][0]["name"]), (&"supervising".into(), &"web-1".into()));
}

#[test]
fn what_is_asked_of_several_is_answered_for_each() {
    let fake = Fake::of(fleet(), |asked| match asked.line.as_str() {
        "GET /v1/profiles/web-1/explain" | "GET /v1/profiles/web-2/explain" => {
            json(&Explanation { profile: serving("web-1"), decisions: Vec::new(), outlook: Vec::new() })
        }
        "GET /v1/profiles/web-1/history" => json(&History { transitions: Vec::new(), exits: Vec::new() }),
        "GET /v1/profiles/web-2/history" => wrong(404, "there is no profile `web-2`", None),
        other => panic!("nobody asks for {other}"),
    });
    let (out, _) = fake.printed(&["explain", "web-*"], 0);
    assert_eq!(out.matches("web-1 is running").count(), 2, "{out}");
    let (out, _) = fake.printed(&["explain", "web-*", "--json"], 0);
    assert_eq!(out.lines().count(), 2, "{out}");
    // One that goes away in between is told, and the others are shown.
    let (out, err) = fake.printed(&["history", "web-*"], 4);
    assert_eq!(out, "web-1\n  nothing happened yet\n");
    assert_eq!(err, "proclaunch: there is no profile `web-2`\n");
    let (out, _) = fake.printed(&["history", "web-1", "--json"], 0);
    assert_eq!(out, "{\"name\":\"web-1\",\"transitions\":[],\"exits\":[]}\n");
}

#[test]
fn run_hook_ends_as_the_hook_did() {
    let fake = Fake::of(fleet(), |asked| {
        let outcome = if asked.line.ends_with("?dry_run=true") { "failed" } else { "answer" };
        assert!(asked.line.starts_with("POST /v1/profiles/web-1/hooks/health"), "{asked:?}");
        json(&HookRun {
            hook: "health".to_owned(),
            outcome: outcome.to_owned(),
            answer: "true".to_owned(),
            reason: None,
            seconds: 0.001,
            log: Vec::new(),
            requests: Vec::new(),
            applied: true,
        })
    });
    assert_eq!(
        fake.printed(&["run-hook", "web-1", "health.lua"], 0).0,
        "web-1 health answered true after 1.0ms\n"
    );
    fake.printed(&["run-hook", "web-1", "health", "--dry-run"], 1);
    let (_, err) = fake.printed(&["run-hook", "web1", "health"], 4);
    assert!(err.contains("did you mean `web-1`?"), "{err}");
}

#[test]
fn what_concerns_proclaunch_itself_is_asked_once() {
    let fake = Fake::of(Vec::new(), |asked| match asked.line.as_str() {
        "POST /v1/rescan" => json(&Done { result: "6 profiles, 1 changed".to_owned() }),
        "POST /v1/shutdown" => json(&Done { result: "all profiles are being stopped".to_owned() }),
        "GET /v1/self" => json(&Own {
            version: "2.0.0".to_owned(),
            mode: "supervising".to_owned(),
            profiles_dir: "/p".to_owned(),
            state_dir: "/s".to_owned(),
            profiles: 6,
            upgrades_refused: 0,
            upgrade_refusal: None,
            processes: Vec::new(),
        }),
        "POST /v1/upgrade" => Answer::Break,
        other => panic!("nobody asks for {other}"),
    });
    assert_eq!(fake.printed(&["rescan"], 0).0, "6 profiles, 1 changed\n");
    assert_eq!(fake.printed(&["shutdown", "--no-wait"], 0).0, "all profiles are being stopped\n");
    assert!(
        fake.printed(&["status", "--self"], 0).0.starts_with("ProcLaunch 2.0.0, supervising, 6 profiles\n")
    );
    let (_, err) = fake.printed(&["upgrade", "--no-wait"], 111);
    assert!(err.contains("the connection broke before the supervisor had answered"), "{err}");
    let upgrades = fake.seen().iter().filter(|line| line.ends_with("/upgrade")).count();
    assert_eq!(upgrades, 1, "what may have been taken is not asked for again");
    assert_eq!(fake.printed(&["status"], 0).0, "there are no profiles\n");
}

#[test]
fn shutdown_waits_until_the_instance_is_gone() {
    let fake = Fake::of(Vec::new(), |_| json(&Done { result: "all profiles are being stopped".to_owned() }));
    // This test's own process stands for a keeper that takes its time.
    let file = fake.state().join("proclaunch.pid");
    fs::write(&file, format!("{}\n", std::process::id())).unwrap();
    let (_, err) = fake.printed(&["shutdown", "--timeout", "0.2"], 1);
    assert!(err.contains("which takes longer; it goes on"), "{err}");
    // And one that has ended.
    let ended = Command::new("sh").args(["-c", "echo $$"]).output().unwrap();
    fs::write(&file, ended.stdout).unwrap();
    let (out, _) = printed(&fake.run(&["shutdown"]), 0);
    assert_eq!(out, "all profiles are stopped, ProcLaunch has ended\n");
}
