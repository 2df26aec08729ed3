//! Who waits for what: the orders that were taken and are not done.
//!
//! **Invariants:**
//! - "done" is said of what is so at that moment, and of nothing that is only under way;
//! - profiles that nobody waits for cost nothing.

use std::collections::BTreeMap;
use std::mem;

use crate::clock::Moment;
use crate::ids::ProfileName;
use crate::machine::{Event, Idle, Machine, Order, Rest, StateName, Want};

use super::orders::{OrderId, Reply};
use super::shutdown::Mode;
use super::{Effect, Fleet};

const NO_SUCH: &str = "there is no such profile";
const NOT_READ: &str = "the profiles have not been read yet";
const DRAINS: &str = "all profiles are being stopped";
const REMOVED: &str = "its directory is gone";
const WANTED: &str = "it is wanted up again";
const ENDS: &str = "ProcLaunch ends, and leaves it as it is";

/// An order that is not done.
#[derive(Clone, Copy, Debug)]
struct Waiter {
    id: OrderId,
    order: Order,
    is_taken: bool,
}

/// The orders that are not done, by profile.
#[derive(Debug, Default)]
pub(super) struct Waiting(BTreeMap<ProfileName, Vec<Waiter>>);

/// What a step has come to that an order can wait for.
#[derive(Debug)]
pub(super) struct News {
    /// Why a start failed, if one has.
    pub(super) failed: Option<String>,
    /// A signal that was ordered was sent.
    pub(super) is_sent: bool,
    /// All profiles are being stopped.
    pub(super) is_draining: bool,
}

/// How an order stands.
#[derive(Debug)]
enum Course {
    Waits,
    Done,
    Failed(String),
    Refused(String),
}

impl Fleet {
    /// Takes an order, or refuses it.
    pub(super) fn order(
        &mut self,
        now: Moment,
        id: OrderId,
        name: &ProfileName,
        order: Order,
        out: &mut Vec<Effect>,
    ) {
        let refused = match (self.mode, self.machine(name)) {
            // It changes nothing of what is wanted, and can end a stop that takes long.
            (Mode::Draining { .. } | Mode::Supervising, Some(_)) if matches!(order, Order::Signal(_)) => None,
            (Mode::Draining { .. } | Mode::Ended { .. }, _) => Some(DRAINS),
            (Mode::Supervising, None) if self.recalled.contains_key(name) => Some(NOT_READ),
            (Mode::Supervising, None) => Some(NO_SUCH),
            (Mode::Supervising, Some(machine)) => (machine.want() == Want::Gone).then_some(REMOVED),
        };
        if let Some(why) = refused {
            return out.push(Effect::Reply(id, Reply::Refused(why.to_owned())));
        }
        let overtaken = self.waiting.add(name, Waiter { id, order, is_taken: false });
        self.tell(now, name, Event::Order(order), out);
        // After the record.
        let told = overtaken.into_iter().map(|waiter| Effect::Reply(waiter.id, Reply::Overtaken(order)));
        out.extend(told);
    }

    /// There will be no later answer: what was not done will not be known.
    pub(super) fn dismiss_waiting(&mut self, out: &mut Vec<Effect>) {
        if self.ended().is_some() {
            let all = mem::take(&mut self.waiting.0).into_values().flatten();
            let reply = |waiter: Waiter| {
                let reply = if waiter.is_taken { Reply::Failed } else { Reply::Refused };
                Effect::Reply(waiter.id, reply(ENDS.to_owned()))
            };
            out.extend(all.map(reply));
        }
    }
}

impl Waiting {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds an order; those that it contradicts are taken out.
    fn add(&mut self, name: &ProfileName, new: Waiter) -> Vec<Waiter> {
        let waiters = self.0.entry(name.clone()).or_default();
        let contradicts =
            |old: &mut Waiter| new.order.want().zip(old.order.want()).is_some_and(|(new, old)| new != old);
        let overtaken = waiters.extract_if(.., contradicts).collect();
        waiters.push(new);
        overtaken
    }

    /// Answers those who wait for a machine that has taken a step.
    pub(super) fn judge(
        &mut self,
        name: &ProfileName,
        machine: &Machine,
        news: &News,
        out: &mut Vec<Effect>,
    ) {
        if self.0.is_empty() || machine.is_resuming() {
            // What waits for its hooks has written nothing down yet.
            return;
        }
        let Some(waiters) = self.0.get_mut(name) else { return };
        waiters.retain_mut(|waiter| {
            let mut reply = |reply| out.push(Effect::Reply(waiter.id, reply));
            let course = waiter.order.course(machine, news);
            if let Course::Refused(why) = course {
                reply(Reply::Refused(why));
                return false;
            }
            if !mem::replace(&mut waiter.is_taken, true) {
                reply(Reply::Taken);
            }
            match course {
                Course::Waits => return true,
                Course::Done => reply(Reply::Done),
                Course::Failed(why) | Course::Refused(why) => reply(Reply::Failed(why)),
            }
            false
        });
        if waiters.is_empty() {
            self.0.remove(name);
        }
    }
}

impl Order {
    fn course(self, machine: &Machine, news: &News) -> Course {
        match self {
            Self::Start { .. } | Self::Restart => up(machine, news),
            Self::Stop => down(machine),
            Self::Reload | Self::Signal(_) if news.is_sent => Course::Done,
            Self::Reload | Self::Signal(_) => Course::Refused(
                match machine.state() {
                    StateName::Stopped => "it is not running",
                    StateName::Starting => "it is not running yet",
                    StateName::Stopping if matches!(self, Self::Signal(_)) => {
                        "its main process has ended, and what it left is being stopped"
                    }
                    // It was sent, and something else has ended it in the same step; or it came too late.
                    StateName::Running | StateName::Stopping => "it is being stopped",
                }
                .to_owned(),
            ),
        }
    }
}

/// How an order stands that wants the profile to run.
fn up(machine: &Machine, news: &News) -> Course {
    if let Some(why) = &news.failed {
        return Course::Failed(why.clone());
    }
    match machine.want() {
        Want::Up => {}
        Want::Down if news.is_draining => return Course::Failed(DRAINS.to_owned()),
        Want::Down => return Course::Failed(machine.why()),
        Want::Gone => return Course::Failed(REMOVED.to_owned()),
    }
    match (machine.state(), machine.idle()) {
        // What is to do its work has done it only when it has ended.
        (StateName::Running, _) if machine.is_oneshot() => Course::Waits,
        (StateName::Running, _) | (_, Some(Idle::Rest(Rest::Done))) => Course::Done,
        (StateName::Stopped, None) if machine.is_about_to_start() => Course::Waits,
        (StateName::Starting | StateName::Stopping, _) => Course::Waits,
        // It waits for another try, or for nothing.
        (StateName::Stopped, _) => Course::Failed(machine.why()),
    }
}

/// How an order stands that wants the profile not to run.
fn down(machine: &Machine) -> Course {
    match (machine.want(), machine.state()) {
        // Its directory came back while it was being stopped.
        (Want::Up, _) => Course::Failed(WANTED.to_owned()),
        (Want::Down | Want::Gone, StateName::Stopped) => Course::Done,
        (Want::Down | Want::Gone, StateName::Starting | StateName::Running | StateName::Stopping) => {
            Course::Waits
        }
    }
}
