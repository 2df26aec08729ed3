//! Taking over processes that this keeper did not start: daemons that left their launcher, and the services of an
//! earlier keeper.

use std::os::fd::AsFd;

use nix::sys::epoll::{EpollEvent, EpollFlags, EpollTimeout};
use proclaunch_core::exit::Exit;
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};

use super::family::{Seen, attribute};
use super::protocol::Kind;
use super::stat::{Stat, identify, read_stat};
use super::{Hunt, Keeper, Main, Start, Watched, look};
use crate::sys::{pidfd, wait};

impl Keeper {
    pub(super) fn adopt(&mut self, name: ProfileName, ticket: Ticket, id: ProcId) {
        let is_new = !self.starts.contains_key(&ticket);
        self.starts.entry(ticket).or_insert_with(|| Box::new(Start::new(name, Kind::Service))).empty = false;
        // Orphans that were nobody's may be this one's.
        self.orphans.retain(|_, owner| owner.is_some());
        self.looked = false;
        self.touched.insert(ticket);
        if self.main_of(ticket) == Some(id) || self.has_told_end(ticket, id) {
            return;
        }
        // Opened first, verified then: what is verified is what the descriptor names.
        let fd = pidfd::open(id.pid).ok();
        let Some(verified) = read_stat(id.pid).filter(|stat| stat.id == id) else {
            let exit = self.recent_exit(id.pid).unwrap_or(Exit::Unknown);
            // The launcher is the main process no more: if it lives, the look finds it among what remains.
            let start = self.starts.get_mut(&ticket);
            let former = start.and_then(|start| {
                // What it has left went to another parent, with an earlier keeper.
                start.foreign |= is_new;
                start.main.take()
            });
            if let Some(former) = former {
                self.known.mains.remove(&former.id.pid);
            }
            self.note_end(ticket, id, exit);
            return;
        };
        let is_child = verified.ppid == self.me;
        // Of a child SIGCHLD tells, and it can be signalled without a descriptor.
        let fd = fd.filter(|fd| is_child && self.launcher.has_room(fd));
        let token = if is_child { None } else { self.watch(ticket, id) };
        self.mark_session(ticket, &verified);
        self.orphans.remove(&id.pid);
        self.known.mains.insert(id.pid, ticket);
        let Some(start) = self.starts.get_mut(&ticket) else { return };
        start.left.retain(|left| *left != id);
        start.foreign |= !is_child;
        if let Some(former) = start.main.replace(Main { id, is_child, pidfd: fd, token }) {
            self.known.mains.remove(&former.id.pid);
        }
    }

    /// Whether whoever asks has heard of that process's end, by a report or in the inventory.
    fn has_told_end(&self, ticket: Ticket, id: ProcId) -> bool {
        self.starts.get(&ticket).is_some_and(|start| start.ended.is_some_and(|end| end.id == id))
    }

    /// A session is the start's own if the adopted process leads it, or if the process was known to be the start's.
    /// Anything else could be the login session of whoever started the daemon by hand.
    fn mark_session(&mut self, ticket: Ticket, stat: &Stat) {
        let is_known =
            self.orphans.get(&stat.id.pid) == Some(&Some(ticket)) || look::ticket_of(stat.id) == Some(ticket);
        let is_free = self.known.sessions.get(&stat.sid).is_none_or(|owner| *owner == ticket);
        let is_ours = nix::unistd::getsid(None).is_ok_and(|sid| sid.as_raw() == stat.sid);
        // A daemon may be adopted before its `setsid`, when its launcher has written the pid file for it, as nginx's
        // does. Only it can make a session of its pid's number, so that session is the start's in any case.
        let mut ours = vec![stat.id.pid];
        if stat.sid > 1 && stat.sid != stat.id.pid && is_known && is_free && !is_ours {
            ours.push(stat.sid);
        }
        for sid in ours {
            self.known.sessions.insert(sid, ticket);
            if let Some(start) = self.starts.get_mut(&ticket) {
                start.sessions.push(sid);
            }
        }
    }

