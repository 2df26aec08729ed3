//! From a [`SpawnSpec`] to a running process.

use std::ffi::{CStr, CString, OsString};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::resource::{Resource as Limited, getrlimit};
use nix::unistd::dup3;
use proclaunch_core::ids::ProcId;
use proclaunch_core::process::{SpawnError, Stage};
use proclaunch_core::profile::{Limit, Resource};

use super::birth::BirthClock;
use super::command::{Command, path_string};
use super::credentials::{self, Identity};
use super::environment::{Environment, entry};
use super::error::KeeperError;
use super::meaning::meant;
use super::protocol::{Input, Kind, Output, Pipes, Report, SpawnSpec};
use super::{Keeper, Main, Start, output, stat};
use crate::killpoint;
use crate::nofile::FirstLimit;
use crate::sys::spawn::{Dispositions, Launched, Plan, Stack, launch};

/// What every start uses, made once.
pub(super) struct Launcher {
    pub(super) stack: Stack,
    pub(super) dispositions: Dispositions,
    births: BirthClock,
    environment: Environment,
    pub(super) null: OwnedFd,
    /// A low descriptor that holds the output during a start, and `/dev/null` between.
    pub(super) slot: OwnedFd,
    /// Another one, for standard error where that goes elsewhere.
    pub(super) errors: OwnedFd,
    /// Given up for a moment when descriptors have run out.
    spare: Option<OwnedFd>,
    /// The limit on descriptors that we were started with, if we have raised it.
    pub(super) nofile: Option<FirstLimit>,
    /// Descriptors from this number on are not for pidfds: see [`RESERVE`].
    room: RawFd,
    root: bool,
}

/// By this in its environment, a process that is no service is known to whoever finds it.
pub(crate) const KIND: &str = "PROCLAUNCH_KIND";

impl Kind {
    /// The value of [`KIND`].
    const fn mark(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Command => "command",
            Self::LogRun => "log_run",
        }
    }
}

/// How many descriptors are left for what passes: reading profiles, writing records, opening outputs. A child can do
/// without its pidfd; without these nobody would see that it is to be stopped.
const RESERVE: RawFd = 16;

