//! How the keeper begins, and how it starts supervisor and logger.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use proclaunch_core::clock::Moment;
use proclaunch_core::exit::Exit;
use proclaunch_core::ids::ProcId;
use proclaunch_core::log::{Entry, Helper as Kind, Own, Part};
use proclaunch_core::process::Stage;
use proclaunch_core::signal::Signal;

use crate::cli::Settings;
use crate::fatal::{Fatal, SYSTEM};
use crate::instance::{Instance, Startup};
use crate::keeper::protocol::Hello;
use crate::keeper::{HelperSpec, load_image, wire};
use crate::logging::Log;
use crate::role::{self, Birth, LOGGER, SUPERVISOR};
use crate::sys::{self, clock};

use super::ending::Ending;
use super::{
    Channel, Helper, Keeper, LOG, Server, TOKEN_FOREIGN, TOKEN_SIGNALS, ToSupervisor, VERSION, leftovers,
};

impl Server {
    /// Gets everything that a keeper needs; reports through `startup` if that cannot be had, and gives the exit code.
    pub(super) fn new(
        settings: Settings,
        signals: &SigSet,
        instance: Instance,
        log: Log,
        startup: Startup,
        birth: Birth,
    ) -> Result<Self, u8> {
        let is_first = matches!(birth, Birth::Started | Birth::Rehearses { .. });
        let is_upgraded = matches!(birth, Birth::Upgraded { .. });
        let state_dir = &settings.state_dir;
        let unsearched = (!is_upgraded && leftovers::may_be_there(state_dir)).then(|| state_dir.clone());
        match Parts::prepare(&settings, signals, &instance, &log, birth) {
            Ok(Parts { keeper, epoll, signals, between, program, untaken }) => {
                let now = clock::now();
                Ok(Self {
                    keeper,
                    instance,
                    settings,
                    program,
                    log,
                    is_daemon: startup.is_daemon(),
                    startup: Some(startup),
                    is_first,
                    unsearched,
                    supervisor: Helper::new(Kind::Supervisor, now),
                    logger: Helper::new(Kind::Logger, now),
                    channel: None,
                    waits_for_room: false,
                    between,
                    untaken,
                    rehearsal: None,
                    ending: None,
                    epoll,
                    signals,
                    again: None,
                })
            }
            Err(fatal) => {
                // Before the launcher ends: whoever starts again at once must not find the lock still held.
                instance.end();
                Err(startup.failed(&fatal))
            }
        }
    }

    pub(super) fn start_what_is_due(&mut self, now: Moment) {
        // The one that orders wait for comes first.
        if self.supervisor.due().is_some_and(|at| at <= now) {
            self.start_supervisor(now);
        }
        if self.logger.due().is_some_and(|at| at <= now) {
            self.start_logger(now);
        }
        if let Some(state_dir) = self.unsearched.take() {
            // While the supervisor gets ready: what it asks for is not heard before.
            leftovers::end_no_services(&state_dir);
        }
    }

    fn start_supervisor(&mut self, now: Moment) {
        let (ours, theirs) = match wire::pair() {
            Ok(pair) => pair,
            Err(errno) => {
                let own = self.supervisor.failed(format!("make a pair of sockets: {errno}"), now);
                return self.say(own);
            }
        };
        let logger = self.between[0].try_clone();
        let launched = logger
            .map_err(|_| (Stage::Descriptors, Errno::EMFILE))
            .and_then(|logger| self.launch(SUPERVISOR, &[theirs.as_fd(), logger.as_fd()]));
        let id = match launched {
            Ok(id) => id,
            Err((stage, errno)) => {
                let own = self.supervisor.failed(format!("could not {stage}: {}", errno.desc()), now);
                return self.say(own);
            }
        };
        let mut channel = Channel::new(ours);
        channel.send(&ToSupervisor::Hello(Hello {
            version: VERSION,
            keeper: nix::unistd::getpid().as_raw(),
            is_first: self.is_first,
            logger: self.logger.pid(),
            held: self.keeper.held(),
        }));
        for signal in &self.untaken {
            channel.send(&ToSupervisor::SignalAgain(*signal));
        }
        self.waits_for_room = false;
        if self.watch_channel(&channel).is_ok() {
            self.channel = Some(channel);
        }
        if let Some(own) = self.supervisor.started(id, now) {
            self.say(own);
        }
        self.flush();
    }

    fn start_logger(&mut self, now: Moment) {
        let launched = self.between[1].try_clone();
        let launched = launched.map_err(|_| (Stage::Descriptors, Errno::EMFILE));
        let own = match launched.and_then(|socket| self.launch(LOGGER, &[socket.as_fd()])) {
            Ok(id) => self.logger.started(id, now),
            Err((stage, errno)) => {
                Some(self.logger.failed(format!("could not {stage}: {}", errno.desc()), now))
            }
        };
        if let Some(own) = own {
            self.say(own);
        }
    }

