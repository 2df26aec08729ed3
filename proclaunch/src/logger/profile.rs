//! One profile's output: from its FIFO to its files.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use nix::errno::Errno;
use proclaunch_core::clock::Moment;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::LogSettings;

use crate::sys::pipe::unread;

use super::current::Current;
use super::failure::Failure;
use super::peek::Peek;
use super::raw::{self, Step};
use super::spool::Spool;
use super::stamp::Stamp;
use super::{fifo, rotation, wide};

/// How much of one FIFO is worked off before the others have their turn, in bytes.
const TURN: usize = 1 << 20;

/// A FIFO that is read.
#[derive(Debug)]
pub(super) struct Pipe {
    /// By what the wait calls it.
    pub(super) token: u64,
    pub(super) fifo: OwnedFd,
    /// It waits for its turn.
    pub(super) is_queued: bool,
    /// When it was last looked at, it was empty and nobody had it open for writing.
    pub(super) is_abandoned: bool,
    /// It has proved busy: it has been made larger, or that was not to be had.
    is_busy: bool,
    /// After so many bytes the output of a process that has ended is over.
    ends_after: Option<usize>,
}

const NOT_OPEN: Failure = Failure { doing: "open `current`", errno: Errno::EBADF };

/// What is left of a FIFO after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// There may be more.
    More,
    /// There was nothing at the last look.
    Nothing,
}

/// The output of one profile.
#[derive(Debug)]
pub(super) struct Profile {
    state_dir: Rc<Path>,
    name: ProfileName,
    pub(super) log: LogSettings,
    /// The FIFO that has the name now is the last; what is before it is read until nobody writes.
    pub(super) pipes: Vec<Pipe>,
    pub(super) current: Option<Current>,
    /// Only with times before the lines, or what is left of that.
    pub(super) spool: Option<Spool>,
    /// `current` is to be left as soon as a line ends there.
    moves_on: bool,
    /// The supervisor wants to hear when nothing is left.
    pub(super) is_forgotten: bool,
    /// Its output cannot be kept; to be tried again then.
    pub(super) retry_at: Option<Moment>,
}

impl Profile {
    pub(super) fn new(state_dir: &Rc<Path>, name: ProfileName, log: LogSettings) -> Self {
        Self {
            state_dir: Rc::clone(state_dir),
            name,
            log,
            pipes: Vec::new(),
            current: None,
            spool: None,
            moves_on: false,
            is_forgotten: false,
            retry_at: None,
        }
    }

