//! How ProcLaunch ends: it leaves its profiles running, or drains them first.

use crate::clock::Moment;
use crate::ids::ProfileName;
use crate::log::{Entry, Own};
use crate::machine::Event;
use crate::signal::Signal;

use super::{Effect, Fleet};

/// All profiles were stopped by request, or were to be: the code of the original.
const DRAINED: u8 = 111;

/// What the supervisor as a whole is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Supervising,
    /// Stopping all profiles, to exit with this code.
    Draining {
        code: u8,
    },
    Ended {
        code: u8,
    },
}

impl Fleet {
    pub(super) fn signal(&mut self, now: Moment, signal: Signal, out: &mut Vec<Effect>) {
        match signal {
            Signal::USR1 => out.push(Effect::ReopenLog),
            Signal::USR2 => out.push(Effect::Log(Entry::Own(Own::NoUpgrade))),
            Signal::HUP | Signal::TERM | Signal::INT => self.end(now, signal, out),
            _ => {}
        }
    }

    fn end(&mut self, now: Moment, signal: Signal, out: &mut Vec<Effect>) {
        match self.mode {
            Mode::Supervising if signal == Signal::HUP => {
                self.drain(now, Own::Draining { signal }, DRAINED, out);
            }
            Mode::Supervising if self.config.drain_on_term => {
                self.drain(now, Own::Draining { signal }, 0, out);
            }
            Mode::Supervising => {
                out.push(Effect::Log(Entry::Own(Own::Exiting)));
                self.mode = Mode::Ended { code: 0 };
            }
            Mode::Draining { .. } => {
                out.push(Effect::Log(Entry::Own(Own::ExitingAtOnce { signal })));
                self.mode = Mode::Ended { code: DRAINED };
            }
            Mode::Ended { .. } => {}
        }
    }

    /// A hook has the supervisor drain.
    pub(super) fn shut_down(&mut self, now: Moment, why: Own, out: &mut Vec<Effect>) {
        if self.mode == Mode::Supervising {
            self.drain(now, why, DRAINED, out);
        }
    }

    fn drain(&mut self, now: Moment, why: Own, code: u8, out: &mut Vec<Effect>) {
        out.push(Effect::Log(Entry::Own(why)));
        self.mode = Mode::Draining { code };
        // What an earlier supervisor started and no scan has shown yet is stopped too.
        self.begin_recalled(now, out);
        let names: Vec<ProfileName> = self.machines.keys().cloned().collect();
        for name in names {
            self.tell(now, &name, Event::Drain, out);
        }
    }

    /// Ends a drain once nothing lives any more.
    pub(super) fn end_drain(&mut self, out: &mut Vec<Effect>) {
        if let (Mode::Draining { code }, 0) = (self.mode, self.alive) {
            out.push(Effect::Log(Entry::Own(Own::AllStopped)));
            out.push(Effect::ForgetAll);
            self.mode = Mode::Ended { code };
        }
    }
}
