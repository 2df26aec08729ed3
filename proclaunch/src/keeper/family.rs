//! Whose processes are these: the pure part of finding what belongs to a start.
//!
//! A process belongs to a start if, in this order: it is its main process; it was seen below it before; it is in a
//! session of the start; it carries the start's ticket in its environment; the nearest of its ancestors that
//! belongs to anyone belongs to it.
//!
//! **Invariant:** a main process belongs to its own start whatever else speaks of it, and so does what is below it:
//! a profile that was started from within another's process tree is not killed with that other.

use std::collections::BTreeMap;

use proclaunch_core::ids::{ProcId, Ticket};

/// A live process, as a look found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: ProcId,
    pub(crate) ppid: i32,
    pub(crate) sid: i32,
    /// `PROCLAUNCH_TICKET` of its environment, where that was looked at.
    pub(crate) ticket: Option<Ticket>,
}

/// What is known of the starts.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The live main processes.
    pub(crate) mains: BTreeMap<i32, Ticket>,
    /// The sessions that belong to a start, by their id.
    pub(crate) sessions: BTreeMap<i32, Ticket>,
    /// Processes that were seen below a start's process.
    pub(crate) kin: BTreeMap<ProcId, Ticket>,
}

impl Known {
    /// What a process's own marks say, its parents left aside.
    pub(crate) fn by_itself(&self, seen: &Seen) -> Option<Ticket> {
        let Seen { id, sid, .. } = seen;
        let known = self.mains.get(&id.pid).or_else(|| self.kin.get(id)).or_else(|| self.sessions.get(sid));
        known.copied().or(seen.ticket)
    }
}

/// The starts that the processes belong to; those that belong to none are left out.
pub(crate) fn attribute(seen: &[Seen], known: &Known) -> BTreeMap<ProcId, Ticket> {
    let by_pid: BTreeMap<i32, &Seen> = seen.iter().map(|one| (one.id.pid, one)).collect();
    let mut settled: BTreeMap<i32, Option<Ticket>> = BTreeMap::new();
    for one in seen {
        climb(one, &by_pid, known, &mut settled);
    }
    seen.iter().filter_map(|one| Some((one.id, (*settled.get(&one.id.pid)?)?))).collect()
}

/// Climbs to the nearest ancestor that is settled, and settles the whole path: each process is climbed over once.
fn climb(
    from: &Seen,
    by_pid: &BTreeMap<i32, &Seen>,
    known: &Known,
    settled: &mut BTreeMap<i32, Option<Ticket>>,
) {
    let mut path = Vec::new();
    let mut at = Some(from);
    let mut owner = None;
    while let Some(one) = at {
        if let Some(answer) = settled.get(&one.id.pid) {
            owner = *answer;
            break;
        }
        path.push(one.id.pid);
        // A loop of parents cannot be, but a look is no snapshot: this ends it.
        settled.insert(one.id.pid, None);
        if let Some(ticket) = known.by_itself(one) {
            owner = Some(ticket);
            break;
        }
        at = by_pid.get(&one.ppid).copied();
    }
    for pid in path {
        settled.insert(pid, owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ticket = Ticket { instance: 1, serial: 1 };
    const B: Ticket = Ticket { instance: 1, serial: 2 };

    /// A process whose start time is ten times its pid.
    fn process(pid: i32, ppid: i32, sid: i32, ticket: Option<Ticket>) -> Seen {
        let start = u64::try_from(pid).unwrap() * 10;
        Seen { id: ProcId { pid, start }, ppid, sid, ticket }
    }

    fn known() -> Known {
        Known {
            mains: BTreeMap::from([(100, A), (200, B)]),
            sessions: BTreeMap::from([(100, A), (200, B)]),
            kin: BTreeMap::from([(ProcId { pid: 300, start: 3000 }, A)]),
        }
    }

    #[track_caller]
    fn check(seen: &[Seen], expected: &[(i32, Ticket)]) {
        let found: Vec<_> =
            attribute(seen, &known()).into_iter().map(|(id, ticket)| (id.pid, ticket)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn by_session_ticket_kin_and_descent() {
        check(&[process(101, 1, 100, None)], &[(101, A)]);
        check(&[process(101, 1, 101, Some(B))], &[(101, B)]);
        check(&[process(300, 1, 300, None)], &[(300, A)]);
        check(&[process(101, 1, 101, None)], &[]);
        check(
            &[process(104, 103, 103, None), process(103, 102, 103, None), process(102, 1, 100, None)],
            &[(102, A), (103, A), (104, A)],
        );
    }

    #[test]
    fn a_reused_pid_is_no_kin() {
        let stranger = Seen { id: ProcId { pid: 300, start: 1 }, ..process(300, 1, 300, None) };
        check(&[stranger], &[]);
    }

    #[test]
    fn a_session_outweighs_an_inherited_ticket() {
        check(&[process(101, 1, 100, Some(B))], &[(101, A)]);
    }

    #[test]
    fn a_main_below_another_start_is_its_own() {
        check(
            &[process(100, 1, 100, Some(A)), process(200, 100, 100, Some(A)), process(201, 200, 201, None)],
            &[(100, A), (200, B), (201, B)],
        );
    }

    #[test]
    fn a_loop_of_parents_ends() {
        check(&[process(400, 401, 400, None), process(401, 400, 401, None)], &[]);
    }
}