impl Launcher {
    pub(super) fn new(instance: &Path, own_env: Vec<(OsString, OsString)>) -> Result<Self, KeeperError> {
        let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null");
        let null = null.map_err(|error| {
            KeeperError::Null(error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw))
        })?;
        let slot = another(&null).map_err(KeeperError::Null)?;
        let errors = another(&null).map_err(KeeperError::Null)?;
        let null = another(&null).map_err(KeeperError::Null)?;
        let spare = another(&null).ok();
        let nofile = FirstLimit::raise();
        Ok(Self {
            stack: Stack::new().map_err(KeeperError::Stack)?,
            dispositions: Dispositions::of_this_process(),
            births: BirthClock::new(),
            environment: Environment::new(own_env, instance.as_os_str().as_bytes())?,
            null,
            slot,
            errors,
            spare,
            nofile,
            room: room(),
            root: nix::unistd::geteuid().is_root(),
        })
    }

    fn start(
        &mut self,
        spec: &SpawnSpec,
        pipes: Option<&Pipes>,
    ) -> Result<(Launched, Option<Errno>), (Stage, SpawnError)> {
        let who = spec.user.as_ref().filter(|_| self.root).map(credentials::look_up).transpose();
        let who = who.map_err(|error| (Stage::User, error))?;
        let over = variables(spec, who.as_ref()).ok_or_else(|| at(Stage::Exec)(Errno::EINVAL))?;
        let directory = path_string(&spec.directory).map_err(at(Stage::Directory))?;
        let limits: Vec<_> = self.first_limit().chain(spec.limits.iter().map(rlimit)).collect();
        let command = Command::new(spec, self.environment.value(b"PATH", &over)).map_err(at(Stage::Exec))?;
        let lost = self.take_output(&spec.output, pipes).map_err(at(Stage::Output))?;
        let input = match &spec.input {
            Input::Null => None,
            Input::Fifo(path) => Some(self.take_input(path).map_err(at(Stage::Output))?),
        };
        let env = self.environment.with(&over);
        let argv: Vec<&CStr> = command.argv.iter().map(CString::as_c_str).collect();
        let output = if lost.is_none() { self.slot.as_fd() } else { self.null.as_fd() };
        let plan = Plan {
            program: &command.program,
            argv: &argv,
            env: &env,
            directory: &directory,
            limits: &limits,
            nice: spec.nice.map(i32::from),
            credentials: who.as_ref().map(|who| &who.credentials),
            umask: spec.umask,
            dispositions: &self.dispositions,
            input: input.as_ref().map_or(self.null.as_fd(), AsFd::as_fd),
            output,
            errors: if pipes.is_some() { self.errors.as_fd() } else { output },
            passed: &[],
        };
        let launched = launch(&mut self.stack, &plan);
        self.let_go();
        let mut launched = launched.map_err(|(stage, errno)| (stage, SpawnError::Errno(errno as i32)))?;
        launched.pidfd = launched.pidfd.filter(|fd| self.has_room(fd));
        Ok((launched, lost))
    }

    /// The limit on descriptors for whatever is started.
    pub(super) fn first_limit(&self) -> impl Iterator<Item = (u32, libc::rlimit64)> {
        let limit = self.nofile.map(|first| libc::rlimit64 { rlim_cur: first.soft, rlim_max: first.hard });
        limit.map(|limit| (libc::RLIMIT_NOFILE, limit)).into_iter()
    }

    /// Between starts no process's output is held open. Fails only if descriptors 0 to 2 could.
    pub(super) fn let_go(&mut self) {
        let _ = dup3(&self.null, &mut self.slot, OFlag::O_CLOEXEC);
        let _ = dup3(&self.null, &mut self.errors, OFlag::O_CLOEXEC);
    }

    /// Opens what a process reads. It is low for want of anything better: its number costs the child a few words.
    fn take_input(&mut self, path: &Path) -> Result<OwnedFd, Errno> {
        let opened = output::fifo_to_read(path)?;
        self.restock();
        Ok(opened.into())
    }

    /// Puts the output into the slots; tells why it is not there where the start can do without it.
    fn take_output(&mut self, output: &Output, pipes: Option<&Pipes>) -> Result<Option<Errno>, Errno> {
        let open: &dyn Fn() -> Result<File, Errno> = match (output, pipes) {
            (Output::File(path), None) => &|| output::open(path),
            (Output::Fifo(path), None) => &|| output::fifo(path),
            (Output::Pipes, Some(pipes)) => {
                dup3(&pipes.out, &mut self.slot, OFlag::O_CLOEXEC)?;
                return dup3(&pipes.err, &mut self.errors, OFlag::O_CLOEXEC).map(|()| None);
            }
            (Output::File(_) | Output::Fifo(_), Some(_)) | (Output::Pipes, None) => return Err(Errno::EBADF),
        };
        let mut opened = open();
        if matches!(opened, Err(Errno::EMFILE | Errno::ENFILE)) {
            self.spare = None;
            opened = open();
        }
        let lost = match opened {
            Ok(file) => dup3(&file, &mut self.slot, OFlag::O_CLOEXEC).map(|()| None),
            Err(errno) if output::can_do_without(errno) => Ok(Some(errno)),
            Err(errno) => Err(errno),
        };
        // Else the pidfd would take its place, and the start time could not be read.
        self.restock();
        lost
    }

    /// The start time of a child that was made after the tick `before`.
    pub(super) fn start_time(&mut self, pid: i32, before: Option<u64>) -> u64 {
        let spare = &mut self.spare;
        let read = || {
            let stat = stat::read_stat(pid).or_else(|| {
                *spare = None;
                stat::read_stat(pid)
            });
            stat.map(|stat| stat.id.start)
        };
        // An unreaped child has its entry, dead or alive; without /proc there is no start time to tell.
        self.births.start_time(before, read).unwrap_or(0)
    }

    /// Whether a pidfd may stay, or is one of the last descriptors.
    pub(super) fn has_room(&self, pidfd: &OwnedFd) -> bool {
        pidfd.as_raw_fd() < self.room
    }

    /// Takes back the spare descriptor, if it was given up.
    fn restock(&mut self) {
        if self.spare.is_none() {
            self.spare = another(&self.null).ok();
        }
    }
}

