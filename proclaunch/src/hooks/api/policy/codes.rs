//! `policy.codes`: a verdict for each way to end.

use std::collections::BTreeMap;
use std::rc::Rc;

use mlua::{Error, Function, Lua, MultiValue, Table, Value};
use proclaunch_core::exit::Exit;
use proclaunch_core::hook::LastExit;
use proclaunch_core::signal::Signal;

use super::{Decision, deciding, whole};
use crate::hooks::api::arguments::{Arguments, Options, seconds, text};
use crate::hooks::context::Context;
use crate::hooks::fault::shown;

const NAME: &str = "policy.codes";

/// A way to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Oom,
    Signal(Signal),
    Code(u8),
}

impl End {
    fn read(key: &Value) -> Option<Self> {
        match text(key) {
            Some(word) if word == "oom" => Some(Self::Oom),
            // A name: "9" could be meant for either.
            Some(name) if !name.starts_with(|c: char| c.is_ascii_digit()) => {
                Signal::parse(&name).map(Self::Signal)
            }
            Some(_) => None,
            None => whole(key).and_then(|code| u8::try_from(code).ok()).map(Self::Code),
        }
    }

    fn of(last: &LastExit) -> impl Iterator<Item = Self> {
        let by_itself = match last.exit {
            Exit::Code(code) => Some(Self::Code(code)),
            Exit::Signal { .. } | Exit::OutOfMemory | Exit::Unknown => last.exit.signal().map(Self::Signal),
        };
        last.oom.then_some(Self::Oom).into_iter().chain(by_itself)
    }
}

/// The function for one VM.
pub(super) fn function(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Function> {
    let context = Rc::clone(context);
    lua.create_function(move |lua, values: MultiValue| {
        let verdicts = read(&Arguments::new(NAME, values).table("verdicts")?)?;
        deciding(lua, &context, NAME, move |_, _, service| {
            // It is about how a process ended: one that still runs has not.
            let last = service.exit.as_ref().filter(|_| service.process.is_none());
            let verdict = last.and_then(|last| End::of(last).find_map(|end| verdicts.get(&end)));
            Ok(verdict.cloned().unwrap_or(Decision::NoOpinion))
        })
    })
}

fn read(table: &Table) -> mlua::Result<BTreeMap<End, Decision>> {
    let mut verdicts = BTreeMap::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let end = End::read(&key).ok_or_else(|| {
            let got = shown(&key);
            Error::runtime(format!(
                "{NAME}: a key must be an exit code from 0 to 255, the name of a signal, or \"oom\"; got {got}"
            ))
        })?;
        verdicts.insert(end, verdict(&key, end, &value)?);
    }
    Ok(verdicts)
}

fn verdict(key: &Value, end: End, value: &Value) -> mlua::Result<Decision> {
    let said = || match end {
        End::Oom => "out of memory".to_owned(),
        End::Signal(signal) => format!("signal {signal}"),
        End::Code(code) => format!("exit {code}"),
    };
    let wrong = || {
        Error::runtime(format!(
            "{NAME}: the verdict for {} must be true, false, a number of seconds or {{ after = seconds }}; got {}",
            shown(key),
            shown(value)
        ))
    };
    Ok(match value {
        Value::Boolean(true) => Decision::Yes,
        Value::Boolean(false) => Decision::No(said()),
        Value::Table(table) => {
            let options = Options::new(NAME, table.clone(), &["after", "reason"])?;
            let after = options.seconds("after")?.ok_or_else(wrong)?;
            Decision::After(after, options.text("reason")?.unwrap_or_else(said))
        }
        other => Decision::After(seconds(other).ok_or_else(wrong)?, said()),
    })
}
