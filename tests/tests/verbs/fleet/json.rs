//! The JSON of every verb: stored, and as the description of the routes says.

use nix::sys::signal::Signal;
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::processes::Process;
use proclaunch_tests::schema::check;
use proclaunch_tests::snapshot::{pretty, snapshot};
use serde_json::{Value, json};

use super::mask::{lasting, masked};
use super::{STATES, started};
use crate::live::verb;

/// Everything that a verb prints: one object a line.
#[track_caller]
pub(super) fn printed(daemon: &Daemon, words: &[&str], code: i32) -> Vec<Value> {
    let (out, _) = verb(daemon, &[words, &["--json"]].concat(), code);
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is described.
struct Description(Value);

impl Description {
    fn of(daemon: &Daemon) -> Self {
        Self(daemon.control().get("/v1/openapi.json").value())
    }

    /// Expects that each of these is what the description calls by this name; other fields than those are none of it.
    #[track_caller]
    fn describes(&self, name: &str, values: &[Value], added: &[&str]) {
        assert!(!values.is_empty(), "something was printed");
        for value in values {
            let mut value = value.clone();
            for field in added {
                let removed = value.as_object_mut().unwrap().remove(*field);
                assert!(removed.is_some(), "{name} has the field {field}");
            }
            let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
            assert_eq!(check(&self.0, &schema, &value, name), Ok(()));
        }
    }
}

#[track_caller]
fn stored(file: &str, values: &[Value]) {
    let text: String = values.iter().map(|value| pretty(&masked("", value))).collect();
    snapshot(&format!("verbs/fleet/snapshots/{file}.json"), &text);
}

#[test]
fn scenario_36_what_looks_prints_json_as_described_in_every_state() {
    let daemon = started();
    let description = Description::of(&daemon);
    let all = printed(&daemon, &["status"], 0);
    description.describes("Profiles", &all, &[]);
    stored("status", &all);
    assert_eq!(printed(&daemon, &["list"], 0), [json!(STATES.map(|(name, _)| name))]);

    let all = printed(&daemon, &["explain", "*"], 0);
    description.describes("Explanation", &all, &[]);
    let beyond_status = all.into_iter().map(|mut one| {
        one = lasting(one);
        one["profile"] = one["profile"]["name"].clone();
        one
    });
    stored("explain", &beyond_status.collect::<Vec<_>>());
    let all = printed(&daemon, &["history", "*"], 0);
    description.describes("History", &all, &["name"]);
    stored("history", &all);
    let mut all = printed(&daemon, &["events"], 0);
    description.describes("Event", &all, &[]);
    // Who is first is chance; what comes after what with one profile is not.
    all.sort_by_key(|event| event["profile"].as_str().unwrap_or_default().to_owned());
    stored("events", &all);
    stored("logs", &printed(&daemon, &["logs", "*"], 0));
    let own = printed(&daemon, &["status", "--self"], 0);
    description.describes("Own", &own, &[]);
    stored("self", &own);
}

#[test]
fn what_acts_prints_json_as_described() {
    let daemon = started();
    let description = Description::of(&daemon);
    let mut all = Vec::new();
    for (words, code) in [
        (&["start", "plain"][..], 0),
        (&["start", "down"], 0),
        (&["restart", "healthy"], 0),
        (&["stop", "killed"], 0),
        (&["stop", "backoff"], 0),
        (&["reload", "daemon"], 0),
        (&["signal", "CONT", "plain"], 0),
        (&["start", "starting", "--no-wait"], 0),
        (&["reload", "stopped"], 1),
        (&["signal", "HUP", "done"], 1),
        (&["start", "held"], 1),
        (&["start", "starting", "--timeout", "0.2"], 1),
    ] {
        let values = printed(&daemon, words, code);
        let kind = if code == 0 { "Ordered" } else { "Error" };
        description.describes(kind, &values, &["name"]);
        all.push(json!({ "words": words, "prints": values }));
    }
    stored("orders", &all);
    let scaled = printed(&daemon, &["scale", "pool", "2"], 0);
    description.describes("Scaled", &scaled, &[]);
    stored("scale", &scaled);
    let run = printed(&daemon, &["run-hook", "unhealthy", "health", "--dry-run"], 0);
    description.describes("HookRun", &run, &[]);
    stored("run-hook", &run);
    let done = printed(&daemon, &["rescan"], 0);
    description.describes("Done", &done, &[]);
    stored("rescan", &done);
    stored("new", &printed(&daemon, &["new", "fresh", "--tcp", "localhost:1"], 0));
    let own = printed(&daemon, &["upgrade"], 0);
    description.describes("Own", &own, &[]);
    stored("upgrade", &own);
    // Nobody waits for more than an hour until it is killed.
    let deaf = daemon.control().profile("deaf").pid.and_then(Process::of);
    deaf.expect("it does not end by itself").signal(Signal::SIGKILL);
    let done = printed(&daemon, &["shutdown"], 0);
    description.describes("Done", &done, &[]);
    stored("shutdown", &done);
}
