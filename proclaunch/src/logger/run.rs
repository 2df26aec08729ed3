//! The logger's loop: what is told, and what is written.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use std::{fmt, process};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::{SigSet, Signal};
use proclaunch_core::ids::ProfileName;

use crate::nofile::FirstLimit;
use crate::role::close_on_exec;
use crate::sys::clock;
use crate::sys::ignore_write_signals;

use super::control::{Control, Received};
use super::failure::Failure;
use super::peek::Peek;
use super::profile::{Left, Profile};
use super::protocol::{Word, shortened};

/// What the wait calls the socket; FIFOs are above it.
const CONTROL: u64 = 0;

const EVENTS_MAX: usize = 64;

/// How long output that could not be kept waits before it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How long to wait before looking again whether an earlier logger is gone.
const LOCK_RETRY_MS: u16 = 20;

/// The exit code when the system denies what is needed.
const SYSTEM: u8 = 111;

/// What the logger is given.
pub struct Config {
    /// The state directory.
    pub state_dir: PathBuf,
    /// Its end of the `SOCK_SEQPACKET` socket.
    pub socket: OwnedFd,
    /// Holds what FIFOs there were when this process began.
    pub parcel: Option<OwnedFd>,
    /// Called once, when keeper and supervisor are both gone and did not leave on purpose.
    pub call_for_keeper: Box<dyn FnMut() + Send>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("state_dir", &self.state_dir).finish_non_exhaustive()
    }
}

/// Keeps the output of all profiles until it is told to finish, or until nobody is left that writes.
///
/// Blocks the signals that ask a process to end, and raises the number of files that it may open as far as it may.
/// Waits for an earlier logger on the same directory to be gone. The answer is an exit code: 0, or 111 if the system
/// denies what is needed.
pub fn run(config: Config) -> u8 {
    ignore_write_signals();
    let signals = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1];
    // Cannot fail for signals that exist.
    let _ = signals.into_iter().chain([Signal::SIGUSR2, Signal::SIGALRM]).collect::<SigSet>().thread_block();
    // A keeper that is called for is given back what this process was given: see `call_for_keeper`.
    let first = FirstLimit::raise();
    match Logger::new(config, first) {
        Ok(mut logger) => logger.run().map_or(SYSTEM, |()| 0),
        Err(_) => SYSTEM,
    }
}

pub(super) struct Logger {
    pub(super) state_dir: Rc<Path>,
    call_for_keeper: Box<dyn FnMut() + Send>,
    /// The limit on descriptors that it was started with.
    first: Option<FirstLimit>,
    pub(super) epoll: Epoll,
    /// Until nobody has its other end open.
    control: Option<Control>,
    /// Boxed, as a tree that was filled in order is half empty.
    pub(super) profiles: BTreeMap<ProfileName, Box<Profile>>,
    /// Those whose output cannot be kept: what is done at each wait must not grow with the number of idle ones.
    pub(super) troubled: BTreeSet<ProfileName>,
    pub(super) tokens: BTreeMap<u64, ProfileName>,
    pub(super) next_token: u64,
    /// The FIFOs that are to be looked at, each once.
    pub(super) queue: VecDeque<u64>,
    pub(super) peek: Peek,
    /// Until it has opened the FIFOs itself. They are open for writing in there, and it could not tell that nobody
    /// else writes any more.
    pub(super) parcel: Option<OwnedFd>,
    pub(super) leaves: bool,
    pub(super) finishes: bool,
}