impl Keeper {
    pub(super) fn spawn(&mut self, spec: &SpawnSpec, pipes: Option<&Pipes>) {
        killpoint::pass("before-spawn");
        let (name, ticket) = (spec.name.clone(), spec.ticket);
        if let (Output::Fifo(path), Kind::Service) = (&spec.output, spec.kind) {
            // Before there is somebody who writes to it, and may end at once.
            self.outputs.hold(&spec.name, path, |fd| self.launcher.has_room(fd));
        }
        let before = self.launcher.births.tick();
        let (launched, lost) = match self.launcher.start(spec, pipes) {
            Ok(launched) => launched,
            Err((stage, error)) => {
                let error = meant(spec, stage, error);
                self.reports.push(Report::SpawnFailed { name, ticket, stage, error });
                return;
            }
        };
        if let Some(errno) = lost {
            self.reports.push(Report::OutputLost { name: name.clone(), errno: errno as i32 });
        }
        let pid = launched.pid;
        let id = ProcId { pid, start: self.launcher.start_time(pid, before) };
        self.launcher.restock();
        let mut start = Start::new(name.clone(), spec.kind);
        start.main = Some(Main { id, is_child: true, pidfd: launched.pidfd, token: None });
        start.sessions.push(pid);
        self.known.mains.insert(pid, ticket);
        self.known.sessions.insert(pid, ticket);
        self.starts.insert(ticket, Box::new(start));
        killpoint::pass("after-spawn");
        self.reports.push(Report::Spawned { name, ticket, id });
    }
}

/// What is set over the supervisor's own environment; none if a value holds a NUL.
fn variables(spec: &SpawnSpec, who: Option<&Identity>) -> Option<Vec<(Vec<u8>, CString)>> {
    let ticket = spec.ticket.to_string();
    let mut over = Vec::with_capacity(6 + spec.env.len());
    for (name, value) in [("PROCLAUNCH_PROFILE", spec.name.as_str()), ("PROCLAUNCH_TICKET", &ticket)] {
        over.push((name.as_bytes().to_vec(), entry(name.as_bytes(), value.as_bytes())?));
    }
    if spec.kind != Kind::Service {
        let (name, value) = (KIND.as_bytes(), spec.kind.mark().as_bytes());
        over.push((name.to_vec(), entry(name, value)?));
    }
    over.extend(who.into_iter().flat_map(|who| who.env.iter().cloned()));
    for variable in &spec.env {
        let name = variable.name.as_bytes();
        over.push((name.to_vec(), entry(name, &variable.value)?));
    }
    Some(over)
}

/// A second descriptor of the same file; the standard library makes it above standard input, output and error.
fn another(fd: impl AsFd) -> Result<OwnedFd, Errno> {
    let fd = fd.as_fd().try_clone_to_owned();
    fd.map_err(|error| error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw))
}

/// The kernel gives the lowest number that is free: one from here on tells that descriptors are running out.
fn room() -> RawFd {
    let (soft, _) = getrlimit(Limited::RLIMIT_NOFILE).unwrap_or((u64::MAX, u64::MAX));
    RawFd::try_from(soft).unwrap_or(RawFd::MAX).saturating_sub(RESERVE)
}

fn rlimit(limit: &Limit) -> (u32, libc::rlimit64) {
    (resource(limit.resource) as u32, libc::rlimit64 { rlim_cur: limit.soft, rlim_max: limit.hard })
}

pub(super) const fn resource(resource: Resource) -> Limited {
    match resource {
        Resource::As => Limited::RLIMIT_AS,
        Resource::Core => Limited::RLIMIT_CORE,
        Resource::Cpu => Limited::RLIMIT_CPU,
        Resource::Data => Limited::RLIMIT_DATA,
        Resource::Fsize => Limited::RLIMIT_FSIZE,
        Resource::Locks => Limited::RLIMIT_LOCKS,
        Resource::Memlock => Limited::RLIMIT_MEMLOCK,
        Resource::Msgqueue => Limited::RLIMIT_MSGQUEUE,
        Resource::Nice => Limited::RLIMIT_NICE,
        Resource::Nofile => Limited::RLIMIT_NOFILE,
        Resource::Nproc => Limited::RLIMIT_NPROC,
        Resource::Rss => Limited::RLIMIT_RSS,
        Resource::Rtprio => Limited::RLIMIT_RTPRIO,
        Resource::Rttime => Limited::RLIMIT_RTTIME,
        Resource::Sigpending => Limited::RLIMIT_SIGPENDING,
        Resource::Stack => Limited::RLIMIT_STACK,
    }
}

fn at(stage: Stage) -> impl Fn(Errno) -> (Stage, SpawnError) {
    move |errno| (stage, SpawnError::Errno(errno as i32))
}
