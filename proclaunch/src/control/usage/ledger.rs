//! From one measurement to the next: percentages, and sums that never go back.

use std::collections::BTreeMap;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::ids::{ProfileName, Ticket};

use super::pass::Sum;
use super::{Live, Starts, Usage, Usages};

/// The kernel counts in hundredths of a second: over a shorter time a percentage is noise.
const SHORTEST: Duration = Duration::from_secs(1);

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    starts: BTreeMap<Ticket, Account>,
    totals: BTreeMap<ProfileName, Duration>,
}

/// What was measured of one start.
#[derive(Clone, Copy, Debug)]
struct Account {
    cpu: Duration,
    /// From where the next percentage counts.
    base: (Moment, Duration),
    percent: Option<f64>,
}

impl Ledger {
    /// Whether it has been measured.
    pub(super) fn knows(&self, ticket: Ticket) -> bool {
        self.starts.contains_key(&ticket)
    }

    /// Takes a measurement of all starts; `names` are all profiles that there are.
    pub(super) fn take(
        &mut self,
        now: Moment,
        starts: &Starts,
        names: &[ProfileName],
        sums: &BTreeMap<Ticket, Sum>,
    ) -> Usages {
        self.starts.retain(|ticket, _| starts.contains_key(ticket));
        self.totals.retain(|name, _| names.binary_search(name).is_ok());
        let mut usages = Usages::default();
        for (ticket, live) in starts {
            let sum = sums.get(ticket).copied().unwrap_or_default();
            let account = self.account(*ticket, live, now, sum.cpu);
            if sum.processes > 0 {
                let Sum { cpu, memory_bytes, processes } = sum;
                usages.now.insert(
                    live.name.clone(),
                    Usage { cpu, percent: account.percent, memory_bytes, processes },
                );
            }
        }
        usages.cpu_total.clone_from(&self.totals);
        usages
    }

    fn account(&mut self, ticket: Ticket, live: &Live, now: Moment, cpu: Duration) -> Account {
        let before = self.starts.get(&ticket).copied();
        // Less than before: a process ended for which nobody waited.
        let grown = cpu.saturating_sub(before.map_or(Duration::ZERO, |account| account.cpu));
        *self.totals.entry(live.name.clone()).or_default() += grown;
        let mut account = match before {
            Some(before) => Account { cpu, ..before },
            None => Account { cpu, base: (live.since.unwrap_or(now), Duration::ZERO), percent: None },
        };
        let (at, then) = account.base;
        let time = now.since(at);
        if time >= SHORTEST {
            account.percent = Some(percent(cpu.saturating_sub(then), time));
            account.base = (now, cpu);
        }
        self.starts.insert(ticket, account);
        account
    }
}

/// To the tenth.
fn percent(cpu: Duration, time: Duration) -> f64 {
    (cpu.as_secs_f64() / time.as_secs_f64() * 1000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ticket = Ticket { instance: 1, serial: 1 };
    const B: Ticket = Ticket { instance: 1, serial: 2 };

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    fn web() -> ProfileName {
        ProfileName::parse("web").unwrap()
    }

    /// What is told of `web` when its start `ticket`, which began at 0, has used so many milliseconds of CPU.
    fn take(ledger: &mut Ledger, now: u64, ticket: Ticket, cpu: u64) -> (Option<f64>, u128) {
        let live = Live { name: web(), main: Some(7), since: Some(at(0)) };
        let sum = Sum { cpu: Duration::from_millis(cpu), memory_bytes: 1, processes: 1 };
        let usages = ledger.take(
            at(now),
            &BTreeMap::from([(ticket, live)]),
            &[web()],
            &BTreeMap::from([(ticket, sum)]),
        );
        (usages.now[&web()].percent, usages.cpu_total[&web()].as_millis())
    }

    #[test]
    fn a_percentage_is_over_at_least_a_second() {
        let mut ledger = Ledger::default();
        assert_eq!(take(&mut ledger, 500, A, 100), (None, 100));
        assert_eq!(take(&mut ledger, 2000, A, 500), (Some(25.0), 500), "since it began");
        assert_eq!(take(&mut ledger, 2500, A, 1000), (Some(25.0), 1000), "too soon to say");
        assert_eq!(take(&mut ledger, 4000, A, 5000), (Some(225.0), 5000), "several processors");
        assert_eq!(take(&mut ledger, 6000, A, 5000), (Some(0.0), 5000));
    }

    #[test]
    fn the_total_never_goes_back() {
        let mut ledger = Ledger::default();
        assert_eq!(take(&mut ledger, 2000, A, 500).1, 500);
        assert_eq!(
            take(&mut ledger, 4000, A, 200),
            (Some(0.0), 500),
            "a child has ended that nobody waited for"
        );
        assert_eq!(take(&mut ledger, 6000, A, 300).1, 600);
        assert_eq!(take(&mut ledger, 8000, B, 50).1, 650, "another start");
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let mut ledger = Ledger::default();
        take(&mut ledger, 2000, A, 500);
        assert!(ledger.knows(A));
        let usages = ledger.take(at(3000), &Starts::new(), &[web()], &BTreeMap::new());
        assert_eq!((usages.now.len(), usages.cpu_total.len()), (0, 1));
        assert!(!ledger.knows(A));
        let usages = ledger.take(at(4000), &Starts::new(), &[], &BTreeMap::new());
        assert_eq!(usages, Usages::default());
    }
}
