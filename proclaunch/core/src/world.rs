//! The one seam between deciding and doing, and the one loop over it.

use crate::clock::Moment;
use crate::fleet::{Effect, Fleet, Input};

/// The world outside: the kernel in production, a simulation in tests.
pub trait World {
    /// The moment, for all the inputs of one wait.
    fn now(&mut self) -> Moment;

    /// Waits until something happens or the deadline has passed, and adds what happened to `inputs`;
    /// [`Input::Timeout`] among them if the deadline has passed. Answers to what was performed count as happened.
    fn wait(&mut self, deadline: Option<Moment>, inputs: &mut Vec<Input>);

    /// Shows the fleet after all inputs of one wait; what others are told of it can be taken from here.
    fn settled(&mut self, _fleet: &Fleet) {}

    /// Does one thing. Never waits, never fails: what goes wrong is an input of the next wait.
    fn perform(&mut self, effect: Effect);
}

/// Runs the fleet until it has ended, and gives its exit code.
///
/// One input in, all its effects performed, then the next input; what is performed never steps the fleet. The only
/// wait is at the end of the loop.
pub fn run(fleet: &mut Fleet, world: &mut impl World) -> u8 {
    let mut inputs = Vec::new();
    loop {
        let now = world.now();
        inputs.sort_by_key(Input::rank);
        // Taken as a whole: after a thousand at once, the memory for them is given back.
        for input in std::mem::take(&mut inputs) {
            for effect in fleet.step(now, input) {
                world.perform(effect);
            }
            if let Some(code) = fleet.ended() {
                return code;
            }
        }
        world.settled(fleet);
        world.wait(fleet.deadline(), &mut inputs);
    }
}
