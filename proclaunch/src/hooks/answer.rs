//! What a hook returned, as an answer of the kind that it gives.
//!
//! **Invariant:** total: every list of Lua values gives an answer or a text that names what was expected and what
//! came. No code of the script runs here.

use std::time::Duration;

use mlua::{MultiValue, Table, Value};
use proclaunch_core::hook::{Answer, Change, Farewell, Gate, Hook, Verdict};
use proclaunch_core::profile::{Variable, closest};
use proclaunch_core::signal::Signal;

use super::api::arguments::{number, seconds, text};
use super::fault::{bounded, shown};

/// The most variables that `on_start` adds, and the longest value.
const VARIABLES_MAX: usize = 256;
const VALUE_MAX: usize = 64 * 1024;

/// What a hook may return, in words; empty for those whose answer is ignored.
pub(super) const fn expected(hook: Hook) -> &'static str {
    match hook {
        Hook::OnStart => {
            "true, false and a reason, \"abort\" and a reason, a number of seconds, { after = seconds, reason = ... }, \
             { env = { NAME = value } }, or nothing"
        }
        Hook::Ready | Hook::Health => "true, false and a reason, or nil",
        Hook::ShouldRestart => {
            "true, false and a reason, a number of seconds, { after = seconds, reason = ... }, or nil"
        }
        Hook::OnStop => "a number of seconds, the name of a signal, or nothing",
        Hook::OnChange => "\"restart\", \"reload\", \"ignore\", or nil",
        Hook::OnReady | Hook::OnTick | Hook::OnExit | Hook::OnEvent => "",
    }
}

/// The answer in what a hook returned, or what is wrong with it.
pub(super) fn read(hook: Hook, values: &MultiValue) -> Result<Answer, String> {
    let first = values.front().unwrap_or(&Value::Nil);
    let second = values.get(1).unwrap_or(&Value::Nil);
    if first.is_nil() {
        return Ok(if hook == Hook::OnStart { Answer::Start(Gate::Go(Vec::new())) } else { Answer::Nothing });
    }
    match hook {
        Hook::OnReady | Hook::OnTick | Hook::OnExit | Hook::OnEvent => Ok(Answer::Nothing),
        Hook::OnStart => gate(first, second).map(Answer::Start),
        Hook::Ready => yes_or_no(hook, first, second).map(Answer::Ready),
        Hook::Health => yes_or_no(hook, first, second).map(Answer::Health),
        Hook::ShouldRestart => verdict(first, second).map(Answer::Restart),
        Hook::OnStop => farewell(first).map(Answer::Stop),
        Hook::OnChange => change(first).map(Answer::Change),
    }
}

fn wrong(hook: Hook, got: &Value) -> String {
    format!("{hook} must return {}; got {}", expected(hook), shown(got))
}

fn gate(first: &Value, second: &Value) -> Result<Gate, String> {
    let hook = Hook::OnStart;
    match first {
        Value::Boolean(true) => Ok(Gate::Go(Vec::new())),
        Value::Boolean(false) => Ok(Gate::NotYet(reason(hook, second, "on_start said not yet")?)),
        Value::String(word) if word.as_bytes() == *b"abort" => {
            Ok(Gate::Abort(reason(hook, second, "on_start said abort")?))
        }
        Value::Table(table) => {
            keys(hook, table, &["after", "reason", "env"])?;
            let env: Value = field(table, "env");
            match (&env, field(table, "after")) {
                (Value::Nil, _) => after(hook, table).map(|(time, why)| Gate::Again(time, why)),
                (Value::Table(env), Value::Nil) => variables(env).map(Gate::Go),
                (Value::Table(_), _) => Err(format!("{hook} cannot return both `env` and `after`")),
                (other, _) => {
                    Err(format!("{hook}: `env` must be a table of variables; got {}", shown(other)))
                }
            }
        }
        other => match seconds(other) {
            Some(time) => Ok(Gate::Again(time, reason(hook, second, "on_start said not yet")?)),
            None => Err(wrong(hook, other)),
        },
    }
}

