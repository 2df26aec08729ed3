//! How ProcLaunch ends: it leaves its profiles running, or drains them first.

use crate::clock::Moment;
use crate::exit::Exit;
use crate::hook::Hook;
use crate::ids::ProfileName;
use crate::log::{Entry, Own};
use crate::machine::{Event, Idle, Rest};
use crate::signal::Signal;

use super::{Draining, Effect, Fleet, Memo, Recall};

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
            Signal::USR2 => out.push(Effect::Upgrade),
            Signal::HUP | Signal::TERM | Signal::INT => self.end(now, signal, out),
            _ => {}
        }
    }

    fn end(&mut self, now: Moment, signal: Signal, out: &mut Vec<Effect>) {
        match self.mode {
            Mode::Supervising if signal == Signal::HUP || self.config.drain_on_term => {
                let code = if signal == Signal::HUP { DRAINED } else { 0 };
                self.drain(
                    now,
                    Own::Draining { signal },
                    Draining { code, why: format!("received {signal}") },
                    out,
                );
            }
            Mode::Supervising => {
                out.push(Effect::Log(Entry::Own(Own::Exiting)));
                self.mode = Mode::Ended { code: 0 };
            }
            Mode::Draining { .. } => {
                // Whoever starts ProcLaunch again wants it to supervise.
                out.push(Effect::RememberFleet(Memo::default()));
                out.push(Effect::Log(Entry::Own(Own::ExitingAtOnce { signal })));
                self.mode = Mode::Ended { code: DRAINED };
            }
            Mode::Ended { .. } => {}
        }
    }

    /// A hook has the supervisor drain.
    pub(super) fn shut_down(
        &mut self,
        now: Moment,
        name: ProfileName,
        hook: Hook,
        reason: String,
        out: &mut Vec<Effect>,
    ) {
        if self.mode == Mode::Supervising {
            let why = format!("told by {name}/{hook}.lua: {reason}");
            self.drain(now, Own::HookShutsDown { name, hook, reason }, Draining { code: DRAINED, why }, out);
        }
    }

    /// An operator has the supervisor drain.
    pub(super) fn told_to_shut_down(&mut self, now: Moment, reason: String, out: &mut Vec<Effect>) {
        if self.mode == Mode::Supervising {
            let why = format!("told to shut down: {reason}");
            self.drain(now, Own::ToldToShutDown { reason }, Draining { code: 0, why }, out);
        }
    }

    /// Drains once the profile that the supervisor is to end with has ended, and nothing follows by itself.
    pub(super) fn end_with(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let Some(name) = self.config.exit_with.clone().filter(|_| self.mode == Mode::Supervising) else {
            return;
        };
        let Some(machine) = self.machine(&name) else { return };
        if !matches!(machine.idle(), Some(Idle::Rest(Rest::Done | Rest::Dead | Rest::GaveUp))) {
            return;
        }
        let exit = machine.last_exit();
        let code = exit.map_or(DRAINED, code_of);
        let how = exit.map_or_else(|| "never started".to_owned(), |exit| exit.to_string());
        let why = format!("exits with {name}: {how}");
        self.drain(now, Own::ExitsWith { name, why: how }, Draining { code, why }, out);
    }

    fn drain(&mut self, now: Moment, said: Own, draining: Draining, out: &mut Vec<Effect>) {
        self.mode = Mode::Draining { code: draining.code };
        // First, so that the next supervisor goes on with it, whatever was done of it.
        out.push(Effect::RememberFleet(Memo { draining: Some(draining) }));
        out.push(Effect::Log(Entry::Own(said)));
        let names: Vec<ProfileName> = self.machines.keys().cloned().collect();
        self.drain_recalled(now, Vec::new(), out);
        for name in names {
            self.tell(now, &name, Event::Drain, out);
        }
    }

    /// Takes what an earlier supervisor remembered. A drain goes on once a scan has shown the settings.
    pub(super) fn recall(&mut self, now: Moment, recall: Recall, out: &mut Vec<Effect>) {
        let Recall { fleet, profiles } = recall;
        self.recalled = profiles;
        match (self.mode, fleet.draining) {
            (Mode::Supervising, Some(Draining { code, why })) => {
                self.mode = Mode::Draining { code };
                out.push(Effect::Log(Entry::Own(Own::DrainGoesOn { why })));
            }
            (Mode::Draining { .. }, _) => self.drain_recalled(now, Vec::new(), out),
            (Mode::Supervising | Mode::Ended { .. }, _) => {}
        }
    }

    /// Ends a drain once nothing lives any more.
    pub(super) fn end_drain(&mut self, out: &mut Vec<Effect>) {
        if let (Mode::Draining { code }, 0, true) = (self.mode, self.alive, self.recalled.is_empty()) {
            out.push(Effect::Log(Entry::Own(Own::AllStopped)));
            out.push(Effect::ForgetAll);
            self.mode = Mode::Ended { code };
        }
    }
}

/// The exit code that tells how a process ended, as a shell tells it.
fn code_of(exit: Exit) -> u8 {
    match (exit, exit.signal()) {
        (Exit::Code(code), _) => code,
        (_, Some(signal)) => u8::try_from(128 + signal.number()).unwrap_or(DRAINED),
        (Exit::Signal { .. } | Exit::OutOfMemory | Exit::Unknown, None) => DRAINED,
    }
}
