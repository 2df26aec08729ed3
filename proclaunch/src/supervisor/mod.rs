//! The supervisor: the core's fleet, and the real world around it.
//!
//! It is a process of its own, started by the keeper, which owns all services. It owns nothing that it cannot rebuild:
//! whatever it dies of, the next one goes on from the records and from what the keeper holds.
//!
//! **Invariant:** one thread that works, one loop ([`proclaunch_core::world::run`]), and one wait at its end, in the reactor.
//! Nothing else sleeps, and when nothing happens nothing wakes up.

mod chores;
mod control;
mod execs;
mod hooks;
mod keeping;
mod link;
mod log_runs;
mod metrics;
mod outputs;
mod perform;
pub(crate) mod published;
mod reactor;
mod recall;
mod rescan;
mod scanning;

use std::os::fd::OwnedFd;

use nix::sys::signal::{SigSet, Signal};
use proclaunch_core::fleet::{Config, Effect, Fleet};
use proclaunch_core::log::{Entry, Own};
use proclaunch_core::world;

use crate::cli::{OnTerm, Settings};
use crate::fatal::Fatal;
use crate::instance::{Alone, Startup};
use crate::keeper::protocol::{Hello, ToKeeper, ToSupervisor};
use crate::keeper::server::RECORDS;
use crate::keeper::wire::WireError;
use crate::killpoint;
use crate::logging::Log;
use crate::nofile::FirstLimit;
use crate::panics;
use crate::role::{self, Birth, FIRST_SOCKET, Role, SECOND_SOCKET, inherited_socket, parcel_of};
use crate::store::Store;
use crate::sys::{self, clock};

use link::Link;
use outputs::Outputs;
use reactor::{Prepared, Reactor};

/// What only the keeper acts on: here these signals are blocked, and nobody reads them.
const FOR_THE_KEEPER: [Signal; 5] =
    [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGUSR2];

/// Supervises until the fleet has ended, or until the keeper is gone: then this process becomes the next keeper.
///
/// Gives the exit code of this process, which the keeper ignores: what the instance ends with is told to it.
pub fn run(settings: &Settings) -> u8 {
    killpoint::halt("supervisor-begins");
    let (socket, logger) = match (inherited_socket(FIRST_SOCKET), inherited_socket(SECOND_SOCKET)) {
        (Ok(socket), Ok(logger)) => (socket, logger),
        (Err(errno), _) | (_, Err(errno)) => return Startup::foreground().failed(&Fatal::NoKeeper { errno }),
    };
    let signals: SigSet = FOR_THE_KEEPER.into_iter().collect();
    // It cannot fail for a set of signals that exist; if it did, a signal would end this process, and another came.
    let _ = signals.thread_block();
    sys::ignore_write_signals();
    let first_limit = FirstLimit::raise();
    match Link::open(socket) {
        Ok((link, hello, rest)) => supervise(settings, first_limit, link, logger, &hello, rest),
        // It has died since it started us.
        Err(WireError::Closed) => {
            let Err(errno) = FirstLimit::in_force(first_limit, || {
                role::execute_keeper(role::own_program(), settings, &Birth::TakesOver)
            });
            Startup::foreground().failed(&Fatal::NoKeeper { errno })
        }
        Err(error) => Startup::foreground().failed(&Fatal::BadKeeper { error }),
    }
}

fn supervise(
    settings: &Settings,
    first_limit: Option<FirstLimit>,
    mut link: Link,
    logger: OwnedFd,
    hello: &Hello,
    rest: Vec<ToSupervisor>,
) -> u8 {
    let parcel = inherited_socket(parcel_of(Role::Supervisor)).ok();
    let mut outputs = Outputs::new(&settings.state_dir, logger, parcel);
    outputs.logger_pid = hello.logger;
    let parts = match prepare(settings, &link, outputs) {
        Ok(parts) => parts,
        Err(fatal) => {
            link.say(&ToKeeper::Failed { code: fatal.code(), message: fatal.to_string() });
            link.flush_all();
            return fatal.code();
        }
    };
    let Parts { alone, log, store, boot_id, config, prepared } = parts;
    panics::go_to(log.clone());
    let mut fleet = Fleet::new(config);
    let mut reactor = Reactor::new(settings, prepared, link, store, log, boot_id, hello.keeper);
    reactor.first_limit = first_limit;
    if hello.is_first {
        // At once: a signal that is there already outranks what is said in the next wait.
        reactor.perform_effect(Effect::Log(Entry::Own(Own::Started { pid: hello.keeper })));
    }
    reactor.is_ready();
    reactor.begin_metrics();
    reactor.begin_control();
    reactor.recall(&hello.held);
    reactor.take_messages(rest);
    reactor.scan_all();
    let code = world::run(&mut fleet, &mut reactor);
    reactor.end(code);
    // Only then may the next one begin.
    drop(alone);
    code
}

/// What a supervisor needs.
struct Parts {
    alone: Alone,
    log: Log,
    store: Store,
    boot_id: String,
    config: Config,
    prepared: Prepared,
}

fn prepare(settings: &Settings, link: &Link, outputs: Outputs) -> Result<Parts, Fatal> {
    let system = |what: &'static str| move |source: std::io::Error| Fatal::System { what, source };
    let log = Log::open(&settings.log_target, settings.threshold)?;
    log.install()?;
    let store = Store::open(&settings.state_dir).map_err(Fatal::Store)?;
    let records = settings.state_dir.join(RECORDS);
    let alone = match Alone::take_soon(&records) {
        Ok(Some(alone)) => alone,
        Ok(None) => return Err(Fatal::NotAlone { path: records }),
        Err(source) => return Err(Fatal::Lock { path: records, source }),
    };
    let random = clock::random_u64().map_err(system("get a random number"))?;
    let drain_on_term = settings.on_term == OnTerm::Drain;
    Ok(Parts {
        alone,
        log,
        store,
        boot_id: clock::boot_id().map_err(system("read the boot id"))?,
        config: Config { instance: random, drain_on_term, exit_with: settings.exit_with.clone() },
        prepared: Reactor::prepare(settings, link, outputs)?,
    })
}
