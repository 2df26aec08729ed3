//! Who was killed for want of memory: the kernel tells that in its log, and nowhere else.
//!
//! `/proc/vmstat` counts such kills. Only after a death by SIGKILL, and only if the count is not what the lines of the
//! log that were read account for, the new lines are read (`Documentation/ABI/testing/dev-kmsg`). The kernel counts
//! first, then kills, and writes the line before the victim can end (`mm/oom_kill.c`: it holds the victim's
//! `task_lock`), so the line of a process that was collected is there.
//!
//! The kernel's pids are those of the first pid namespace. In any other one, and where the log may not be read, nobody
//! is ever said to be a victim.
//!
//! **Invariant:** nothing here waits; one look reads at most [`BYTES_MAX`] and takes at most [`TIME_MAX`].
//! **Invariant:** [`parse`] is total, and believes the kernel alone: what a process writes into the log has another
//! facility.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use proclaunch_core::clock::Moment;
use proclaunch_core::ids::ProcId;

use super::pid_file::age_of;
use crate::sys::clock;

/// The longest record (`PRINTKRB` and `CONSOLE_EXT_LOG_MAX` of the kernel); a read with less room fails.
const RECORD_MAX: usize = 8192;
/// More than the logs of most kernels hold.
const BYTES_MAX: usize = 4 * 1024 * 1024;
const TIME_MAX: Duration = Duration::from_millis(50);
/// How many victims whose ends were not collected yet are remembered.
const VICTIMS_MAX: usize = 64;
/// More than `/proc/vmstat` has.
const VMSTAT_MAX: usize = 16 * 1024;

/// `PROC_PID_INIT_INO`: the number of the first pid namespace.
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

/// The kernel's messages about a victim, up to its pid.
const MESSAGES: [&str; 3] = [
    "Out of memory: Killed process ",
    "Memory cgroup out of memory: Killed process ",
    "Out of memory (oom_kill_allocating_task): Killed process ",
];

/// The kernel's log, read up to some line.
pub(super) struct OomLog {
    log: File,
    /// `/proc/vmstat`, which is made anew for each reading from its beginning.
    counts: File,
    /// The count of `/proc/vmstat` that the lines which were read account for.
    told: u64,
    /// Those that the lines named and nobody has asked for yet, the newest last.
    victims: VecDeque<Victim>,
}

/// A process that the kernel killed for want of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Victim {
    pid: i32,
    /// By the kernel log's clock, since the start of the machine.
    at: Duration,
}

impl OomLog {
    /// None where the log cannot be read, or its pids are not ours.
    pub(super) fn open() -> Option<Self> {
        if fs::read_link("/proc/self/ns/pid").ok()? != Path::new(FIRST_NAMESPACE) {
            return None;
        }
        let counts = File::open("/proc/vmstat").ok()?;
        let told = kills(&counts)?;
        let mut log = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg").ok()?;
        log.seek(SeekFrom::End(0)).ok()?;
        Some(Self { log, counts, told, victims: VecDeque::new() })
    }

    /// Takes in what the kernel has told, if it has killed anybody.
    pub(super) fn look(&mut self) {
        let Some(count) = kills(&self.counts).filter(|count| *count != self.told) else { return };
        if !self.read() {
            // Some lines are lost, and the count cannot be made up any more.
            self.told = count;
        }
    }

    /// Whether the process, which was ended by SIGKILL, is a victim. To be asked once, after [`Self::look`].
    pub(super) fn has(&mut self, id: ProcId) -> bool {
        let started = age_of(id).map(|age| clock::now().since(Moment::default()).saturating_sub(age));
        let named = self.victims.iter().position(|victim| {
            victim.pid == id.pid && started.is_none_or(|started| is_of_life(victim.at, started))
        });
        named.and_then(|at| self.victims.remove(at)).is_some()
    }

    /// Reads the lines that are new. Whether that was all of them.
    fn read(&mut self) -> bool {
        let mut record = [0; RECORD_MAX];
        let (mut bytes, mut is_whole, until) = (0, true, clock::now().plus(TIME_MAX));
        loop {
            match self.log.read(&mut record) {
                Ok(0) => return is_whole,
                Ok(count) => {
                    bytes += count;
                    if let Some(victim) = parse(&record[..count]) {
                        self.note(victim);
                    }
                }
                Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                    Some(Errno::EAGAIN) => return is_whole,
                    // Overwritten before they were read; the next read is of the oldest that is left.
                    Some(Errno::EPIPE) => is_whole = false,
                    Some(Errno::EINTR) => {}
                    Some(_) | None => break,
                },
            }
            if bytes > BYTES_MAX || clock::now() > until {
                break;
            }
        }
        // The rest is left out: it would only grow. If that fails, the next look is a longer one.
        let _ = self.log.seek(SeekFrom::End(0));
        false
    }

    fn note(&mut self, victim: Victim) {
        self.told += 1;
        if self.victims.len() == VICTIMS_MAX {
            self.victims.pop_front();
        }
        self.victims.push_back(victim);
    }
}

/// Whether a line of that time can be about a process that started then, and not about one of before with the same pid.
///
/// `started` is on `CLOCK_MONOTONIC`, and early by the time that the machine has slept since. The log has a clock of
/// its own, which nobody sets right: it may differ by some 1/2000. What is in doubt is believed, as a pid is long in
/// coming back.
fn is_of_life(at: Duration, started: Duration) -> bool {
    at + Duration::from_secs(1) + started / 2000 >= started
}

