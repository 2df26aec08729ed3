//! Messages over a socket: length-prefixed, encoded by `postcard`, with descriptors beside them.
//!
//! Nothing here waits: what cannot be sent is kept, and what has come only in part is kept until the rest is there.
//!
//! **Invariant:** any bytes give messages or a named error; what a length announces is never believed beyond
//! [`FRAME_BYTES_MAX`], and no memory is taken before the bytes are there.
//! **Invariant:** descriptors stay in order. They are sent with the first byte of their message, and a read of the
//! kernel's never goes on beyond bytes that carry descriptors (`unix_stream_read_generic`), so those that were
//! received are always those of the messages that are decoded next.

use std::collections::VecDeque;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg,
    socketpair,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// The longest message: an inventory of 100,000 starts has some 5 MB.
pub const FRAME_BYTES_MAX: usize = 16 << 20;

/// How many descriptors go with one message.
pub const DESCRIPTORS_MAX: usize = 4;

const LENGTH_BYTES: usize = 4;
const READ_BYTES: usize = 16 * 1024;

/// Why a channel is of no use any more.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// The other end is closed.
    #[error("the other end is closed")]
    Closed,
    /// The socket does not work.
    #[error("use the socket: {0}")]
    Socket(Errno),
    /// A message is longer than any.
    #[error("a message of {0} bytes is announced, where {FRAME_BYTES_MAX} is the most")]
    TooLong(usize),
    /// Bytes that are no message.
    #[error("a message cannot be understood: {0}")]
    Malformed(String),
    /// A message without the descriptors that belong to it.
    #[error("a message comes without its descriptors")]
    NoDescriptors,
}

/// Two connected sockets, close-on-exec and non-blocking.
///
/// # Errors
/// Those of `socketpair(2)`.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socketpair(AddressFamily::Unix, SockType::Stream, None, flags)
}

/// One end of a connection.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
    outgoing: VecDeque<Chunk>,
    incoming: Incoming,
}

/// Bytes to send, and the descriptors that go with the first of them.
#[derive(Debug, Default)]
struct Chunk {
    bytes: Vec<u8>,
    sent: usize,
    descriptors: Vec<OwnedFd>,
}

impl Channel {
    /// Takes a connected stream socket, which must be non-blocking.
    pub const fn new(socket: OwnedFd) -> Self {
        Self { socket, outgoing: VecDeque::new(), incoming: Incoming::new() }
    }

    /// Adds a message to what [`Channel::flush`] sends.
    pub fn send(&mut self, message: &impl Serialize) {
        self.send_with(message, Vec::new());
    }

    /// The same, with descriptors: at most [`DESCRIPTORS_MAX`].
    pub fn send_with(&mut self, message: &impl Serialize, descriptors: Vec<OwnedFd>) {
        assert!(descriptors.len() <= DESCRIPTORS_MAX, "a message has few descriptors");
        let chunk = match self.outgoing.back_mut() {
            Some(last) if descriptors.is_empty() => last,
            Some(_) | None => {
                self.outgoing.push_back(Chunk { descriptors, ..Chunk::default() });
                self.outgoing.back_mut().expect("it was added a moment ago")
            }
        };
        append(&mut chunk.bytes, message);
    }

    /// Sends what there is to send, as far as the socket takes it. Whether nothing is left.
    ///
    /// # Errors
    /// [`WireError::Closed`] and [`WireError::Socket`].
    pub fn flush(&mut self) -> Result<bool, WireError> {
        while let Some(chunk) = self.outgoing.front_mut() {
            match chunk.send(self.socket.as_raw_fd()) {
                Ok(()) if chunk.is_sent() => drop(self.outgoing.pop_front()),
                Ok(()) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(false),
                Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(WireError::Closed),
                Err(errno) => return Err(WireError::Socket(errno)),
            }
        }
        Ok(true)
    }

