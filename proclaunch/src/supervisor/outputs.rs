//! Where the output of each profile goes: its FIFO, which the logger reads, or `log_run` in its place.
//!
//! **Invariant:** the logger knows of a profile before its process is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::geteuid;
use proclaunch_core::fleet::Input;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::log::Own;
use proclaunch_core::profile::{LogSettings, Parsed, Profile};

use crate::keeper::protocol::{Output, Request};
use crate::logger::protocol::Word;
use crate::logger::{Link, fifo};
use crate::role::close_on_exec;

use super::perform::uid_of;
use super::reactor::Reactor;

/// The connection to the logger, and what the files say of each output.
#[derive(Debug)]
pub(super) struct Outputs {
    pub(super) link: Link,
    /// What each profile's files say, and the number of its user, if it has one of its own.
    wanted: BTreeMap<ProfileName, (Arc<Profile>, Option<u32>)>,
    pub(super) logger_pid: Option<i32>,
    /// Those of which records tell, until a complete scan has shown which of them there still are.
    pub(super) recalled: Option<BTreeSet<ProfileName>>,
    /// Holds what FIFOs there were when this process began, until it has opened them itself.
    parcel: Option<OwnedFd>,
    /// For how many FIFOs there are descriptors.
    room: usize,
}

/// Descriptors that supervisor and logger need besides those of FIFOs.
const RESERVE: u64 = 32;
/// How many descriptors the logger needs for each profile, and one to spare: its FIFO and a file.
const FOR_EACH: u64 = 3;

/// How the output of a profile is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wanted {
    log: LogSettings,
    log_run: bool,
    uid: Option<u32>,
}

impl Outputs {
    pub(super) fn new(state_dir: &Path, socket: OwnedFd, parcel: Option<OwnedFd>) -> Self {
        let link = Link::new(state_dir.to_owned(), socket);
        let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
        let room = usize::try_from(limit.saturating_sub(RESERVE) / FOR_EACH).unwrap_or(usize::MAX);
        Self { link, wanted: BTreeMap::new(), logger_pid: None, recalled: None, parcel, room }
    }

    /// Has everything that holds unread output stay open over `execve`.
    pub(super) fn pass_on(&self) {
        self.link.pass_on();
        if let Some(parcel) = &self.parcel {
            // It fails for no descriptor that is open.
            let _ = close_on_exec(parcel, false);
        }
    }

    fn wanted(&self, name: &ProfileName) -> Option<Wanted> {
        let (profile, uid) = self.wanted.get(name)?;
        Some(Wanted { log: profile.policy.log, log_run: profile.policy.log_run, uid: *uid })
    }

    fn has_room_for(&self, name: &ProfileName) -> bool {
        self.link.fifo(name).is_some() || self.link.len() < self.room
    }

    /// The settings of a profile, as they were read last.
    pub(super) fn profile(&self, name: &ProfileName) -> Option<Arc<Profile>> {
        self.wanted.get(name).map(|(profile, _)| Arc::clone(profile))
    }
}

impl Reactor {
    /// The same for all that were read and are good.
    pub(super) fn output_settings_of(&mut self, profiles: &[(ProfileName, Parsed)]) {
        for (name, parsed) in profiles {
            if let Ok(profile) = &parsed.profile {
                self.output_settings(name, profile);
            }
        }
    }

    /// A profile was read: what its files say of its output takes force at once. A profile that never wrote anything
    /// has no FIFO yet.
    fn output_settings(&mut self, name: &ProfileName, profile: &Arc<Profile>) {
        let user = profile.shape.user.as_ref().filter(|_| geteuid().is_root());
        let before = self.outputs.wanted(name);
        // The machine keeps settings that are the same as before, and shares them.
        let known = self.outputs.profile(name).filter(|known| known == profile);
        let profile = known.unwrap_or_else(|| Arc::clone(profile));
        let uid = user.map(uid_of);
        let wanted = Wanted { log: profile.policy.log, log_run: profile.policy.log_run, uid };
        self.outputs.wanted.insert(name.clone(), (profile, uid));
        let is_changed = before != Some(wanted) && self.outputs.link.fifo(name).is_some();
        if is_changed || (self.has_fifo(name) && self.outputs.has_room_for(name)) {
            self.configure_output(name, wanted);
        }
    }

    /// Where a process of the profile is to write: its FIFO; where the file system has no such thing, or there are not
    /// descriptors enough, the file itself, which then is not rotated.
    pub(super) fn output_of(&mut self, name: &ProfileName) -> Output {
        let is_ready = match self.outputs.wanted(name) {
            Some(_) if !self.outputs.has_room_for(name) => false,
            Some(wanted) => {
                self.outputs.link.starting(name);
                self.configure_output(name, wanted)
            }
            None => false,
        };
        let directory = self.state_dir.join("log").join(name.as_str());
        if is_ready { Output::Fifo(fifo_in(&directory)) } else { Output::File(directory.join("current")) }
    }

    fn has_fifo(&self, name: &ProfileName) -> bool {
        self.outputs.link.fifo(name).is_none()
            && fifo_in(&self.state_dir.join("log").join(name.as_str())).exists()
    }

    fn configure_output(&mut self, name: &ProfileName, wanted: Wanted) -> bool {
        let Wanted { log, log_run, uid } = wanted;
        match self.outputs.link.configure(name, log, log_run, uid) {
            Ok(()) => {
                self.want_log_run(name, log_run);
                true
            }
            Err(error) => {
                let why = error
                    .raw_os_error()
                    .map_or_else(|| error.to_string(), |raw| Errno::from_raw(raw).desc().to_owned());
                self.output(Some((name.clone(), why)));
                false
            }
        }
    }

    /// A profile is gone. Its FIFO goes when all that is in it was read.
    pub(super) fn forget_output(&mut self, name: &ProfileName) {
        self.outputs.wanted.remove(name);
        self.outputs.link.forget(name);
        if self.outputs.link.fifo(name).is_none() {
            self.link.request(Request::ForgetOutput { name: name.clone() });
        }
        self.retire_log_run(name);
    }

    /// What an earlier supervisor has left: FIFOs of profiles that are gone, with what was not read. Of one that is
    /// recalled more is heard when nothing of it lives any more.
    pub(super) fn outputs_of_the_gone(&mut self) {
        let Some(recalled) = self.outputs.recalled.take() else { return };
        for (name, uid) in fifo::all(&self.state_dir) {
            if self.outputs.wanted.contains_key(&name) {
                continue;
            }
            // What cannot be read stays where it is.
            let made = self.outputs.link.configure(&name, LogSettings::default(), false, Some(uid));
            if made.is_ok() && !recalled.contains(&name) {
                self.outputs.link.forget(&name);
            }
        }
        self.outputs.parcel = None;
        self.outputs.link.all_are_known();
    }

    /// Takes what the logger says.
    pub(super) fn take_words(&mut self) {
        for word in self.outputs.link.receive() {
            match word {
                Word::Hello { pid } => self.outputs.logger_pid = Some(pid),
                Word::Trouble { name, why } => self.answer(Input::Say(Own::OutputWaits { name, why })),
                Word::Over { name } => self.answer(Input::Say(Own::OutputGoesOn { name })),
                Word::Said { name, text } => {
                    let of = name.map(|name| format!("{name}: ")).unwrap_or_default();
                    self.answer(Input::Say(Own::LoggerSaid { text: of + &text }));
                }
                Word::Forgotten { name } => self.link.request(Request::ForgetOutput { name }),
            }
        }
    }
}

pub(super) fn fifo_in(directory: &Path) -> PathBuf {
    directory.join(fifo::PIPE)
}
