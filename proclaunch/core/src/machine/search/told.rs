//! What others are told of a node: its fields agree with each other, and what would happen can be told of each.

use super::super::*;
use super::node::Node;
use crate::fleet::Standing;

/// Every so many nodes are explained: to do so takes a copy of the machine for each event.
const EXPLAINED: usize = 7;

impl Node {
    /// The `index`-th node that was reached.
    pub(super) fn check_what_is_told(&self, index: usize) {
        let status = self.machine.status();
        self.require(!status.why.is_empty(), "is as it is for no reason");
        self.check_standing(&status);
        let lives = status.process.is_some();
        self.require(!lives || (status.ticket.is_some() && status.since.is_some()), "a process of no start");
        self.require(!lives || status.state != StateName::Stopped, "stopped, and has a process");
        self.require(status.since.is_none_or(|since| since <= self.now), "has run since a later moment");
        let is_running = status.state == StateName::Running;
        self.require(!is_running || lives, "runs without a process");
        self.require(
            status.ready_since.is_some() == is_running,
            "is ready and does not run, or runs unready",
        );
        self.require(is_running || status.health == Health::Unknown, "has a health and does not run");
        self.require(is_running || !status.changed, "differs from its files and does not run");
        let is_idle = status.state == StateName::Stopped && status.phase == "idle";
        let waits = self.machine.deadline().is_some();
        self.require(
            status.next.is_some() == (waits && !is_running) || is_running,
            "nothing comes, or too much",
        );
        self.require(
            !is_idle || status.next.is_none() || self.machine.is_resuming(),
            "idle, and not at rest",
        );
        if index.is_multiple_of(EXPLAINED) && !self.is_new() {
            self.check_outlook();
        }
    }

    fn check_standing(&self, status: &Status) {
        use StateName::{Running, Starting, Stopped, Stopping};
        let is_up = status.want == Want::Up;
        let is_possible = match status.standing {
            Standing::Serving => is_up && status.state == Running && status.health != Health::Unhealthy,
            Standing::Unhealthy => is_up && status.state == Running && status.health == Health::Unhealthy,
            Standing::Down | Standing::Done | Standing::Dead | Standing::GaveUp => {
                is_up && matches!(status.state, Stopped | Stopping)
            }
            Standing::Held => is_up && status.state == Stopped,
            Standing::Backoff => is_up && matches!(status.state, Stopped | Stopping),
            Standing::Starting => is_up,
            Standing::Stopped => !is_up || matches!(status.state, Stopped),
        };
        let wrong = format!("wanted {:?}, {} and {:?}", status.want, status.state, status.standing);
        self.require(is_possible, &wrong);
        self.require(is_up || status.standing == Standing::Stopped, &wrong);
        self.require(status.state != Starting || !is_up || status.standing == Standing::Starting, &wrong);
    }

    fn check_outlook(&self) {
        let explanation = self.machine.explain(self.now);
        let is_gone = self.machine.idle() == Some(Idle::Gone);
        self.require(is_gone || !explanation.outlook.is_empty(), "nothing can happen to it");
        for outlook in &explanation.outlook {
            self.require(
                !outlook.then.is_empty() && !outlook.event.is_empty(),
                "what would happen is not told",
            );
        }
        let timer = explanation.outlook.iter().find(|outlook| outlook.within.is_some());
        let is_due = self.machine.deadline().is_some() && !self.machine.is_resuming();
        self.require(timer.is_some() == is_due, "its timer is not told");
    }
}
