//! What a hook file returned when it was run: a function, or functions with a schedule.
//!
//! **Invariant:** total, as [`super::answer`] is.

use std::time::Duration;

use mlua::{Function, Table, Value};
use proclaunch_core::hook::{Hook, Schedule};
use proclaunch_core::profile::closest;

use super::api::arguments::{number, seconds, text};
use super::fault::{bounded, shown};

/// How often `on_tick` is called unless it says otherwise.
const TICK: Duration = Duration::from_secs(5);

/// The shortest time between two calls.
const SHORTEST: Duration = Duration::from_millis(100);

/// The most checks of one profile.
const CHECKS_MAX: usize = 32;

/// The most checks that are counted.
const TIMES_MAX: f64 = 1000.0;

/// What a file declares.
#[derive(Clone, Debug)]
pub(super) enum Declared {
    /// A function.
    Plain(Function),
    /// Health checks.
    Checks(Vec<(Schedule, Function)>),
    /// A function that is called every so often.
    Tick(Duration, Function),
}

impl Declared {
    /// Reads what the file of `hook` returned.
    pub(super) fn read(hook: Hook, value: &Value) -> Result<Self, String> {
        match (hook, value) {
            (Hook::Health, Value::Function(_) | Value::Table(_)) => checks(value).map(Self::Checks),
            (Hook::OnTick, Value::Function(function)) => Ok(Self::Tick(TICK, function.clone())),
            (Hook::OnTick, Value::Table(table)) => {
                keys(hook, table, &["every"])?;
                let every = time(hook, table, "every")?.unwrap_or(TICK);
                Ok(Self::Tick(every, function(hook, table)?))
            }
            (Hook::ShouldRestart, Value::Table(table)) => Ok(Self::Plain(function(hook, table)?)),
            (_, Value::Function(function)) => Ok(Self::Plain(function.clone())),
            (_, other) => Err(wrong(hook, other)),
        }
    }
}

fn wrong(hook: Hook, got: &Value) -> String {
    let expected = match hook {
        Hook::Health => "a function, a check or a list of checks",
        Hook::OnTick => "a function, or { every = seconds, function }",
        Hook::ShouldRestart => "a function or a policy",
        Hook::OnStart
        | Hook::Ready
        | Hook::OnReady
        | Hook::OnStop
        | Hook::OnExit
        | Hook::OnChange
        | Hook::OnEvent => "a function",
    };
    let got = if got.is_nil() { "nothing".to_owned() } else { shown(got) };
    format!("the file must return {expected}; got {got}")
}

fn function(hook: Hook, table: &Table) -> Result<Function, String> {
    let value: Value = table.raw_get(1).unwrap_or(Value::Nil);
    value.as_function().cloned().ok_or_else(|| {
        let got = if value.is_nil() { "a table without one".to_owned() } else { shown(&value) };
        format!("{hook}: the first item of the table must be a function; got {got}")
    })
}

/// A function, a check, or a list of these.
fn checks(value: &Value) -> Result<Vec<(Schedule, Function)>, String> {
    let Value::Table(table) = value else { return check(value).map(|check| vec![check]) };
    let length = table.raw_len();
    let first: Value = table.raw_get(1).unwrap_or(Value::Nil);
    if first.is_function() && length == 1 {
        return check(value).map(|check| vec![check]);
    }
    if length == 0 {
        return Err("health: the list of checks is empty".to_owned());
    }
    if length > CHECKS_MAX {
        return Err(format!("health: more than {CHECKS_MAX} checks"));
    }
    keys(Hook::Health, table, &[])
        .map_err(|why| format!("{why} in a list of checks; a check has one function, at its beginning"))?;
    (1..=length).map(|index| check(&table.raw_get(index).unwrap_or(Value::Nil))).collect()
}

fn check(value: &Value) -> Result<(Schedule, Function), String> {
    let hook = Hook::Health;
    let default = Schedule::default();
    let table = match value {
        Value::Function(function) => return Ok((default, function.clone())),
        Value::Table(table) => table,
        other => return Err(format!("health: a check must be a function or a table; got {}", shown(other))),
    };
    keys(hook, table, &["every", "timeout", "times", "grace"])?;
    let (bad, of) = times(table)?.unwrap_or((default.bad, default.of));
    let schedule = Schedule {
        every: time(hook, table, "every")?.unwrap_or(default.every),
        timeout: time(hook, table, "timeout")?.unwrap_or(default.timeout),
        bad,
        of,
        grace: grace(table)?.unwrap_or(default.grace),
    };
    Ok((schedule, function(hook, table)?))
}

/// `times = N`, N in a row, or `times = {N, M}`, N of the last M.
fn times(table: &Table) -> Result<Option<(u32, u32)>, String> {
    let value: Value = table.raw_get("times").unwrap_or(Value::Nil);
    let wrong = || format!("health: `times` must be N or {{N, M}} with N at most M; got {}", shown(&value));
    let pair = match &value {
        Value::Nil => return Ok(None),
        Value::Table(pair) if pair.raw_len() == 2 => {
            let item = |index: usize| pair.raw_get(index).ok().as_ref().and_then(count);
            item(1).zip(item(2))
        }
        other => count(other).map(|times| (times, times)),
    };
    pair.filter(|(bad, of)| bad <= of).map(Some).ok_or_else(wrong)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn count(value: &Value) -> Option<u32> {
    number(value)
        .filter(|number| (1.0..=TIMES_MAX).contains(number) && number.fract() == 0.0)
        .map(|number| number as u32)
}

fn grace(table: &Table) -> Result<Option<Duration>, String> {
    let value: Value = table.raw_get("grace").unwrap_or(Value::Nil);
    if value.is_nil() {
        return Ok(None);
    }
    let wrong = || format!("health: `grace` must be a number of seconds; got {}", shown(&value));
    seconds(&value).map(Some).ok_or_else(wrong)
}

fn time(hook: Hook, table: &Table, name: &str) -> Result<Option<Duration>, String> {
    let value: Value = table.raw_get(name).unwrap_or(Value::Nil);
    if value.is_nil() {
        return Ok(None);
    }
    let wrong = || {
        let least = SHORTEST.as_secs_f64();
        format!("{hook}: `{name}` must be a number of seconds, at least {least}; got {}", shown(&value))
    };
    seconds(&value).filter(|time| *time >= SHORTEST).map(Some).ok_or_else(wrong)
}

/// That a table has only keys that mean something, and its list part.
fn keys(hook: Hook, table: &Table, known: &[&str]) -> Result<(), String> {
    for pair in table.pairs::<Value, Value>() {
        let key = pair.map_err(|_| format!("{hook}: the table cannot be read"))?.0;
        if matches!(key, Value::Integer(_)) {
            continue;
        }
        let name = text(&key).unwrap_or_else(|| shown(&key));
        if !known.contains(&name.as_str()) {
            let meant = closest(&name, known).map(|meant| format!(", did you mean `{meant}`?"));
            return Err(format!("{hook}: unknown key `{}`{}", bounded(&name), meant.unwrap_or_default()));
        }
    }
    Ok(())
}