/// How many processes were killed for want of memory since the machine started; since Linux 4.13.
fn kills(counts: &File) -> Option<u64> {
    let mut text = [0; VMSTAT_MAX];
    let mut filled = 0;
    loop {
        let count = counts.read_at(&mut text[filled..], filled as u64).ok()?;
        filled += count;
        let known = std::str::from_utf8(&text[..filled]).ok()?;
        let line = known.split_inclusive('\n').find_map(|line| line.strip_prefix("oom_kill "));
        if let Some(number) = line.and_then(|line| line.strip_suffix('\n')) {
            return number.parse().ok();
        }
        if count == 0 {
            return None;
        }
    }
}

/// The victim that a record of `/dev/kmsg` names: `PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,...];TEXT`, and then lines that
/// begin with a space, which are not part of the text.
fn parse(record: &[u8]) -> Option<Victim> {
    let record = std::str::from_utf8(record).ok()?;
    let (prefix, text) = record.lines().next()?.split_once(';')?;
    let mut fields = prefix.split(',');
    let priority: u32 = fields.next()?.parse().ok()?;
    let micros: u64 = fields.nth(1)?.parse().ok()?;
    // Three bits of level, then the facility. No process can write with the kernel's, 0.
    if priority >> 3 != 0 {
        return None;
    }
    let (pid, _) = MESSAGES.iter().find_map(|message| text.strip_prefix(message))?.split_once(" (")?;
    let pid = pid.parse().ok().filter(|pid| *pid > 0)?;
    Some(Victim { pid, at: Duration::from_micros(micros) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "total-vm:5260kB, anon-rss:4100kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:48kB \
                        oom_score_adj:0\n";

    fn pid_in(record: &str) -> Option<i32> {
        parse(record.as_bytes()).map(|victim| victim.pid)
    }

    #[test]
    fn the_kernels_line_names_the_victim_and_when() {
        let global = format!("3,1204,98000123,-;Out of memory: Killed process 4711 (java) {REST}");
        let victim = Victim { pid: 4711, at: Duration::from_micros(98_000_123) };
        assert_eq!(parse(global.as_bytes()), Some(victim));
        for (record, pid) in [
            (format!("3,7,1,-;Memory cgroup out of memory: Killed process 42 (sh) {REST}"), 42),
            (format!("3,7,1,-,caller=T42;Memory cgroup out of memory: Killed process 42 (sh) {REST}"), 42),
            (format!("3,7,1,-;Out of memory (oom_kill_allocating_task): Killed process 42 (sh) {REST}"), 42),
            (format!("3,7,1,-;Out of memory: Killed process 42 (a\\x0ab\\x5c (x) {REST} SUBSYSTEM=a\n"), 42),
            ("3,7,1,-;Out of memory: Killed process 42 (".to_owned(), 42),
        ] {
            assert_eq!(pid_in(&record), Some(pid), "{record}");
        }
    }

    #[test]
    fn no_other_line_names_one() {
        for record in [
            "",
            "3",
            "3,7,1,-;",
            "3,7,-;Out of memory: Killed process 42 (sh)",
            "x,7,1,-;Out of memory: Killed process 42 (sh)",
            "3,7,x,-;Out of memory: Killed process 42 (sh)",
            "3,7,1,-;Out of memory: Killed process 42",
            "3,7,1,-;Out of memory: Killed process -42 (sh)",
            "3,7,1,-;Out of memory: Killed process 0 (sh)",
            "3,7,1,-;Out of memory: Killed process 99999999999 (sh)",
            "3,7,1,-;Out of memory: Killed process 4x (sh)",
            "6,7,1,-;oom_reaper: reaped process 42 (sh), now anon-rss:0kB",
            "6,7,1,-;oom-kill:constraint=CONSTRAINT_MEMCG,task=sh,pid=42,uid=0",
            "4,7,1,-;sh invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
            // What a process writes has facility 1 or more.
            "11,7,1,-;Out of memory: Killed process 42 (sh)",
            "14,7,1,-;Memory cgroup out of memory: Killed process 42 (sh)",
            // In a name, or below the text.
            "6,7,1,-;x\\x0aOut of memory: Killed process 42 (sh)",
            "6,7,1,-;something\n Out of memory: Killed process 42 (sh)",
            "6,7,1,-;something\nOut of memory: Killed process 42 (sh)",
        ] {
            assert_eq!(pid_in(record), None, "{record}");
        }
        assert_eq!(parse(b"3,7,1,-;Out of memory: Killed process 42 (\xff)"), None);
    }

    #[test]
    fn any_bytes_are_taken() {
        let good = format!("3,1204,98000123,-;Out of memory: Killed process 4711 (java) {REST}").into_bytes();
        let mut random = crate::keeper::testing::Random::new(7);
        for _ in 0..10_000 {
            let mut bytes = good.clone();
            for _ in 0..random.below(6) {
                let at = random.below(bytes.len());
                bytes[at] = random.byte();
            }
            bytes.truncate(random.below(bytes.len() + 1));
            let _ = parse(&bytes);
        }
    }

    #[test]
    fn a_line_from_before_a_process_started_is_about_another_one() {
        let seconds = Duration::from_secs;
        assert!(is_of_life(seconds(500), seconds(400)));
        assert!(is_of_life(seconds(400), seconds(400)));
        assert!(!is_of_life(seconds(390), seconds(400)));
        let month = 30 * 86_400;
        assert!(is_of_life(seconds(month - 600), seconds(month)), "the clocks may differ");
        assert!(!is_of_life(seconds(month - 3600), seconds(month)));
    }
}
