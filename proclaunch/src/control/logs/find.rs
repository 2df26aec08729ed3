//! Where to begin.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};

use memchr::{memchr, memrchr_iter};

use super::files::Files;
use super::position::Position;
use super::{CHUNK, Wanted};
use crate::control::convert::{Clocks, rfc3339};
use crate::logger::LINE_MAX;

/// How long a time before a line is, without the blank.
const STAMP: usize = 24;

/// Where to begin.
#[derive(Debug)]
pub(super) struct Start {
    /// The files to be read, the oldest first.
    pub(super) files: VecDeque<File>,
    /// Where in the first one.
    pub(super) at: u64,
    /// The file before the first one.
    pub(super) before: Option<File>,
    /// What was asked for begins earlier, and is not there any more.
    pub(super) is_after_gap: bool,
}

/// Finds it; `None`: there is no file yet.
pub(super) fn start(files: &Files, wanted: Wanted, clocks: Clocks) -> Option<Start> {
    let start = Start { files: VecDeque::from([files.newest()?]), at: 0, before: None, is_after_gap: false };
    match wanted.from {
        Some(position) => Some(start.back_to(position, files)),
        None => start.back_as_far_as(files, wanted, clocks),
    }
}

impl Start {
    /// Goes back to where somebody was.
    fn back_to(mut self, position: Position, files: &Files) -> Self {
        loop {
            let Some(file) = self.files.front() else { return self };
            self.before = files.older_than(file);
            if file.metadata().is_ok_and(|found| position.is_in(&found)) {
                return self.count_on(position.offset());
            }
            match self.before.take() {
                None => return Self { is_after_gap: true, ..self },
                Some(older) => self.files.push_front(older),
            }
        }
    }

    /// Goes on from the beginning of the first file by so many bytes.
    fn count_on(mut self, mut offset: u64) -> Self {
        let size =
            |file: Option<&File>| file.and_then(|file| file.metadata().ok()).map_or(0, |found| found.len());
        while self.files.len() > 1 && offset > size(self.files.front()) {
            offset -= size(self.files.front());
            self.before = self.files.pop_front();
        }
        let size = size(self.files.front());
        // The logger takes back what it has begun and could not finish, which is less than a line.
        self.is_after_gap = offset > size.saturating_add(LINE_MAX);
        self.at = if self.is_after_gap { 0 } else { offset.min(size) };
        self
    }

    /// Goes back by lines or time.
    fn back_as_far_as(mut self, files: &Files, wanted: Wanted, clocks: Clocks) -> Option<Self> {
        let mut lines = wanted.lines.map(Lines::new);
        let since = wanted.since.map(|since| Since::new(since, clocks));
        loop {
            let file = self.files.front()?;
            let size = file.metadata().ok()?.len();
            let by_lines = lines.as_mut().map(|lines| lines.look_back(file, size));
            let by_time = since.as_ref().map(|since| since.look(file));
            let here = [by_lines, by_time].into_iter().flatten().max_by_key(|here| here.at());
            self.before = files.older_than(file);
            if let Some(Here::From(at)) = here {
                self.at = at;
                return Some(self);
            }
            match self.before.take() {
                None => return Some(self),
                Some(older) => self.files.push_front(older),
            }
        }
    }
}

/// What a look at one file has found.
#[derive(Clone, Copy, Debug)]
enum Here {
    /// The beginning, and perhaps more before it.
    All,
    /// From there.
    From(u64),
}

impl Here {
    const fn at(self) -> (bool, u64) {
        match self {
            Self::All => (false, 0),
            Self::From(at) => (true, at),
        }
    }
}

/// The last so many lines.
#[derive(Debug)]
struct Lines {
    /// How many ends of lines may still be passed.
    left: u64,
    /// Nothing has been looked at: an end at the very end is that of the last line.
    is_first: bool,
}

impl Lines {
    const fn new(lines: u64) -> Self {
        Self { left: lines, is_first: true }
    }

    fn look_back(&mut self, file: &File, size: u64) -> Here {
        let mut buffer = vec![0; CHUNK];
        let mut end = size;
        if self.left == 0 {
            return Here::From(size);
        }
        while end > 0 {
            let length = end.min(CHUNK as u64);
            let begin = end - length;
            let piece = &mut buffer[..usize::try_from(length).unwrap_or(CHUNK)];
            // Cut meanwhile: what is left of it is all.
            if file.read_exact_at(piece, begin).is_err() {
                return Here::From(0);
            }
            for at in memrchr_iter(b'\n', piece) {
                let after = begin + at as u64 + 1;
                let is_last = std::mem::take(&mut self.is_first) && after == size;
                if is_last {
                    continue;
                }
                self.left -= 1;
                if self.left == 0 {
                    return Here::From(after);
                }
            }
            self.is_first = false;
            end = begin;
        }
        Here::All
    }
}

/// What was written since then.
#[derive(Debug)]
struct Since {
    /// In milliseconds since 1970 UTC.
    wall: i64,
    /// The same as the times before lines are written.
    text: String,
}

impl Since {
    fn new(since: std::time::Duration, clocks: Clocks) -> Self {
        let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        let wall = clocks.wall.saturating_sub(millis);
        Self { wall, text: rfc3339(wall.max(0)) }
    }

    fn look(&self, file: &File) -> Here {
        let Ok(metadata) = file.metadata() else { return Here::From(0) };
        let written = metadata.mtime().saturating_mul(1000).saturating_add(metadata.mtime_nsec() / 1_000_000);
        // The kernel's time of files is up to a tick behind the clock (`current_time`, `fs/inode.c`).
        if written.saturating_add(20) < self.wall {
            return Here::From(metadata.len());
        }
        match self.after_the_last_older_line(file) {
            0 => Here::All,
            at => Here::From(at),
        }
    }

    /// Where the lines end that are known to be older.
    fn after_the_last_older_line(&self, file: &File) -> u64 {
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut after) = (0, 0);
        let mut is_older = false;
        let mut is_begin = true;
        loop {
            let Ok(count @ 1..) = file.read_at(&mut buffer, at) else { return after };
            let mut rest = &buffer[..count];
            while !rest.is_empty() {
                if is_begin {
                    // A time that is cut by the end of the buffer is read again from its beginning.
                    if rest.len() < STAMP && rest.len() < count && memchr(b'\n', rest).is_none() {
                        break;
                    }
                    match stamp(rest) {
                        Some(stamp) if stamp >= self.text.as_bytes() => return after,
                        stamp => is_older = stamp.is_some(),
                    }
                }
                let end = memchr(b'\n', rest);
                let length = end.map_or(rest.len(), |end| end + 1);
                at += length as u64;
                rest = &rest[length..];
                is_begin = end.is_some();
                if is_begin && is_older {
                    after = at;
                }
            }
        }
    }
}

/// The time that a line begins with.
pub fn stamp(line: &[u8]) -> Option<&[u8]> {
    let stamp = line.get(..STAMP)?;
    let is_one = stamp.iter().zip(b"0000-00-00T00:00:00.000Z").all(|(byte, pattern)| match pattern {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    });
    is_one.then_some(stamp)
}
