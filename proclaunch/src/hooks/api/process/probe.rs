//! What the kernel says of one process.
//!
//! **Invariant:** a probe is bound to its process: it holds the directory of it in `/proc`, which means nobody else
//! when the pid is given away again.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use nix::unistd::{SysconfVar, sysconf};
use proclaunch_core::ids::ProcId;

use crate::hooks::outside::Measured;
use crate::keeper::parse_stat;

/// The longest file that is read of `/proc`, and with it the longest command line.
const LONGEST: u64 = 4096;

/// One process.
#[derive(Debug)]
pub(in crate::hooks) struct Probe {
    id: ProcId,
    dir: OwnedFd,
}

impl Probe {
    /// The process of that pid and start time, or the reason: it is gone.
    pub(in crate::hooks) fn open(id: ProcId) -> Result<Self, String> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let dir = open(format!("/proc/{}", id.pid).as_str(), flags, Mode::empty()).map_err(|_| gone(id))?;
        let probe = Self { id, dir };
        let stat = probe.read("stat")?;
        parse_stat(&stat).filter(|stat| stat.id == id && !stat.is_dead()).ok_or_else(|| gone(id))?;
        Ok(probe)
    }

    /// Which process.
    pub(in crate::hooks::api) fn id(&self) -> ProcId {
        self.id
    }

    /// The field of `stat` at this place after the name, the state being 0.
    fn stat(&self, index: usize) -> Result<f64, String> {
        let text = self.read("stat")?;
        let name = text.iter().rposition(|byte| *byte == b')').map_or(0, |end| end + 1);
        field(&text[name..], index).ok_or_else(|| self.unread("stat"))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let file = openat(&self.dir, name, flags, Mode::empty()).map_err(|_| gone(self.id))?;
        let mut bytes = Vec::new();
        File::from(file).take(LONGEST).read_to_end(&mut bytes).map_err(|_| gone(self.id))?;
        Ok(bytes)
    }

    fn unread(&self, file: &str) -> String {
        format!("read `/proc/{}/{file}`: it is not as expected", self.id.pid)
    }
}

impl Measured for Probe {
    fn rss(&self) -> Result<f64, String> {
        let text = self.read("statm")?;
        let pages = field(&text, 1).ok_or_else(|| self.unread("statm"))?;
        let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4096);
        #[expect(clippy::cast_precision_loss, reason = "the size of a page")]
        Ok(pages * size as f64)
    }

    fn cpu(&self) -> Result<Duration, String> {
        let (user, system) = (self.stat(11)?, self.stat(12)?);
        let hertz = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
        #[expect(clippy::cast_precision_loss, reason = "a hundred, or a few")]
        let seconds = (user + system) / hertz as f64;
        Duration::try_from_secs_f64(seconds).map_err(|_| self.unread("stat"))
    }

    fn threads(&self) -> Result<f64, String> {
        self.stat(17)
    }

    fn fds(&self) -> Result<f64, String> {
        let path = format!("/proc/self/fd/{}/fd", self.dir.as_raw_fd());
        // The size of this directory is the number, since Linux 6.2; before, it is 0.
        let size = fs::metadata(&path).map_err(|_| gone(self.id))?.len();
        #[expect(clippy::cast_precision_loss, reason = "a process has fewer descriptors than 2^53")]
        match size {
            0 => match fs::read_dir(&path) {
                Ok(entries) => Ok(entries.count() as f64),
                Err(error) => Err(format!("read the descriptors of process {}: {error}", self.id.pid)),
            },
            size => Ok(size as f64),
        }
    }

    fn cmdline(&self) -> Result<String, String> {
        let mut bytes = self.read("cmdline")?;
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        if bytes.is_empty() {
            let name = self.read("comm")?;
            return Ok(format!("[{}]", String::from_utf8_lossy(name.trim_ascii_end())));
        }
        for byte in &mut bytes {
            if *byte == 0 {
                *byte = b' ';
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn gone(id: ProcId) -> String {
    format!("process {} is gone", id.pid)
}

fn field(text: &[u8], index: usize) -> Option<f64> {
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    std::str::from_utf8(words.nth(index)?).ok()?.parse().ok()
}
