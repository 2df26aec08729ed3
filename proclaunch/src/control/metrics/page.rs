//! The page: which families there are, and what they say.

use proclaunch_core::clock::Moment;
use proclaunch_core::exit::Exit;
use proclaunch_core::machine::{Decided, Health, StateName, Status};

use super::recorder::{Counts, HookCounts, Recorded};
use super::text::{Text, count, flag};
use crate::control::api::OwnProcess;
use crate::control::bridge::View;
use crate::control::convert::{STANDINGS, restarts, seconds, standing_word};
use crate::control::usage::Usages;

const STATES: [StateName; 4] =
    [StateName::Stopped, StateName::Starting, StateName::Running, StateName::Stopping];

/// What a page is made from.
#[derive(Clone, Copy, Debug)]
pub struct Figures<'a> {
    /// When the view was asked for.
    pub now: Moment,
    /// All profiles.
    pub view: &'a View,
    /// What they take.
    pub usages: &'a Usages,
    /// What ProcLaunch takes itself.
    pub own: &'a [OwnProcess],
    /// What was counted.
    pub recorded: &'a Recorded,
}

/// The whole page.
pub fn page(figures: &Figures<'_>) -> String {
    let mut text = Text::default();
    let Figures { now, view, usages, own, recorded } = figures;
    general(&mut text, view);
    for process in *own {
        own_process(&mut text, process);
    }
    for (name, status) in &view.profiles {
        let profile = name.as_str();
        standing(&mut text, profile, status);
        lives(&mut text, profile, status, *now);
        decisions(&mut text, profile, status.decided);
        let labels = [("profile", profile)];
        if let Some(usage) = usages.now.get(name) {
            let help = "Resident memory of all its processes, what they share counted for each.";
            text.family("proclaunch_profile_memory_bytes", "gauge", help)
                .add(&labels, count(usage.memory_bytes));
            text.family("proclaunch_profile_processes", "gauge", "How many processes it has.")
                .add(&labels, f64::from(usage.processes));
        }
        if let Some(total) = usages.cpu_total.get(name) {
            let help = "CPU time of all its processes since it was first measured.";
            text.family("proclaunch_profile_cpu_seconds_total", "counter", help)
                .add(&labels, seconds(*total));
        }
        if let Some(counts) = recorded.profiles.get(name) {
            counted(&mut text, profile, counts);
        }
    }
    recorded.series.write(&mut text);
    text.finish()
}

