//! Telling others what has happened: `on_event`, and whoever listens.

use crate::hook::{Happening, Hook};
use crate::ids::ProcId;

use super::consult::{self, Now};
use super::decisions::brief;
use super::event::{Action, Happened};
use super::history::Why;
use super::memory::{Memory, Rest};
use super::state::{Idle, StateName};
use super::{Context, Machine};

impl Machine {
    /// Tells of a change of state. It is not part of the history yet.
    pub(super) fn tell_of_change(&mut self, cx: &mut Context<'_>, from: StateName, why: Why, reason: &str) {
        let did_its_work = self.idle() == Some(Idle::Rest(Rest::Done));
        let has_failed = match why {
            Why::Exited => matches!(from, StateName::Running | StateName::Starting) && !did_its_work,
            Why::SpawnFailed => true,
            Why::Begin
            | Why::Settings
            | Why::Removed
            | Why::Drain
            | Why::Ordered
            | Why::Spawned
            | Why::PidFile
            | Why::Gone
            | Why::Hook
            | Why::Timeout => false,
        };
        let level = if has_failed { "warn" } else { "info" };
        let what = happening("transition", level, from, self.state.name(), reason);
        self.tell_event(cx, what);
    }

    /// Tells of an end that nothing follows.
    pub(super) fn tell_of_rest(
        &mut self,
        cx: &mut Context<'_>,
        from: StateName,
        was_idle: Option<Idle>,
        why: Why,
    ) {
        let idle = self.idle();
        let Some(Idle::Rest(rest @ (Rest::Dead | Rest::GaveUp))) = idle else { return };
        if idle == was_idle || why == Why::Begin {
            return;
        }
        let well = self.memory.exits.iter().next_back().is_some_and(|ended| ended.exit.is_success());
        let level = if rest == Rest::Dead && well { "warn" } else { "error" };
        let what = happening("gave_up", level, from, self.state.name(), &self.memory.reason);
        self.tell_event(cx, what);
    }

    fn tell_event(&mut self, cx: &mut Context<'_>, what: Happening) {
        let now = consult::now_of(&self.state, self.is_changed());
        let id = self.process().map(|(_, id)| id);
        self.memory.tell_all(cx, now, id, what);
    }
}

fn happening(kind: &str, level: &str, from: StateName, to: StateName, reason: &str) -> Happening {
    Happening {
        kind: kind.to_owned(),
        level: level.to_owned(),
        from: from.to_string(),
        to: to.to_string(),
        reason: reason.to_owned(),
    }
}

impl Memory {
    /// Tells `on_event` and others what has happened.
    pub(super) fn tell_all(&mut self, cx: &mut Context<'_>, now: Now, id: Option<ProcId>, what: Happening) {
        let exit = self.fresh_end.filter(|_| what.kind != "health");
        cx.act(Action::Happened(Box::new(Happened { what: what.clone(), id, exit })));
        self.tell_event(cx, now, what);
    }

    /// Tells others that a hook has failed. `on_event` is not told: it may be that hook.
    pub(super) fn tell_of_failure(cx: &mut Context<'_>, hook: Hook, is_off: bool, why: &str) {
        let (level, to) = if is_off { ("error", "off") } else { ("warn", "") };
        let what = Happening {
            kind: "hook_failed".to_owned(),
            level: level.to_owned(),
            from: hook.name().to_owned(),
            to: to.to_owned(),
            reason: brief(why),
        };
        cx.act(Action::Happened(Box::new(Happened { what, id: None, exit: None })));
    }
}
