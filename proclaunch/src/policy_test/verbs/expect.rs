//! `expect`: what has become of the profile.

use std::rc::Rc;
use std::time::Duration;

use proclaunch_core::profile::closest;

use super::{Done, Here, Mismatch, Trouble, Verb};
use crate::hooks::api::arguments::Arguments;
use crate::hooks::reference::Item;
use crate::policy_test::timeline::span;

pub(super) static VERBS: &[Verb] = &[
    Verb {
        item: Item::function(
            "expect.state",
            &[("state", "string")],
            "",
            "The profile is \"stopped\", \"starting\", \"running\" or \"stopping\", or \"gone\".",
        ),
        run: |here, arguments| Box::pin(state(here, arguments)),
    },
    Verb {
        item: Item::function(
            "expect.health",
            &[("health", "string")],
            "",
            "The checks say \"unknown\", \"healthy\" or \"unhealthy\".",
        ),
        run: |here, arguments| Box::pin(health(here, arguments)),
    },
    Verb {
        item: Item::function("expect.starts", &[("count", "number")], "", "So many processes were started."),
        run: |here, arguments| {
            Box::pin(counted(here, arguments, "starts", |here| here.world.facts.borrow().starts))
        },
    },
    Verb {
        item: Item::function(
            "expect.restarts",
            &[("count", "number")],
            "",
            "So many processes were started after the first.",
        ),
        run: |here, arguments| {
            let restarts = |here: &Here| here.world.facts.borrow().starts.saturating_sub(1);
            Box::pin(counted(here, arguments, "restarts", restarts))
        },
    },
    Verb {
        item: Item::function(
            "expect.exits",
            &[("count", "number")],
            "",
            "So many main processes have ended, by themselves or because they were told.",
        ),
        run: |here, arguments| {
            Box::pin(counted(here, arguments, "exits", |here| here.world.facts.borrow().exits))
        },
    },
    Verb {
        item: Item::function(
            "expect.next_try",
            &[("seconds", "number")],
            "",
            "The profile waits, and is started or asked again in so many seconds, give or take a tenth: delays are \
             spread.",
        ),
        run: |here, arguments| Box::pin(next_try(here, arguments)),
    },
];

fn one_of(given: &str, known: &[&str]) -> Result<(), Trouble> {
    if known.contains(&given) {
        return Ok(());
    }
    let meant = closest(given, known).map(|meant| format!(", did you mean \"{meant}\"?"));
    Err(format!("it is never \"{given}\"{}", meant.unwrap_or_default()).into())
}

fn compared(what: &str, expected: &str, was: String) -> Done {
    if expected == was {
        return Ok(());
    }
    Err(Trouble::Mismatch(Mismatch { expected: format!("{what} {expected}"), was }))
}

async fn state(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let given = arguments.text("state")?;
    one_of(&given, &["stopped", "starting", "running", "stopping", "gone"])?;
    let stage = here.begun().await?;
    let was = stage.machine().map_or("gone".to_owned(), |machine| machine.state().to_string());
    compared("state", &given, was)
}

async fn health(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let given = arguments.text("health")?;
    one_of(&given, &["unknown", "healthy", "unhealthy"])?;
    let stage = here.begun().await?;
    let was = stage.machine().map_or("unknown", |machine| machine.health().word());
    compared("health", &given, was.to_owned())
}

async fn counted(here: Rc<Here>, mut arguments: Arguments, what: &str, count: fn(&Here) -> u64) -> Done {
    let given = arguments.number("count")?;
    drop(here.begun().await?);
    compared(what, &given.to_string(), count(&here).to_string())
}

async fn next_try(here: Rc<Here>, mut arguments: Arguments) -> Done {
    /// What steps of the script have taken meanwhile.
    const SLACK: Duration = Duration::from_millis(50);
    let given = arguments.seconds("seconds")?;
    let stage = here.begun().await?;
    let was = stage.next_try();
    let is_near = was.is_some_and(|was| was.abs_diff(given) <= given / 10 + SLACK);
    if is_near {
        return Ok(());
    }
    let state = stage.machine().map_or("gone".to_owned(), |machine| machine.state().to_string());
    let was =
        was.map_or_else(|| format!("no wait: it is {state}"), |was| format!("in {}", span(was + SLACK)));
    Err(Trouble::Mismatch(Mismatch { expected: format!("next try in {}", span(given)), was }))
}
