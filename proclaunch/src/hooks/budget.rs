//! What a call may use: time on the clock, time on the CPU, and how much of the thread at a stretch.
//!
//! A script runs for a slice, then sits out while the others have their turn; code that cannot be left half-way is
//! stopped by an error that is raised again and again until the script has ended.
//!
//! **Invariant:** nothing in a script can catch the end of its budget: the call is dropped from outside.
//! **Invariant:** CPU is counted on the thread's own clock, so that a busy machine does not make a hook look greedy.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use mlua::VmState;
use proclaunch_core::clock::Moment;

use super::context::{Call, Context};
use crate::sys::clock;

/// How long a script runs at a stretch.
const SLICE: Duration = Duration::from_millis(1);

/// How long it sits out after a slice. A task that wakes itself is polled dozens of times before any timer is.
const REST: Duration = Duration::from_millis(1);

/// How often a call is polled again after a slice, though it says that it waits.
///
/// An async function is left half-way too, between looking at what it waits for and telling so. It then tells what it
/// saw before, and a wake-up in between is lost. One more look for each async function that waits for another (a
/// `require` within a `require`) finds everything as it is.
const AGAIN: u32 = 16;

/// How much CPU code that cannot be left half-way may use at a stretch: a comparison of `table.sort`, a pattern.
const STUCK: Duration = Duration::from_millis(20);

/// How much CPU a call may use altogether.
pub(super) const CPU: Duration = Duration::from_millis(100);

/// Why a call did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// Its time was up while it waited.
    Time,
    /// It used its CPU up.
    Cpu,
    /// It stayed too long in code that cannot be left half-way.
    Stuck,
}

/// What one call has used so far.
#[derive(Debug, Default)]
pub(super) struct Meter {
    began: Cell<Moment>,
    began_cpu: Cell<Duration>,
    used: Cell<Duration>,
    sliced: Cell<bool>,
    stuck: Cell<bool>,
}

impl Meter {
    /// What the interpreter is to do: asked at every call, at every turn of a loop and within patterns.
    ///
    /// # Errors
    /// The code cannot be left half-way, and has run for too long.
    pub(super) fn interrupt(&self) -> mlua::Result<VmState> {
        if self.stuck.get() {
            return Err(stuck());
        }
        let ran = clock::now().since(self.began.get());
        if ran < SLICE {
            return Ok(VmState::Continue);
        }
        self.sliced.set(true);
        if ran >= STUCK && clock::thread_cpu().saturating_sub(self.began_cpu.get()) >= STUCK {
            self.stuck.set(true);
            return Err(stuck());
        }
        // Where the code cannot be left, this has no effect, and the question comes again.
        Ok(VmState::Yield)
    }

    fn begin(&self) {
        self.began.set(clock::now());
        self.began_cpu.set(clock::thread_cpu());
        self.sliced.set(false);
    }

    fn end(&self) {
        let slice = clock::thread_cpu().saturating_sub(self.began_cpu.get());
        self.used.set(self.used.get().saturating_add(slice));
    }

    fn spent(&self) -> Option<Spent> {
        if self.stuck.get() {
            return Some(Spent::Stuck);
        }
        (self.used.get() >= CPU).then_some(Spent::Cpu)
    }
}

fn stuck() -> mlua::Error {
    mlua::Error::runtime(format!("ran for {} ms in code that cannot be interrupted", STUCK.as_millis()))
}

/// Runs `future`, the call of a script, in slices, until it ends or its budget does.
///
/// # Errors
/// The budget came to its end first; the future is dropped then, and whatever it waited for with it.
pub(super) async fn run<F: Future>(
    context: &Context,
    call: &Rc<Call>,
    budget: Duration,
    future: F,
) -> Result<F::Output, Spent> {
    tokio::time::timeout(budget, slices(context, call, future)).await.unwrap_or(Err(Spent::Time))
}

async fn slices<F: Future>(context: &Context, call: &Rc<Call>, future: F) -> Result<F::Output, Spent> {
    let mut future = pin!(future);
    let meter = &call.meter;
    let mut again = 0;
    loop {
        let slice = poll_fn(|cx| {
            loop {
                let outer = context.enter(call);
                meter.begin();
                let polled = future.as_mut().poll(cx);
                meter.end();
                context.leave(outer);
                match (meter.spent(), polled) {
                    // What was raised in code that cannot be left may have been caught, and an answer made of it.
                    (Some(Spent::Stuck), _) => return Poll::Ready(Err(Spent::Stuck)),
                    (_, Poll::Ready(output)) => return Poll::Ready(Ok(Some(output))),
                    (Some(spent), Poll::Pending) => return Poll::Ready(Err(spent)),
                    (None, Poll::Pending) if meter.sliced.get() => return Poll::Ready(Ok(None)),
                    (None, Poll::Pending) if again > 0 => again -= 1,
                    (None, Poll::Pending) => return Poll::Pending,
                }
            }
        });
        if let Some(output) = slice.await? {
            return Ok(output);
        }
        context.clock().rest(REST).await;
        again = AGAIN;
    }
}
