//! The supervisor's end of its connection to the keeper.
//!
//! What is asked is kept until the wait and sent in one go; nothing here waits.
//!
//! **Invariant:** whose process is whose is known here as the keeper has told it, so that a pid file can be judged
//! without asking.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use proclaunch_core::process::Report;

use crate::keeper::protocol::{Hello, Pipes, Request, SpawnSpec, ToKeeper, ToSupervisor, VERSION};
use crate::keeper::wire::{Channel, WireError};

/// How long the keeper may take to say hello: it has said so before this process was made.
const HELLO_MILLIS: u16 = 10_000;

/// The connection.
#[derive(Debug)]
pub(super) struct Link {
    channel: Channel,
    mains: BTreeMap<Ticket, (ProfileName, ProcId)>,
}

impl Link {
    /// Takes the socket that the keeper has passed, and what it says first. What came right behind it is kept.
    ///
    /// # Errors
    /// The keeper is gone, or is none.
    pub(super) fn open(socket: OwnedFd) -> Result<(Self, Hello, Vec<ToSupervisor>), WireError> {
        let mut channel = Channel::new(socket);
        let mut messages = Vec::new();
        while messages.is_empty() {
            let ready =
                poll(&mut [PollFd::new(channel.as_fd(), PollFlags::POLLIN)], PollTimeout::from(HELLO_MILLIS));
            match ready {
                Ok(0) => return Err(WireError::Closed),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(WireError::Socket(errno)),
            }
            messages = channel.receive::<ToSupervisor>()?;
        }
        let ToSupervisor::Hello(hello) = messages.remove(0) else {
            return Err(WireError::Malformed("it does not begin with a hello".to_owned()));
        };
        if hello.version != VERSION {
            let why = format!("it has version {}, where {VERSION} is understood", hello.version);
            return Err(WireError::Malformed(why));
        }
        let alive = hello.held.iter().filter_map(|held| {
            let main = held.main?;
            Some((held.ticket, (held.name.clone(), main)))
        });
        let mains = alive.collect();
        Ok((Self { channel, mains }, hello, messages))
    }

    /// Asks for something. The answer comes with a later [`Link::receive`].
    pub(super) fn request(&mut self, request: Request) {
        match &request {
            Request::Adopt { name, ticket, id } => {
                self.mains.insert(*ticket, (name.clone(), *id));
            }
            Request::Release { ticket } => drop(self.mains.remove(ticket)),
            Request::Spawn(_)
            | Request::Signal { .. }
            | Request::KillTree { .. }
            | Request::Watch { .. }
            | Request::ForgetOutput { .. } => {}
        }
        self.channel.send(&ToKeeper::Request(request));
    }

    /// Asks for a process that writes to pipes.
    pub(super) fn spawn_piped(&mut self, spec: SpawnSpec, pipes: Pipes) {
        let request = ToKeeper::Request(Request::Spawn(Box::new(spec)));
        self.channel.send_with(&request, vec![pipes.out, pipes.err]);
    }

    /// Says something that is no request.
    pub(super) fn say(&mut self, message: &ToKeeper) {
        self.channel.send(message);
    }

    /// Sends what there is. Whether all of it went; the rest goes when the socket has room.
    ///
    /// # Errors
    /// The keeper is gone.
    pub(super) fn flush(&mut self) -> Result<bool, WireError> {
        self.channel.flush()
    }

    /// Sends the last that there is to say, and waits until it is sent or the keeper is gone.
    pub(super) fn flush_all(&mut self) {
        while let Ok(false) = self.channel.flush() {
            let mut fds = [PollFd::new(self.channel.as_fd(), PollFlags::POLLOUT)];
            if poll(&mut fds, PollTimeout::from(HELLO_MILLIS)) == Ok(0) {
                return;
            }
        }
    }

    /// Takes what has come.
    ///
    /// # Errors
    /// The keeper is gone.
    pub(super) fn receive(&mut self) -> Result<Vec<ToSupervisor>, WireError> {
        let messages = self.channel.receive::<ToSupervisor>()?;
        for message in &messages {
            if let ToSupervisor::Report(report) = message {
                self.note(report);
            }
        }
        Ok(messages)
    }

    fn note(&mut self, report: &Report) {
        match report {
            Report::Spawned { name, ticket, id } => {
                self.mains.insert(*ticket, (name.clone(), *id));
            }
            Report::Exited { ticket, id, .. } => {
                if self.mains.get(ticket).is_some_and(|(_, main)| main == id) {
                    self.mains.remove(ticket);
                }
            }
            Report::SpawnFailed { .. } | Report::OutputLost { .. } | Report::Gone { .. } => {}
        }
    }

    /// The profile whose main process that is.
    pub(super) fn owner_of(&self, id: ProcId) -> Option<&ProfileName> {
        self.mains.values().find(|(_, main)| *main == id).map(|(name, _)| name)
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}
