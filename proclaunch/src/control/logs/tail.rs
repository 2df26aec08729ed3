//! Reading on, file by file.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use hyper::body::Bytes;
use proclaunch_core::ids::ProfileName;

use super::files::Files;
use super::find::{self, Start};
use super::position::Position;
use super::{CHUNK, Here, Piece, Wanted};
use crate::control::convert::Clocks;
use crate::logger::LINE_MAX;

/// What a step has found.
#[derive(Debug)]
pub(super) enum Step {
    /// These bytes.
    Piece(Piece),
    /// Nothing so far.
    Nothing,
    /// Nothing any more.
    End,
}

/// How far the reading is.
#[derive(Debug)]
pub(super) struct Tail {
    files: Files,
    wanted: Wanted,
    clocks: Clocks,
    place: Option<Place>,
}

/// Where it is.
#[derive(Debug)]
struct Place {
    /// Those that are known and not read, the oldest first; never empty.
    open: VecDeque<File>,
    /// Where in the first one.
    at: u64,
    /// The one before the first one.
    before: Option<File>,
    /// Something may be missing here.
    is_after_gap: bool,
    /// Who does not follow reads no more than this of the last one.
    last_size: u64,
}

impl Tail {
    pub(super) fn new(state_dir: &Path, name: &ProfileName, wanted: Wanted, clocks: Clocks) -> Self {
        Self { files: Files::new(state_dir, name), wanted, clocks, place: None }
    }

    /// Finds where to begin, if there is a file.
    pub(super) fn begin(&mut self) -> Option<Here> {
        self.find();
        self.place.as_ref().and_then(Place::here)
    }

    fn find(&mut self) {
        if self.place.is_none() {
            self.place = find::start(&self.files, self.wanted, self.clocks).map(Place::new);
            // Of files that come later, everything is wanted.
            (self.wanted.lines, self.wanted.since) = (None, None);
        }
    }

    /// Reads on.
    pub(super) fn step(&mut self) -> Step {
        self.find();
        let Some(place) = &mut self.place else {
            return if self.wanted.follow { Step::Nothing } else { Step::End };
        };
        place.step(&self.files, self.wanted.follow)
    }
}

impl Place {
    fn new(start: Start) -> Self {
        let Start { files, at, before, is_after_gap } = start;
        let last_size = files.back().and_then(|file| file.metadata().ok()).map_or(0, |found| found.len());
        Self { open: files, at, before, is_after_gap, last_size }
    }

    fn here(&self) -> Option<Here> {
        let file = self.open.front()?.metadata().ok()?;
        Some(Here { position: Position::new(&file, self.at), is_after_gap: self.is_after_gap })
    }

    fn step(&mut self, files: &Files, follow: bool) -> Step {
        loop {
            let is_last = self.open.len() == 1;
            let limit = if is_last && !follow { self.last_size } else { u64::MAX };
            if let Some(piece) = self.read(limit) {
                return Step::Piece(piece);
            }
            if is_last {
                if !follow {
                    return Step::End;
                }
                let Some(file) = self.open.front() else { return Step::End };
                let Some(newer) = files.newer_than(file, self.before.as_ref()) else { return Step::Nothing };
                // Removed as the oldest of all: then others between them may be too.
                self.is_after_gap |= file.metadata().is_ok_and(|found| found.nlink() == 0);
                // Nobody writes to it from here on, but perhaps somebody did since it was read to its end.
                self.open.push_back(newer);
                continue;
            }
            self.before = self.open.pop_front();
            self.at = 0;
        }
    }

    /// Some bytes of the first file.
    fn read(&mut self, limit: u64) -> Option<Piece> {
        let at = self.here()?;
        let file = self.open.front()?;
        let length = limit.saturating_sub(self.at).min(CHUNK as u64);
        let mut buffer = vec![0; usize::try_from(length).unwrap_or(CHUNK)];
        // What cannot be read is as good as not there: the files after it are.
        let count = file.read_at(&mut buffer, self.at).unwrap_or(0);
        if count == 0 {
            self.was_cut();
            return None;
        }
        buffer.truncate(count);
        self.at += count as u64;
        self.is_after_gap = false;
        Some(Piece { at, bytes: Bytes::from(buffer) })
    }

    /// Notices that the file has become shorter.
    ///
    /// The logger takes back what it has begun and could not finish, which is less than a line, and writes on from
    /// there. Whoever takes more away begins a new file under the same name.
    fn was_cut(&mut self) {
        let size =
            self.open.front().and_then(|file| file.metadata().ok()).map_or(self.at, |found| found.len());
        if size < self.at {
            self.at = if self.at - size <= LINE_MAX { size } else { 0 };
        }
    }
}
