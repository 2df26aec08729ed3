//! Does what the core decided. Nothing here waits, and what goes wrong is an input of the next wait.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use proclaunch_core::fleet::{Effect, Input};
use proclaunch_core::ids::{ProfileName, Ticket};
use proclaunch_core::log::{Entry, Own};
use proclaunch_core::machine::{Action, Look, Phase};
use proclaunch_core::process::Report;
use proclaunch_core::profile::{Profile, User};
use proclaunch_core::signal::Signal;

use crate::keeper::protocol::{
    self as spawn, Kind, Output, Program, Request, SpawnSpec, ToKeeper, ToSupervisor,
};
use crate::keeper::{PidFile, Rejection, look_at_pid_file};

use crate::killpoint;

use super::reactor::Reactor;

impl Reactor {
    pub(super) fn perform_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Do(name, action) => self.act(name, action),
            Effect::Log(entry) => {
                self.write(&entry);
                self.tell_of(&entry);
            }
            Effect::ReopenLog => {
                let own = match self.log.reopen() {
                    Ok(()) => Own::LogReopened,
                    Err(error) => Own::LogNotReopened { why: error.to_string() },
                };
                let entry = Entry::Own(own);
                self.write(&entry);
                self.tell_of(&entry);
            }
            Effect::RememberFleet(memo) => self.save_fleet(memo),
            Effect::Forget(name) => {
                self.forget_hooks(&name);
                self.forget_output(&name);
                self.forget(&name);
            }
            Effect::ForgetAll => {
                // The last thing that is done: what cannot be removed is dropped by the next start, if it is not true.
                drop(self.store.clear());
                self.is_drained = true;
                killpoint::pass("drained");
            }
            Effect::Reply(id, reply) => self.control.reply(id, reply),
            Effect::Happened { name, what, id, exit } => self.happened(name, *what, id, exit),
            Effect::Upgrade => self.link.say(&ToKeeper::Upgrade),
        }
    }

    fn act(&mut self, name: ProfileName, action: Action) {
        let request = match action {
            Action::Spawn { ticket, profile, variables } => {
                let output = self.output_of(&name);
                let mut spec = self.spec(name, ticket, &profile, output);
                spec.env.extend(variables);
                self.link.request(Request::Spawn(Box::new(spec)));
                // At once, as this is what others wait for; what is said about it can come later.
                return self.ask();
            }
            Action::Adopt { ticket, id } => Request::Adopt { name, ticket, id },
            Action::Signal { ticket, scope, signal } => {
                killpoint::pass("stopping");
                killpoint::pass_at_wait("between-term-and-kill");
                Request::Signal { ticket, scope, signal }
            }
            Action::KillTree { ticket } => Request::KillTree { ticket },
            Action::Watch { ticket } => Request::Watch { ticket },
            Action::Release { ticket } => Request::Release { ticket },
            Action::LookAtPidFile(profile) => {
                let look = self.look(&name, &profile);
                return self.answer(Input::PidFile(name, look));
            }
            Action::RemovePidFile(profile) => {
                if let Some(path) = self.pid_file(&name, &profile) {
                    // One that is gone already is what was wanted; any other is judged again when it is looked at.
                    drop(std::fs::remove_file(path));
                }
                return;
            }
            Action::LoadHooks(profile) => return self.load_hooks(&name, &profile),
            Action::Consult(question) => return self.ask_hook(name, *question),
            Action::Lapse(id) => return self.cancel_hook(&name, id),
            Action::Remember(remembered) => {
                // First what was asked for before: a record that a signal is not owed any more must not be there
                // without the signal. And the keeper acts on it while the next records are written.
                self.ask();
                let is_backoff = matches!(remembered.phase, Phase::Backoff { .. });
                let is_told =
                    matches!(remembered.phase, Phase::Stopping { .. }) && remembered.owed.is_empty();
                self.save(&name, remembered);
                if is_backoff {
                    killpoint::pass_at_wait("backoff");
                }
                if is_told {
                    killpoint::pass("stop-recorded");
                }
                return killpoint::pass("record-written");
            }
            // Comes as an effect of its own.
            Action::Happened(_) => return,
            Action::Log(said) => return self.write(&Entry::Profile(name, said)),
        };
        self.link.request(request);
    }

    pub(super) fn write(&self, entry: &Entry) {
        self.log.say(entry);
    }

    /// The directory that a profile is read from: that of one instance is that of all.
    pub(super) fn directory_of(&self, name: &ProfileName, profile: &Profile) -> PathBuf {
        self.profiles_dir.join(profile.directory(name))
    }

    pub(super) fn spec(
        &self,
        name: ProfileName,
        ticket: Ticket,
        profile: &Profile,
        output: Output,
    ) -> SpawnSpec {
        let shape = &profile.shape;
        let profile_dir = self.directory_of(&name, profile);
        let directory = match &shape.directory {
            Some(directory) => profile_dir.join(Path::new(&**directory)),
            None => profile_dir.clone(),
        };
        SpawnSpec {
            program: Program::Run,
            kind: Kind::Service,
            input: spawn::Input::Null,
            output,
            name,
            ticket,
            profile_dir,
            directory,
            user: shape.user.clone(),
            env: shape.env.to_vec(),
            umask: shape.umask,
            nice: shape.nice,
            limits: shape.limits.to_vec(),
        }
    }

    /// Whether it is one of ProcLaunch's own processes.
    fn is_ours(&self, pid: i32) -> bool {
        pid == self.keeper_pid
            || pid == nix::unistd::getpid().as_raw()
            || self.outputs.logger_pid == Some(pid)
    }

    fn pid_file(&self, name: &ProfileName, profile: &Profile) -> Option<PathBuf> {
        let path = profile.shape.pid_file.as_ref()?;
        Some(self.directory_of(name, profile).join(Path::new(&**path)))
    }

    fn look(&self, name: &ProfileName, profile: &Profile) -> Look {
        let Some(path) = self.pid_file(name, profile) else { return Look::Absent };
        let uid = profile.shape.user.as_ref().map_or_else(own_uid, uid_of);
        let found = match look_at_pid_file(&path, uid) {
            PidFile::Names(found) if self.is_ours(found.id.pid) => PidFile::Rejected(Rejection::Ourselves),
            PidFile::Names(found) if self.link.owner_of(found.id).is_some_and(|owner| owner != name) => {
                PidFile::Rejected(Rejection::Taken(found.id.pid))
            }
            found => found,
        };
        match found {
            PidFile::Absent => Look::Absent,
            PidFile::Names(found) => Look::Names { id: found.id, up: found.age },
            PidFile::Rejected(why) => {
                let text = format!("pid file `{}` {why}", path.display());
                match why {
                    Rejection::NotAlive(_) | Rejection::Younger(_) | Rejection::Content(_) => {
                        Look::Stale(text)
                    }
                    Rejection::Unreadable(_)
                    | Rejection::Link
                    | Rejection::NoFile
                    | Rejection::WritableByOthers
                    | Rejection::Init
                    | Rejection::Ourselves
                    | Rejection::Kernel(_)
                    | Rejection::Taken(_)
                    | Rejection::Owner { .. } => Look::Rejected(text),
                }
            }
        }
    }

    /// Takes what the keeper says.
    pub(super) fn take_messages(&mut self, messages: Vec<ToSupervisor>) {
        let mut lost = false;
        for message in messages {
            match message {
                ToSupervisor::Hello(_) => {}
                ToSupervisor::Signal(signal) => {
                    self.signals_taken += u32::from(signal != Signal::USR1);
                    self.answer(Input::Signal(signal));
                }
                ToSupervisor::UpgradeRefused(why) => self.control.upgrade_refused(why),
                ToSupervisor::SignalAgain(signal) => {
                    self.signals_taken += 1;
                    // A drain that goes on is what it has led to: a second one would cut that short.
                    if !self.goes_on_draining {
                        self.answer(Input::Signal(signal));
                    }
                }
                ToSupervisor::Report(report) => self.take_report(report, &mut lost),
            }
        }
    }

    fn take_report(&mut self, report: Report, lost: &mut bool) {
        let report = self.take_exec_report(report).and_then(|report| self.take_log_run_report(report));
        let Some(report) = report else { return };
        match &report {
            Report::OutputLost { name, errno } => {
                *lost = true;
                return self.output(Some((name.clone(), Errno::from_raw(*errno).desc().to_owned())));
            }
            // The output of a start is said to be lost before the start is reported.
            Report::Spawned { .. } => {
                killpoint::pass("after-spawn-before-record");
                if !*lost {
                    self.output(None);
                }
            }
            Report::SpawnFailed { .. } | Report::Exited { .. } | Report::Gone { .. } => {}
        }
        if let Report::Gone { ticket, .. } = report
            && self.strays.take(ticket)
        {
            return self.link.request(Request::Release { ticket });
        }
        if let Report::Exited { name, .. } = &report {
            self.outputs.link.ended(name);
        }
        self.answer(Input::Report(report));
    }
}

fn own_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The profile's user by number; the supervisor's own if there is no such user, as nothing can run as that one.
pub(super) fn uid_of(user: &User) -> u32 {
    if let Ok(uid) = user.user.parse() {
        return uid;
    }
    nix::unistd::User::from_name(&user.user).ok().flatten().map_or_else(own_uid, |user| user.uid.as_raw())
}
