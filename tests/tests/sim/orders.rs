//! What operators were told of their orders: each is answered, finally once, and "done" is said of what is so.

use std::collections::BTreeMap;

use proclaunch_core::fleet::{Effect, Fleet, Input, OrderId, Reply};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::{Action, Idle, Machine, Order, Rest, StateName, Want};

use crate::checks::{ensure, violated};

/// The orders of one supervisor. Its clients lose their connections with it.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    /// How many orders were ever given.
    given: u64,
    open: BTreeMap<OrderId, Open>,
}

/// An order that was not finally answered.
#[derive(Debug)]
struct Open {
    name: ProfileName,
    order: Order,
    is_taken: bool,
    /// A start was made since, or a process taken over.
    is_started: bool,
}

impl Orders {
    /// A number that no order had before.
    pub(crate) fn next(&mut self) -> OrderId {
        self.given += 1;
        OrderId(self.given)
    }

    /// The supervisor is gone, and its clients with it.
    pub(crate) fn forget(&mut self) {
        self.open.clear();
    }

    /// One input, its effects, and the fleet that has had them.
    pub(crate) fn check(&mut self, input: &Input, effects: &[Effect], fleet: &Fleet) {
        if let Input::Order(id, name, order) = input {
            let (name, order) = (name.clone(), *order);
            self.open.insert(*id, Open { name, order, is_taken: false, is_started: false });
        }
        for effect in effects {
            match effect {
                Effect::Do(name, Action::Spawn { .. } | Action::Adopt { .. }) => {
                    let its = self.open.values_mut().filter(|open| open.name == *name);
                    its.for_each(|open| open.is_started = true);
                }
                Effect::Reply(id, reply) => self.check_reply(*id, reply, fleet),
                _ => {}
            }
        }
        if let Input::Order(id, name, _) = input {
            let is_resuming = fleet.machine(name).is_some_and(Machine::is_resuming);
            let is_silent = self.open.get(id).is_some_and(|open| !open.is_taken);
            ensure(!is_silent || is_resuming, || format!("{input:?} is not answered"));
        }
    }

    fn check_reply(&mut self, id: OrderId, reply: &Reply, fleet: &Fleet) {
        let Some(open) = self.open.get_mut(&id) else {
            violated(format!("{id:?} is answered a second time: {reply:?}"))
        };
        let machine = fleet.machine(&open.name);
        match reply {
            Reply::Taken => {
                ensure(!open.is_taken, || format!("{id:?} is taken twice"));
                open.is_taken = true;
                return;
            }
            Reply::Done => {
                ensure(open.is_taken, || format!("{id:?} is done and was not taken"));
                ensure(open.is_so(machine), || format!("{id:?} is not done: {open:?} {machine:?}"));
            }
            Reply::Refused(why) | Reply::Failed(why) => {
                ensure(!why.is_empty(), || format!("{id:?} fails for no reason"));
                let is_refused = matches!(reply, Reply::Refused(_));
                ensure(open.is_taken != is_refused, || format!("{id:?} is taken and {reply:?}"));
            }
            Reply::Overtaken(by) => {
                ensure(open.order.want() != by.want(), || format!("{id:?} is overtaken by the same"));
            }
        }
        self.open.remove(&id);
    }

    /// Nothing goes wrong any more, and everything has had its time.
    pub(crate) fn check_settled(&self, fleet: &Fleet) {
        for (id, open) in &self.open {
            let state = fleet.machine(&open.name).map(Machine::state);
            let is_oneshot = fleet.machine(&open.name).is_some_and(Machine::is_oneshot);
            // Its `on_start` does not let it through; or its work takes longer.
            let may_wait = state == Some(StateName::Starting) || is_oneshot;
            let is_up = open.order.want() == Some(Want::Up);
            ensure(is_up && may_wait, || format!("{id:?} is never answered: {open:?}"));
        }
    }

    /// The supervisor has ended by itself.
    pub(crate) fn check_ended(&self) -> Result<(), String> {
        match self.open.first_key_value() {
            Some((id, open)) => Err(format!("the supervisor ends and {id:?} is not answered: {open:?}")),
            None => Ok(()),
        }
    }
}

impl Open {
    fn is_so(&self, machine: Option<&Machine>) -> bool {
        let state = machine.map(Machine::state);
        let is_done = machine.and_then(Machine::idle) == Some(Idle::Rest(Rest::Done));
        match self.order {
            Order::Start { .. } => state == Some(StateName::Running) || is_done,
            Order::Restart => (state == Some(StateName::Running) || is_done) && self.is_started,
            Order::Stop => state.is_none_or(|state| state == StateName::Stopped),
            // The step has sent it; another effect of it may have ended the process.
            Order::Reload | Order::Signal(_) => true,
        }
    }
}
