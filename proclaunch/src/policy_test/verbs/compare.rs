//! `expect`: what hooks and the core did: lines, commands, signals, variables; and comparisons of any kind.

use std::rc::Rc;

use mlua::Value;
use proclaunch_core::signal::Signal;
use serde_json::Value as Json;

use super::reach::words_of;
use super::{Done, Here, Mismatch, Trouble, Verb};
use crate::hooks::api::arguments::{Arguments, number, text};
use crate::hooks::plain::to_json;
use crate::hooks::reference::Item;
use crate::policy_test::words;

/// The most bytes that are compared.
const LARGEST: usize = 1024 * 1024;

/// How many things are listed that were there instead.
const LISTED: usize = 5;

pub(super) static VERBS: &[Verb] = &[
    Verb {
        item: Item::function(
            "expect.log",
            &[("part", "string"), ("times", "number?")],
            "",
            "A line with this in it was written to the log since the test began, or so many were. What counts is the \
             text after the profile's name.",
        ),
        run: |here, arguments| Box::pin(log(here, arguments, false)),
    },
    Verb {
        item: Item::function(
            "expect.no_log",
            &[("part", "string")],
            "",
            "No line with this in it was written since the test began.",
        ),
        run: |here, arguments| Box::pin(log(here, arguments, true)),
    },
    Verb {
        item: Item::function(
            "expect.exec",
            &[("command", "string | { string }"), ("times", "number?")],
            "",
            "A command that begins with these words was executed since the test began, or was so often.",
        ),
        run: |here, arguments| Box::pin(exec(here, arguments)),
    },
    Verb {
        item: Item::function(
            "expect.no_exec",
            &[("command", "(string | { string })?")],
            "",
            "No command that begins with these words was executed since the test began; without words, none at all.",
        ),
        run: |here, arguments| Box::pin(no_exec(here, arguments)),
    },
    Verb {
        item: Item::function(
            "expect.signal",
            &[("name", "string"), ("times", "number?"), ("pid", "number?")],
            "",
            "The signal was sent since the test began, or was so often, to that process or to any.",
        ),
        run: |here, arguments| Box::pin(signal(here, arguments, false)),
    },
    Verb {
        item: Item::function(
            "expect.no_signal",
            &[("name", "string")],
            "",
            "The signal was sent to nobody since the test began.",
        ),
        run: |here, arguments| Box::pin(signal(here, arguments, true)),
    },
    Verb {
        item: Item::function(
            "expect.event",
            &[("part", "string")],
            "",
            "`on_event` was told something with this in it: \"transition: starting -> running\", \"health: healthy -> \
             unhealthy (reason)\", \"gave_up: ...\".",
        ),
        run: |here, arguments| Box::pin(event(here, arguments)),
    },
    Verb {
        item: Item::function(
            "expect.vars",
            &[("vars", "{ [string]: any }")],
            "",
            "`service.vars` has these values; what else is in it does not matter.",
        ),
        run: |here, arguments| Box::pin(vars(here, arguments)),
    },
    Verb {
        item: Item::function(
            "expect.metric",
            &[("name", "string"), ("value", "number")],
            "",
            "What hooks counted or measured last under this name, all labels together.",
        ),
        run: |here, arguments| Box::pin(metric(here, arguments)),
    },
    Verb {
        item: Item::function(
            "expect.shutdown",
            &[("part", "string?")],
            "",
            "A hook had everything shut down, for a reason with this in it.",
        ),
        run: |here, arguments| Box::pin(shutdown(here, arguments, false)),
    },
    Verb {
        item: Item::function("expect.no_shutdown", &[], "", "No hook had everything shut down."),
        run: |here, arguments| Box::pin(shutdown(here, arguments, true)),
    },
    Verb {
        item: Item::function(
            "expect.equal",
            &[("expected", "any"), ("was", "any")],
            "",
            "Two values are the same; tables, if everything in them is.",
        ),
        run: |_, arguments| Box::pin(std::future::ready(equal(arguments))),
    },
    Verb {
        item: Item::function(
            "expect.that",
            &[("condition", "any"), ("message", "string?")],
            "",
            "The condition is neither false nor nil.",
        ),
        run: |_, arguments| Box::pin(std::future::ready(that(arguments))),
    },
];

fn mismatch(expected: String, was: String) -> Done {
    Err(Trouble::Mismatch(Mismatch { expected, was }))
}

/// Compares how often something happened; `instead` lists what did.
fn judged(what: &str, times: Option<f64>, was: u64, instead: impl Fn() -> String) -> Done {
    #[expect(clippy::cast_precision_loss, reason = "a count of what happened in one test")]
    let (is_good, expected) = match times {
        Some(times) => ((was as f64 - times).abs() < 0.5, format!("{what}, exactly {times}")),
        None => (was > 0, what.to_owned()),
    };
    if is_good {
        return Ok(());
    }
    mismatch(expected, if was == 0 { instead() } else { was.to_string() })
}

fn times(arguments: &mut Arguments) -> Result<Option<f64>, Trouble> {
    match arguments.value() {
        Value::Nil => Ok(None),
        value => Ok(Some(number(&value).ok_or_else(|| arguments.wrong("times", "a number", &value))?)),
    }
}

