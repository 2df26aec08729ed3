//! Looking at the process table.
//!
//! `/proc/PID/task/TID/children` (`CONFIG_PROC_CHILDREN`) names a process's children without a walk over everybody;
//! where it is missing, one walk over `/proc` serves instead.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::fs::FileExt;

use proclaunch_core::ids::{ProcId, Ticket};

use super::family::Seen;
use super::stat::{Stat, read_stat};

/// An environment larger than this is not searched further.
const ENVIRON_MAX: u64 = 1 << 20;
/// How often a process amid `execve` is given the processor.
const YIELDS_MAX: u32 = 200;

/// The list of our own first thread's children: one open file, read again at each look.
///
/// Orphans that come to a subreaper become children of its first living thread (`find_new_reaper`), whichever thread
/// has asked for them, and others of the thread that made them.
pub(crate) struct OwnChildren(fs::File);

impl OwnChildren {
    /// None where the kernel does not name children.
    pub(crate) fn open() -> Option<Self> {
        let me = std::process::id();
        fs::File::open(format!("/proc/{me}/task/{me}/children")).ok().map(Self)
    }

    /// Their pids; zombies among them.
    pub(crate) fn pids(&self) -> Vec<i32> {
        let mut text = Vec::new();
        let mut page = [0; 4096];
        while let Ok(count @ 1..) = self.0.read_at(&mut page, text.len() as u64) {
            text.extend_from_slice(&page[..count]);
        }
        numbers_in(&text)
    }
}

/// The pids of all children of `pid`, of all its threads; zombies among them.
pub(crate) fn children_of(pid: i32) -> Vec<i32> {
    let threads = numbers(&format!("/proc/{pid}/task"));
    threads.into_iter().flat_map(|thread| children_of_thread(pid, thread)).collect()
}

fn children_of_thread(pid: i32, thread: i32) -> Vec<i32> {
    // One read gives a page at most; the file has no size to ask for.
    let mut text = Vec::with_capacity(4096);
    let Ok(mut file) = fs::File::open(format!("/proc/{pid}/task/{thread}/children")) else {
        return Vec::new();
    };
    if file.read_to_end(&mut text).is_err() {
        return Vec::new();
    }
    numbers_in(&text)
}

fn numbers_in(text: &[u8]) -> Vec<i32> {
    text.split(|b| *b == b' ').filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok()).collect()
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

/// How children are found.
pub(crate) enum Children {
    /// The kernel names them.
    Named,
    /// A walk over all processes has, by their parents.
    Walked(BTreeMap<i32, Vec<i32>>),
}

impl Children {
    pub(crate) fn new(are_named: bool) -> Self {
        if are_named { Self::Named } else { Self::Walked(by_parent()) }
    }

    fn of(&self, pid: i32) -> Vec<i32> {
        match self {
            Self::Named => children_of(pid),
            Self::Walked(table) => table.get(&pid).cloned().unwrap_or_default(),
        }
    }
}

/// All live descendants of `roots`, but for those that `stop` names and what is below them.
pub(crate) fn below(roots: &[i32], children: &Children, stop: impl Fn(i32) -> bool) -> Vec<Stat> {
    let mut found: BTreeMap<i32, Stat> = BTreeMap::new();
    let mut open: Vec<i32> = roots.to_vec();
    while let Some(pid) = open.pop() {
        for child in children.of(pid) {
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
    let mut seen = Seen { id: stat.id, ppid: stat.ppid, sid: stat.sid, ticket: None, in_exec: false };
    if needs_ticket(&seen) {
        let marks = marks_of(stat.id);
        seen.ticket = marks.and_then(Marks::ticket);
        seen.in_exec = marks == Some(Marks::InExec);
    }
    seen
}

/// `PROCLAUNCH_TICKET` of a process's first environment. A program may have overwritten it (`setproctitle(3)`).
pub fn ticket_of(id: ProcId) -> Option<Ticket> {
    marks_of(id)?.ticket()
}

/// Live processes of an instance that are no services, by what their first environments say: commands of hooks,
/// `log_run`s, and what these have started.
pub(crate) fn no_services_of(state_dir: &[u8]) -> Vec<ProcId> {
    let is_one = |stat: &Stat| {
        let environ = environ_of(stat.id.pid).unwrap_or_default();
        let value = |prefix: &[u8]| environ.split(|b| *b == 0).find_map(|entry| entry.strip_prefix(prefix));
        value(KIND_IS).is_some() && value(b"PROCLAUNCH_STATE_DIR=") == Some(state_dir)
    };
    everybody().into_iter().filter(is_one).map(|stat| stat.id).collect()
}

/// What comes before the kind of a process in its environment.
const KIND_IS: &[u8] = b"PROCLAUNCH_KIND=";

/// The live session leaders that carry these tickets, by one walk over all processes. Where several carry the same,
/// the oldest, which made the others.
pub fn find_by_tickets(tickets: &BTreeSet<Ticket>) -> BTreeMap<Ticket, ProcId> {
    let mut found: BTreeMap<Ticket, ProcId> = BTreeMap::new();
    if tickets.is_empty() {
        return found;
    }
    for stat in everybody().into_iter().filter(|stat| stat.sid == stat.id.pid) {
        if let Some(ticket) = ticket_of(stat.id).filter(|ticket| tickets.contains(ticket)) {
            let oldest = found.entry(ticket).or_insert(stat.id);
            if stat.id.start < oldest.start {
                *oldest = stat.id;
            }
        }
    }
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Marks {
    Bears(Option<Ticket>),
    InExec,
}

impl Marks {
    fn ticket(self) -> Option<Ticket> {
        match self {
            Self::Bears(ticket) => ticket,
            Self::InExec => None,
        }
    }
}

/// What the environment says; none if it may not be read. Amid `execve` the old memory is gone and the new one has
/// no environment yet: a daemon must not pass for a stranger because it was looked at in that moment, so it is given
/// the processor to get past it.
fn marks_of(id: ProcId) -> Option<Marks> {
    for _ in 0..YIELDS_MAX {
        let environ = environ_of(id.pid)?;
        let has_none = || read_stat(id.pid).is_none_or(|stat| stat.env_start != 0);
        if !environ.is_empty() || has_none() {
            return Some(Marks::Bears(ticket_in(&environ)));
        }
        // Fails never (`sched_yield(2)`).
        let _ = nix::sched::sched_yield();
    }
    Some(Marks::InExec)
}

fn environ_of(pid: i32) -> Option<Vec<u8>> {
    let mut environ = Vec::new();
    let file = fs::File::open(format!("/proc/{pid}/environ")).ok()?;
    file.take(ENVIRON_MAX).read_to_end(&mut environ).ok()?;
    Some(environ)
}

fn ticket_in(environ: &[u8]) -> Option<Ticket> {
    let value = environ.split(|b| *b == 0).find_map(|entry| entry.strip_prefix(b"PROCLAUNCH_TICKET="))?;
    std::str::from_utf8(value).ok()?.parse().ok()
}