    /// Has the kernel tell of the process's end. For want of a descriptor it is looked at now and then instead.
    fn watch(&mut self, ticket: Ticket, id: ProcId) -> Option<u64> {
        let token = self.next_token;
        let fd = pidfd::open(id.pid).ok().filter(|fd| self.launcher.has_room(fd));
        let added = fd.filter(|fd| self.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, token)).is_ok());
        let Some(pidfd) = added else {
            self.unwatched.insert(id, ticket);
            return None;
        };
        self.next_token += 1;
        self.watched.insert(token, Watched { ticket, id, pidfd });
        Some(token)
    }

    /// Looks whether the processes that nobody tells of still live, and has them watched where there is room again.
    pub fn look_at_unwatched(&mut self) {
        for (id, ticket) in std::mem::take(&mut self.unwatched) {
            if identify(id.pid) == Some(id) {
                let token = self.watch(ticket, id);
                let main = self.starts.get_mut(&ticket).and_then(|start| start.main.as_mut());
                if let Some(main) = main.filter(|main| main.id == id) {
                    main.token = token;
                }
            } else if self.main_of(ticket) == Some(id) {
                self.main_ended(ticket, Exit::Unknown);
            } else {
                self.no_longer_left(ticket, id.pid);
            }
        }
        self.looked = false;
        self.settle();
    }

    /// Takes the ends of watched processes.
    pub(super) fn foreign_ends(&mut self) {
        let mut events = [EpollEvent::empty(); 64];
        while let Ok(count @ 1..) = self.epoll.wait(&mut events, EpollTimeout::ZERO) {
            for event in &events[..count] {
                // Closing the descriptor takes it out of the epoll.
                let Some(watched) = self.watched.remove(&event.data()) else { continue };
                let exit = end_of(&watched);
                if self.main_of(watched.ticket) == Some(watched.id) {
                    self.main_ended(watched.ticket, exit);
                } else {
                    self.no_longer_left(watched.ticket, watched.id.pid);
                }
            }
        }
    }

    /// For starts whose orphans need not come to us: one walk over all processes, if any such start is of interest.
    pub(super) fn look_far(&mut self) {
        let is_of_interest = |ticket: &Ticket| {
            self.starts
                .get(ticket)
                .is_some_and(|start| start.foreign && (start.hunt != Hunt::None || start.main.is_none()))
        };
        let of_interest: Vec<Ticket> = self.touched.iter().copied().filter(is_of_interest).collect();
        if of_interest.is_empty() {
            return;
        }
        let everybody: Vec<Seen> = look::everybody()
            .iter()
            .filter(|stat| stat.id.pid != self.me && stat.id.pid != 1)
            .map(|stat| look::seen(stat, |seen| self.known.by_itself(seen).is_none()))
            .collect();
        for (id, ticket) in attribute(&everybody, &self.known) {
            let is_main = self.main_of(ticket) == Some(id);
            if is_main || !of_interest.contains(&ticket) || self.orphans.contains_key(&id.pid) {
                continue;
            }
            if self.is_left(ticket, id) {
                self.watch(ticket, id);
            }
        }
    }
}

/// How a watched process ended. It may have become our child since: then nobody else collects it.
fn end_of(watched: &Watched) -> Exit {
    let fd = watched.pidfd.as_fd();
    if let Ok(Some(exit)) = wait::pidfd(fd) {
        return exit;
    }
    // A zombie's status is in /proc while its parent has not collected it, and in the pidfd afterwards.
    let of_zombie = || {
        let stat = read_stat(watched.id.pid).filter(|stat| stat.id == watched.id && stat.is_dead())?;
        Some(wait::from_status(stat.exit_code))
    };
    pidfd::exit(fd).or_else(of_zombie).or_else(|| pidfd::exit(fd)).unwrap_or(Exit::Unknown)
}
