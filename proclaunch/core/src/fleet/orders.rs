//! Orders of operators, and what becomes of each: taken, done, failed, or overtaken by another one.
//!
//! **Invariant:** every order that comes in is answered: first that it was taken or refused, in the step that takes
//! it, after the record; and once what becomes of it is known, a second time, which is the last. One that comes while
//! a profile waits for its hooks, after a supervisor has begun, is taken once they are loaded; until then it can only
//! be overtaken or refused.

use serde::{Deserialize, Serialize};

use crate::machine::Order;

/// Which order: a number that whoever brings it never uses twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u64);

/// What becomes of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was taken and written down, and what it asks for is under way.
    Taken,
    /// It is so. The last reply.
    Done,
    /// It cannot be done as things are, for this reason. The only reply.
    Refused(String),
    /// It was tried, and failed for this reason. The last reply.
    Failed(String),
    /// Another order came before it was done. The last reply.
    Overtaken(Order),
}

/// How a profile stands against what is wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It runs and is ready, and no check says that it is unhealthy.
    Serving,
    /// A oneshot that did its work.
    Done,
    /// It is down by its own `down` file.
    Down,
    /// It is down by order, or on its way there.
    Stopped,
    /// It has ended, and its settings or its hook do not have it started again.
    Dead,
    /// It is on its way up.
    Starting,
    /// It waits for its next try.
    Backoff,
    /// It runs, and its checks say that it is unhealthy.
    Unhealthy,
    /// It ended too often.
    GaveUp,
    /// It cannot be started: its settings or its `on_start` are bad.
    Held,
}
