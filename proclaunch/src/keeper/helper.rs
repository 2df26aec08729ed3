//! Starting ProcLaunch's own processes: by the same means as services, with this process's rights.

use std::ffi::{CStr, CString, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, umask};
use nix::unistd::dup3;
use proclaunch_core::ids::ProcId;
use proclaunch_core::process::Stage;

use super::Keeper;
use super::command::path_string;
use super::launch::Launcher;
use crate::nofile::FirstLimit;
use crate::sys::spawn::{Launched, Plan, launch};

/// A process of ProcLaunch's own.
pub struct HelperSpec<'a> {
    /// The program's file.
    pub program: &'a Path,
    /// Its arguments, `argv[0]` among them.
    pub argv: &'a [OsString],
    /// `NAME=VALUE` each.
    pub env: &'a [OsString],
    /// Become its descriptors 3, 4 and so on.
    pub passed: &'a [BorrowedFd<'a>],
    /// Become its standard output and error; `/dev/null` without.
    pub output: Option<[BorrowedFd<'a>; 2]>,
}

impl Launcher {
    /// Starts a process of ProcLaunch's own, with this process's user, directory, niceness and mask of files.
    fn start_helper(&mut self, helper: &HelperSpec<'_>) -> Result<Launched, (Stage, Errno)> {
        let entries = |words: &[OsString]| -> Result<Vec<CString>, Errno> {
            let strings = words.iter().map(|word| CString::new(word.as_bytes()));
            strings.collect::<Result<_, _>>().map_err(|_| Errno::EINVAL)
        };
        let failed = |errno| (Stage::Exec, errno);
        let program = path_string(helper.program).map_err(failed)?;
        let (argv, env) = (entries(helper.argv).map_err(failed)?, entries(helper.env).map_err(failed)?);
        let argv: Vec<&CStr> = argv.iter().map(CString::as_c_str).collect();
        let env: Vec<&CStr> = env.iter().map(CString::as_c_str).collect();
        let own_output = helper.output.map(|[out, errors]| {
            dup3(out, &mut self.slot, OFlag::O_CLOEXEC)?;
            dup3(errors, &mut self.errors, OFlag::O_CLOEXEC)
        });
        own_output.transpose().map_err(|errno| (Stage::Output, errno))?;
        let umask = current_umask();
        let limits: Vec<_> = self.first_limit().collect();
        let plan = Plan {
            program: &program,
            argv: &argv,
            env: &env,
            directory: c".",
            limits: &limits,
            nice: None,
            credentials: None,
            umask: umask.bits(),
            dispositions: &self.dispositions,
            input: self.null.as_fd(),
            output: self.slot.as_fd(),
            errors: self.errors.as_fd(),
            passed: helper.passed,
        };
        let launched = launch(&mut self.stack, &plan);
        self.let_go();
        launched
    }
}

impl Keeper {
    /// Does something with the limit on descriptors that this process was started with: for a program in its place.
    pub fn with_first_limits<T>(&self, action: impl FnOnce() -> T) -> T {
        FirstLimit::in_force(self.launcher.nofile, action)
    }

    /// Starts a process of ProcLaunch's own, whose end is told by [`Keeper::take_helpers_ended`].
    ///
    /// # Errors
    /// How far it got, and why it got no further.
    pub fn spawn_helper(&mut self, helper: &HelperSpec<'_>) -> Result<ProcId, (Stage, Errno)> {
        let launched = self.launcher.start_helper(helper)?;
        self.expect_helper(launched.pid);
        Ok(ProcId { pid: launched.pid, start: self.launcher.start_time(launched.pid, None) })
    }
}

/// The mask of files that this process makes, which can only be asked for by setting it; there is one thread.
fn current_umask() -> Mode {
    let mask = umask(Mode::from_bits_truncate(0o077));
    umask(mask);
    mask
}
