//! Who is killed, and how closely together.

use std::time::Duration;

use nix::sys::signal::Signal;
use proclaunch_tests::parts::Parts;
use proclaunch_tests::processes::Process;
use proclaunch_tests::view::View;
use proclaunch_tests::wait;

use proclaunch_tests::rng::Rng;

/// What is to be killed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victims {
    One(Part),
    /// The second one that much later.
    Two(Part, Part, Duration),
    /// Again and again, as soon as there is another.
    Burst(Part, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Keeper,
    Supervisor,
    Logger,
}

const PARTS: [Part; 3] = [Part::Keeper, Part::Supervisor, Part::Logger];

impl Part {
    const fn of(self, parts: Parts) -> Process {
        match self {
            Self::Keeper => parts.keeper,
            Self::Supervisor => parts.supervisor,
            Self::Logger => parts.logger,
        }
    }
}

impl Victims {
    fn pick(rng: &mut Rng) -> Self {
        let first = *rng.pick(&PARTS);
        match rng.below(10) {
            0..5 => Self::One(first),
            5..9 => {
                let others: Vec<Part> = PARTS.into_iter().filter(|part| *part != first).collect();
                let apart = *rng.pick(&[0, 0, 300, 3_000]);
                Self::Two(first, *rng.pick(&others), Duration::from_micros(rng.below(apart + 1)))
            }
            // A keeper is no child of anybody who would make the next one at once: it is not killed in bursts.
            _ => Self::Burst(*rng.pick(&[Part::Supervisor, Part::Logger]), 2 + rng.below(4)),
        }
    }
}

/// Kills somebody of these, and tells whom. All three must have come back since the last time: never are all of them
/// killed.
pub(crate) fn strike(view: &View, parts: Parts, rng: &mut Rng) -> String {
    let victims = Victims::pick(rng);
    match victims {
        Victims::One(part) => part.of(parts).signal(Signal::SIGKILL),
        Victims::Two(first, second, apart) => {
            let (first, second) = (first.of(parts), second.of(parts));
            first.signal(Signal::SIGKILL);
            if !apart.is_zero() {
                wait::pass(apart);
            }
            second.signal(Signal::SIGKILL);
        }
        Victims::Burst(part, times) => {
            let mut last = part.of(parts);
            last.signal(Signal::SIGKILL);
            for _ in 1..times {
                let next = || {
                    let next = if part == Part::Supervisor { view.supervisor() } else { view.logger() };
                    next.filter(|next| *next != last)
                };
                let Some(next) = wait::closely(next) else { break };
                next.signal(Signal::SIGKILL);
                last = next;
            }
        }
    }
    format!("{victims:?} of {parts:?}")
}
