//! How many clients there can be, and who goes when there are more.
//!
//! **Invariant:** a connection that is waiting for its answer is never dropped for another's sake; one that is idle is,
//! the one that is so for the longest time first.
//! **Invariant:** a user who is neither the supervisor's own nor root cannot take the places of those.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::sync::Notify;

use super::rights::Owner;

/// How many connections there can be.
const ALL_MAX: usize = 512;

/// How many of them can be idle.
const IDLE_MAX: usize = 256;

/// How many one user can have who is neither the supervisor's own nor root; and all of the network together.
const OTHERS_MAX: usize = 64;

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Clients {
    table: RefCell<Table>,
}

#[derive(Debug, Default)]
struct Table {
    entries: BTreeMap<u64, Entry>,
    next: u64,
    /// Counts what becomes idle: the smallest number is idle for the longest time.
    turns: u64,
}

#[derive(Debug)]
struct Entry {
    owner: Owner,
    is_trusted: bool,
    idle: Option<u64>,
    /// Told when it is to go.
    goes: Rc<Notify>,
}

/// One connection's place; given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    clients: Rc<Clients>,
    key: u64,
    goes: Rc<Notify>,
}

impl Clients {
    /// Gives a new connection a place, if need be that of an idle one. `is_trusted` says that it is the supervisor's own
    /// user's, or root's.
    pub(super) fn admit(self: &Rc<Self>, owner: Owner, is_trusted: bool) -> Option<Place> {
        let table = &mut *self.table.borrow_mut();
        if !is_trusted && table.count(owner) >= OTHERS_MAX && !table.drop_idle(Some(owner)) {
            return None;
        }
        if table.idle() >= IDLE_MAX || table.entries.len() >= ALL_MAX {
            let has_room = table.drop_idle(None) || table.entries.len() < ALL_MAX;
            if !has_room {
                return None;
            }
        }
        let goes = Rc::new(Notify::new());
        let (key, turn) = (table.next, table.turns);
        table.next += 1;
        table.turns += 1;
        let entry = Entry { owner, is_trusted, idle: Some(turn), goes: Rc::clone(&goes) };
        table.entries.insert(key, entry);
        Some(Place { clients: Rc::clone(self), key, goes })
    }

    /// Drops the connection that is idle for the longest time, whoever's it is.
    pub(super) fn make_room(&self) {
        self.table.borrow_mut().drop_idle(None);
    }
}

impl Table {
    fn count(&self, owner: Owner) -> usize {
        self.entries.values().filter(|entry| entry.owner == owner).count()
    }

    fn idle(&self) -> usize {
        self.entries.values().filter(|entry| entry.idle.is_some()).count()
    }

    /// Drops an idle connection, those that are not trusted first. Whether there was one.
    fn drop_idle(&mut self, of: Option<Owner>) -> bool {
        let candidates = self.entries.iter().filter(|(_, entry)| of.is_none_or(|owner| owner == entry.owner));
        let idle = candidates.filter_map(|(key, entry)| Some((entry.is_trusted, entry.idle?, *key)));
        let Some((_, _, key)) = idle.min() else { return false };
        if let Some(entry) = self.entries.remove(&key) {
            entry.goes.notify_one();
        }
        true
    }
}

impl Place {
    /// It has nothing to do, or it has.
    pub(super) fn set_idle(&self, is_idle: bool) {
        let table = &mut *self.clients.table.borrow_mut();
        table.turns += 1;
        if let Some(entry) = table.entries.get_mut(&self.key) {
            entry.idle = is_idle.then_some(table.turns);
        }
    }

    /// Resolves when the place is somebody else's.
    pub(super) async fn lost(&self) {
        self.goes.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clients.table.borrow_mut().entries.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn is_lost(place: &Place) -> bool {
        pin!(place.lost()).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn the_oldest_idle_one_goes_and_a_busy_one_stays() {
        let clients = Rc::new(Clients::default());
        let places: Vec<Place> = (0..IDLE_MAX).filter_map(|_| clients.admit(Owner::User(0), true)).collect();
        places[0].set_idle(false);
        let more = clients.admit(Owner::User(0), true).unwrap();
        assert_eq!(places.len(), IDLE_MAX);
        assert!(!is_lost(&places[0]) && !is_lost(&places[1]), "one of {IDLE_MAX} was busy: there was room");
        let _again = clients.admit(Owner::User(0), true).unwrap();
        assert!(is_lost(&places[1]) && !is_lost(&places[2]) && !is_lost(&more));
    }

    #[test]
    fn all_busy_leaves_no_room_until_one_ends() {
        let clients = Rc::new(Clients::default());
        let mut places = Vec::new();
        while let Some(place) = clients.admit(Owner::User(0), true) {
            place.set_idle(false);
            places.push(place);
        }
        assert_eq!(places.len(), ALL_MAX);
        places.pop();
        assert!(clients.admit(Owner::User(0), true).is_some());
    }

    #[test]
    fn others_have_a_few_places_and_take_those_of_nobody_else() {
        let clients = Rc::new(Clients::default());
        let own = clients.admit(Owner::User(0), true).unwrap();
        let others: Vec<Place> =
            (0..=OTHERS_MAX).filter_map(|_| clients.admit(Owner::User(1001), false)).collect();
        assert_eq!(others.len(), OTHERS_MAX + 1);
        assert!(is_lost(&others[0]) && !is_lost(&others[1]) && !is_lost(&own));
        assert!(clients.admit(Owner::Network, false).is_some());
    }
}