impl Logger {
    fn new(config: Config, first: Option<FirstLimit>) -> nix::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
        epoll.add(&config.socket, EpollEvent::new(flags, CONTROL))?;
        Ok(Self {
            state_dir: config.state_dir.into(),
            call_for_keeper: config.call_for_keeper,
            first,
            epoll,
            control: Some(Control::new(config.socket)),
            profiles: BTreeMap::new(),
            troubled: BTreeSet::new(),
            tokens: BTreeMap::new(),
            next_token: CONTROL + 1,
            queue: VecDeque::new(),
            peek: Peek::new()?,
            parcel: config.parcel,
            leaves: false,
            finishes: false,
        })
    }

    fn run(&mut self) -> nix::Result<()> {
        let _lock = self.lock()?;
        self.say(&Word::Hello { pid: own_pid() });
        self.receive();
        loop {
            self.work();
            if self.is_done() {
                return Ok(());
            }
            self.wait(self.timeout())?;
        }
    }

    /// Waits until no earlier logger writes these files: one that was killed may still be at it in the kernel.
    fn lock(&mut self) -> nix::Result<Option<Flock<File>>> {
        let path = self.state_dir.join("log");
        // A directory can be locked like any file (`flock(2)`), and leaves none behind.
        let mut opened = super::fifo::log_directory(&self.state_dir);
        loop {
            let Ok(directory) = opened else { return Ok(None) };
            match Flock::lock(directory, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Some(lock)),
                Err((directory, Errno::EWOULDBLOCK)) => opened = Ok(directory),
                Err(_) => {
                    self.say_text(None, &format!("cannot lock `{}`", path.display()));
                    return Ok(None);
                }
            }
            let mut events = [EpollEvent::empty()];
            let idle = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
            idle.wait(&mut events, EpollTimeout::from(LOCK_RETRY_MS))?;
        }
    }

    fn timeout(&self) -> EpollTimeout {
        if !self.queue.is_empty() {
            return EpollTimeout::ZERO;
        }
        let retries = self.troubled.iter().filter_map(|name| self.profiles.get(name)?.retry_at);
        let Some(at) = retries.min() else { return EpollTimeout::NONE };
        let left = at.since(clock::now()).as_millis() + 1;
        EpollTimeout::try_from(left).unwrap_or(EpollTimeout::MAX)
    }

    fn wait(&mut self, timeout: EpollTimeout) -> nix::Result<()> {
        let mut events = [EpollEvent::empty(); EVENTS_MAX];
        let count = match self.epoll.wait(&mut events, timeout) {
            Err(Errno::EINTR) => 0,
            waited => waited?,
        };
        for event in &events[..count] {
            match event.data() {
                CONTROL => self.receive(),
                token => self.enqueue(token),
            }
        }
        self.retry();
        Ok(())
    }

    pub(super) fn enqueue(&mut self, token: u64) {
        let profile = self.tokens.get(&token).and_then(|name| self.profiles.get_mut(name));
        let pipe = profile.and_then(|profile| profile.pipes.iter_mut().find(|pipe| pipe.token == token));
        if let Some(pipe) = pipe.filter(|pipe| !pipe.is_queued) {
            pipe.is_queued = true;
            pipe.is_abandoned = false;
            self.queue.push_back(token);
        }
    }

    pub(super) fn enqueue_all(&mut self) {
        for token in self.tokens.keys().copied().collect::<Vec<_>>() {
            self.enqueue(token);
        }
    }

    /// Tries again what could not be kept a second ago.
    fn retry(&mut self) {
        if self.troubled.is_empty() {
            return;
        }
        let now = clock::now();
        let retry_at = |name: &ProfileName| self.profiles.get(name)?.retry_at;
        let due = self.troubled.iter().filter(|name| retry_at(name).is_some_and(|at| at <= now));
        for name in due.cloned().collect::<Vec<_>>() {
            self.attach(&name);
            self.enqueue_of(&name);
        }
    }

    /// Gives each FIFO that waits for it one turn.
    pub(super) fn work(&mut self) {
        for _ in 0..self.queue.len() {
            let Some(token) = self.queue.pop_front() else { return };
            self.turn(token);
        }
    }

    fn turn(&mut self, token: u64) {
        let Some(name) = self.tokens.get(&token).cloned() else { return };
        let Some(profile) = self.profiles.get_mut(&name) else { return };
        if let Some(pipe) = profile.pipes.iter_mut().find(|pipe| pipe.token == token) {
            pipe.is_queued = false;
        }
        let worked = profile.work(token, &mut self.peek);
        match worked {
            Ok(left) => {
                self.recovered(&name);
                if left == Left::More && !self.finishes {
                    self.enqueue(token);
                }
                self.after_turn(&name);
            }
            Err(failure) => self.failed(&name, failure),
        }
    }

    /// Lets go of what is over.
    fn after_turn(&mut self, name: &ProfileName) {
        let Some(profile) = self.profiles.get_mut(name) else { return };
        let mut closed: Vec<u64> = profile.take_retired().iter().map(|pipe| pipe.token).collect();
        let is_drained = profile.pipes.iter().all(|pipe| !pipe.is_queued);
        if profile.is_forgotten && is_drained {
            let is_over = profile.is_abandoned();
            if is_over {
                closed.extend(profile.pipes.iter().map(|pipe| pipe.token));
                self.profiles.remove(name);
            }
            self.say(&Word::Forgotten { name: name.clone() });
        }
        for token in closed {
            self.tokens.remove(&token);
        }
    }

    pub(super) fn failed(&mut self, name: &ProfileName, failure: Failure) {
        let Some(profile) = self.profiles.get_mut(name) else { return };
        let is_new = profile.retry_at.is_none();
        profile.retry_at = Some(clock::now().plus(RETRY));
        self.troubled.insert(name.clone());
        if is_new {
            self.say(&Word::Trouble { name: name.clone(), why: shortened(&failure.to_string()) });
        }
    }

    fn recovered(&mut self, name: &ProfileName) {
        let Some(profile) = self.profiles.get_mut(name) else { return };
        if profile.retry_at.take().is_some() {
            self.troubled.remove(name);
            self.say(&Word::Over { name: name.clone() });
        }
    }

    fn is_done(&self) -> bool {
        let is_idle = self.queue.is_empty();
        let is_alone = self.control.is_none();
        is_idle
            && (self.finishes || (is_alone && self.profiles.values().all(|profile| profile.is_abandoned())))
    }

    pub(super) fn say(&mut self, word: &Word) {
        if let Some(control) = &mut self.control {
            control.send(word);
        }
    }

    fn say_text(&mut self, name: Option<&ProfileName>, text: &str) {
        self.say(&Word::Said { name: name.cloned(), text: shortened(text) });
    }

    fn receive(&mut self) {
        loop {
            let Some(control) = &mut self.control else { return };
            control.flush();
            match control.receive() {
                Ok(Received::Message(order)) => self.obey(order),
                Ok(Received::Bad(error)) => {
                    self.say_text(None, &format!("the logger was told nonsense: {error}"));
                }
                Ok(Received::Nothing) => return,
                Ok(Received::End) | Err(_) => return self.left_alone(),
            }
        }
    }

    fn left_alone(&mut self) {
        self.control = None;
        if !self.leaves && !self.finishes {
            if let Some(parcel) = &self.parcel {
                // The keeper has it too, until it has opened the FIFOs: this process may have ended by then. It fails
                // for no descriptor that is open.
                let _ = close_on_exec(parcel, false);
            }
            FirstLimit::in_force(self.first, &mut self.call_for_keeper);
        }
        self.enqueue_all();
    }
}

pub(super) fn own_pid() -> i32 {
    i32::try_from(process::id()).unwrap_or(0)
}