    /// Whether something is left to send, for which the socket had no room.
    pub fn has_unsent(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Takes everything that has come. What came before an error is handed over first; the error comes with the next
    /// call.
    ///
    /// # Errors
    /// All of [`WireError`].
    pub fn receive<M: DeserializeOwned>(&mut self) -> Result<Vec<M>, WireError> {
        let read = self.read();
        let mut messages = Vec::new();
        while let Some(message) = self.incoming.next()? {
            messages.push(message);
        }
        match read {
            Err(error) if messages.is_empty() => Err(error),
            Ok(()) | Err(_) => Ok(messages),
        }
    }

    /// Takes the next descriptors that came with messages.
    ///
    /// # Errors
    /// [`WireError::NoDescriptors`] if there are fewer.
    pub fn take_descriptors<const COUNT: usize>(&mut self) -> Result<[OwnedFd; COUNT], WireError> {
        if self.incoming.descriptors.len() < COUNT {
            return Err(WireError::NoDescriptors);
        }
        let taken: Vec<OwnedFd> = self.incoming.descriptors.drain(..COUNT).collect();
        taken.try_into().map_err(|_| WireError::NoDescriptors)
    }

    fn read(&mut self) -> Result<(), WireError> {
        let mut buffer = [0; READ_BYTES];
        loop {
            match receive_into(self.socket.as_raw_fd(), &mut buffer) {
                Ok((0, _)) | Err(Errno::ECONNRESET) => return Err(WireError::Closed),
                Ok((count, descriptors)) => {
                    self.incoming.bytes.extend_from_slice(&buffer[..count]);
                    self.incoming.descriptors.extend(descriptors);
                    if count < READ_BYTES && self.incoming.descriptors.is_empty() {
                        return Ok(());
                    }
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(()),
                Err(errno) => return Err(WireError::Socket(errno)),
            }
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Chunk {
    fn send(&mut self, socket: RawFd) -> Result<(), Errno> {
        let raw: Vec<RawFd> = self.descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        let control = [ControlMessage::ScmRights(&raw)];
        let control = if raw.is_empty() { &[][..] } else { &control[..] };
        let bytes = [IoSlice::new(&self.bytes[self.sent..])];
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        self.sent += sendmsg::<()>(socket, &bytes, control, flags, None)?;
        // They went with the first byte.
        self.descriptors.clear();
        Ok(())
    }

    const fn is_sent(&self) -> bool {
        self.sent == self.bytes.len()
    }
}

fn receive_into(socket: RawFd, buffer: &mut [u8]) -> Result<(usize, Vec<OwnedFd>), Errno> {
    let mut space = cmsg_space!([RawFd; DESCRIPTORS_MAX]);
    let mut slices = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(socket, &mut slices, Some(&mut space), flags)?;
    let mut descriptors = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(raw) = control {
            descriptors.extend(raw.into_iter().map(crate::sys::received));
        }
    }
    Ok((message.bytes, descriptors))
}

/// What has come and was not decoded yet.
#[derive(Debug)]
pub struct Incoming {
    bytes: Vec<u8>,
    /// How much of `bytes` was decoded.
    taken: usize,
    descriptors: VecDeque<OwnedFd>,
}

impl Incoming {
    const fn new() -> Self {
        Self { bytes: Vec::new(), taken: 0, descriptors: VecDeque::new() }
    }

    /// What bytes without descriptors are.
    pub const fn of(bytes: Vec<u8>) -> Self {
        Self { bytes, taken: 0, descriptors: VecDeque::new() }
    }

    /// The next message, if all of it is there.
    ///
    /// # Errors
    /// [`WireError::TooLong`] and [`WireError::Malformed`].
    #[expect(clippy::should_implement_trait, reason = "the type of the message is the caller's")]
    pub fn next<M: DeserializeOwned>(&mut self) -> Result<Option<M>, WireError> {
        let rest = &self.bytes[self.taken..];
        let Some((length, rest)) = rest.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(self.keep_rest());
        };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > FRAME_BYTES_MAX {
            return Err(WireError::TooLong(length));
        }
        let Some(frame) = rest.get(..length) else { return Ok(self.keep_rest()) };
        let decoded = postcard::from_bytes(frame).map_err(|error| WireError::Malformed(error.to_string()))?;
        self.taken += LENGTH_BYTES + length;
        Ok(Some(decoded))
    }

    /// Lets go of what was decoded.
    fn keep_rest<M>(&mut self) -> Option<M> {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        // A burst should not be paid for ever.
        if self.bytes.is_empty() && self.bytes.capacity() > READ_BYTES {
            self.bytes = Vec::new();
        }
        None
    }
}

/// Appends a message, its length first.
pub fn append(bytes: &mut Vec<u8>, message: &impl Serialize) {
    let at = bytes.len();
    bytes.extend_from_slice(&[0; LENGTH_BYTES]);
    let mut filled = postcard::to_extend(message, std::mem::take(bytes))
        .expect("every message is plain data that can be encoded");
    let length = filled.len() - at - LENGTH_BYTES;
    let length = u32::try_from(length).expect("a message is far below 4 GiB");
    filled[at..at + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    *bytes = filled;
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::keeper::testing::Random;

    fn channels() -> (Channel, Channel) {
        let (one, other) = pair().unwrap();
        (Channel::new(one), Channel::new(other))
    }

    #[test]
    fn messages_arrive_whole_and_in_order_however_long_they_are() {
        let (mut one, mut other) = channels();
        let texts: Vec<String> = (0..2000).map(|n| "x".repeat(n)).collect();
        for text in &texts {
            one.send(text);
        }
        let mut got: Vec<String> = Vec::new();
        while !one.flush().unwrap() || got.len() < texts.len() {
            got.extend(other.receive::<String>().unwrap());
        }
        assert_eq!(got, texts);
        assert!(!one.has_unsent());
        assert_eq!(other.receive::<String>(), Ok(Vec::new()));
    }

    #[test]
    fn descriptors_come_with_their_messages_and_in_order() {
        let (mut one, mut other) = channels();
        let mut readers = Vec::new();
        for n in 0..20_u32 {
            let (reader, writer) = std::io::pipe().unwrap();
            one.send(&n);
            one.send_with(&n, vec![writer.into()]);
            readers.push(reader);
        }
        assert_eq!(one.flush(), Ok(true));
        let got: Vec<u32> = other.receive().unwrap();
        assert_eq!(got, (0..20).flat_map(|n| [n, n]).collect::<Vec<_>>());
        for (n, mut reader) in readers.into_iter().enumerate() {
            let [writer] = other.take_descriptors().unwrap();
            std::fs::File::from(writer).write_all(n.to_string().as_bytes()).unwrap();
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            assert_eq!(text, n.to_string());
        }
        assert_eq!(other.take_descriptors::<1>().unwrap_err(), WireError::NoDescriptors);
    }

    #[test]
    fn what_came_before_the_end_is_handed_over_before_the_end_is_told() {
        let (mut one, mut other) = channels();
        one.send(&7_u32);
        assert_eq!(one.flush(), Ok(true));
        drop(one);
        assert_eq!(other.receive(), Ok(vec![7_u32]));
        assert_eq!(other.receive::<u32>(), Err(WireError::Closed));
        other.send(&1_u32);
        assert_eq!(other.flush(), Err(WireError::Closed));
    }

    #[test]
    fn any_bytes_give_messages_or_an_error() {
        let mut random = Random::new(7);
        for _ in 0..20_000 {
            let length = random.below(64);
            let mut bytes: Vec<u8> = (0..length).map(|_| random.byte()).collect();
            if random.below(2) == 0 {
                // A length that is believable.
                bytes.splice(0..0, [u8::try_from(random.below(32)).unwrap(), 0, 0, 0]);
            }
            let mut incoming = Incoming::of(bytes);
            while let Ok(Some(_)) = incoming.next::<(String, Vec<u64>, Option<bool>)>() {}
        }
        let mut long = Incoming::of(vec![0xFF; 8]);
        assert_eq!(long.next::<u8>(), Err(WireError::TooLong(0xFFFF_FFFF)));
    }
}
