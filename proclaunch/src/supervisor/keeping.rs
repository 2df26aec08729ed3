//! The supervisor and its keeper: what is heard and asked, and what happens when there is none any more.

use nix::sys::epoll::{EpollEvent, EpollFlags};
use proclaunch_core::log::{Entry, Helper, Part};

use crate::keeper::protocol::ToKeeper;
use crate::nofile::FirstLimit;
use crate::role::{self, Birth};

use super::reactor::{AGAIN, KEEPER, Reactor};

impl Reactor {
    /// Tells the keeper that everything is in place.
    pub(super) fn is_ready(&mut self) {
        self.link.say(&ToKeeper::Ready);
    }

    /// Tells the keeper to end, and with which exit code.
    pub(super) fn end(&mut self, code: u8) {
        self.kill_execs();
        self.end_control();
        // First: a logger that ends because it was told to must not be taken for one that has died.
        self.link.say(&ToKeeper::End { code, stay: !self.is_drained });
        self.link.flush_all();
        if self.is_drained {
            self.outputs.link.finish();
        } else {
            self.outputs.link.leave();
        }
    }

    /// Takes what the keeper says, if it still lives.
    pub(super) fn hear(&mut self) {
        match self.link.receive() {
            Ok(messages) => self.take_messages(messages),
            Err(_) => self.keeper_is_gone(),
        }
    }

    /// Sends what the keeper is asked for; what the socket has no room for is sent when it has.
    pub(super) fn ask(&mut self) {
        match self.link.flush() {
            Ok(all) if self.waits_for_room == all => {
                let room = if all { EpollFlags::empty() } else { EpollFlags::EPOLLOUT };
                let mut event = EpollEvent::new(EpollFlags::EPOLLIN | room, KEEPER);
                let modified = self.epoll.modify(&self.link, &mut event);
                self.waits_for_room = !all && modified.is_ok();
            }
            Ok(_) => {}
            Err(_) => self.keeper_is_gone(),
        }
    }

    fn keeper_is_gone(&mut self) {
        if self.take_over_at.is_none() {
            // It has nothing more to say.
            let _ = self.epoll.delete(&self.link);
            self.take_over_at = Some(self.now);
        }
    }

    /// Becomes the keeper in the place of one that is gone. Services live on meanwhile, and the records tell of them.
    pub(super) fn take_over_if_due(&mut self) {
        if self.take_over_at.is_none_or(|at| at > self.now) {
            return;
        }
        // What nobody has read yet: the next keeper has them open before these are closed.
        self.outputs.pass_on();
        let Err(errno) = FirstLimit::in_force(self.first_limit, || {
            role::execute_keeper(role::own_program(), &self.settings, &Birth::TakesOver)
        });
        let why = format!("execute the keeper: {}", errno.desc());
        self.write(&Entry::Own(Part::HelperNotStarted { helper: Helper::Keeper, why, next: AGAIN }.into()));
        self.take_over_at = Some(self.now.plus(AGAIN));
    }
}
