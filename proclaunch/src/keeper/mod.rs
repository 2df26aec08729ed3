//! The owner of the processes: spawns, signals, reaps, and finds what a start leaves behind.
//!
//! [`Keeper::request`] performs what it is asked at once, as far as one request can; what has to look at the process
//! table waits for [`Keeper::take_reports`], so that one look serves all requests of a batch. The reactor calls
//! [`Keeper::child_event`] on SIGCHLD, [`Keeper::foreign_event`] when [`Keeper::foreign`] is readable, and takes the
//! reports after each batch.
//!
//! Whose process is whose: the keeper is a subreaper, so whatever outlives its parent becomes the keeper's child. A
//! child that is no main process is an *orphan*, and belongs to the start that its session, its ticket or its known
//! descent names (`family`). A process that left its session, cleared its environment and outlived its parent
//! before anyone looked cannot be told from a stranger's.
//!
//! **Invariant:** a signal goes through a pidfd that was opened before its process's start time was verified; where
//! no descriptor is left, only to an unreaped child, whose pid cannot mean anybody else.
//! **Invariant:** that descriptors have run out never makes a process count as ended.
//! **Invariant:** nothing here waits, and no look is made for a profile at which nothing happens.
//!
//! One look reads the list of the children of the process's first thread. Orphans are in it, whoever asks; services
//! are in it only if they were started on that thread. So a keeper that lives on any other thread does not see its
//! idle services at each look, and the cost of a look is independent of their number.
//!
//! **Invariant:** a start is forgotten by [`Request::Release`] and by nothing else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::sys::epoll::{Epoll, EpollCreateFlags};
use proclaunch_core::exit::Exit;
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use serde::{Deserialize, Serialize};

mod adopt;
mod birth;
mod cgroup;
mod command;
mod credentials;
mod environment;
mod error;
mod family;
mod helper;
mod inventory;
mod kill;
mod launch;
mod look;
mod meaning;
mod oom;
mod output;
mod outputs;
mod parcel;
pub mod pid_file;
pub mod protocol;
mod reap;
pub mod server;
mod stat;
#[cfg(test)]
mod testing;
pub mod wire;

pub(crate) use credentials::look_up;
pub use error::KeeperError;
pub(crate) use family::{Known, Seen, attribute};
pub use inventory::{IMAGE_VERSION, Image, load as load_image, store as store_image};
pub(crate) use look::{Children, OwnChildren, below, everybody, seen};
pub use look::{find_by_tickets, ticket_of};
pub use pid_file::{PidFile, Rejection, age_of, look_at_pid_file, parse_pid_file};
pub use stat::{Stat, identify, parse_stat, read_stat};

use cgroup::Cgroups;
pub use helper::HelperSpec;
use launch::Launcher;
use oom::OomLog;
use outputs::Outputs;
use protocol::{HeldEnd, Kind, Pipes, Report, Request, SpawnSpec};

/// How many exits of unknown children are remembered for a later [`Request::Adopt`].
const RECENT_MAX: usize = 64;

/// The owner of the processes.
pub struct Keeper {
    me: i32,
    /// None where the kernel does not name children.
    own_children: Option<OwnChildren>,
    launcher: Launcher,
    /// Boxed, as a tree that was filled in order is half empty.
    starts: BTreeMap<Ticket, Box<Start>>,
    known: Known,
    /// Children that are no main processes, and whose they are.
    orphans: BTreeMap<i32, Option<Ticket>>,
    /// Processes that are watched by pidfd because they are no children, by the token of their epoll entry.
    watched: BTreeMap<u64, Watched>,
    /// Those of them for which there was no descriptor: see [`Keeper::look_at_unwatched`].
    unwatched: BTreeMap<ProcId, Ticket>,
    next_token: u64,
    epoll: Epoll,
    recent: VecDeque<(i32, Exit)>,
    /// Children of ours that are no services, and those of them that ended.
    helpers: BTreeSet<i32>,
    helpers_ended: Vec<(i32, Exit)>,
    outputs: Outputs,
    cgroups: Cgroups,
    /// None where nobody tells who was killed for want of memory.
    oom_log: Option<OomLog>,
    ended: Vec<Ended>,
    /// Starts at which something happened since the last look.
    touched: BTreeSet<Ticket>,
    looked: bool,
    reports: Vec<Report>,
}

/// One start of one profile.
struct Start {
    name: ProfileName,
    kind: Kind,
    main: Option<Main>,
    /// How its last main process ended: for a supervisor that has not heard of it.
    ended: Option<HeldEnd>,
    /// What lives of it besides its main process and below neither: orphans, and for a foreign start whatever a walk
    /// over all processes has found.
    left: Vec<ProcId>,
    /// Those that got the SIGKILL of the hunt under way.
    killed: BTreeSet<ProcId>,
    /// Those that are its kin by `Known::kin`.
    kin: BTreeSet<ProcId>,
    sessions: Vec<i32>,
    hunt: Hunt,
    /// Its main process was adopted from another parent: its orphans need not come to us.
    foreign: bool,
    /// Its main process is gone, and a look has found nothing else: nothing can come any more.
    empty: bool,
}

