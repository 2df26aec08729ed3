//! Who goes first on a processor.

use nix::errno::Errno;

/// How much lower the calling thread's priority is to be: a third of the share of those that compete with it.
const STEPS: i32 = 5;

/// Has the calling thread, and none of the others, step back for the rest of the process.
///
/// # Errors
/// The kernel refuses, which it has no reason to.
pub fn step_back() -> Result<(), Errno> {
    Errno::clear();
    // SAFETY: takes integers alone. Process 0 is the calling thread: on Linux a priority is a thread's.
    let own = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    if own == -1 && Errno::last_raw() != 0 {
        return Err(Errno::last());
    }
    // SAFETY: as above.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, own.saturating_add(STEPS)) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The calling thread's.
    fn own() -> String {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        stat.rsplit(')').next().unwrap().split_whitespace().nth(16).unwrap().to_owned()
    }

    #[test]
    fn one_thread_steps_back_and_the_others_stay() {
        let before = own();
        let there = std::thread::spawn(|| step_back().map(|()| own())).join().unwrap().unwrap();
        assert_eq!(there.parse::<i32>().unwrap(), (before.parse::<i32>().unwrap() + STEPS).min(19));
        assert_eq!(own(), before);
    }
}