    /// Executes this program in another role, with these sockets, and behind them one that holds the FIFOs.
    fn launch(&mut self, name: &str, sockets: &[BorrowedFd<'_>]) -> Result<ProcId, (Stage, Errno)> {
        let parcel = self.keeper.parcel();
        let passed: Vec<_> = sockets.iter().copied().chain(parcel.as_ref().map(AsFd::as_fd)).collect();
        let argv: Vec<OsString> = std::iter::once(name.into()).chain(self.settings.words()).collect();
        let output = if self.is_daemon { None } else { Some(role::own_output()) };
        self.keeper.spawn_helper(&HelperSpec {
            program: role::own_program(),
            argv: &argv,
            env: &Birth::Started.environment(),
            passed: &passed,
            output,
        })
    }

    /// The first supervisor is up: so is ProcLaunch.
    pub(super) fn is_up(&mut self) {
        self.is_first = false;
        if let Some(Err(fatal)) = self.startup.take().map(Startup::succeeded) {
            self.log.say_fatal(&fatal);
            self.ending = Some(Ending::new(fatal.code(), true, clock::now()));
        }
    }

    /// A start that an operator waits for has failed: so he is told, and that is the end. Whether it was such a one.
    pub(super) fn fail_first_start(&mut self, exit: Exit) -> bool {
        let why = format!("start the supervisor: it ended before it was up ({exit})");
        self.refuse_start(SYSTEM, why)
    }

    /// The same, in the words of the supervisor.
    pub(super) fn refuse_start(&mut self, code: u8, message: String) -> bool {
        let Some(startup) = self.startup.take_if(|_| self.is_first) else { return false };
        let mut ending = Ending::new(code, true, clock::now());
        ending.refuse(startup, Fatal::Supervisor { code, message });
        self.ending = Some(ending);
        true
    }
}

/// What a keeper cannot do without.
struct Parts {
    keeper: Keeper,
    epoll: Epoll,
    signals: SignalFd,
    between: [OwnedFd; 2],
    program: PathBuf,
    untaken: VecDeque<Signal>,
}

impl Parts {
    fn prepare(
        settings: &Settings,
        signals: &SigSet,
        instance: &Instance,
        log: &Log,
        birth: Birth,
    ) -> Result<Self, Fatal> {
        let system = |what: &'static str| move |errno: Errno| Fatal::System { what, source: errno.into() };
        sys::ignore_write_signals();
        let program =
            role::program_path().map_err(|source| Fatal::System { what: "find the program", source })?;
        let mut keeper = Keeper::new(instance.path(), env::vars_os().collect()).map_err(Fatal::Keeper)?;
        let signals = SignalFd::with_flags(signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
            .map_err(system("make a signal descriptor"))?;
        let epoll =
            Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(system("make an epoll descriptor"))?;
        for (fd, token) in [(signals.as_fd(), TOKEN_SIGNALS), (keeper.foreign(), TOKEN_FOREIGN)] {
            let added = epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, token));
            added.map_err(system("wait for a descriptor"))?;
        }
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let between = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags);
        let between = between.map_err(system("make a pair of sockets"))?;

        // Before those end who hold them.
        keeper.hold_outputs(&settings.state_dir.join(LOG));
        leftovers::end(&settings.state_dir);
        if birth == Birth::TakesOver {
            // After the logger, which would take the end of its socket for ours.
            role::close_inherited_outputs();
        }
        let untaken = begin(&mut keeper, log, birth);
        Ok(Self { keeper, epoll, signals, between: between.into(), program, untaken })
    }
}

/// What a keeper does first that comes after another one. Gives the signals that are still to be acted on.
fn begin(keeper: &mut Keeper, log: &Log, birth: Birth) -> VecDeque<Signal> {
    let mut untaken = VecDeque::new();
    let pid = nix::unistd::getpid().as_raw();
    let say = |own: Own| log.say(&Entry::Own(own));
    match birth {
        Birth::Started | Birth::Rehearses { .. } => {}
        Birth::TakesOver => say(Part::KeeperRestarted { pid }.into()),
        Birth::Upgraded { image, from, .. } => {
            say(Part::Upgraded { pid, from, to: env!("CARGO_PKG_VERSION").to_owned() }.into());
            match role::read_inherited(image).and_then(|bytes| load_image(&bytes)) {
                Ok(mut image) => {
                    untaken = std::mem::take(&mut image.signals).into();
                    keeper.restore(image);
                }
                // The records tell as much, but for the exits that nobody has taken.
                Err(why) => say(Own::RecordRefused { file: "image of the keeper".to_owned(), why }),
            }
        }
    }
    // What ended before there was a signal descriptor.
    keeper.child_event();
    untaken
}
