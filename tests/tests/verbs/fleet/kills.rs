//! The supervisor is killed, then the keeper, then all of ProcLaunch ends and is started again: whoever looks finds what
//! was there before.

use nix::sys::signal::Signal;
use proclaunch_tests::control::Control;
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::wait;
use serde_json::Value;

use super::json::printed;
use super::mask::{AGES, FIGURES, TIMES, is_lasting, lasting, text_masked};
use super::{is_all_there, started};
use crate::live::verb;

/// Verbs whose answers outlive whoever gave them, and their exit codes.
const LASTING: [(&[&str], i32); 6] = [
    (&["list"], 0),
    (&["status"], 0),
    (&["status", "*"], 3),
    (&["explain", "*"], 0),
    (&["history", "*"], 0),
    (&["logs", "*"], 0),
];

/// Counters and gauges that are not those of one supervisor.
const SERIES: [&str; 8] =
    ["state", "standing", "health", "restarts_total", "failures", "changed", "exit_code", "exit_signal"];

/// What is told of the fleet at a moment.
struct Told {
    json: Vec<Value>,
    text: Vec<String>,
    metrics: Vec<String>,
    routes: Vec<(u16, Value)>,
}

impl Told {
    fn by(daemon: &Daemon) -> Self {
        let control = daemon.control();
        let names = printed(daemon, &["list"], 0).remove(0);
        let names = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        let paths =
            names.flat_map(|name| ["", "/history", "/explain"].map(|of| format!("/v1/profiles/{name}{of}")));
        let route = |path: String| {
            let answer = control.get(&path);
            (answer.status, lasting(answer.value()))
        };
        Self {
            json: LASTING
                .iter()
                .flat_map(|(words, code)| printed(daemon, words, *code))
                .map(lasting)
                .collect(),
            text: LASTING.iter().map(|(words, code)| seen(&verb(daemon, words, *code).0)).collect(),
            metrics: metrics(&control),
            routes: paths.map(route).collect(),
        }
    }

    /// Expects that this is what was told before, some time later.
    #[track_caller]
    fn is_still(&self, before: &Self, what: &str) {
        let pairs = |one: &[Value], other: &[Value]| {
            assert_eq!(one.len(), other.len(), "{what}");
            one.iter().cloned().zip(other.iter().cloned()).collect::<Vec<_>>()
        };
        for (before, after) in pairs(&before.json, &self.json) {
            agree("", &before, &after).unwrap_or_else(|why| panic!("{what}: {why}:\n{before}\n{after}"));
        }
        let bodies = |told: &Self| told.routes.iter().map(|(_, body)| body.clone()).collect::<Vec<_>>();
        for (before, after) in pairs(&bodies(before), &bodies(self)) {
            agree("", &before, &after).unwrap_or_else(|why| panic!("{what}: {why}:\n{before}\n{after}"));
        }
        let statuses = |told: &Self| told.routes.iter().map(|(status, _)| *status).collect::<Vec<_>>();
        assert_eq!(statuses(self), statuses(before), "{what}");
        assert_eq!(self.metrics, before.metrics, "{what}");
        for (after, before) in self.text.iter().zip(&before.text) {
            assert_eq!(after, before, "{what}");
        }
    }
}

/// A text for people without figures, lengths of time and the gaps between its columns.
fn seen(text: &str) -> String {
    let line = |line: &str| {
        let words = line.split_whitespace().filter(|word| {
            let is_figure =
                word.ends_with(['%', 'K', 'M', 'G']) && word.starts_with(|c: char| c.is_ascii_digit());
            *word != "-" && !is_figure
        });
        let words = words.collect::<Vec<_>>().join(" ");
        // The clock may be read a moment earlier or later.
        text_masked(&words).replace(" T ", " ") + "\n"
    };
    // Of which profile a line is, only the heading says: it is left out for all of them.
    text.lines().filter(|text| is_lasting(text, true)).map(line).collect()
}

fn metrics(control: &Control) -> Vec<String> {
    let page = control.get("/metrics").body;
    let is_lasting = |line: &&str| {
        let rest = line.strip_prefix("proclaunch_profile_");
        rest.is_some_and(|rest| SERIES.iter().any(|name| rest.starts_with(&format!("{name}{{"))))
    };
    let lines: Vec<String> = page.lines().filter(is_lasting).map(str::to_owned).collect();
    assert!(lines.len() > 100, "{page}");
    lines
}

/// Checks that a value tells the same as some time before: everything is equal, but ages that have grown and what is
/// measured anew.
fn agree(name: &str, before: &Value, after: &Value) -> Result<(), String> {
    let differs = || Err(format!("`{name}` was {before} and is {after}"));
    match (before, after) {
        _ if FIGURES.contains(&name) => Ok(()),
        (Value::Number(one), Value::Number(other)) if AGES.contains(&name) => {
            // What is still to come is nearer, what has been is longer ago; nothing here takes an hour.
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            let is_right =
                if name == "after" { (one - 3600.0..=one).contains(&other) } else { other >= one - 0.002 };
            if is_right { Ok(()) } else { differs() }
        }
        (Value::String(one), Value::String(other)) if TIMES.contains(&name) => {
            if millis(one).abs_diff(millis(other)) <= 1000 { Ok(()) } else { differs() }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            one.iter().zip(other).try_for_each(|(one, other)| agree(name, one, other))
        }
        (Value::Object(one), Value::Object(other)) if one.len() == other.len() => {
            one.iter().try_for_each(|(name, one)| agree(name, one, other.get(name).unwrap_or(&Value::Null)))
        }
        _ if before == after => Ok(()),
        _ => differs(),
    }
}

/// The time of day in milliseconds: `2026-11-23T14:31:05.123Z`.
fn millis(time: &str) -> u64 {
    let number = |from: usize, to: usize| time[from..to].parse::<u64>().unwrap();
    ((number(11, 13) * 60 + number(14, 16)) * 60 + number(17, 19)) * 1000 + number(20, 23)
}

#[test]
fn every_answer_is_the_same_after_each_part_was_killed_and_after_a_new_start() {
    let mut daemon = started();
    let before = Told::by(&daemon);
    let parts = daemon.wait_for_parts();

    parts.supervisor.signal(Signal::SIGKILL);
    daemon.wait_for("another supervisor", || (daemon.supervisor()? != parts.supervisor).then_some(()));
    is_all_there(&daemon);
    Told::by(&daemon).is_still(&before, "after the supervisor was killed");

    daemon.wait_for_parts().keeper.signal(Signal::SIGKILL);
    daemon.wait_for("another keeper", || (daemon.keeper()? != parts.keeper).then_some(()));
    is_all_there(&daemon);
    Told::by(&daemon).is_still(&before, "after the keeper was killed");

    daemon.end(Signal::SIGTERM);
    wait::until(|| daemon.keeper().is_none().then_some(())).expect("it has left");
    daemon.start_again();
    is_all_there(&daemon);
    Told::by(&daemon).is_still(&before, "after a leave and a new start");
    // What is done next is done by whoever is there.
    verb(&daemon, &["start", "stopped"], 0);
    verb(&daemon, &["restart", "plain"], 0);
    verb(&daemon, &["signal", "CONT", "daemon"], 0);
    verb(&daemon, &["run-hook", "unhealthy", "health"], 0);
    verb(&daemon, &["scale", "pool", "2"], 0);
    verb(&daemon, &["rescan"], 0);
    verb(&daemon, &["stop", "backoff", "gate", "starting"], 0);
}
