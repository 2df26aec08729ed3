//! One run: the services are started, ProcLaunch is killed again and again, and everything is drained and checked.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::parts::Parts;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::wait;

use crate::services::{self, Fate, Service};
use crate::{changes, checks, killer};
use proclaunch_tests::rng::Rng;

pub(crate) struct Run {
    seed: u64,
    rng: Rng,
    pub(crate) daemon: Daemon,
    pub(crate) services: Vec<Service>,
    pub(crate) ledgers: PathBuf,
    /// What was done when, in milliseconds.
    done: Vec<(u128, String)>,
    /// How long it took until all three were back.
    absences: Vec<Duration>,
    began: Instant,
}

impl Run {
    /// How often that part was killed, alone or with another.
    pub(crate) fn strikes_at(&self, part: &str) -> usize {
        // What comes after `of` are the parts that there were.
        let struck = |what: &str| what.split(" of ").next().is_some_and(|victims| victims.contains(part));
        self.done.iter().filter(|(_, what)| struck(what)).count()
    }

    pub(crate) fn new(seed: u64) -> Self {
        let sandbox = Sandbox::new();
        let ledgers = sandbox.path().join("ledgers");
        fs::create_dir(&ledgers).unwrap();
        fs::create_dir(sandbox.path().join("away")).unwrap();
        let services = services::make(&sandbox, &ledgers);
        let log = sandbox.path().join("proclaunch.log");
        let daemon = sandbox.daemonize_to(log);
        let began = wait::now();
        Self { seed, rng: Rng::new(seed), daemon, services, ledgers, done: vec![], absences: vec![], began }
    }

    /// Lets chaos reign for that long, and checks that nothing was lost.
    pub(crate) fn endure(mut self, time: Duration) {
        self.daemon.wait_for_parts();
        self.settle();
        let before = self.parts().each().map(|(_, process)| process.descriptors());
        self.began = wait::now();
        let changing: Vec<String> = self.of(Fate::Changes).map(|service| service.name.clone()).collect();
        while self.began.elapsed() < time {
            wait::pass(self.rng.pause());
            if self.rng.below(4) == 0 {
                let what = changes::make_one(&self.daemon.sandbox, &changing, &mut self.rng);
                self.note(what);
                wait::pass(self.rng.pause() / 8);
            }
            let parts = self.parts();
            let struck = wait::now();
            let what = killer::strike(&self.daemon, parts, &mut self.rng);
            self.note(what);
            self.parts();
            self.absences.push(struck.elapsed());
        }
        self.note("the end: everything is put back".to_owned());
        changes::undo_all(&self.daemon.sandbox, &changing);
        self.settle();
        checks::alive(&self, before);
        self.drain();
        checks::afterwards(&self);
        let longest = self.absences.iter().max().copied().unwrap_or_default();
        let (seed, times) = (self.seed, self.absences.len());
        // What passes tells its figures too, which `println!` keeps to itself.
        let _ =
            writeln!(io::stderr(), "seed {seed}: struck {times} times, all back after at most {longest:?}");
    }

    /// All three, as soon as they live.
    fn parts(&self) -> Parts {
        wait::until(|| self.daemon.parts()).unwrap_or_else(|| self.fail("not all three are there"))
    }

    /// Waits until every profile runs that is to run without end, and everything was seen.
    fn settle(&self) {
        for service in &self.services {
            if matches!(service.fate, Fate::Steady | Fate::Changes) {
                let runs = || {
                    let ledger = crate::ledger::Ledger::read(&self.ledgers, &service.name);
                    let pid = ledger.lives.last()?.pid;
                    self.daemon.names(&service.name, "running ", pid).then_some(())
                };
                wait::until(runs).unwrap_or_else(|| self.fail(&format!("{} does not run", service.name)));
            }
        }
    }

    /// Stops everything.
    fn drain(&self) {
        let keeper = self.parts().keeper;
        keeper.signal(Signal::SIGHUP);
        let ended = wait::until(|| (!keeper.is_alive()).then_some(()));
        ended.unwrap_or_else(|| self.fail("the keeper does not end"));
    }

    pub(crate) fn of(&self, fate: Fate) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(move |service| service.fate == fate)
    }

    fn note(&mut self, what: String) {
        self.done.push((self.began.elapsed().as_millis(), what));
    }

    /// Ends the test with everything that may tell why.
    pub(crate) fn fail(&self, what: &str) -> ! {
        let mut done = String::new();
        for (at, what) in &self.done {
            writeln!(done, "{at:>8} ms {what}").unwrap();
        }
        let log = self.daemon.log();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(100)..].join("\n");
        if let Some(dir) = std::env::var_os("KEEP") {
            let copied = Command::new("cp").arg("-r").arg(self.daemon.sandbox.path()).arg(dir).status();
            assert!(copied.unwrap().success(), "cp copies");
        }
        panic!("SEED={}: {what}\nwhat was done:\n{done}the end of the log:\n{last}", self.seed)
    }
}
