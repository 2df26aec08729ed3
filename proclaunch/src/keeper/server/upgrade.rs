//! Upgrade in place: a new program takes the keeper's process, and services stay its children.
//!
//! First the new program rehearses, in a process of its own: it is given what it would take over, and says whether it
//! could. Only then is it executed in the keeper's place; the supervisor is ended before, as killing it loses nothing,
//! and the new keeper starts new ones. What goes wrong before `execve` leaves the old program in place.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use proclaunch_core::clock::Moment;
use proclaunch_core::exit::Exit;
use proclaunch_core::log::Part;
use proclaunch_core::signal::Signal;

use crate::keeper::protocol::ToSupervisor;
use crate::keeper::{HelperSpec, store_image};
use crate::killpoint;
use crate::role::{self, Birth, FIRST_SOCKET, KEEPER};
use crate::sys::{clock, signal_child, wait};

use super::Server;

/// How long a rehearsal may take.
const REHEARSAL: Duration = Duration::from_secs(10);
/// More than what a rehearsal has to say.
const WORDS_MAX: u64 = 4096;

/// A new program that is being asked whether it could take over.
#[derive(Debug)]
pub(super) struct Rehearsal {
    pid: i32,
    /// What it says, on standard output and error. Far less than a pipe holds is read.
    said: File,
    until: Moment,
    is_late: bool,
}

impl Rehearsal {
    pub(super) const fn until(&self) -> Moment {
        self.until
    }
}

impl Server {
    pub(super) fn begin_upgrade(&mut self) {
        if self.rehearsal.is_some() || self.ending.is_some() {
            return;
        }
        match self.rehearse() {
            Ok(rehearsal) => self.rehearsal = Some(rehearsal),
            Err(why) => self.refuse_upgrade(why),
        }
    }

    fn rehearse(&mut self) -> Result<Rehearsal, String> {
        let system = |what: &'static str| move |errno: Errno| format!("could not {what}: {}", errno.desc());
        let image = store_image(&self.keeper.image()).map_err(system("write down what it knows"))?;
        let (said, theirs) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).map_err(system("make a pipe"))?;
        let argv: Vec<OsString> = std::iter::once(KEEPER.into()).chain(self.settings.words()).collect();
        let launched = self.keeper.spawn_helper(&HelperSpec {
            program: &self.program,
            argv: &argv,
            env: &Birth::Rehearses { image: FIRST_SOCKET }.environment(),
            passed: &[image.as_fd()],
            output: Some([theirs.as_fd(), theirs.as_fd()]),
        });
        let id = launched.map_err(|(stage, errno)| {
            format!("could not {stage} `{}`: {}", self.program.display(), errno.desc())
        })?;
        Ok(Rehearsal { pid: id.pid, said: said.into(), until: clock::now().plus(REHEARSAL), is_late: false })
    }

    /// A rehearsal that takes too long is one that fails.
    pub(super) fn give_rehearsal_up(&mut self, now: Moment) {
        let Some(rehearsal) = &mut self.rehearsal else { return };
        if now < rehearsal.until {
            return;
        }
        rehearsal.is_late = true;
        rehearsal.until = now.plus(REHEARSAL);
        // A child that was not collected.
        let _ = signal_child(rehearsal.pid, Signal::KILL.number());
    }

    pub(super) fn rehearsal_ended(&mut self, pid: i32, exit: Exit, now: Moment) {
        let Some(rehearsal) = self.rehearsal.take_if(|rehearsal| rehearsal.pid == pid) else { return };
        if self.ending.is_some() {
            // What was stopped meanwhile must not be started by a new program.
            return;
        }
        let mut said = Vec::new();
        // What was said before an error is what there is.
        let _ = (&rehearsal.said).take(WORDS_MAX).read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said);
        let version = said.trim_end().strip_prefix("proclaunch ");
        let why = match (exit, version) {
            _ if rehearsal.is_late => format!("it does not answer within {} s", REHEARSAL.as_secs()),
            (Exit::Code(0), Some(version)) if !version.contains(char::is_whitespace) => {
                return self.become_new(version, now);
            }
            (Exit::Code(0), _) => "it is no ProcLaunch that knows how to take over".to_owned(),
            _ => said.lines().last().map_or_else(|| exit.to_string(), |last| format!("{last} ({exit})")),
        };
        self.refuse_upgrade(format!("`{}`: {why}", self.program.display()));
    }

    fn refuse_upgrade(&mut self, why: String) {
        // Who has asked for it by the control socket waits for the supervisor to be another one.
        if let Some(channel) = &mut self.channel {
            channel.send(&ToSupervisor::UpgradeRefused(why.clone()));
        }
        self.say(Part::UpgradeRefused { why });
    }

    /// Executes the new program. Returns only if that fails: then everything goes on as it was.
    fn become_new(&mut self, version: &str, now: Moment) {
        self.say(Part::Upgrading { program: format!("{version}, `{}`", self.program.display()) });
        self.tell_reports();
        // The logger stays until the new keeper ends it: were we killed in between, it would start another one.
        if let Some(pid) = self.supervisor.pid() {
            // A child that was not collected; what is not in its records, it has not done.
            if signal_child(pid, Signal::KILL.number()).is_ok() {
                wait::ending_child(pid);
            }
        }
        // Its last word may have been that everything ends.
        self.hear();
        if self.ending.is_some() {
            return;
        }
        self.channel = None;
        killpoint::pass("upgrade");
        let errno = match self.execute() {
            Ok(never) => match never {},
            Err(errno) => errno,
        };
        self.refuse_upgrade(format!("could not execute `{}`: {}", self.program.display(), errno.desc()));
        self.supervisor.renew("ended for an upgrade".to_owned(), now);
    }

    fn execute(&self) -> Result<std::convert::Infallible, Errno> {
        let mut image = self.keeper.image();
        image.signals.extend(&self.untaken);
        let image = store_image(&image)?;
        let state_dir = self.instance.dir().try_clone().map_err(|_| Errno::EMFILE)?;
        let state_dir = OwnedFd::from(state_dir);
        // The same open directory: the lock stays.
        role::close_on_exec(&state_dir, false)?;
        let birth = Birth::Upgraded {
            state_dir: state_dir.as_raw_fd(),
            image: image.as_raw_fd(),
            from: env!("CARGO_PKG_VERSION").to_owned(),
        };
        self.keeper.with_first_limits(|| role::execute_keeper(&self.program, &self.settings, &birth))
    }
}
