//! Looking at the process table.
//!
//! `/proc/PID/task/TID/children` (CONFIG_PROC_CHILDREN) names a process's children without a walk over everybody;
//! where it is missing, one walk over `/proc` serves instead.

use std::collections::BTreeMap;
use std::fs;

use proclaunch_core::ids::{ProcId, Ticket};

use super::family::Seen;
use super::stat::{Stat, read_stat};

/// An environment larger than this is not searched further.
const ENVIRON_MAX: usize = 1 << 20;

/// Whether the kernel names children.
pub(crate) fn children_are_named() -> bool {
    fs::exists("/proc/thread-self/children").unwrap_or(false)
}

/// The pids of all children of `pid`, of all its threads; zombies among them.
pub(crate) fn children_of(pid: i32) -> Vec<i32> {
    let mut children = Vec::new();
    for thread in numbers(&format!("/proc/{pid}/task")) {
        if let Ok(text) = fs::read_to_string(format!("/proc/{pid}/task/{thread}/children")) {
            children.extend(text.split_ascii_whitespace().filter_map(|word| word.parse::<i32>().ok()));
        }
    }
    children
}

/// All live processes but kernel threads, without tickets.
pub(crate) fn everybody() -> Vec<Stat> {
    numbers("/proc")
        .into_iter()
        .filter_map(read_stat)
        .filter(|stat| !stat.is_dead() && !is_kernel(stat))
        .collect()
}

/// Kernel threads are children of kthreadd, pid 2, in the first pid namespace, where kthreadd itself has no parent.
pub(crate) const fn is_kernel(stat: &Stat) -> bool {
    (stat.ppid == 2 && stat.sid == 0) || (stat.id.pid == 2 && stat.ppid == 0)
}

/// All live descendants of `roots`, but for those that `stop` names and what is below them.
pub(crate) fn below(roots: &[i32], named: bool, stop: impl Fn(i32) -> bool) -> Vec<Stat> {
    let mut found: BTreeMap<i32, Stat> = BTreeMap::new();
    let table = if named { BTreeMap::new() } else { by_parent() };
    let mut open: Vec<i32> = roots.to_vec();
    while let Some(pid) = open.pop() {
        let children = if named { children_of(pid) } else { table.get(&pid).cloned().unwrap_or_default() };
        for child in children {
            if stop(child) || roots.contains(&child) || found.contains_key(&child) {
                continue;
            }
            let Some(stat) = read_stat(child) else { continue };
            open.push(child);
            found.insert(child, stat);
        }
    }
    found.into_values().filter(|stat| !stat.is_dead()).collect()
}

fn by_parent() -> BTreeMap<i32, Vec<i32>> {
    let mut table: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for stat in everybody() {
        table.entry(stat.ppid).or_default().push(stat.id.pid);
    }
    table
}

fn numbers(directory: &str) -> Vec<i32> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A process as the attribution sees it. Its environment is read only if its marks say nothing without it.
pub(crate) fn seen(stat: &Stat, needs_ticket: impl Fn(&Seen) -> bool) -> Seen {
    let mut seen = Seen { id: stat.id, ppid: stat.ppid, sid: stat.sid, ticket: None };
    if needs_ticket(&seen) {
        seen.ticket = ticket_of(stat.id);
    }
    seen
}

/// `PROCLAUNCH_TICKET` of a process's first environment. A program may have overwritten it (`setproctitle(3)`).
pub fn ticket_of(id: ProcId) -> Option<Ticket> {
    use std::io::Read;
    let mut environ = Vec::new();
    let file = fs::File::open(format!("/proc/{}/environ", id.pid)).ok()?;
    file.take(u64::try_from(ENVIRON_MAX).expect("64 bits")).read_to_end(&mut environ).ok()?;
    let value = environ.split(|b| *b == 0).find_map(|entry| entry.strip_prefix(b"PROCLAUNCH_TICKET="))?;
    std::str::from_utf8(value).ok()?.parse().ok()
}