    fn dir(&self) -> Result<File, Failure> {
        fifo::directory(&self.state_dir, &self.name).map_err(|error| Failure {
            doing: "open the directory of its log",
            errno: Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)),
        })
    }

    /// Opens the FIFO that has the name, unless it is the one that is read already.
    pub(super) fn attach(&mut self, token: u64) -> Result<Option<&Pipe>, Failure> {
        let dir = self.dir()?;
        if self.pipes.last().is_some_and(|pipe| fifo::is_current(&dir, &pipe.fifo)) {
            return Ok(None);
        }
        let fifo = fifo::open_to_read(&dir).map_err(Failure::of("open its FIFO"))?;
        let pipe =
            Pipe { token, fifo, is_queued: false, is_abandoned: false, is_busy: false, ends_after: None };
        // There is rarely a second one.
        self.pipes.reserve_exact(1);
        self.pipes.push(pipe);
        Ok(self.pipes.last())
    }

    /// Opens `current`, so that it is there even if nothing is ever written.
    pub(super) fn open(&mut self, peek: &mut Peek) -> Result<(), Failure> {
        if self.current.as_ref().is_some_and(Current::is_changed) {
            self.current = None;
        }
        if self.current.is_some() && self.spool.is_some() == self.log.timestamps {
            return Ok(());
        }
        let dir = self.dir()?;
        if self.current.is_none() {
            self.current = Some(Current::open(&dir, &mut peek.buffer)?);
            self.moves_on = false;
        }
        let Some(current) = &mut self.current else { return Ok(()) };
        if self.spool.is_none() && (self.log.timestamps || Spool::exists(&dir)) {
            self.spool = Some(Spool::open(&dir, current, &mut peek.buffer)?);
        }
        if !self.log.timestamps && self.spool.as_ref().is_some_and(|spool| !spool.has_backlog()) {
            self.spool = None;
            Spool::remove(&dir)?;
        }
        Ok(())
    }

    /// Remembers that what is in the FIFO now is the last of a process.
    pub(super) fn ended(&mut self) {
        if let Some(pipe) = self.pipes.last_mut() {
            pipe.ends_after = Some(unread(pipe.fifo.as_fd()).unwrap_or(0));
        }
    }

    /// Leaves `current`, if somebody has renamed or removed it; not within a line.
    pub(super) fn reopen(&mut self) -> Result<(), Failure> {
        let dir = self.dir()?;
        match &self.current {
            Some(current) if current.is_named(&dir) => {}
            Some(current) if current.open > 0 => self.moves_on = true,
            Some(_) | None => self.current = None,
        }
        Ok(())
    }

    /// Whether nothing can come any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.retry_at.is_none() && self.pipes.iter().all(|pipe| pipe.is_abandoned)
    }

    /// Moves what a FIFO holds into the files, as much as is one turn.
    pub(super) fn work(&mut self, token: u64, peek: &mut Peek) -> Result<Left, Failure> {
        let worked = self.open(peek).and_then(|()| self.work_open(token, peek));
        if worked.is_err() {
            // What was done in part is found out again from the files.
            (self.current, self.spool) = (None, None);
        }
        worked
    }

    fn work_open(&mut self, token: u64, peek: &mut Peek) -> Result<Left, Failure> {
        let Some(index) = self.pipes.iter().position(|pipe| pipe.token == token) else {
            return Ok(Left::Nothing);
        };
        let mut left = TURN;
        let stamp = Stamp::now();
        loop {
            if self.write_backlog(stamp, peek)? {
                continue;
            }
            let max = self.pipes[index].ends_after.unwrap_or(left).min(left);
            if max == 0 {
                if left == 0 {
                    return Ok(Left::More);
                }
                self.end(index)?;
                continue;
            }
            match self.step(index, max, peek)? {
                Step::Took(bytes) => {
                    left = left.saturating_sub(bytes);
                    let pipe = &mut self.pipes[index];
                    pipe.is_abandoned = false;
                    if bytes >= wide::BUSY && !pipe.is_busy {
                        pipe.is_busy = true;
                        peek.wide.widen(&pipe.fifo);
                    }
                    pipe.ends_after = pipe.ends_after.map(|after| after.saturating_sub(bytes));
                }
                Step::Full => self.next_file(peek)?,
                Step::Empty => {
                    if self.pipes[index].ends_after.is_some() {
                        self.end(index)?;
                    }
                    return Ok(Left::Nothing);
                }
                Step::Abandoned => {
                    // Nobody can go on with the line.
                    self.end(index)?;
                    self.pipes[index].is_abandoned = true;
                    return Ok(Left::Nothing);
                }
            }
        }
    }

    fn step(&mut self, index: usize, max: usize, peek: &mut Peek) -> Result<Step, Failure> {
        let limit = self.limit();
        let fifo = self.pipes[index].fifo.as_fd();
        let current = self.current.as_mut().ok_or(NOT_OPEN)?;
        match &mut self.spool {
            Some(spool) => spool.take(fifo, current, max, peek),
            None => raw::step(fifo, current, limit, max, peek),
        }
    }

    /// Writes some of what is in the spool to the files; says whether there was something.
    fn write_backlog(&mut self, stamp: Stamp, peek: &mut Peek) -> Result<bool, Failure> {
        let limit = self.limit();
        let Some(spool) = self.spool.as_mut().filter(|spool| spool.has_backlog()) else { return Ok(false) };
        let current = self.current.as_mut().ok_or(NOT_OPEN)?;
        if spool.write(current, limit, stamp, peek)? {
            self.next_file(peek)?;
        } else if !self.log.timestamps {
            self.open(peek)?;
        }
        Ok(true)
    }

    const fn limit(&self) -> u64 {
        if self.moves_on { 0 } else { self.log.size }
    }

    /// Completes the last line: the process that has written it has ended.
    fn end(&mut self, index: usize) -> Result<(), Failure> {
        self.pipes[index].ends_after = None;
        let ended = self.current.as_mut().map_or(Ok(()), Current::terminate);
        if ended.is_err() {
            self.pipes[index].ends_after = Some(0);
        }
        ended
    }

    /// Begins the next file.
    ///
    /// Killed before the last rename: the file is as full as it was, and the next line finds it so. Killed between it
    /// and the making of the new file: there is none, and opening it makes it.
    fn next_file(&mut self, peek: &mut Peek) -> Result<(), Failure> {
        let dir = self.dir()?;
        if self.current.as_ref().is_some_and(|current| current.is_named(&dir)) {
            rotation::rotate(&dir, self.log.keep)?;
        }
        self.current = None;
        self.open(peek)
    }

    /// The FIFOs that nobody writes to and that have another in their place.
    pub(super) fn take_retired(&mut self) -> Vec<Pipe> {
        let older = ..self.pipes.len().saturating_sub(1);
        self.pipes.extract_if(older, |pipe| pipe.is_abandoned).collect()
    }
}
