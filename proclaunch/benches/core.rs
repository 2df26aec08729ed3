//! What deciding costs: the core alone, without a system call. `cargo bench -p proclaunch`.
//!
//! For what doing costs, see `benches/floor/`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use divan::{Bencher, black_box};
use proclaunch_core::clock::Moment;
use proclaunch_core::exit::Exit;
use proclaunch_core::fleet::{Config, Effect, Fleet, Input, Scan};
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use proclaunch_core::log::{self, Entry, Outcome, Said};
use proclaunch_core::machine::{Action, Context, Event, Machine, Tickets};
use proclaunch_core::process::Report;
use proclaunch_core::profile::{Defaults, File, Files, Fingerprint, Parsed, Profile, Run, parse};
use proclaunch_core::signal::Signal;

const PROFILES: usize = 1000;
const KILLED: Exit = Exit::Signal { signal: Signal::KILL, core: false };

fn main() {
    divan::main();
}

fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

fn id(pid: i32) -> ProcId {
    ProcId { pid, start: 1 }
}

fn name(index: usize) -> ProfileName {
    ProfileName::parse(&format!("service-{index:04}")).expect("letters and digits")
}

fn files() -> Files {
    let run = Run::Executable(Fingerprint::of(b"#!/bin/sh\nexec service\n"));
    let entries = [
        ("restart", "always\n"),
        ("backoff", "0.5 30\n"),
        ("stop_signal", "QUIT 30 TERM 5\n"),
        ("env", "PORT=8080\nHOME=/srv\n"),
        ("limits", "nofile 65536\n"),
    ];
    let file = |(name, text): (&str, &str)| (name.to_owned(), File::Bytes(text.into()));
    Files { run, entries: entries.into_iter().map(file).collect() }
}

fn parsed() -> Parsed {
    parse(&files(), &Defaults::default())
}

fn profile() -> Arc<Profile> {
    parsed().profile.expect("the files are good")
}

fn scan() -> Input {
    let profiles = (0..PROFILES).map(|index| (name(index), parsed())).collect();
    Input::Scan(Scan { complete: true, profiles, ..Scan::default() })
}

/// The tickets of the starts that are asked for, by profile.
fn asked(effects: &[Effect]) -> BTreeMap<ProfileName, Ticket> {
    let spawn = |effect: &Effect| match effect {
        Effect::Do(name, Action::Spawn { ticket, .. }) => Some((name.clone(), *ticket)),
        _ => None,
    };
    effects.iter().filter_map(spawn).collect()
}

/// A fleet in which everything runs, and the ticket of the first profile.
fn fleet() -> (Fleet, Ticket) {
    let mut fleet = Fleet::new(Config { instance: 1, drain_on_term: false, exit_with: None });
    let tickets = asked(&fleet.step(at(0), scan()));
    for (pid, (name, ticket)) in (1000..).zip(&tickets) {
        let spawned = Report::Spawned { name: name.clone(), ticket: *ticket, id: id(pid) };
        drop(fleet.step(at(0), Input::Report(spawned)));
    }
    (fleet, tickets[&name(0)])
}

fn exited(ticket: Ticket) -> Input {
    Input::Report(Report::Exited { name: name(0), ticket, id: id(1000), exit: KILLED, remains: Vec::new() })
}

/// Start, run, die, start again.
#[divan::bench]
fn life_of_a_machine(bencher: Bencher<'_, '_>) {
    let profile = profile();
    let mut tickets = Tickets::new(1);
    bencher.bench_local(|| {
        let mut machine = Machine::new();
        let mut step = |seconds, event| {
            let mut cx = Context::new(at(seconds), &mut tickets);
            machine.step(&mut cx, event);
            cx.actions
        };
        drop(step(0, Event::Settings(Arc::clone(&profile))));
        let actions = step(0, Event::Begin(None));
        let Some(ticket) = actions.iter().find_map(|action| match action {
            Action::Spawn { ticket, .. } => Some(*ticket),
            _ => None,
        }) else {
            unreachable!("a profile without `down` starts")
        };
        drop(step(0, Event::Spawned { ticket, id: id(1000) }));
        black_box(step(60, Event::Exited { ticket, id: id(1000), exit: KILLED, remains: Vec::new() }))
    });
}

/// The exit of one of a thousand, up to the request for the next process.
#[divan::bench(sample_count = 30)]
fn exit_of_one_among_1000(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(fleet).bench_local_refs(|(fleet, ticket)| fleet.step(at(60), exited(*ticket)));
}

/// The end of one backoff among a thousand profiles.
#[divan::bench(sample_count = 30)]
fn timeout_of_one_among_1000(bencher: Bencher<'_, '_>) {
    let waiting = || {
        let (mut fleet, ticket) = fleet();
        drop(fleet.step(at(0), exited(ticket)));
        fleet
    };
    bencher.with_inputs(waiting).bench_local_refs(|fleet| fleet.step(at(60), Input::Timeout));
}

/// A scan that finds everything as it was.
#[divan::bench(sample_count = 30)]
fn scan_of_1000_without_a_change(bencher: Bencher<'_, '_>) {
    let (mut fleet, _) = fleet();
    bencher.with_inputs(scan).bench_local_values(|scan| fleet.step(at(60), scan));
}

/// From the bytes of six files to a profile.
#[divan::bench]
fn parse_a_profile(bencher: Bencher<'_, '_>) {
    let (files, defaults) = (files(), Defaults::default());
    bencher.bench_local(|| parse(black_box(&files), &defaults));
}

/// One line of the log.
#[divan::bench]
fn format_a_line(bencher: Bencher<'_, '_>) {
    let outcome = Outcome::Restart(Duration::ZERO);
    let said = Said::Died { id: id(4242), exit: KILLED, after: Duration::from_secs(10_920), outcome };
    let entry = Entry::Profile(name(0), said);
    bencher.bench_local(|| log::line(black_box(1_795_444_265_123), &entry));
}