struct Main {
    id: ProcId,
    is_child: bool,
    pidfd: Option<OwnedFd>,
    /// The entry of [`Keeper::watched`] of a process that is not our child.
    token: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Hunt {
    None,
    Watch,
    Kill,
}

struct Watched {
    ticket: Ticket,
    id: ProcId,
    pidfd: OwnedFd,
}

struct Ended {
    ticket: Ticket,
    end: HeldEnd,
}

impl Start {
    fn new(name: ProfileName, kind: Kind) -> Self {
        Self {
            name,
            kind,
            main: None,
            ended: None,
            left: Vec::new(),
            killed: BTreeSet::new(),
            kin: BTreeSet::new(),
            sessions: Vec::new(),
            hunt: Hunt::None,
            foreign: false,
            empty: false,
        }
    }
}

impl Keeper {
    /// Makes this process a keeper: it becomes the reaper of orphans, and may open as many descriptors as its hard
    /// limit allows; its children get the limit that it was itself started with.
    ///
    /// `instance` is the state directory; `own_env` is the environment that services inherit.
    pub fn new(instance: &Path, own_env: Vec<(OsString, OsString)>) -> Result<Self, KeeperError> {
        nix::sys::prctl::set_child_subreaper(true).map_err(KeeperError::Subreaper)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(KeeperError::Epoll)?;
        Ok(Self {
            me: nix::unistd::getpid().as_raw(),
            launcher: Launcher::new(instance, own_env)?,
            own_children: OwnChildren::open(),
            starts: BTreeMap::new(),
            known: Known::default(),
            orphans: BTreeMap::new(),
            watched: BTreeMap::new(),
            unwatched: BTreeMap::new(),
            next_token: 0,
            epoll,
            recent: VecDeque::with_capacity(RECENT_MAX),
            helpers: BTreeSet::new(),
            helpers_ended: Vec::new(),
            outputs: Outputs::default(),
            cgroups: Cgroups::new(instance),
            oom_log: OomLog::open(),
            ended: Vec::new(),
            touched: BTreeSet::new(),
            looked: false,
            reports: Vec::new(),
        })
    }

    /// Readable when a process that is watched but is no child of ours has ended: then call
    /// [`Keeper::foreign_event`].
    pub fn foreign(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }

    /// Whether there are processes whose ends nobody tells, for want of descriptors: then
    /// [`Keeper::look_at_unwatched`] is due in a second or so.
    pub fn has_unwatched(&self) -> bool {
        !self.unwatched.is_empty()
    }

    /// Does what is asked. The answers are among the next [`Keeper::take_reports`].
    ///
    /// A ticket that is not known (never spawned or adopted here, or released) is no error: there is nothing to do,
    /// and no answer.
    pub fn request(&mut self, request: Request) {
        match request {
            Request::Spawn(spec) => self.spawn(&spec, None),
            Request::Adopt { name, ticket, id } => self.adopt(name, ticket, id),
            Request::Signal { ticket, scope, signal } => self.signal(ticket, scope, signal),
            Request::KillTree { ticket } => self.hunt(ticket, Hunt::Kill),
            Request::Watch { ticket } => self.hunt(ticket, Hunt::Watch),
            Request::Release { ticket } => self.release(ticket),
            Request::ForgetOutput { name } => self.outputs.forget(&name),
        }
    }

    /// Starts a process that writes to pipes ([`Output::Pipes`](protocol::Output::Pipes)); answered as
    /// [`Request::Spawn`] is.
    pub fn spawn_piped(&mut self, spec: &SpawnSpec, pipes: &Pipes) {
        self.spawn(spec, Some(pipes));
    }

    /// SIGCHLD has arrived: collects every exit that there is.
    pub fn child_event(&mut self) {
        self.looked = false;
        self.reap();
        self.settle();
    }

    /// A process that is watched but is no child of ours has ended.
    pub fn foreign_event(&mut self) {
        self.looked = false;
        self.foreign_ends();
        self.settle();
    }

    /// Looks for what the requests since the last call want found, and hands over everything there is to report, in
    /// the order in which it happened.
    pub fn take_reports(&mut self) -> Vec<Report> {
        self.settle();
        self.looked = false;
        std::mem::take(&mut self.reports)
    }

    /// The profile whose main process that is.
    pub fn owner_of(&self, id: ProcId) -> Option<&ProfileName> {
        let start = self.starts.get(self.known.mains.get(&id.pid)?)?;
        start.main.as_ref().filter(|main| main.id == id).map(|_| &start.name)
    }

    /// The live main process of a start.
    pub fn main_of(&self, ticket: Ticket) -> Option<ProcId> {
        self.starts.get(&ticket)?.main.as_ref().map(|main| main.id)
    }
}
