//! An exhaustive search of the machine: every event that can happen, in every state that can be reached.
//!
//! The world around the machine is as small as it can be and still do everything that the real one does: processes
//! that end when they like, or only when killed, that leave others behind, that name themselves in a pid file; a
//! keeper that answers now, later or not at all. After each step the invariants at the head of the module are
//! checked, and from each state a stop must end in `stopped`.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::hook::Hook;
use crate::profile::{Backoff, Fingerprint, GiveUp, Kill, Policy, Profile, Restart, Shape};
use crate::signal::Signal;

use node::Node;

mod answers;
mod killed;
mod next;
mod node;
mod told;

fn profile(run: u128, change: impl FnOnce(&mut Profile)) -> Arc<Profile> {
    let mut profile = Profile {
        shape: Shape {
            run: Fingerprint(run),
            pid_file: None,
            oneshot: false,
            user: None,
            env: Box::default(),
            directory: None,
            umask: 0o022,
            nice: None,
            limits: Box::default(),
            instance: None,
        },
        policy: Policy {
            backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(5) },
            start_timeout: Duration::from_secs(1),
            ..Policy::default()
        },
    };
    change(&mut profile);
    Arc::new(profile)
}

/// Two versions of a profile.
struct Flavour {
    versions: [Arc<Profile>; 2],
    /// How many orders and changes of files one path may hold; what the world does is bounded by what lives.
    wishes: u8,
}

fn flavour(change: impl Fn(&mut Profile)) -> Flavour {
    Flavour { versions: [profile(1, &change), profile(2, &change)], wishes: 2 }
}

/// The same with fewer wishes, where hooks have answers enough of their own.
fn hooked_flavour(change: impl Fn(&mut Profile)) -> Flavour {
    Flavour { wishes: 1, ..flavour(change) }
}

fn daemon(profile: &mut Profile) {
    profile.shape.pid_file = Some("pid".into());
}

/// Goes through every node that can be reached, broadest first.
fn search(flavour: &Flavour) {
    let mut seen = BTreeSet::new();
    let mut states = BTreeSet::new();
    let mut queue = VecDeque::from([Node::new(flavour)]);
    while let Some(node) = queue.pop_front() {
        if !seen.insert(node.key()) {
            continue;
        }
        states.insert(node.machine.state());
        node.check_that_stop_ends();
        node.check_what_is_told(seen.len());
        queue.extend(node.next(flavour));
        queue.extend(node.killed(flavour));
    }
    assert_eq!(states.len(), 4, "not every state was reached");
    assert!(seen.len() > 5000, "only {} nodes were reached", seen.len());
}

#[test]
fn always() {
    search(&flavour(|profile| profile.policy.restart = Restart::Always));
}

#[test]
fn never() {
    search(&flavour(|_| ()));
}

#[test]
fn on_failure_oneshot() {
    search(&flavour(|profile| {
        profile.policy.restart = Restart::OnFailure;
        profile.shape.oneshot = true;
    }));
}

#[test]
fn gives_up_down() {
    search(&flavour(|profile| {
        profile.policy.restart = Restart::Always;
        profile.policy.give_up = Some(GiveUp { deaths: 2, within: Duration::from_secs(60) });
        profile.policy.down = true;
    }));
}

#[test]
fn group_reload() {
    search(&flavour(|profile| {
        profile.policy.restart = Restart::Always;
        profile.policy.kill = Kill::Group;
        profile.policy.reload = Some(Signal::HUP);
    }));
}

#[test]
fn process() {
    search(&flavour(|profile| {
        profile.policy.restart = Restart::Always;
        profile.policy.kill = Kill::Process;
    }));
}

#[test]
fn daemon_always() {
    search(&flavour(|profile| {
        daemon(profile);
        profile.policy.restart = Restart::Always;
    }));
}

#[test]
fn daemon_tree() {
    search(&flavour(|profile| {
        daemon(profile);
        profile.policy.kill = Kill::Tree;
    }));
}

#[test]
fn daemon_process() {
    search(&flavour(|profile| {
        daemon(profile);
        profile.policy.kill = Kill::Process;
    }));
}

/// The profile has these hooks; its two versions have different ones of these names.
fn hooked(profile: &mut Profile, hooks: &[Hook]) {
    profile.policy.hooks.present = hooks.into();
    profile.policy.hooks.digest = profile.shape.run;
    profile.policy.restart = Restart::Always;
}

#[test]
fn gate_and_farewell() {
    search(&hooked_flavour(|profile| hooked(profile, &[Hook::OnStart, Hook::OnStop])));
}

#[test]
fn ready_and_verdict() {
    search(&hooked_flavour(|profile| hooked(profile, &[Hook::Ready, Hook::ShouldRestart])));
}

#[test]
fn daemon_with_gate_ready_and_verdict() {
    search(&hooked_flavour(|profile| {
        daemon(profile);
        hooked(profile, &[Hook::OnStart, Hook::Ready, Hook::ShouldRestart]);
    }));
}

#[test]
fn health_and_change() {
    search(&hooked_flavour(|profile| hooked(profile, &[Hook::Health, Hook::ShouldRestart, Hook::OnChange])));
}
