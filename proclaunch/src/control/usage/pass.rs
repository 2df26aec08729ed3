//! One pass over the process table, in which every process finds its start.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};
use proclaunch_core::ids::{ProcId, Ticket};

use super::Starts;
use crate::keeper::{Known, Seen, Stat, attribute, everybody, seen};

/// What the processes of one start take together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) cpu: Duration,
    pub(super) memory_bytes: u64,
    pub(super) processes: u32,
}

/// What is remembered from one pass to the next.
#[derive(Debug, Default)]
pub(super) struct Looker {
    /// Whose each process was; `None`: nobody's, by all that it shows itself. An environment is read once.
    before: BTreeMap<ProcId, Option<Ticket>>,
}

impl Looker {
    /// Looks at all processes.
    pub(super) fn look(&mut self, starts: &Starts) -> BTreeMap<Ticket, Sum> {
        let stats = everybody();
        let mut known = Known::default();
        for (ticket, live) in starts {
            if let Some(pid) = live.main {
                known.mains.insert(pid, *ticket);
                known.sessions.insert(pid, *ticket);
            }
        }
        let is_live = |ticket: &Ticket| starts.contains_key(ticket);
        known.kin = self.before.iter().filter_map(|(id, of)| Some((*id, of.filter(is_live)?))).collect();
        let needs_ticket = |one: &Seen| known.by_itself(one).is_none() && !self.before.contains_key(&one.id);
        let mut all: Vec<Seen> = stats.iter().map(|stat| seen(stat, needs_ticket)).collect();
        for one in &mut all {
            // Of another instance, or of a command of a hook: it belongs to nobody here, but perhaps to its parent.
            one.ticket = one.ticket.filter(is_live);
        }
        let found = attribute(&all, &known);
        // Amid `execve` a process shows nothing: it is looked at again the next time.
        let settled = all.iter().filter(|one| !one.in_exec || found.contains_key(&one.id));
        self.before = settled.map(|one| (one.id, found.get(&one.id).copied())).collect();
        summed(&stats, &found)
    }
}

fn summed(stats: &[Stat], found: &BTreeMap<ProcId, Ticket>) -> BTreeMap<Ticket, Sum> {
    let (page, tick) = (unit(SysconfVar::PAGE_SIZE, 4096), unit(SysconfVar::CLK_TCK, 100));
    let mut sums: BTreeMap<Ticket, Sum> = BTreeMap::new();
    for stat in stats {
        let Some(ticket) = found.get(&stat.id) else { continue };
        let sum = sums.entry(*ticket).or_default();
        sum.cpu += ticks(stat.cpu_ticks, tick);
        sum.memory_bytes = sum.memory_bytes.saturating_add(stat.rss_pages.saturating_mul(page));
        sum.processes += 1;
    }
    sums
}

/// So many clock ticks as time.
pub(in crate::control) fn ticks(count: u64, per_second: u64) -> Duration {
    let nanos = u128::from(count) * 1_000_000_000 / u128::from(per_second.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// A unit of the kernel's, or what it commonly is.
pub(in crate::control) fn unit(what: SysconfVar, common: u64) -> u64 {
    sysconf(what).ok().flatten().and_then(|value| u64::try_from(value).ok()).unwrap_or(common)
}
