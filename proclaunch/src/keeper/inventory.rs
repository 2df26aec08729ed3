//! What the keeper knows, as a value: for a supervisor that comes after one that died, and for a new program that
//! takes the keeper's place in an upgrade.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use proclaunch_core::exit::Exit;
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use proclaunch_core::signal::Signal;
use serde::{Deserialize, Serialize};

use super::outputs::Outputs;
use super::protocol::{Held, HeldEnd, Kind};
use super::{Hunt, Keeper, Main, Start, stat};
use crate::sys::pidfd;

/// The version of [`Image`]: another one is not understood.
pub const IMAGE_VERSION: u32 = 1;

/// All starts, for the program that an upgrade puts in this one's place.
///
/// Descriptors are no part of it: a child that was not collected keeps its pid, and whatever is no child is looked
/// at anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    starts: Vec<StartImage>,
    /// Signals that no supervisor has acted on yet. The keeper proper knows of none: who serves it adds them.
    pub signals: Vec<Signal>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StartImage {
    name: ProfileName,
    ticket: Ticket,
    kind: Kind,
    main: Option<ProcId>,
    ended: Option<HeldEnd>,
    left: Vec<ProcId>,
    kin: BTreeSet<ProcId>,
    sessions: Vec<i32>,
    hunt: Hunt,
    foreign: bool,
    empty: bool,
}

impl Keeper {
    /// Every start, and how far it is.
    pub fn held(&self) -> Vec<Held> {
        let held = self.starts.iter().map(|(ticket, start)| Held {
            name: start.name.clone(),
            ticket: *ticket,
            kind: start.kind,
            main: start.main.as_ref().map(|main| main.id),
            ended: start.ended,
        });
        held.collect()
    }

    /// The live main processes of that kind.
    pub fn alive(&self, kind: Kind) -> Vec<Ticket> {
        let alive = self.starts.iter().filter(|(_, start)| start.kind == kind && start.main.is_some());
        alive.map(|(ticket, _)| *ticket).collect()
    }

    /// Holds the FIFOs that there are in the directory of the logs: whoever read them so far can then end without a loss.
    pub fn hold_outputs(&mut self, log_dir: &Path) {
        self.outputs.hold_all(log_dir, |fd| self.launcher.has_room(fd));
    }

    /// The FIFOs that are held, for a process of ProcLaunch's own that is about to begin. None if there are no
    /// descriptors for it: it is the worse off by that, if two others are killed in its first moments.
    pub fn parcel(&self) -> Option<OwnedFd> {
        self.outputs.parcel().ok()
    }

    /// Lets go of all FIFOs: whoever reads them sees the end when nobody can write any more.
    pub fn let_outputs_go(&mut self) {
        self.outputs = Outputs::default();
    }

    /// Takes a child of ours for no service: its end is told by [`Keeper::take_helpers_ended`].
    pub fn expect_helper(&mut self, pid: i32) {
        self.helpers.insert(pid);
    }

    /// Those of [`Keeper::expect_helper`] that were collected since the last call.
    pub fn take_helpers_ended(&mut self) -> Vec<(i32, Exit)> {
        std::mem::take(&mut self.helpers_ended)
    }

    /// Everything that a program in this one's place must know. What was to be reported was taken before.
    pub fn image(&self) -> Image {
        let starts = self.starts.iter().map(|(ticket, start)| StartImage {
            name: start.name.clone(),
            ticket: *ticket,
            kind: start.kind,
            main: start.main.as_ref().map(|main| main.id),
            ended: start.ended,
            left: start.left.clone(),
            kin: start.kin.clone(),
            sessions: start.sessions.clone(),
            hunt: start.hunt,
            foreign: start.foreign,
            empty: start.empty,
        });
        Image { starts: starts.collect(), signals: Vec::new() }
    }

    /// Takes over what the program knew that was in this one's place.
    pub fn restore(&mut self, image: Image) {
        for start in image.starts {
            self.restore_start(start);
        }
        // What is hunted or has lost its main process is looked at with the next batch.
        self.looked = false;
    }

    fn restore_start(&mut self, image: StartImage) {
        let StartImage { name, ticket, kind, main, ended, left, kin, sessions, hunt, foreign, empty } = image;
        self.known.kin.extend(kin.iter().map(|id| (*id, ticket)));
        self.known.sessions.extend(sessions.iter().map(|sid| (*sid, ticket)));
        let start =
            Start { ended, left, kin, sessions, hunt, foreign, empty, ..Start::new(name.clone(), kind) };
        self.orphans.extend(start.left.iter().map(|id| (id.pid, Some(ticket))));
        self.starts.insert(ticket, Box::new(start));
        if hunt != Hunt::None {
            self.touched.insert(ticket);
        }
        let Some(id) = main else { return };
        if !stat::read_stat(id.pid).is_some_and(|stat| stat.id == id && stat.ppid == self.me) {
            return self.adopt(name, ticket, id);
        }
        // A child that was not collected, dead or alive: its pid is nobody else's.
        let pidfd = pidfd::open(id.pid).ok().filter(|fd| self.launcher.has_room(fd));
        self.known.mains.insert(id.pid, ticket);
        if let Some(start) = self.starts.get_mut(&ticket) {
            start.main = Some(Main { id, is_child: true, pidfd, token: None });
        }
    }
}

/// Writes an image into a file without a name, which is inherited over `execve`.
///
/// # Errors
/// Those of `memfd_create(2)` and `write(2)`.
pub fn store(image: &Image) -> Result<std::os::fd::OwnedFd, Errno> {
    use std::io::{Seek, Write};

    let flags = nix::sys::memfd::MFdFlags::empty();
    let mut file = std::fs::File::from(nix::sys::memfd::memfd_create(c"proclaunch: image", flags)?);
    let bytes = postcard::to_stdvec(&(IMAGE_VERSION, image)).expect("an image is plain data");
    let written = file.write_all(&bytes).and_then(|()| file.rewind());
    written.map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    Ok(file.into())
}

/// Reads an image.
///
/// # Errors
/// Why the bytes are none: a fragment for people.
pub fn load(bytes: &[u8]) -> Result<Image, String> {
    let (version, rest): (u32, _) = postcard::take_from_bytes(bytes).map_err(|error| error.to_string())?;
    if version != IMAGE_VERSION {
        return Err(format!("it has version {version}, where {IMAGE_VERSION} is understood"));
    }
    postcard::from_bytes(rest).map_err(|error| error.to_string())
}
