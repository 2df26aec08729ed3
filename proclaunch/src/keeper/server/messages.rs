//! What supervisor and keeper tell each other.

use nix::sys::epoll::{EpollEvent, EpollFlags};
use proclaunch_core::log::{Helper as Kind, Part};
use proclaunch_core::signal::Signal;

use crate::keeper::protocol::{Output, Pipes, Request, ToKeeper, ToSupervisor};
use crate::keeper::wire::WireError;
use crate::sys::{clock, signal_child};

use super::ending::Ending;
use super::{Server, TOKEN_SUPERVISOR};

impl Server {
    /// Takes what the supervisor says.
    pub(super) fn hear(&mut self) {
        while let Some(channel) = &mut self.channel {
            match channel.receive::<ToKeeper>() {
                Ok(messages) if messages.is_empty() => return,
                Ok(messages) => {
                    for message in messages {
                        self.take(message);
                    }
                }
                // It has died, and SIGCHLD tells more.
                Err(WireError::Closed) => self.channel = None,
                Err(error) => self.give_supervisor_up(&error),
            }
        }
    }

    fn take(&mut self, message: ToKeeper) {
        match message {
            ToKeeper::Request(Request::Spawn(spec)) if spec.output == Output::Pipes => {
                let pipes = self.channel.as_mut().map(super::Channel::take_descriptors::<2>);
                match pipes {
                    Some(Ok([out, err])) => self.keeper.spawn_piped(&spec, &Pipes { out, err }),
                    Some(Err(error)) => self.give_supervisor_up(&error),
                    None => {}
                }
            }
            ToKeeper::Request(request) => self.keeper.request(request),
            ToKeeper::Ready => self.is_up(),
            ToKeeper::Failed { code, message } => {
                if !self.refuse_start(code, message.clone()) {
                    let own = self.supervisor.failed(message, clock::now());
                    self.say(own);
                }
            }
            ToKeeper::Took(count) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.untaken.len());
                self.untaken.drain(..count);
            }
            ToKeeper::Upgrade => self.begin_upgrade(),
            ToKeeper::End { code, stay } => self.ending = Some(Ending::new(code, stay, clock::now())),
        }
    }

    /// Tells the supervisor what has happened to processes. What it does not hear is held.
    pub(super) fn tell_reports(&mut self) {
        let reports = self.keeper.take_reports();
        if let Some(channel) = &mut self.channel {
            for report in reports {
                channel.send(&ToSupervisor::Report(report));
            }
        }
    }

    /// Sends what there is to send; what the socket has no room for is sent when it has.
    pub(super) fn flush(&mut self) {
        let Some(channel) = &mut self.channel else { return };
        match channel.flush() {
            Ok(all) if self.waits_for_room == all => {
                let room = if all { EpollFlags::empty() } else { EpollFlags::EPOLLOUT };
                let mut event = EpollEvent::new(EpollFlags::EPOLLIN | room, TOKEN_SUPERVISOR);
                let modified = self.epoll.modify(&*channel, &mut event);
                self.waits_for_room = !all && modified.is_ok();
            }
            Ok(_) => {}
            Err(WireError::Closed) => self.channel = None,
            Err(error) => self.give_supervisor_up(&error),
        }
    }

    /// What it says makes no sense: another one does better.
    fn give_supervisor_up(&mut self, error: &WireError) {
        self.say(Part::HelperNotStarted {
            helper: Kind::Supervisor,
            why: error.to_string(),
            next: std::time::Duration::ZERO,
        });
        self.channel = None;
        if let Some(pid) = self.supervisor.pid() {
            // A child that was not collected.
            let _ = signal_child(pid, Signal::KILL.number());
        }
    }
}
