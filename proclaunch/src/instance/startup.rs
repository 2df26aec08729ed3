//! The hand-over from launcher to daemon: the launcher ends when the daemon is up, or tells why it is not.
//!
//! On the pipe: one byte, the exit code; after a code that is not 0, the message, to the end of the stream.
//!
//! **Invariant:** no start-up error is invisible: each comes out on the launcher's standard error and exit code.

use std::io::{self, PipeReader, PipeWriter, Read, Write};

use super::notify;
use crate::fatal::{Fatal, SYSTEM};
use crate::sys::daemon;

/// More than any message: paths are at most 4 KiB each.
const MESSAGE_MAX: u64 = 64 * 1024;

/// A start that is under way. Dropped without a word, it counts as failed.
#[must_use = "the launcher waits for the report"]
#[derive(Debug)]
pub struct Startup {
    /// Where the launcher listens; none in the foreground.
    launcher: Option<PipeWriter>,
    /// Whether a service manager may have started this process, and waits to hear that all is up.
    is_awaited: bool,
}

impl Startup {
    /// A start in the foreground: nobody waits, and errors go to standard error.
    pub const fn foreground() -> Self {
        Self { launcher: None, is_awaited: true }
    }

    /// One that takes the place of a keeper which has died: nobody waits at all.
    pub const fn successor() -> Self {
        Self { launcher: None, is_awaited: false }
    }

    /// A start whose launcher waits for the report.
    pub const fn daemon(launcher: PipeWriter) -> Self {
        Self { launcher: Some(launcher), is_awaited: true }
    }

    /// Whether a launcher waits, so that what it has open is not for what stays.
    pub const fn is_daemon(&self) -> bool {
        self.launcher.is_some()
    }

    /// Reports that everything is up. A daemon lets go of the launcher's output first: from here on there is only
    /// the log.
    ///
    /// # Errors
    /// The output could not be let go of, and the launcher has been told.
    pub fn succeeded(self) -> Result<(), Fatal> {
        if self.is_awaited {
            notify::is_up();
        }
        let Some(mut pipe) = self.launcher else { return Ok(()) };
        match daemon::silence_output() {
            Ok(()) => {
                // A launcher that was killed does not wait any more.
                let _ = pipe.write_all(&[0]);
                Ok(())
            }
            Err(source) => {
                let fatal = Fatal::Daemonize { source };
                send(&mut pipe, &fatal);
                Err(fatal)
            }
        }
    }

    /// Reports why there will be no instance, and gives the exit code.
    pub fn failed(self, fatal: &Fatal) -> u8 {
        match self.launcher {
            Some(mut pipe) => send(&mut pipe, fatal),
            None => complain(&message(fatal)),
        }
        fatal.code()
    }

    /// Waits in the launcher until the daemon has reported, passes a message on to standard error, and gives the
    /// exit code.
    pub fn listen(pipe: PipeReader) -> u8 {
        match hear(pipe) {
            (0, _) => 0,
            (code, text) => {
                complain(&text);
                code
            }
        }
    }
}

/// Says a line on standard error. There is nowhere to say that it could not be said.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn message(fatal: &Fatal) -> String {
    format!("proclaunch: failed to {fatal}")
}

fn send(pipe: &mut PipeWriter, fatal: &Fatal) {
    let mut bytes = vec![fatal.code()];
    bytes.extend_from_slice(message(fatal).as_bytes());
    let _ = pipe.write_all(&bytes);
}

fn hear(mut pipe: PipeReader) -> (u8, String) {
    let mut code = [SYSTEM];
    // Not to the end of the stream: once it is up, the daemon owes the launcher nothing more.
    if pipe.read_exact(&mut code).is_err() {
        return (Fatal::Vanished.code(), message(&Fatal::Vanished));
    }
    let mut text = Vec::new();
    if code != [0] {
        // What came before an error is still worth showing.
        let _ = pipe.take(MESSAGE_MAX).read_to_end(&mut text);
    }
    (code[0], String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn bug_25_the_launcher_hears_why_the_daemon_is_not_up() {
        let (reader, writer) = io::pipe().unwrap();
        let fatal = Fatal::LogFile { path: PathBuf::from("/x/log"), source: io::ErrorKind::NotFound.into() };
        assert_eq!(Startup::daemon(writer).failed(&fatal), 100);
        let (code, text) = hear(reader);
        assert_eq!(code, 100);
        assert_eq!(
            text,
            "proclaunch: failed to open log file `/x/log`: entity not found; \
             its directory must exist and be writable"
        );
    }

    #[test]
    fn a_daemon_that_dies_without_a_word_is_a_system_failure() {
        let (reader, writer) = io::pipe().unwrap();
        drop(Startup::daemon(writer));
        let (code, text) = hear(reader);
        assert_eq!(code, 111);
        assert!(text.contains("ended before it was up"), "{text}");
    }

    #[test]
    fn the_launcher_does_not_wait_for_the_daemons_end() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(&[0]).unwrap();
        assert_eq!(Startup::listen(reader), 0);
        drop(writer);
    }

    #[test]
    fn a_launcher_that_was_killed_is_no_failure_of_the_daemon() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        assert_eq!(Startup::daemon(writer).failed(&Fatal::Logger), 111);
    }
}
