//! An end of the socket between supervisor and logger: packets in and out, and never a wait.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::role::close_on_exec;

use super::protocol::{DecodeError, PACKET_MAX, decode, encode};

/// The most packets that wait for room in the socket.
const WAITING_MAX: usize = 1024;

/// A `SOCK_SEQPACKET` socket.
#[derive(Debug)]
pub(super) struct Control {
    socket: OwnedFd,
    waiting: VecDeque<Vec<u8>>,
}

/// What the other side has sent.
#[derive(Debug)]
pub(super) enum Received<M> {
    Message(M),
    /// Something that is no message: skipped.
    Bad(DecodeError),
    Nothing,
    /// Nobody has the other end open.
    End,
}

impl Control {
    pub(super) const fn new(socket: OwnedFd) -> Self {
        Self { socket, waiting: VecDeque::new() }
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Has the socket close with `execve`, or stay open.
    pub(super) fn close_on_exec(&self, closes: bool) -> Result<(), Errno> {
        close_on_exec(&self.socket, closes)
    }

    /// Whether packets wait for room.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Sends, after those that wait. Says whether it did not have to wait.
    pub(super) fn send(&mut self, message: &impl Serialize) -> bool {
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(encode(message));
        self.flush()
    }

    /// Sends what waits, as far as there is room. Says whether nothing is left.
    pub(super) fn flush(&mut self) -> bool {
        while let Some(packet) = self.waiting.front() {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            match send(self.socket.as_raw_fd(), packet, flags) {
                Ok(_) => drop(self.waiting.pop_front()),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ENOMEM) => return false,
                // Nobody is there, and nobody will be: the socket's other end is open as long as anybody might.
                Err(_) => self.waiting.clear(),
            }
        }
        true
    }

    pub(super) fn receive<M: DeserializeOwned>(&self) -> io::Result<Received<M>> {
        let mut packet = [0; PACKET_MAX + 1];
        loop {
            match recv(self.socket.as_raw_fd(), &mut packet, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => return Ok(Received::End),
                Ok(count) => {
                    return Ok(decode(&packet[..count]).map_or_else(Received::Bad, Received::Message));
                }
                Err(Errno::EAGAIN) => return Ok(Received::Nothing),
                // The other end was closed before it had read all: said once, before what it has sent.
                Err(Errno::EINTR | Errno::ECONNRESET) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}
