//! What ProcLaunch's own processes take: keeper, supervisor and logger.

use std::fs;
use std::sync::Arc;

use nix::unistd::{SysconfVar, getpid, getppid};

use super::api;
use super::convert::seconds;
use super::usage::{ticks, unit};
use crate::keeper::{age_of, read_stat};

/// What is known without looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// `supervising` or `draining`.
    pub mode: &'static str,
    /// Where the profiles are.
    pub profiles_dir: String,
    /// Where its own files are.
    pub state_dir: String,
    /// How many profiles there are.
    pub profiles: usize,
    /// How many upgrades were refused, and why the last one was.
    pub refused: (u32, Option<Arc<str>>),
}

/// All of it. Called by the supervisor; its parent is the keeper. Some milliseconds of reading in `/proc`: not for a
/// thread that others wait for.
pub fn own(about: About, logger: Option<i32>) -> api::Own {
    let About { mode, profiles_dir, state_dir, profiles, refused } = about;
    api::Own {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        mode: mode.to_owned(),
        profiles_dir,
        state_dir,
        profiles: u32::try_from(profiles).unwrap_or(u32::MAX),
        upgrades_refused: refused.0,
        upgrade_refusal: refused.1.map(|why| why.to_string()),
        processes: processes(logger),
    }
}

/// The figures of the keeper, the supervisor, which is the caller, and the logger, if it lives.
pub fn processes(logger: Option<i32>) -> Vec<api::OwnProcess> {
    let all =
        [("keeper", Some(getppid().as_raw())), ("supervisor", Some(getpid().as_raw())), ("logger", logger)];
    all.into_iter().filter_map(|(role, pid)| measured(role, pid?)).collect()
}

fn measured(role: &str, pid: i32) -> Option<api::OwnProcess> {
    let stat = read_stat(pid).filter(|stat| !stat.is_dead())?;
    let resident = || stat.rss_pages.saturating_mul(unit(SysconfVar::PAGE_SIZE, 4096));
    Some(api::OwnProcess {
        role: role.to_owned(),
        pid,
        uptime: age_of(stat.id).map_or(0.0, seconds),
        memory_bytes: proportional(pid).unwrap_or_else(resident),
        cpu_seconds: seconds(ticks(stat.own_cpu_ticks, unit(SysconfVar::CLK_TCK, 100))),
        descriptors: descriptors(pid),
        wakeups: wakeups(pid),
    })
}

/// Its share of what it has in RAM, in bytes (`proc_pid_smaps(5)`, since Linux 4.14).
fn proportional(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let kibibytes = field(&text, "Pss:")?;
    Some(kibibytes.saturating_mul(1024))
}

fn descriptors(pid: i32) -> u32 {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"));
    entries.map_or(0, |entries| u32::try_from(entries.count()).unwrap_or(u32::MAX))
}

/// How often its threads have waited for something: each time ends with a wakeup. Of threads that have ended the kernel
/// does not tell.
fn wakeups(pid: i32) -> u64 {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return 0 };
    let of_task = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("status")).ok()?;
        field(&text, "voluntary_ctxt_switches:")
    };
    tasks.flatten().filter_map(of_task).sum()
}

/// The number after this name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn this_process_is_measured() {
        let about = About {
            mode: "supervising",
            profiles_dir: "/p".to_owned(),
            state_dir: "/s".to_owned(),
            profiles: 3,
            refused: (0, None),
        };
        let own = own(about, Some(-1));
        let roles: Vec<&str> = own.processes.iter().map(|process| process.role.as_str()).collect();
        assert_eq!(roles, ["keeper", "supervisor"], "there is no logger of that pid");
        let me = &own.processes[1];
        assert_eq!(me.pid, getpid().as_raw());
        assert!(me.memory_bytes > 100_000 && me.descriptors > 2 && me.uptime < 3600.0, "{me:?}");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a program of the test has no keeper above it")]
    fn the_time_of_a_child_that_was_waited_for_is_not_its_own() {
        let spins = "sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done'; echo; read line";
        let mut parent = Command::new("sh");
        let mut parent =
            parent.args(["-c", spins]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        parent.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        let pid = i32::try_from(parent.id()).unwrap();
        let stat = read_stat(pid).unwrap();
        let own = measured("keeper", pid).unwrap().cpu_seconds;
        drop(parent.stdin.take());
        parent.wait().unwrap();
        let all = seconds(ticks(stat.cpu_ticks, unit(SysconfVar::CLK_TCK, 100)));
        assert!(all > 0.05 && own < all / 2.0, "of {all} s only {own} s are its own");
    }

    #[test]
    fn a_field_is_that_of_its_whole_name() {
        let text =
            "nonvoluntary_ctxt_switches:\t7\nvoluntary_ctxt_switches:\t5\nPss:  12 kB\nPss_Dirty: 3 kB\n";
        assert_eq!(field(text, "voluntary_ctxt_switches:"), Some(5));
        assert_eq!(field(text, "Pss:"), Some(12));
        assert_eq!(field(text, "Rss:"), None);
    }
}
