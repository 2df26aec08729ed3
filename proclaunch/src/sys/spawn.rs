//! Making a process: `clone(CLONE_VM | CLONE_VFORK | CLONE_FILES)` on a stack of its own, then `execve`.
//!
//! The child borrows our memory until it has called `execve` or ended, and we stand still for that long. So nothing
//! is copied, whatever our size; and it reports how far it got by writing into our memory, so that no pipe is
//! needed and a start works when descriptors have run out. It borrows our descriptors too, and gives itself a table
//! of the few lowest ones (`CLOSE_RANGE_UNSHARE`): the cost does not grow with the number of open descriptors.
//!
//! **Invariant:** the child makes raw system calls on data that was prepared before, and nothing else: no
//! allocation, no lock, no call of the C library that could look at the threads of the parent (its `setuid` sends
//! signals to all of them).
//! **Invariant:** every signal is blocked in the child until all dispositions are the default ones: no handler of
//! ours ever runs in it. Which are not the default ones is found out once, by [`Dispositions`]: 62 calls for each
//! start cost more than all its other steps up to `execve`.
//!
//! Security: after `setuid` the child still shares our memory; it cannot be traced by that user, because the kernel
//! takes a memory's dumpability away when credentials change (`commit_creds`). As the memory is ours too, the keeper
//! leaves no core dumps from then on.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;
use proclaunch_core::process::Stage;

use super::raw;
use crate::killpoint;

const STACK_BYTES: usize = 64 * 1024;
const GUARD_BYTES: usize = 64 * 1024;
const SIGNAL_MAX: c_int = 64;

/// The kernel's `struct sigaction` is handler, flags, restorer and mask in some order: all zeros is `SIG_DFL`.
type Sigaction = [u64; 4];

/// Everything that the child needs, prepared: it only reads.
pub struct Plan<'a> {
    /// What to execute: a path; a relative one begins at the working directory.
    pub program: &'a CStr,
    /// Its arguments, `argv[0]` among them.
    pub argv: &'a [&'a CStr],
    /// `NAME=VALUE` each.
    pub env: &'a [&'a CStr],
    /// The working directory.
    pub directory: &'a CStr,
    /// Resource limits: `RLIMIT_*`, soft and hard.
    pub limits: &'a [(u32, libc::rlimit64)],
    /// Absolute niceness.
    pub nice: Option<i32>,
    /// Whom to become.
    pub credentials: Option<&'a Credentials>,
    /// Permission bits to take away.
    pub umask: u32,
    /// What to make of the signals.
    pub dispositions: &'a Dispositions,
    /// Becomes standard input. Not one of 0 to 2, and low: the child copies all descriptors up to it.
    pub input: BorrowedFd<'a>,
    /// Becomes standard output. Not one of 0 to 2, and low.
    pub output: BorrowedFd<'a>,
    /// Becomes standard error; may be the same as `output`. Not one of 0 to 2, and low.
    pub errors: BorrowedFd<'a>,
    /// Become 3, 4 and so on. Low, and none of 0 to 2.
    pub passed: &'a [BorrowedFd<'a>],
}

/// The signals that this process does not leave to their default: a child must.
pub struct Dispositions(Vec<c_int>);

impl Dispositions {
    /// Asks for each signal. Who changes a disposition afterwards hands it on to the children.
    pub fn of_this_process() -> Self {
        Self((1..=SIGNAL_MAX).filter(|number| is_changed(*number)).collect())
    }
}

/// Whom a process runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// All supplementary groups.
    pub groups: Vec<u32>,
}

/// A process that was made.
pub struct Launched {
    /// Its pid: certain until it is reaped.
    pub pid: i32,
    /// Its pidfd; none if descriptors have run out.
    pub pidfd: Option<OwnedFd>,
}

/// The stack that the child runs on, with an inaccessible page below; made once, used for one child at a time.
pub struct Stack(*mut c_void);

// SAFETY: the mapping belongs to this value alone, and is used only through `&mut`.
unsafe impl Send for Stack {}

