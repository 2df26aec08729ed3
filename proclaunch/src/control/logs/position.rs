//! A place in a profile's output, to go on from after a connection that broke, with this supervisor or the next one.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::UNIX_EPOCH;

/// A place in the output: a file, whatever it is called by now, and how many bytes of it and of the files after it come
/// before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The number of the file's inode.
    inode: u64,
    /// When the file was made, in nanoseconds since 1970: the number alone is given to another file after this one was
    /// removed. 0 where the file system does not know it (`stx_btime` of `statx(2)`).
    born: u64,
    /// How many bytes come before.
    offset: u64,
}

impl Position {
    /// So far in a file.
    pub(super) fn new(file: &Metadata, offset: u64) -> Self {
        let born = file.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        let born = born.map_or(0, |born| u64::try_from(born.as_nanos()).unwrap_or(u64::MAX));
        Self { inode: file.ino(), born, offset }
    }

    /// Understands `INODE-BORN:OFFSET`, as it is written: three whole numbers of up to 20 digits without a sign. One that
    /// is too large for any file is as good as the largest.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let is_one = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            is_one.then(|| text.parse().unwrap_or(u64::MAX))
        };
        let (file, offset) = text.split_once(':')?;
        let (inode, born) = file.split_once('-')?;
        Some(Self { inode: number(inode)?, born: number(born)?, offset: number(offset)? })
    }

    /// How many bytes come before, from the beginning of its file on.
    pub(super) const fn offset(self) -> u64 {
        self.offset
    }

    /// So many bytes later.
    #[must_use]
    pub const fn after(self, bytes: u64) -> Self {
        Self { offset: self.offset.saturating_add(bytes), ..self }
    }

    /// Whether it was said of this file.
    pub(super) fn is_in(self, file: &Metadata) -> bool {
        Self { offset: 0, ..self } == Self::new(file, 0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}:{}", self.inode, self.born, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_understood_and_nothing_else() {
        for text in ["1-2:3", "0-0:0", "18446744073709551615-1:18446744073709551615"] {
            assert_eq!(Position::parse(text).unwrap().to_string(), text);
        }
        let too_large = Position::parse("1-07:95496698209604666902").unwrap();
        assert_eq!(too_large.to_string(), format!("1-7:{}", u64::MAX));
        for text in [
            "",
            "1",
            "1:2",
            "1-2",
            "1-2:",
            "-2:3",
            "1-:3",
            "1-2:+3",
            "1-2:-3",
            "1-2:3 ",
            "1-2:3:4",
            "1-2-3:4",
            "0x1-2:3",
            "000000000000000000001-1:1",
        ] {
            assert_eq!(Position::parse(text), None, "{text}");
        }
    }

    #[test]
    fn it_counts_on_and_does_not_wrap() {
        let position = Position::parse("1-2:3").unwrap();
        assert_eq!(position.after(4).to_string(), "1-2:7");
        assert_eq!(position.after(u64::MAX).to_string(), format!("1-2:{}", u64::MAX));
    }
}
