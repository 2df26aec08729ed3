//! Leaving the terminal: double fork, own session, `/` as working directory.
//!
//! **Invariant:** the launcher ends only when the daemon has reported or is gone: both hold one pipe, and nobody
//! else does (it is close-on-exec).
//! **Invariant:** standard error stays the launcher's until the daemon is up, so that nothing said before is lost.

use std::fs::OpenOptions;
use std::io::{self, PipeReader, PipeWriter};

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, chdir, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};

/// Who this process is after [`daemonize`].
pub enum Fork {
    /// The process that was started: it listens until the daemon has reported, and ends.
    Launcher(PipeReader),
    /// The process that stays.
    Daemon {
        /// Where it reports how the start went.
        report: PipeWriter,
        /// Whether it left the terminal. If not, the one thing to do is to report that and end.
        detached: io::Result<()>,
    },
}

/// Splits the process in two.
///
/// Must be called before any thread is made: only the calling thread lives on in the daemon, and a lock that
/// another one held would stay locked there for ever.
///
/// # Errors
/// There is no pipe or no process to be had; nothing was split then.
pub fn daemonize() -> io::Result<Fork> {
    let (listen, report) = io::pipe()?;
    // SAFETY: by this function's contract there is one thread, so that the child may do everything.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => {
            drop(report);
            // The first child ends at once; only the pipe tells how the start went.
            let _ = waitpid(child, None);
            Ok(Fork::Launcher(listen))
        }
        ForkResult::Child => {
            drop(listen);
            Ok(Fork::Daemon { report, detached: detach() })
        }
    }
}

/// Makes the calling process's only child the daemon. Returns in the child, or with an error in either.
fn detach() -> io::Result<()> {
    setsid()?;
    // The second fork gives up the leadership of the session: a non-leader never gets a controlling terminal by
    // opening one.
    // SAFETY: as in `daemonize`: one thread.
    match unsafe { fork() }? {
        ForkResult::Parent { .. } => {
            // SAFETY: `_exit` has no preconditions. Destructors and buffers belong to the other two processes.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Child => {
            chdir("/")?;
            Ok(dup2_stdin(OpenOptions::new().read(true).open("/dev/null")?)?)
        }
    }
}

/// Does something in a process that is nobody's child, and in a session of its own; the process ends when it is done.
///
/// Must be called where there is one thread: see [`daemonize`].
///
/// # Errors
/// There is no process to be had.
pub fn start_orphan(action: impl FnOnce()) -> io::Result<()> {
    // SAFETY: by this function's contract there is one thread, so that the child may do everything.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => {
            // It ends at once.
            let _ = waitpid(child, None);
            Ok(())
        }
        ForkResult::Child => {
            // SAFETY: as above; in the one in between there is nothing to do.
            if let (Ok(_), Ok(ForkResult::Child)) = (setsid(), unsafe { fork() }) {
                action();
            }
            // SAFETY: `_exit` has no preconditions. Destructors and buffers belong to the process that called.
            unsafe { libc::_exit(0) }
        }
    }
}

/// Lets go of the launcher's standard output and error, so that a pipe or terminal there can close.
///
/// # Errors
/// There is no `/dev/null`.
pub fn silence_output() -> io::Result<()> {
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    dup2_stdout(&null)?;
    Ok(dup2_stderr(&null)?)
}