fn verdict(first: &Value, second: &Value) -> Result<Verdict, String> {
    let hook = Hook::ShouldRestart;
    match first {
        Value::Boolean(true) => Ok(Verdict::Yes),
        Value::Boolean(false) => Ok(Verdict::No(reason(hook, second, "should_restart said no")?)),
        Value::Table(table) => {
            keys(hook, table, &["after", "reason"])?;
            after(hook, table).map(|(time, why)| Verdict::After(time, why))
        }
        other => match seconds(other) {
            Some(time) => Ok(Verdict::After(time, reason(hook, second, "should_restart said so")?)),
            None => Err(wrong(hook, other)),
        },
    }
}

fn yes_or_no(hook: Hook, first: &Value, second: &Value) -> Result<Result<(), String>, String> {
    match first {
        Value::Boolean(true) => Ok(Ok(())),
        Value::Boolean(false) => {
            let default = if hook == Hook::Ready { "ready said not yet" } else { "health said unhealthy" };
            reason(hook, second, default).map(Err)
        }
        other => Err(wrong(hook, other)),
    }
}

fn farewell(first: &Value) -> Result<Farewell, String> {
    if let Some(time) = seconds(first) {
        return Ok(Farewell::Wait(time));
    }
    let Some(name) = text(first) else { return Err(wrong(Hook::OnStop, first)) };
    Signal::parse(&name).map(Farewell::Signal).ok_or_else(|| wrong(Hook::OnStop, first))
}

fn change(first: &Value) -> Result<Change, String> {
    match text(first).as_deref() {
        Some("restart") => Ok(Change::Restart),
        Some("reload") => Ok(Change::Reload),
        Some("ignore") => Ok(Change::Ignore),
        _ => Err(wrong(Hook::OnChange, first)),
    }
}

/// The time and the reason in `{ after = ..., reason = ... }`.
fn after(hook: Hook, table: &Table) -> Result<(Duration, String), String> {
    let value = field(table, "after");
    let time = seconds(&value)
        .ok_or_else(|| format!("{hook}: `after` must be a number of seconds; got {}", shown(&value)))?;
    Ok((time, reason(hook, &field(table, "reason"), "the hook said so")?))
}

fn reason(hook: Hook, value: &Value, default: &str) -> Result<String, String> {
    match value {
        Value::Nil => Ok(default.to_owned()),
        Value::String(text) => Ok(bounded(&text.to_string_lossy())),
        other => match number(other) {
            Some(number) => Ok(number.to_string()),
            None => Err(format!("{hook}: the reason must be a string; got {}", shown(other))),
        },
    }
}

fn variables(env: &Table) -> Result<Vec<Variable>, String> {
    let mut variables = Vec::new();
    for pair in env.pairs::<Value, Value>() {
        let (name, value) = pair.map_err(|_| "on_start: `env` cannot be read".to_owned())?;
        let Some(name) = text(&name).filter(|name| !name.is_empty() && !name.contains(['=', '\0'])) else {
            return Err(format!("on_start: `env` has the name {}, which no variable can have", shown(&name)));
        };
        let text = match &value {
            Value::String(text) => Some(text.as_bytes().to_vec()),
            other => number(other).map(|number| number.to_string().into_bytes()),
        };
        let Some(text) = text.filter(|text| !text.contains(&0) && text.len() <= VALUE_MAX) else {
            return Err(format!("on_start: `env.{name}` must be a string; got {}", shown(&value)));
        };
        if variables.len() == VARIABLES_MAX {
            return Err(format!("on_start: `env` has more than {VARIABLES_MAX} variables"));
        }
        variables.push(Variable { name: name.into(), value: text.into() });
    }
    // The order of a Lua table is nobody's intention.
    variables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(variables)
}

fn field(table: &Table, name: &str) -> Value {
    table.raw_get(name).unwrap_or(Value::Nil)
}

/// That a table has only keys that mean something.
fn keys(hook: Hook, table: &Table, known: &[&str]) -> Result<(), String> {
    for pair in table.pairs::<Value, Value>() {
        let key = pair.map_err(|_| format!("{hook} returned a table that cannot be read"))?.0;
        match text(&key) {
            Some(name) if known.contains(&name.as_str()) => {}
            Some(name) => {
                let meant = closest(&name, known).map(|meant| format!(", did you mean `{meant}`?"));
                let name = bounded(&name);
                return Err(format!("{hook}: unknown key `{name}`{}", meant.unwrap_or_default()));
            }
            None => {
                return Err(format!(
                    "{hook} must return {}; got a table with {}",
                    expected(hook),
                    shown(&key)
                ));
            }
        }
    }
    Ok(())
}