impl Stack {
    /// Maps a stack.
    pub fn new() -> Result<Self, Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        let (size, none, access) =
            (GUARD_BYTES + STACK_BYTES, libc::PROT_NONE, libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: a fresh anonymous mapping at a place of the kernel's choice.
        let base = unsafe { libc::mmap(ptr::null_mut(), size, none, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let stack = Self(base);
        // SAFETY: the range lies within the mapping made above, above the guard.
        Errno::result(unsafe { libc::mprotect(base.byte_add(GUARD_BYTES), STACK_BYTES, access) })?;
        Ok(stack)
    }

    fn top(&mut self) -> *mut c_void {
        // SAFETY: one past the end of the mapping, which is page-aligned.
        unsafe { self.0.byte_add(GUARD_BYTES + STACK_BYTES) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no child runs on it: `launch` returns only when the child has left.
        unsafe { libc::munmap(self.0, GUARD_BYTES + STACK_BYTES) };
    }
}

/// What parent and child share; the child writes `stage` and `errno`.
struct Shared<'a> {
    plan: &'a Plan<'a>,
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    low: c_int,
    /// A test wants us killed while the child has not executed its program yet.
    kills_us: bool,
    stage: Stage,
    errno: c_int,
}

/// Makes a process and waits until it executes its program or has failed to.
pub fn launch(stack: &mut Stack, plan: &Plan<'_>) -> Result<Launched, (Stage, Errno)> {
    let pointers =
        |strings: &[&CStr]| strings.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect();
    let low = [plan.input, plan.output, plan.errors].iter().chain(plan.passed).map(AsRawFd::as_raw_fd).max();
    let mut shared = Shared {
        plan,
        argv: pointers(plan.argv),
        envp: pointers(plan.env),
        low: low.expect("there are three at least"),
        kills_us: killpoint::is_armed("child-before-exec"),
        stage: Stage::Session,
        errno: 0,
    };
    let launched = with_signals_blocked(|| {
        let result = clone(stack, &mut shared, true);
        if matches!(result, Err(Errno::EMFILE | Errno::ENFILE)) {
            // The pidfd is what there was no room for: go without.
            return clone(stack, &mut shared, false);
        }
        result
    })
    .map_err(|errno| (Stage::Clone, errno))?;
    // The child wrote these behind the compiler's back.
    // SAFETY: both point to fields of a live local.
    let (stage, errno) =
        unsafe { ((&raw const shared.stage).read_volatile(), (&raw const shared.errno).read_volatile()) };
    if errno == 0 {
        return Ok(launched);
    }
    super::wait::ending_child(launched.pid);
    Err((stage, Errno::from_raw(errno)))
}

fn clone(stack: &mut Stack, shared: &mut Shared<'_>, with_pidfd: bool) -> Result<Launched, Errno> {
    let mut pidfd: c_int = -1;
    let mut flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES | libc::SIGCHLD;
    if with_pidfd {
        flags |= libc::CLONE_PIDFD;
    }
    let argument = (&raw mut *shared).cast::<c_void>();
    // SAFETY: the child runs `child` on a stack of its own with a pointer to `shared`, which outlives it because
    // CLONE_VFORK holds us here until it has executed or ended; `pidfd` is writable.
    let pid = Errno::result(unsafe { libc::clone(child, stack.top(), flags, argument, &raw mut pidfd) })?;
    // SAFETY: with CLONE_PIDFD the kernel has made this descriptor for us.
    let pidfd = (with_pidfd && pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(pidfd) });
    Ok(Launched { pid, pidfd })
}

/// All 64 signals, also the two that the C library keeps for itself and would leave open.
fn with_signals_blocked<T>(action: impl FnOnce() -> T) -> T {
    let (all, mut before) = (u64::MAX, 0_u64);
    let size = size_of::<u64>();
    // SAFETY: the kernel's signal set is 64 bits; both pointers are to such.
    let blocked =
        unsafe { raw!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const all, &raw mut before, size) };
    let result = action();
    if blocked.is_ok() {
        let none = ptr::null_mut::<u64>();
        // SAFETY: as above.
        let _ = unsafe { raw!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const before, none, size) };
    }
    result
}

extern "C" fn child(argument: *mut c_void) -> c_int {
    let shared = argument.cast::<Shared<'_>>();
    // SAFETY: `clone` passed a pointer to the parent's `Shared`; the parent stands still while we run.
    unsafe {
        let error = become_service(shared);
        (&raw mut (*shared).errno).write_volatile(error as c_int);
        // `_exit` through the C library ends this process only: no handlers, no flushing.
        libc::_exit(127)
    }
}

/// Does every step, in the order of [`Stage`]; returns only if one failed.
///
/// # Safety
/// Runs in the child alone; `shared` is valid, and everything it points to.
unsafe fn become_service(shared: *mut Shared<'_>) -> Errno {
    // SAFETY: see above; each raw call gets what it expects from the plan.
    unsafe {
        match steps(shared) {
            Ok(never) => match never {},
            Err(errno) => errno,
        }
    }
}

