//! The supervisor's side: what the logger is to know, whichever logger it is.
//!
//! **Invariant:** nothing here waits; and what a logger was told can be told to the next one in full.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::LogSettings;

use crate::role::close_on_exec;

use super::control::{Control, Received};
use super::fifo;
use super::protocol::{Configuration, Order, Word};

/// What the supervisor knows of the logger, and its end of the socket.
///
/// Holds every FIFO open, so that nothing unread is lost when a service and the logger end together.
#[derive(Debug)]
pub struct Link {
    state_dir: PathBuf,
    control: Control,
    profiles: BTreeMap<ProfileName, Output>,
    /// Those of them of which the logger has not been told all.
    owed: BTreeSet<ProfileName>,
    /// Orders about no single profile that have not been sent yet.
    unsent: VecDeque<Order>,
    /// What every logger is to know from here on.
    lasting: Vec<Order>,
    /// The process of the logger, once it has said hello.
    logger: Option<i32>,
    /// Every profile whose output there is is known here.
    all_known: bool,
    is_over: bool,
}

/// One profile as the logger is to have it.
#[derive(Debug)]
struct Output {
    log: LogSettings,
    paused: bool,
    uid: Option<u32>,
    fifo: OwnedFd,
    /// It is gone from the directory of profiles, and the logger has not said yet that it has read all.
    is_forgotten: bool,
    /// No process of it is running.
    has_ended: bool,
    /// What the logger has not been told.
    unsent: Unsent,
}

#[derive(Clone, Copy, Debug, Default)]
struct Unsent {
    configure: bool,
    ended: bool,
    forget: bool,
}

impl Link {
    /// A link over the supervisor's end of the socket.
    pub const fn new(state_dir: PathBuf, socket: OwnedFd) -> Self {
        Self {
            state_dir,
            control: Control::new(socket),
            profiles: BTreeMap::new(),
            owed: BTreeSet::new(),
            unsent: VecDeque::new(),
            lasting: Vec::new(),
            logger: None,
            all_known: false,
            is_over: false,
        }
    }

