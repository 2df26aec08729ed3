//! A keeper to test, with profiles in a temporary directory; what was started is killed at the end, also of a test
//! that failed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use proclaunch::keeper::Keeper;
use proclaunch::keeper::protocol::{Input, Kind, Output, Program, Report, Request, SpawnSpec};
use proclaunch_core::exit::Exit;
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use tempfile::TempDir;

static TURN: Mutex<()> = Mutex::new(());
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Bench {
    pub(crate) keeper: Keeper,
    pub(crate) dir: TempDir,
    reports: Vec<Report>,
    tickets: Vec<Ticket>,
    _turn: MutexGuard<'static, ()>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::after(|| {})
    }

    /// As `new`, when it is this test's turn and `prepare` has been done.
    pub(crate) fn after(prepare: impl FnOnce()) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        prepare();
        let dir = tempfile::tempdir().unwrap();
        // A service that runs as another user has to reach its directory.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let env = std::env::vars_os().collect();
        let keeper = Keeper::new(dir.path(), env).unwrap();
        Self { keeper, dir, reports: Vec::new(), tickets: Vec::new(), _turn: turn }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A profile with that `run`.
    pub(crate) fn profile(&mut self, run: &str) -> SpawnSpec {
        let serial = u64::try_from(self.tickets.len()).unwrap();
        let ticket = Ticket { instance: now_nanos(), serial };
        self.tickets.push(ticket);
        let dir = self.path(&format!("p{serial}"));
        fs::create_dir(&dir).unwrap();
        write_script(&dir.join("run"), run);
        SpawnSpec {
            name: ProfileName::parse(&format!("p{serial}")).unwrap(),
            ticket,
            directory: dir.clone(),
            program: Program::Run,
            kind: Kind::Service,
            input: Input::Null,
            output: Output::File(dir.join("log/out")),
            profile_dir: dir,
            user: None,
            env: Vec::new(),
            umask: 0o022,
            nice: None,
            limits: Vec::new(),
        }
    }

    pub(crate) fn spawn(&mut self, spec: &SpawnSpec) -> ProcId {
        self.keeper.request(Request::Spawn(Box::new(spec.clone())));
        let ticket = spec.ticket;
        self.wait(|report| match report {
            Report::Spawned { ticket: of, id, .. } if *of == ticket => Some(*id),
            Report::SpawnFailed { .. } => panic!("{report:?}"),
            _ => None,
        })
    }

    /// Starts a shell script.
    pub(crate) fn start(&mut self, run: &str) -> (SpawnSpec, ProcId) {
        let spec = self.profile(run);
        let id = self.spawn(&spec);
        (spec, id)
    }

    /// Waits for the first report that is wanted, and takes it; the others stay.
    pub(crate) fn wait<T>(&mut self, mut wanted: impl FnMut(&Report) -> Option<T>) -> T {
        let deadline = now_nanos() + u64::try_from(PATIENCE.as_nanos()).unwrap();
        loop {
            self.pump();
            let found = self.reports.iter().enumerate().find_map(|(at, report)| Some((at, wanted(report)?)));
            if let Some((at, value)) = found {
                self.reports.remove(at);
                return value;
            }
            assert!(now_nanos() < deadline, "no such report; there are {:?}", self.reports);
            pause();
        }
    }

    pub(crate) fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let deadline = now_nanos() + u64::try_from(PATIENCE.as_nanos()).unwrap();
        while !holds(self) {
            assert!(now_nanos() < deadline, "in vain: {what}");
            self.pump();
            pause();
        }
    }

    pub(crate) fn pump(&mut self) {
        self.keeper.child_event();
        self.keeper.foreign_event();
        self.reports.extend(self.keeper.take_reports());
    }

    /// How a start's main process ended, and what it left.
    pub(crate) fn end(&mut self, ticket: Ticket) -> (Exit, Vec<ProcId>) {
        self.wait(|report| match report {
            Report::Exited { ticket: of, exit, remains, .. } if *of == ticket => {
                Some((*exit, remains.clone()))
            }
            _ => None,
        })
    }

    pub(crate) fn gone(&mut self, ticket: Ticket) {
        self.wait(|report| matches!(report, Report::Gone { ticket: of, .. } if *of == ticket).then_some(()));
    }

    pub(crate) fn kill_tree(&mut self, ticket: Ticket) {
        self.keeper.request(Request::KillTree { ticket });
        self.gone(ticket);
    }

    pub(crate) fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// What the start has said.
    pub(crate) fn output(spec: &SpawnSpec) -> String {
        fs::read_to_string(output_of(spec)).unwrap_or_default()
    }

    /// Runs to its end, and gives what it said.
    pub(crate) fn run(&mut self, spec: &SpawnSpec) -> String {
        self.spawn(spec);
        let (exit, _) = self.end(spec.ticket);
        let said = Self::output(spec);
        assert_eq!(exit, Exit::Code(0), "{said}");
        said
    }

    /// The pid that a process of the start has written into a file of the profile.
    pub(crate) fn pid_in(&mut self, spec: &SpawnSpec, file: &str) -> i32 {
        let path = spec.profile_dir.join(file);
        let mut pid = None;
        self.until(&format!("a pid in {file}"), |_| {
            let text = fs::read_to_string(&path).unwrap_or_default();
            pid = text.strip_suffix('\n').and_then(|text| text.parse().ok());
            pid.is_some()
        });
        pid.unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for ticket in &self.tickets {
            self.keeper.request(Request::KillTree { ticket: *ticket });
        }
        let deadline = now_nanos() + 2_000_000_000;
        while now_nanos() < deadline
            && self.tickets.iter().any(|ticket| self.keeper.main_of(*ticket).is_some())
        {
            self.pump();
            pause();
        }
    }
}

pub(crate) fn write_script(path: &Path, body: &str) {
    let body = if body.starts_with("#!") { body.to_owned() } else { format!("#!/bin/sh\n{body}\n") };
    fs::write(path, body).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn now_nanos() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    u64::try_from(now.tv_sec()).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec()).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the grain of polling; every wait has a deadline and a condition"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(1));
}

/// The file that a start writes to.
pub(crate) fn output_of(spec: &SpawnSpec) -> &Path {
    match &spec.output {
        Output::File(path) => path,
        Output::Fifo(_) | Output::Pipes => panic!("{spec:?} writes to a file"),
    }
}

pub(crate) fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        println!("not root: nothing to see here");
    }
    root
}

pub(crate) fn status_field(pid: i32, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let prefix = format!("{field}:");
    status.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap().trim().to_owned()
}