/// # Safety
/// As [`become_service`].
unsafe fn steps(shared: *mut Shared<'_>) -> Result<std::convert::Infallible, Errno> {
    // SAFETY: `shared` is valid; its plan holds open descriptors and NUL-terminated strings; integers otherwise.
    unsafe {
        let plan = (*shared).plan;
        let at = |stage| (&raw mut (*shared).stage).write_volatile(stage);
        raw!(libc::SYS_setsid)?;
        default_dispositions(&plan.dispositions.0);
        at(Stage::Limits);
        for (resource, limit) in plan.limits {
            raw!(libc::SYS_prlimit64, 0, *resource, ptr::from_ref(limit), ptr::null_mut::<libc::rlimit64>())?;
        }
        at(Stage::Nice);
        if let Some(nice) = plan.nice {
            raw!(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, nice)?;
        }
        at(Stage::Credentials);
        if let Some(who) = plan.credentials {
            raw!(libc::SYS_setgroups, who.groups.len(), who.groups.as_ptr())?;
            raw!(libc::SYS_setresgid, who.gid, who.gid, who.gid)?;
            raw!(libc::SYS_setresuid, who.uid, who.uid, who.uid)?;
        }
        at(Stage::Directory);
        raw!(libc::SYS_umask, plan.umask)?;
        raw!(libc::SYS_chdir, plan.directory.as_ptr())?;
        at(Stage::Descriptors);
        descriptors(plan, (*shared).low)?;
        if (*shared).kills_us {
            raw!(libc::SYS_kill, libc::getppid(), libc::SIGKILL)?;
        }
        at(Stage::Exec);
        let none = 0_u64;
        let (no_old, size) = (ptr::null_mut::<u64>(), size_of::<u64>());
        raw!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const none, no_old, size)?;
        let (argv, envp) = ((*shared).argv.as_ptr(), (*shared).envp.as_ptr());
        raw!(libc::SYS_execve, plan.program.as_ptr(), argv, envp)?;
        Err(Errno::ENOEXEC)
    }
}

/// Gives the child a table of its own, and in it 0, 1, 2 and what is passed stay open; the rest closes at `execve`.
///
/// # Safety
/// As [`become_service`].
unsafe fn descriptors(plan: &Plan<'_>, low: c_int) -> Result<(), Errno> {
    // SAFETY: integers only; the table is unshared before anything in it changes.
    unsafe {
        raw!(libc::SYS_close_range, low + 1, c_int::MAX, libc::CLOSE_RANGE_UNSHARE)?;
        // What is passed first goes above all that it could be in the way of; the kernel gives the lowest number
        // that is free, so they stand there in order.
        let above = low + 1;
        for fd in plan.passed {
            raw!(libc::SYS_fcntl, fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, above)?;
        }
        raw!(libc::SYS_dup3, plan.input.as_raw_fd(), 0, 0)?;
        raw!(libc::SYS_dup3, plan.output.as_raw_fd(), 1, 0)?;
        raw!(libc::SYS_dup3, plan.errors.as_raw_fd(), 2, 0)?;
        let mut first_free = 3;
        for _ in plan.passed {
            raw!(libc::SYS_dup3, above + first_free - 3, first_free, 0)?;
            first_free += 1;
        }
        // `low` may be lower than what was passed.
        if first_free <= low {
            raw!(libc::SYS_close_range, first_free, low, libc::CLOSE_RANGE_CLOEXEC)?;
        }
    }
    Ok(())
}

/// An ignored signal stays ignored over `execve`, and a handler must not run in the child.
///
/// # Safety
/// As [`become_service`]: the dispositions are the child's own, as `CLONE_SIGHAND` is not set.
unsafe fn default_dispositions(changed: &[c_int]) {
    let (default, no_old): (Sigaction, _) = ([0; 4], ptr::null_mut::<Sigaction>());
    for number in changed {
        // SAFETY: `default` is at least as large as the kernel's struct.
        let _ =
            unsafe { raw!(libc::SYS_rt_sigaction, *number, &raw const default, no_old, size_of::<u64>()) };
    }
}

fn is_changed(number: c_int) -> bool {
    let (no_new, mut now): (_, Sigaction) = (ptr::null::<Sigaction>(), [0; 4]);
    // SAFETY: `now` is at least as large as the kernel's struct. SIGKILL and SIGSTOP can be asked for too.
    let asked = unsafe { raw!(libc::SYS_rt_sigaction, number, no_new, &raw mut now, size_of::<u64>()) };
    asked.is_ok() && now != [0; 4]
}
