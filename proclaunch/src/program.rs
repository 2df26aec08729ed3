//! What is wrong with a program's file that the kernel does not execute.
//!
//! The kernel says too little of it: a script whose interpreter is missing is "No such file or directory" to it, although
//! the script is there.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// How much of a program the kernel reads to find out what it is (`BINPRM_BUF_SIZE`).
const HEAD: u64 = 256;

/// How a binary begins.
const ELF: &[u8] = b"\x7fELF";

/// What a program's file is to the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// A script whose interpreter is there; the words of its first line after the interpreter.
    Script {
        /// The interpreter.
        interpreter: String,
        /// What it is given.
        words: Vec<String>,
    },
    /// A binary, as far as one can see.
    Binary,
    /// Nothing that it executes, and why: a predicate, such as "begins without `#!`".
    Unfit(String),
}

impl Format {
    /// Looks at a file; a relative interpreter is looked for in `workplace`. None if it cannot be read: that is no
    /// obstacle to its execution.
    pub fn of(path: &Path, workplace: &Path) -> Option<Self> {
        // Opening a FIFO would wait for somebody who writes to it.
        let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path).ok()?;
        file.metadata().ok()?.is_file().then_some(())?;
        Some(Self::of_head(&head(file)?, workplace))
    }

    fn of_head(head: &[u8], workplace: &Path) -> Self {
        let unfit = |why: &str| Self::Unfit(why.to_owned());
        let Some(line) = head.strip_prefix(b"#!") else {
            let is_text = head.iter().all(|byte| !matches!(byte, 0..=8));
            let why = "begins without `#!`, and the kernel executes no such text; write `#!/bin/sh` as its first line";
            return if is_text { unfit(why) } else { Self::Binary };
        };
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if line.ends_with(b"\r") {
            return unfit(
                "has lines that end in CR LF: the kernel looks for an interpreter with CR in its name",
            );
        }
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_whitespace().map(ToOwned::to_owned);
        let Some(interpreter) = words.next() else {
            return unfit("names no interpreter after `#!`");
        };
        if !is_program(&workplace.join(&interpreter)) {
            return Self::Unfit(format!("needs the interpreter `{interpreter}`, which is not here"));
        }
        Self::Script { interpreter, words: words.collect() }
    }
}

fn head(file: File) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head).ok()?;
    Some(head)
}

/// Whether a file can be executed by somebody.
pub fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Why the kernel has answered `ENOENT` or `ENOEXEC` to the execution of a file that is there: a predicate.
pub fn why_unfit(path: &Path, workplace: &Path) -> Option<String> {
    match Format::of(path, workplace)? {
        Format::Unfit(why) => Some(why),
        Format::Script { .. } => None,
        Format::Binary if head(File::open(path).ok()?)?.starts_with(ELF) => {
            Some("is a binary for another machine, or one whose loader is not here".to_owned())
        }
        Format::Binary => Some("is neither a script with `#!` nor a binary of this machine".to_owned()),
    }
}
