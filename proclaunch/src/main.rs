//! The `proclaunch` program: from the command line to the running supervisor, or to a verb.
//!
//! **Invariant:** `main` returns, so that destructors run; nothing here ends the process.

use std::env;
use std::process::{self, ExitCode};

use proclaunch::cli::{Arguments, Settings, Typed};
use proclaunch::fatal::{Fatal, USAGE};
use proclaunch::instance::{Claim, Instance, Startup};
use proclaunch::logging::Log;
use proclaunch::sys::daemon::{Fork, daemonize};
use proclaunch::{panics, supervisor};

fn main() -> ExitCode {
    match Typed::parse(env::args_os()) {
        Ok(Typed::Serve(arguments)) => ExitCode::from(launch(arguments)),
        Ok(Typed::Verb(verb)) => ExitCode::from(verb.run()),
        Err(answer) => {
            // `--help` and `--version` come here too, with exit code 0. There is nowhere to report a closed output.
            let _ = answer.print();
            ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(USAGE))
        }
    }
}

/// Claims the state directory, and becomes a daemon unless told not to.
///
/// The lock is taken before the fork, so that a second start has its answer from the process that was typed.
fn launch(arguments: Arguments) -> u8 {
    let claimed = Settings::new(arguments, process::id() == 1).and_then(|settings| {
        let claim = Instance::claim(&settings.state_dir, &settings.profiles_dir)?;
        Ok((settings, claim))
    });
    let (settings, instance) = match claimed {
        Ok((settings, Claim::Ours(instance))) => (settings, instance),
        Ok((_, Claim::Served)) => return 0,
        Err(fatal) => return Startup::foreground().failed(&fatal),
    };
    if settings.foreground {
        return serve(&settings, instance, Startup::foreground());
    }
    match daemonize() {
        Ok(Fork::Launcher(pipe)) => Startup::listen(pipe),
        Ok(Fork::Daemon { report, detached: Ok(()) }) => serve(&settings, instance, Startup::daemon(report)),
        Ok(Fork::Daemon { report, detached: Err(source) }) => {
            drop(instance);
            Startup::daemon(report).failed(&Fatal::Daemonize { source })
        }
        Err(source) => Startup::foreground().failed(&Fatal::Daemonize { source }),
    }
}

/// Opens the log, says who serves, and supervises.
fn serve(settings: &Settings, instance: Instance, startup: Startup) -> u8 {
    let opened = Log::open(&settings.log_target, settings.threshold).and_then(|log| {
        log.install()?;
        instance.write_pid_file()?;
        Ok(log)
    });
    match opened {
        Ok(log) => {
            panics::go_to(log.clone());
            supervisor::run(settings, instance, log, startup)
        }
        Err(fatal) => {
            // Before the launcher ends: whoever starts again at once must not find the lock still held.
            drop(instance);
            startup.failed(&fatal)
        }
    }
}