/// The last few of a list, for people.
fn listed(nothing: &str, items: impl DoubleEndedIterator<Item = String>) -> String {
    let mut last: Vec<String> = items.rev().take(LISTED).collect();
    last.reverse();
    if last.is_empty() { nothing.to_owned() } else { format!("only: {}", last.join("; ")) }
}

async fn log(here: Rc<Here>, mut arguments: Arguments, is_none: bool) -> Done {
    let part = arguments.text("part")?;
    let times = if is_none { Some(0.0) } else { times(&mut arguments)? };
    drop(here.begun().await?);
    let facts = here.world.facts.borrow();
    let what = format!("a line with {part:?} in the log");
    judged(&what, times, facts.lines_with(&part), || "not there; see the time line".to_owned())
}

async fn exec(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let command =
        words_of(&arguments.value()).ok_or_else(|| "`command` must be a string or a list".to_owned())?;
    let times = times(&mut arguments)?;
    drop(here.begun().await?);
    let (facts, command) = (here.world.facts.borrow(), command.join(" "));
    judged(&format!("exec {command:?}"), times, facts.execs_of(&command), || {
        listed("no command was executed", facts.execs.keys().cloned())
    })
}

async fn no_exec(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let command = words_of(&arguments.value());
    drop(here.begun().await?);
    let facts = here.world.facts.borrow();
    match command {
        Some(words) => {
            let command = words.join(" ");
            judged(&format!("exec {command:?}"), Some(0.0), facts.execs_of(&command), String::new)
        }
        None if facts.execs.is_empty() => Ok(()),
        None => mismatch("no command at all".to_owned(), listed("", facts.execs.keys().cloned())),
    }
}

async fn signal(here: Rc<Here>, mut arguments: Arguments, is_none: bool) -> Done {
    let value = arguments.value();
    let signal = text(&value).as_deref().and_then(Signal::parse);
    let signal =
        signal.ok_or_else(|| arguments.wrong("name", "the name of a signal such as \"TERM\"", &value))?;
    let times = if is_none { Some(0.0) } else { times(&mut arguments)? };
    #[expect(clippy::cast_possible_truncation, reason = "no process has a pid that is no small number")]
    let pid = number(&arguments.value()).map(|pid| pid as i32);
    drop(here.begun().await?);
    let facts = here.world.facts.borrow();
    let to = pid.map(|pid| format!(" to pid {pid}")).unwrap_or_default();
    judged(&format!("signal {signal}{to}"), times, facts.signals_of(signal, pid), || {
        listed(
            "no signal was sent",
            facts.signals.keys().map(|(signal, pid)| format!("{signal} to pid {pid}")),
        )
    })
}

async fn event(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let part = arguments.text("part")?;
    drop(here.begun().await?);
    let facts = here.world.facts.borrow();
    if facts.events.iter().any(|event| event.contains(&part)) {
        return Ok(());
    }
    let nothing = "no event; without an on_event.lua there are none";
    mismatch(format!("an event with {part:?}"), listed(nothing, facts.events.iter().cloned()))
}

async fn vars(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let given = Value::Table(arguments.table("vars")?);
    let given = to_json("vars", &given, LARGEST).map_err(|unfit| unfit.to_string())?;
    drop(here.begun().await?);
    let kept = here.world.facts.borrow().kept();
    let Json::Object(given) = given else { return Err("`vars` must be a table by names".to_owned().into()) };
    for (name, expected) in given {
        let was = kept.get(&name).cloned().unwrap_or(Json::Null);
        if was != expected {
            return mismatch(format!("service.vars.{name} {expected}"), was.to_string());
        }
    }
    Ok(())
}

async fn metric(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let (name, value) = (arguments.text("name")?, arguments.number("value")?);
    drop(here.begun().await?);
    let found = here.world.facts.borrow().measured(&name);
    let sum: f64 = found.iter().sum();
    if !found.is_empty() && (sum - value).abs() < 1e-9 {
        return Ok(());
    }
    mismatch(
        format!("metric {name} {value}"),
        if found.is_empty() { "none".to_owned() } else { sum.to_string() },
    )
}

async fn shutdown(here: Rc<Here>, mut arguments: Arguments, is_none: bool) -> Done {
    let value = arguments.value();
    let part = text(&value).unwrap_or_default();
    drop(here.begun().await?);
    match (&here.world.facts.borrow().shutdown, is_none) {
        (None, true) => Ok(()),
        (Some(reason), false) if reason.contains(&part) => Ok(()),
        (None, false) => mismatch("a shutdown".to_owned(), "none".to_owned()),
        (Some(reason), true) => mismatch("no shutdown".to_owned(), format!("one: {reason}")),
        (Some(reason), false) => mismatch(format!("a shutdown with {part:?}"), format!("one: {reason}")),
    }
}

fn equal(mut arguments: Arguments) -> Done {
    let (expected, was) = (arguments.value(), arguments.value());
    let data =
        |value: &Value| to_json("value", value, LARGEST).map_err(|unfit| Trouble::Why(unfit.to_string()));
    if data(&expected)? == data(&was)? {
        return Ok(());
    }
    mismatch(words::value(&expected), words::value(&was))
}

fn that(mut arguments: Arguments) -> Done {
    let (condition, message) = (arguments.value(), arguments.optional_text("message")?);
    if matches!(condition, Value::Nil | Value::Boolean(false)) {
        return mismatch(message.unwrap_or_else(|| "true".to_owned()), words::value(&condition));
    }
    Ok(())
}
