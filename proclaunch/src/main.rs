//! The `proclaunch` program: from the command line to one of its processes, or to a verb.
//!
//! **Invariant:** `main` returns, so that destructors run; nothing here ends the process.

use std::env;
use std::io::Write;
use std::os::fd::RawFd;
use std::process::{self, ExitCode};

use proclaunch::cli::{Arguments, Settings, Typed};
use proclaunch::fatal::{Fatal, USAGE};
use proclaunch::instance::{Claim, Instance, Startup, is_served};
use proclaunch::keeper::{load_image, server};
use proclaunch::logging::Log;
use proclaunch::role::{self, Birth, Role};
use proclaunch::sys::daemon::{Fork, daemonize};
use proclaunch::{logger, panics, supervisor, sys};

fn main() -> ExitCode {
    sys::give_memory_back();
    let role = Role::of(env::args_os().next().as_deref());
    match (Typed::parse(env::args_os()), role) {
        (Ok(Typed::Serve(arguments)), Role::Typed) => ExitCode::from(keep(arguments)),
        (Ok(Typed::Serve(arguments)), Role::Supervisor) => ExitCode::from(help(arguments, supervisor::run)),
        (Ok(Typed::Serve(arguments)), Role::Logger) => ExitCode::from(help(arguments, logger::serve)),
        (Ok(Typed::Verb(verb)), _) => ExitCode::from(verb.run()),
        (Err(answer), _) => {
            // `--help` and `--version` come here too, with exit code 0. There is nowhere to report a closed output.
            let _ = answer.print();
            ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(USAGE))
        }
    }
}

/// Is one of the processes that the keeper starts.
fn help(arguments: Arguments, run: impl FnOnce(&Settings) -> u8) -> u8 {
    match Settings::new(arguments, false) {
        Ok(settings) => run(&settings),
        Err(fatal) => Startup::foreground().failed(&fatal),
    }
}

/// Is the keeper, however it comes to be.
fn keep(arguments: Arguments) -> u8 {
    let settings = match Settings::new(arguments, process::id() == 1) {
        Ok(settings) => settings,
        Err(fatal) => return Startup::foreground().failed(&fatal),
    };
    let birth = Birth::of_this_process();
    match birth {
        Birth::Started => launch(settings),
        Birth::TakesOver => match Instance::claim_after(&settings.state_dir, &settings.profiles_dir) {
            Ok(Claim::Ours(instance)) => serve(settings, instance, Startup::successor(), birth),
            Ok(Claim::Served) => 0,
            Err(fatal) => Startup::foreground().failed(&fatal),
        },
        Birth::Upgraded { state_dir, .. } => match role::inherited_directory(state_dir) {
            Some(dir) => {
                let instance = Instance::inherit(&settings.state_dir, dir);
                serve(settings, instance, Startup::foreground(), birth)
            }
            None => launch(settings),
        },
        Birth::Rehearses { image } => rehearse(image),
    }
}

/// Claims the state directory, and becomes a daemon unless told not to.
///
/// The lock is taken before the fork, so that a second start has its answer from the process that was typed.
fn launch(settings: Settings) -> u8 {
    let instance = match Instance::claim(&settings.state_dir, &settings.profiles_dir) {
        Ok(Claim::Ours(instance)) => instance,
        Ok(Claim::Served) => {
            is_served(&settings.state_dir);
            return 0;
        }
        Err(fatal) => return Startup::foreground().failed(&fatal),
    };
    if let Err(fatal) = settings.access.check() {
        drop(instance);
        return Startup::foreground().failed(&fatal);
    }
    if settings.foreground {
        return serve(settings, instance, Startup::foreground(), Birth::Started);
    }
    match daemonize() {
        Ok(Fork::Launcher(pipe)) => Startup::listen(pipe),
        Ok(Fork::Daemon { report, detached: Ok(()) }) => {
            serve(settings, instance, Startup::daemon(report), Birth::Started)
        }
        Ok(Fork::Daemon { report, detached: Err(source) }) => {
            drop(instance);
            Startup::daemon(report).failed(&Fatal::Daemonize { source })
        }
        Err(source) => Startup::foreground().failed(&Fatal::Daemonize { source }),
    }
}

/// Opens the log, says who serves, and keeps.
fn serve(settings: Settings, instance: Instance, startup: Startup, birth: Birth) -> u8 {
    let opened = Log::open(&settings.log_target, settings.threshold).and_then(|log| {
        log.install()?;
        instance.write_pid_file()?;
        Ok(log)
    });
    match opened {
        Ok(log) => {
            panics::go_to(log.clone());
            server::run(settings, instance, log, startup, birth)
        }
        Err(fatal) => {
            // Before the launcher ends: whoever starts again at once must not find the lock still held.
            drop(instance);
            startup.failed(&fatal)
        }
    }
}

/// Says whether this program could take over what another one knows.
fn rehearse(image: RawFd) -> u8 {
    match role::read_inherited(image).and_then(|bytes| load_image(&bytes)) {
        Ok(_) => {
            // Nobody waits for the answer any more if it cannot be said.
            let _ = writeln!(std::io::stdout(), "proclaunch {}", env!("CARGO_PKG_VERSION"));
            0
        }
        Err(why) => Startup::foreground().failed(&Fatal::BadImage { why }),
    }
}
