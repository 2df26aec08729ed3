//! The supervisor: the core's fleet, and the real world around it.
//!
//! **Invariant:** one thread that works, one loop ([`proclaunch_core::world::run`]), and one wait at its end, in the reactor.
//! Nothing else sleeps, and when nothing happens nothing wakes up.

mod chores;
mod execs;
mod hooks;
mod metrics;
mod perform;
pub(crate) mod published;
mod reactor;
mod recall;
mod rescan;

use std::env;
use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

use nix::sys::signal::{SigSet, Signal};
use proclaunch_core::fleet::{Config, Effect, Fleet};
use proclaunch_core::log::{Entry, Own};
use proclaunch_core::world;

use crate::cli::{OnTerm, Settings};
use crate::fatal::Fatal;
use crate::instance::{Instance, Startup};
use crate::keeper::Keeper;
use crate::logging::Log;
use crate::panics::SUPERVISOR;
use crate::store::Store;
use crate::sys::{self, clock};

use reactor::Reactor;

/// The signals that the supervisor acts on. They are blocked and read from a descriptor.
const SIGNALS: [Signal; 6] =
    [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGCHLD];

/// Supervises until told to end, and gives the exit code; the instance ends with it.
///
/// Reports through `startup` once everything is in place, before the first service is started.
pub fn run(settings: &Settings, instance: Instance, log: Log, startup: Startup) -> u8 {
    let signals: SigSet = SIGNALS.into_iter().collect();
    // Before there is another thread: it inherits the mask, and none of them dies of what is meant for a descriptor.
    match signals.thread_block() {
        Ok(()) => on_another_thread(|| supervise(settings, &signals, instance, log, startup)),
        Err(errno) => startup.failed(&Fatal::System { what: "block signals", source: errno.into() }),
    }
}

/// Does the work on a thread that is not the process's first, so that the keeper's looks do not pass all idle services
/// (see [`crate::keeper`]); on this one where no other can be made.
fn on_another_thread(work: impl FnOnce() -> u8 + Send) -> u8 {
    let mut work = Some(work);
    let mut do_it = || work.take().expect("it is done on one thread only")();
    let done = thread::scope(|scope| {
        let thread = thread::Builder::new().name(SUPERVISOR.to_owned()).spawn_scoped(scope, &mut do_it);
        thread.map(ScopedJoinHandle::join)
    });
    match done {
        Ok(Ok(code)) => code,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => do_it(),
    }
}

fn supervise(settings: &Settings, signals: &SigSet, instance: Instance, log: Log, startup: Startup) -> u8 {
    match prepare(settings, signals, &instance, log) {
        Ok((mut fleet, mut reactor)) => {
            let code = match startup.succeeded() {
                Ok(()) => world::run(&mut fleet, &mut reactor),
                Err(fatal) => reactor.say_fatal(&fatal),
            };
            reactor.kill_execs();
            drop(reactor);
            instance.end();
            code
        }
        Err(fatal) => {
            // Before the launcher ends: whoever starts again at once must not find the lock still held.
            instance.end();
            startup.failed(&fatal)
        }
    }
}

fn prepare(
    settings: &Settings,
    signals: &SigSet,
    instance: &Instance,
    log: Log,
) -> Result<(Fleet, Reactor), Fatal> {
    let system = |what: &'static str| move |source: std::io::Error| Fatal::System { what, source };
    let random = clock::random_u64().map_err(system("get a random number"))?;
    let boot_id = clock::boot_id().map_err(system("read the boot id"))?;
    sys::ignore_write_signals();
    let keeper = Keeper::new(instance.path(), env::vars_os().collect()).map_err(Fatal::Keeper)?;
    let store = Store::open(instance.path()).map_err(Fatal::Store)?;

    let drain_on_term = settings.on_term == OnTerm::Drain;
    let fleet = Fleet::new(Config { instance: random, drain_on_term });
    let mut reactor = Reactor::new(settings, signals, keeper, store, log, boot_id)?;
    // At once: a signal that is there already outranks what is said in the next wait.
    let started = Own::Started { pid: nix::unistd::getpid().as_raw() };
    reactor.perform_effect(Effect::Log(Entry::Own(started)));
    reactor.begin_metrics();
    reactor.recall();
    reactor.scan_all();
    Ok((fleet, reactor))
}
