//! `policy`: ready-made answers of `should_restart`.
//!
//! Each is a table whose first item is the function. What one has to remember is plain data in
//! `service.vars["policy.NAME"]`, where it outlives the supervisor.
//!
//! **Invariant:** no opinion is nil, never false: a policy that does not apply leaves the decision to the next one,
//! and in the end to the setting files.

mod backoff;
mod codes;
mod flapping;

use std::rc::Rc;
use std::time::Duration;

use mlua::{Error, Function, IntoLua, Lua, MultiValue, Table, Value};
use proclaunch_core::hook::Service;

use super::Group;
use super::arguments::{Arguments, Options};
use crate::hooks::context::Context;
use crate::hooks::fault::shown;
use crate::hooks::reference::Item;

/// The most policies that one can be made of.
const POLICIES_MAX: usize = 32;

/// Asks one after the other. In Lua, so that the interpreter can interrupt what it calls.
const FIRST: &str = "local policies = ...
return function(service)
    for i = 1, #policies do
        local answer, reason = policies[i](service)
        if answer ~= nil then return answer, reason end
    end
end";

/// The group.
pub(super) const GROUP: Group = Group {
    name: "policy",
    items: &[
        Item::function(
            "policy.backoff",
            &[(
                "options",
                "{ base: number?, factor: number?, cap: number?, reset: number?, name: string? }?",
            )],
            "Policy",
            "Restarts after `base` seconds (0.2), and after `factor` (2) times as long each time, up to `cap` (60); \
             forgotten once a process ran for `reset` seconds (10). `name` (\"backoff\") is what it remembers under.",
        ),
        Item::function(
            "policy.flapping",
            &[(
                "options",
                "{ times: number?, within: number?, pause: number?, rounds: number?, reset: number?, name: string? }?",
            )],
            "Policy",
            "Has no opinion until the process ended unasked `times` times (5) within `within` seconds (60); pauses for \
             `pause` seconds (600) then, and gives up after `rounds` (3) such pauses; forgotten once a process ran \
             for `reset` seconds (as `pause`). `name` (\"flapping\") is what it remembers under.",
        ),
        Item::function(
            "policy.codes",
            &[("verdicts", "{ [number | string]: boolean | number | { after: number, reason: string? } }")],
            "Policy",
            "A verdict for each exit code, as in { [78] = false, [75] = { after = 60 } }; a name such as \"SEGV\" stands \
             for a death by that signal, and \"oom\" for one for want of memory, where `service.exit` knows. No opinion on others.",
        ),
        Item::function(
            "policy.first",
            &[("policies", "{ Policy | ((service: Service) -> ...any) }")],
            "Policy",
            "What the first of these policies, or functions of the service, says that has an opinion.",
        ),
    ],
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    table.raw_set("backoff", backoff::function(lua, context)?)?;
    table.raw_set("flapping", flapping::function(lua, context)?)?;
    table.raw_set("codes", codes::function(lua, context)?)?;
    let chunk: Function = lua.load(FIRST).set_name("=policy.first").into_function()?;
    table.raw_set("first", lua.create_function(move |lua, values| first(lua, &chunk, values))?)?;
    Ok(Value::Table(table))
}

fn first(lua: &Lua, chunk: &Function, values: MultiValue) -> mlua::Result<Table> {
    let list = Arguments::new("policy.first", values).table("policies")?;
    let functions = lua.create_table()?;
    let length = list.raw_len();
    if length == 0 || length > POLICIES_MAX {
        return Err(Error::runtime(format!(
            "policy.first: there must be 1 to {POLICIES_MAX} policies; got {length}"
        )));
    }
    for index in 1..=length {
        let value: Value = list.raw_get(index)?;
        let function = match &value {
            Value::Table(policy) => policy.raw_get::<Value>(1)?,
            other => other.clone(),
        };
        if !function.is_function() {
            let got = shown(&value);
            return Err(Error::runtime(format!(
                "policy.first: `policies[{index}]` must be a policy or a function; got {got}"
            )));
        }
        functions.raw_set(index, function)?;
    }
    policy(lua, chunk.call::<Function>(functions)?)
}

/// A policy whose function this is.
fn policy(lua: &Lua, function: Function) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set(1, function)?;
    Ok(table)
}

/// A policy that decides by what the hook was told.
fn deciding(
    lua: &Lua,
    context: &Rc<Context>,
    name: &'static str,
    decide: impl Fn(&Lua, &Context, &Service) -> mlua::Result<Decision> + 'static,
) -> mlua::Result<Table> {
    let context = Rc::clone(context);
    let function = lua.create_function(move |lua, _: MultiValue| {
        let call = context.call();
        let asked = call.as_ref().and_then(|call| call.question.as_ref());
        let asked = asked.ok_or_else(|| Error::runtime(format!("{name}: only a hook can ask a policy")))?;
        decide(lua, &context, &asked.service)?.into_lua_multi(lua)
    })?;
    policy(lua, function)
}

/// What a policy says.
#[derive(Clone, Debug, PartialEq)]
enum Decision {
    NoOpinion,
    Yes,
    No(String),
    After(Duration, String),
}

impl Decision {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        Ok(MultiValue::from_iter(match self {
            Self::NoOpinion => vec![Value::Nil],
            Self::Yes => vec![Value::Boolean(true)],
            Self::No(reason) => vec![Value::Boolean(false), reason.into_lua(lua)?],
            Self::After(time, reason) => {
                let table = lua.create_table()?;
                table.raw_set("after", time.as_secs_f64())?;
                table.raw_set("reason", reason)?;
                vec![Value::Table(table)]
            }
        }))
    }
}

/// How long the process ran that the question is about.
fn ran_for(service: &Service) -> Duration {
    match &service.exit {
        _ if service.process.is_some() => service.uptime,
        Some(last) => last.uptime,
        None => Duration::ZERO,
    }
}

/// What a policy remembers: a whole number under a name of its own.
struct Memory {
    key: String,
    field: &'static str,
}

impl Memory {
    fn new(options: &Options, default: &str, field: &'static str) -> mlua::Result<Self> {
        let name = options.text("name")?;
        Ok(Self { key: format!("policy.{}", name.as_deref().unwrap_or(default)), field })
    }

    fn get(&self, lua: &Lua, context: &Context) -> mlua::Result<u32> {
        let kept: Value = context.vars.table(lua)?.raw_get(self.key.as_str())?;
        let value = kept.as_table().map(|kept| kept.raw_get::<Value>(self.field)).transpose()?;
        Ok(value.as_ref().and_then(whole).unwrap_or(0))
    }

    fn set(&self, lua: &Lua, context: &Context, number: u32) -> mlua::Result<()> {
        let kept = lua.create_table()?;
        kept.raw_set(self.field, number)?;
        context.vars.table(lua)?.raw_set(self.key.as_str(), kept)
    }
}

/// A whole number from 0 to a million.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn whole(value: &Value) -> Option<u32> {
    let number = super::arguments::number(value)?;
    (number.fract() == 0.0 && (0.0..=1_000_000.0).contains(&number)).then_some(number as u32)
}

/// An option that counts something, at least 1.
fn count(function: &str, options: &Options, name: &str, default: u32) -> mlua::Result<u32> {
    match options.value(name)? {
        Value::Nil => Ok(default),
        value => whole(&value).filter(|count| *count > 0).ok_or_else(|| {
            Error::runtime(format!(
                "{function}: `{name}` must be a whole number from 1; got {}",
                shown(&value)
            ))
        }),
    }
}
