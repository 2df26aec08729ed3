//! More room in the FIFO of a service that writes much.
//!
//! A pipe holds 64 KiB unless told otherwise. A service that writes faster than its output is moved fills that while
//! the logger is woken, and then waits to be woken itself; with 1 MiB, neither waits for the other so often. Of 100 MB in
//! lines of 100 bytes, the last byte is in the file up to a tenth earlier; with 256 KiB, hardly.
//!
//! What a pipe may hold counts against a limit of the user (`pipe-user-pages-soft` of `pipe(7)`: 64 MiB, unless set
//! otherwise), above which all new pipes of an unprivileged user hold next to nothing. So only a few are widened.
//!
//! **Invariant:** what is in a FIFO stays there, whether it is widened or not (`pipe_resize_ring` in `fs/pipe.c`).

use std::os::fd::AsFd;

use nix::fcntl::{FcntlArg, fcntl};

/// A FIFO out of which so many bytes come at once has been about full: half of what a pipe holds at first.
pub(super) const BUSY: usize = 32 * 1024;

/// What a wide one holds, in bytes: the most that an unprivileged process may ask for (`pipe-max-size`).
const WIDE: i32 = 1 << 20;

/// How many are widened at most: half of what a user may have by default.
const MOST: usize = 32;

/// How many more FIFOs may be widened.
#[derive(Debug)]
pub(super) struct Wide {
    left: usize,
}

impl Default for Wide {
    fn default() -> Self {
        Self { left: MOST }
    }
}

impl Wide {
    /// Gives a FIFO more room, unless it has it, as many others have it, or the kernel denies it; then it stays as it is.
    pub(super) fn widen(&mut self, fifo: impl AsFd) {
        if self.left == 0 || fcntl(&fifo, FcntlArg::F_GETPIPE_SZ).is_ok_and(|size| size >= WIDE) {
            return;
        }
        if fcntl(&fifo, FcntlArg::F_SETPIPE_SZ(WIDE)).is_ok() {
            self.left -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::unistd::{pipe, read, write};

    use super::*;

    #[test]
    fn a_wide_fifo_keeps_what_it_holds() {
        let (head, tail) = pipe().unwrap();
        write(&tail, &[7; 4_000]).unwrap();
        let mut wide = Wide::default();
        wide.widen(&head);
        // Less, and no failure, if the system allows this user no more.
        let has_grown = fcntl(&head, FcntlArg::F_GETPIPE_SZ).unwrap() == WIDE;
        assert_eq!(wide.left, if has_grown { MOST - 1 } else { MOST });
        wide.widen(&head);
        assert!(wide.left >= MOST - 1, "it is counted once");
        let mut bytes = vec![0; 5_000];
        assert_eq!(read(&head, &mut bytes).unwrap(), 4_000);
        assert!(bytes[..4_000].iter().all(|&byte| byte == 7));
    }

    #[test]
    fn only_so_many_are_widened() {
        let (head, _tail) = pipe().unwrap();
        let before = fcntl(&head, FcntlArg::F_GETPIPE_SZ).unwrap();
        Wide { left: 0 }.widen(&head);
        assert_eq!(fcntl(&head, FcntlArg::F_GETPIPE_SZ).unwrap(), before);
    }
}