fn general(text: &mut Text, view: &View) {
    let help = "The version that runs; always 1.";
    text.family("proclaunch_build_info", "gauge", help).add(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    let profiles = view.profiles.len() as u64;
    text.family("proclaunch_profiles", "gauge", "How many profiles there are.").add(&[], count(profiles));
    let help = "1 while all profiles are being stopped.";
    text.family("proclaunch_draining", "gauge", help).add(&[], flag(view.is_draining));
}

fn own_process(text: &mut Text, process: &OwnProcess) {
    let OwnProcess { role, pid: _, uptime, memory_bytes, cpu_seconds, descriptors, wakeups } = process;
    for (family, kind, help, value) in [
        ("uptime_seconds", "gauge", "For how long a process of ProcLaunch itself has run.", *uptime),
        (
            "memory_bytes",
            "gauge",
            "What it has in RAM, what it shares shared out (PSS).",
            count(*memory_bytes),
        ),
        ("cpu_seconds_total", "counter", "Its CPU time.", *cpu_seconds),
        ("open_fds", "gauge", "Its open descriptors.", f64::from(*descriptors)),
        ("wakeups_total", "counter", "How often its threads have waited for something.", count(*wakeups)),
    ] {
        text.family(&format!("proclaunch_process_{family}"), kind, help).add(&[("role", role)], value);
    }
}

fn standing(text: &mut Text, profile: &str, status: &Status) {
    let states: Vec<String> = STATES.iter().map(ToString::to_string).collect();
    text.family("proclaunch_profile_state", "gauge", "1 for the state that it is in, 0 for the others.")
        .one_of(profile, "state", states.iter().map(String::as_str), &status.state.to_string());
    let help = "1 for how it stands against what is wanted of it, 0 for the others.";
    text.family("proclaunch_profile_standing", "gauge", help).one_of(
        profile,
        "standing",
        STANDINGS.into_iter().map(standing_word),
        standing_word(status.standing),
    );
    let is_healthy = match status.health {
        Health::Unknown => None,
        Health::Healthy => Some(true),
        Health::Unhealthy => Some(false),
    };
    if let Some(is_healthy) = is_healthy {
        let help = "1: its checks say that it is healthy; 0: unhealthy. Not there while they say nothing.";
        text.family("proclaunch_profile_health", "gauge", help)
            .add(&[("profile", profile)], flag(is_healthy));
    }
}

fn lives(text: &mut Text, profile: &str, status: &Status, now: Moment) {
    let labels = [("profile", profile)];
    let mut add = |family: &str, kind: &'static str, help: &str, value: f64| {
        text.family(&format!("proclaunch_profile_{family}"), kind, help).add(&labels, value);
    };
    add("restarts_total", "counter", "Starts after the first.", count(restarts(status)));
    add("failures", "gauge", "Unplanned deaths since the last good run.", f64::from(status.failures));
    add("changed", "gauge", "1 while the files differ from what runs.", flag(status.changed));
    let off = status.hooks_off.len() as u64;
    add("hooks_off", "gauge", "How many of its hooks are not called any more.", count(off));
    if let Some(since) = status.since {
        add("uptime_seconds", "gauge", "For how long its process has run.", seconds(now.since(since)));
    }
    let Some(ended) = &status.exit else { return };
    if let Exit::Code(code) = ended.exit {
        let help = "The exit code of its last process, if it exited.";
        add("exit_code", "gauge", help, f64::from(code));
    }
    if let Some(signal) = ended.exit.signal() {
        let help = "The number of the signal that ended its last process, if one did.";
        add("exit_signal", "gauge", help, f64::from(signal.number()));
    }
}

fn decisions(text: &mut Text, profile: &str, decided: Decided) {
    let help = "Decisions under this supervisor, by who took them.";
    let mut samples = text.family("proclaunch_decisions_total", "counter", help);
    let Decided { orders, settings, hooks, defaults } = decided;
    for (by, taken) in [("order", orders), ("setting", settings), ("hook", hooks), ("default", defaults)] {
        samples.add(&[("profile", profile), ("by", by)], f64::from(taken));
    }
}

fn counted(text: &mut Text, profile: &str, counts: &Counts) {
    if let Some(hooks) = counts.hooks() {
        hooks_counted(text, profile, hooks);
    }
    let help = "What has happened, by kind and level.";
    let mut samples = text.family("proclaunch_profile_events_total", "counter", help);
    for (sort, events) in &counts.events {
        let labels = [("profile", profile), ("kind", &*sort.kind), ("level", &*sort.level)];
        samples.add(&labels, count(*events));
    }
}

fn hooks_counted(text: &mut Text, profile: &str, counts: &HookCounts) {
    let help = "How long hooks took to answer, waiting included.";
    let mut samples = text.family("proclaunch_hook_duration_seconds", "histogram", help);
    for (hook, histogram) in &counts.durations {
        histogram.write(&mut samples, &[("profile", profile), ("hook", hook.name())]);
    }
    let help = "What became of the calls of hooks: answer, nothing, failed, timeout or cancelled.";
    let mut samples = text.family("proclaunch_hook_calls_total", "counter", help);
    for ((hook, outcome), calls) in &counts.outcomes {
        let labels = [("profile", profile), ("hook", hook.name()), ("outcome", *outcome)];
        samples.add(&labels, count(*calls));
    }
}