    /// What to wait on: readable when the logger has said something, writable when there is room for what is unsent.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.control.fd()
    }

    /// Whether something could not be sent yet: [`Self::send`] is to be called when the socket is writable.
    pub fn has_unsent(&self) -> bool {
        !self.unsent.is_empty() || self.control.has_waiting() || !self.owed.is_empty()
    }

    /// Says how the output of a profile is to be kept, and makes its FIFO, or puts it right. `uid` is the profile's
    /// user; `paused` if `log_run` reads the FIFO.
    ///
    /// # Errors
    /// Those of [`fifo::ensure`]; then nothing has changed.
    pub fn configure(
        &mut self,
        name: &ProfileName,
        log: LogSettings,
        paused: bool,
        uid: Option<u32>,
    ) -> io::Result<()> {
        let made = fifo::ensure(&self.state_dir, name, uid)?;
        if let Some(output) = self.profiles.get_mut(name) {
            let is_same = is_same(&output.fifo, &made);
            if is_same && (output.log, output.paused, output.is_forgotten) == (log, paused, false) {
                output.uid = uid;
                return Ok(());
            }
            (output.log, output.paused, output.uid, output.is_forgotten) = (log, paused, uid, false);
            if !is_same {
                output.fifo = made;
            }
            output.unsent = Unsent { configure: true, forget: false, ..output.unsent };
        } else {
            let unsent = Unsent { configure: true, ..Unsent::default() };
            let output =
                Output { log, paused, uid, fifo: made, is_forgotten: false, has_ended: false, unsent };
            self.profiles.insert(name.clone(), output);
        }
        self.owe(name);
        Ok(())
    }

    /// A process of the profile is about to be started: there is no end to be told of.
    pub fn starting(&mut self, name: &ProfileName) {
        if let Some(output) = self.profiles.get_mut(name) {
            output.has_ended = false;
            output.unsent.ended = false;
        }
    }

    /// Has the FIFOs stay open over `execve`, and the socket: the logger is not left alone by that, and calls for no
    /// keeper of its own.
    pub fn pass_on(&self) {
        // It fails for no descriptor that is open.
        let _ = self.control.close_on_exec(false);
        for output in self.profiles.values() {
            let _ = close_on_exec(&output.fifo, false);
        }
    }

    /// How many profiles it knows, with a FIFO each.
    pub fn len(&self) -> usize {
        self.profiles.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// The profile's FIFO, open for reading and writing.
    pub fn fifo(&self, name: &ProfileName) -> Option<BorrowedFd<'_>> {
        self.profiles.get(name).map(|output| output.fifo.as_fd())
    }

    /// The profile's process has ended.
    pub fn ended(&mut self, name: &ProfileName) {
        if let Some(output) = self.profiles.get_mut(name) {
            output.has_ended = true;
            output.unsent.ended = true;
            self.owe(name);
        }
    }

    /// The profile is gone. Its FIFO is kept until the logger has said that it has read all of it.
    pub fn forget(&mut self, name: &ProfileName) {
        let Some(output) = self.profiles.get_mut(name) else { return };
        output.is_forgotten = true;
        if output.paused {
            self.forgotten(name);
        } else {
            output.unsent.forget = true;
            self.owe(name);
        }
    }

    /// Has the files opened anew.
    pub fn reopen(&mut self) {
        if !self.unsent.contains(&Order::Reopen) {
            self.unsent.push_back(Order::Reopen);
        }
        self.send();
    }

    /// The supervisor and the keeper will go and leave the services running.
    pub fn leave(&mut self) {
        self.last_order(Order::Leave);
    }

    /// Has everything that is there kept; the logger then ends with exit code 0.
    pub fn finish(&mut self) {
        self.last_order(Order::Finish);
    }

    /// Every profile whose output there is was told: the logger has opened all that there is to read.
    pub fn all_are_known(&mut self) {
        self.all_known = true;
        if let Some(pid) = self.logger {
            self.unsent.push_back(Order::AllKnown { pid });
            self.send();
        }
    }

    fn last_order(&mut self, order: Order) {
        self.lasting.push(order.clone());
        self.unsent.push_back(order);
        self.send();
    }

    /// There is something to tell of a profile.
    fn owe(&mut self, name: &ProfileName) {
        self.owed.insert(name.clone());
        self.send();
    }

    /// Sends what could not be sent, as far as there is room.
    pub fn send(&mut self) {
        if !self.control.flush() {
            return;
        }
        while let Some(name) = self.owed.first().cloned() {
            let output = self.profiles.get_mut(&name);
            if output.is_some_and(|output| !send_unsent(&mut self.control, &name, output)) {
                return;
            }
            self.owed.remove(&name);
        }
        while let Some(order) = self.unsent.pop_front() {
            if !self.control.send(&order) {
                return;
            }
        }
    }

    /// What the logger has said. A new logger is told everything before this returns.
    pub fn receive(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        loop {
            match self.control.receive() {
                Ok(Received::Message(word)) => {
                    match &word {
                        Word::Hello { pid } => self.tell_all(*pid),
                        Word::Forgotten { name } => self.forgotten(name),
                        // A logger that has just begun can be told twice of what is gone, by the order that waited for
                        // it and after its hello; the second time it finds no FIFO any more.
                        Word::Trouble { name, .. } | Word::Over { name } => {
                            if !self.profiles.contains_key(name) {
                                continue;
                            }
                        }
                        Word::Said { .. } => {}
                    }
                    words.push(word);
                }
                Ok(Received::Bad(error)) => {
                    words.push(Word::Said { name: None, text: format!("the logger said nonsense: {error}") });
                }
                Ok(Received::Nothing) => return words,
                Ok(Received::End) | Err(_) => {
                    self.is_over = true;
                    return words;
                }
            }
        }
    }

    /// Whether the other end of the socket is open nowhere: no logger will come any more.
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    fn tell_all(&mut self, pid: i32) {
        self.logger = Some(pid);
        for output in self.profiles.values_mut() {
            output.unsent = Unsent { configure: true, ended: output.has_ended, forget: output.is_forgotten };
        }
        self.owed = self.profiles.keys().cloned().collect();
        let all_known = self.all_known.then_some(Order::AllKnown { pid });
        self.unsent = all_known.into_iter().chain(self.lasting.iter().cloned()).collect();
        self.send();
    }

    fn forgotten(&mut self, name: &ProfileName) {
        if self.profiles.get(name).is_none_or(|output| !output.is_forgotten) {
            return;
        }
        self.profiles.remove(name);
        if let Ok(dir) = fifo::directory(&self.state_dir, name) {
            // What cannot be removed is put to use again by the next profile of this name.
            let _ = fifo::remove(&dir);
        }
    }
}

/// Sends what the logger has not been told of one profile; says whether there was room.
fn send_unsent(control: &mut Control, name: &ProfileName, output: &mut Output) -> bool {
    let Unsent { configure, ended, forget } = output.unsent;
    if configure {
        output.unsent.configure = false;
        let configuration = Configuration { name: name.clone(), log: output.log, paused: output.paused };
        if !control.send(&Order::Configure(configuration)) {
            return false;
        }
    }
    if ended {
        output.unsent.ended = false;
        if !control.send(&Order::Ended { name: name.clone() }) {
            return false;
        }
    }
    if forget {
        output.unsent.forget = false;
        return control.send(&Order::Forget { name: name.clone() });
    }
    true
}

fn is_same(one: &OwnedFd, other: &OwnedFd) -> bool {
    let look = |fd: &OwnedFd| nix::sys::stat::fstat(fd).map(|found| (found.st_dev, found.st_ino));
    matches!((look(one), look(other)), (Ok(one), Ok(other)) if one == other)
}
