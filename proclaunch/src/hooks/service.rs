//! The service argument: what a hook is told of its profile.
//!
//! **Invariant:** a fresh table for every call, and a read-only one; nothing that a hook does to it lasts, `vars`
//! excepted.

use std::rc::Rc;
use std::time::Duration;

use mlua::{Error, Function, Lua, LuaString, Table, Value};
use proclaunch_core::exit::Exit;
use proclaunch_core::hook::{Happening, LastExit, Past, Question, Service};
use proclaunch_core::profile::closest;
use proclaunch_core::signal::Signal;

use super::api::METHODS;
use super::api::env;
use super::context::Context;
use super::fault::shown;
use super::reference::Item;
use super::vm::making;

/// The fields.
pub(super) static FIELDS: &[Item] = &[
    Item::value("service.name", "string", "The name of the profile."),
    Item::value("service.dir", "string", "The directory of the profile."),
    Item::value("service.state", "string", "\"stopped\", \"starting\", \"running\" or \"stopping\"."),
    Item::value("service.want", "string", "The order in force: \"up\", \"down\" or \"gone\"."),
    Item::value("service.health", "string", "\"unknown\", \"healthy\" or \"unhealthy\"."),
    Item::value("service.pid", "number?", "The main process, while it lives."),
    Item::value("service.uptime", "number", "Seconds since the process was started; 0 while there is none."),
    Item::value("service.ready_for", "number", "Seconds since it became ready; 0 while it is not."),
    Item::value("service.started_at", "number?", "When the process was started, in seconds since 1970 UTC."),
    Item::value("service.restarts", "number", "Starts after the first."),
    Item::value(
        "service.exit",
        "{ code: number?, signal: string?, core: boolean, oom: boolean, requested: boolean, uptime: number }?",
        "How the last process ended: with an exit code, by a signal (a name without SIG), or in a way that nobody \
         knows. `oom`: the kernel ended it for want of memory, by KILL. The kernel names the victim in its log alone: \
         where ProcLaunch may not read `/dev/kmsg`, or runs in a container with pids of its own, this is always false, \
         and a KILL that was not requested is most often that. `requested`: it was told to end.",
    ),
    Item::value(
        "service.cause",
        "string",
        "Why the hook is asked: \"died\", \"unhealthy\", \"changed\" or \"order\".",
    ),
    Item::value("service.reason", "string", "The same in words."),
    Item::value(
        "service.history",
        "{ { age: number, from: string, to: string, why: string } }",
        "The last changes of state, oldest first, with how many seconds ago each was.",
    ),
    Item::value(
        "service.changed",
        "boolean",
        "Whether the files differ from what the process was started with.",
    ),
    Item::value("service.env", "{ [string]: string }", "The environment that the service would be given."),
    Item::value("service.settings", "{ [string]: string }", "The text of the setting files, by file name."),
    Item::value(
        "service.vars",
        "{ [string]: any }",
        "Plain data of the profile's own, at most 64 KiB, which survives reloads, crashes and upgrades.",
    ),
];

/// Fields that may be nil without being a mistake.
const MAY_BE_NIL: [&str; 2] = ["pid", "started_at"];

/// Makes one: each field that is set from outside costs a protected call, so that the table is made inside.
const MAKE: &str = "local metatable, name, dir, setmetatable = ...
return function(state, want, health, pid, started_at, uptime, ready_for, restarts, cause, reason, changed)
  return setmetatable({
    name = name, dir = dir, state = state, want = want, health = health, pid = pid, started_at = started_at,
    uptime = uptime, ready_for = ready_for, restarts = restarts, cause = cause, reason = reason, changed = changed,
  }, metatable)
end";

/// The function that makes the service tables of one VM.
pub(super) fn maker(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Function> {
    let profile = context.profile();
    let dir = lua.create_string(profile.dir.as_os_str().as_encoded_bytes())?;
    let setmetatable: Function = lua.globals().get("setmetatable")?;
    let common = (metatable(lua, context)?, profile.name.as_str(), dir, setmetatable);
    lua.load(MAKE).set_name("=service").call(common)
}

/// What they have in common: variables, what is made when it is asked for, and errors for misspelled names.
fn metatable(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Table> {
    let metatable = lua.create_table()?;
    let methods = lua.create_table()?;
    let shared = Rc::clone(context);
    let index = lua.create_function(move |lua, (_, key): (Value, Value)| {
        let Some(name) = key.as_string().map(LuaString::to_string_lossy) else { return Ok(Value::Nil) };
        match name.as_str() {
            "vars" => return shared.vars.table(lua).map(Value::Table),
            "env" => return env::table(lua, &shared).map(Value::Table),
            "settings" => return settings(lua, &shared).map(Value::Table),
            "history" | "exit" => return of_call(lua, &shared, &name),
            name if MAY_BE_NIL.contains(&name) => return Ok(Value::Nil),
            _ => {}
        }
        let known: Value = methods.raw_get(name.as_str())?;
        if !known.is_nil() {
            return Ok(known);
        }
        let Some(method) = METHODS.iter().find(|method| method.name() == name) else {
            return Err(no_field(&name));
        };
        let made = making(lua, || (method.make)(lua, &shared))?;
        methods.raw_set(method.name(), &made)?;
        Ok(made)
    })?;
    metatable.raw_set("__index", index)?;
    let shared = Rc::clone(context);
    let assign = lua.create_function(move |_, (_, key, value): (Value, Value, Value)| {
        let name = key.as_string().map_or_else(|| shown(&key), LuaString::to_string_lossy);
        match (name.as_str(), value) {
            ("vars", Value::Table(table)) => {
                shared.vars.replace(table);
                Ok(())
            }
            ("vars", other) => {
                Err(Error::runtime(format!("service.vars must be a table; got {}", shown(&other))))
            }
            _ => Err(Error::runtime(format!("service.{name} is read-only; keep values in service.vars"))),
        }
    })?;
    metatable.raw_set("__newindex", assign)?;
    metatable.raw_set("__metatable", false)?;
    metatable.set_readonly(true);
    Ok(metatable)
}

fn no_field(name: &str) -> Error {
    let known: Vec<&str> = FIELDS
        .iter()
        .filter_map(|item| item.name.strip_prefix("service."))
        .chain(METHODS.iter().map(|method| method.name()))
        .collect();
    Error::runtime(match closest(name, &known) {
        Some(meant) => format!("unknown field 'service.{name}', did you mean 'service.{meant}'?"),
        None => format!("unknown field 'service.{name}'"),
    })
}

fn settings(lua: &Lua, context: &Context) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for (name, text) in &context.profile().settings {
        table.raw_set(name.as_str(), text.as_str())?;
    }
    table.set_readonly(true);
    Ok(table)
}

/// A field that is made when it is asked for, as the call in flight is told it.
fn of_call(lua: &Lua, context: &Context, name: &str) -> mlua::Result<Value> {
    let call = context.call();
    let Some(service) = call.as_ref().and_then(|call| call.question.as_ref()).map(|asked| &asked.service)
    else {
        return Ok(Value::Nil);
    };
    match (name, &service.exit) {
        ("history", _) => history(lua, &service.history).map(Value::Table),
        (_, Some(last)) => exit(lua, last).map(Value::Table),
        (_, None) => Ok(Value::Nil),
    }
}

/// The service argument of one call.
pub(super) fn argument(context: &Context, make: &Function, question: &Question) -> mlua::Result<Table> {
    let service = &question.service;
    let table: Table = make.call((
        service.state.as_str(),
        service.want.as_str(),
        service.health.as_str(),
        service.process.map(|process| process.pid),
        service.process.map(|_| started_at(context, service)),
        whole(service.uptime),
        whole(service.ready_for),
        service.restarts,
        service.cause.as_str(),
        service.reason.as_str(),
        service.changed,
    ))?;
    table.set_readonly(true);
    Ok(table)
}

/// The second argument of `on_event`.
pub(super) fn event(
    lua: &Lua,
    context: &Context,
    service: &Service,
    happening: &Happening,
) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("time", context.clock().wall().div_euclid(1000))?;
    table.raw_set("profile", context.profile().name.as_str())?;
    table.raw_set("kind", happening.kind.as_str())?;
    table.raw_set("level", happening.level.as_str())?;
    table.raw_set("from", happening.from.as_str())?;
    table.raw_set("to", happening.to.as_str())?;
    table.raw_set("reason", happening.reason.as_str())?;
    if let Some(last) = &service.exit {
        table.raw_set("exit", exit(lua, last)?)?;
    }
    table.set_readonly(true);
    Ok(table)
}

fn exit(lua: &Lua, last: &LastExit) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let mut dumped = false;
    match last.exit {
        Exit::Code(code) => table.raw_set("code", code)?,
        Exit::Signal { signal, core } => {
            table.raw_set("signal", signal.to_string())?;
            dumped = core;
        }
        Exit::OutOfMemory => table.raw_set("signal", Signal::KILL.to_string())?,
        Exit::Unknown => {}
    }
    table.raw_set("core", dumped)?;
    table.raw_set("oom", last.oom)?;
    table.raw_set("requested", last.requested)?;
    table.raw_set("uptime", whole(last.uptime))?;
    table.set_readonly(true);
    Ok(table)
}

fn history(lua: &Lua, history: &[Past]) -> mlua::Result<Table> {
    let list = lua.create_table_with_capacity(history.len(), 0)?;
    for (index, past) in history.iter().enumerate() {
        let table = lua.create_table_with_capacity(0, 4)?;
        table.raw_set("age", whole(past.age))?;
        table.raw_set("from", past.from.as_str())?;
        table.raw_set("to", past.to.as_str())?;
        table.raw_set("why", past.why.as_str())?;
        list.raw_set(index + 1, table)?;
    }
    list.set_readonly(true);
    Ok(list)
}

fn started_at(context: &Context, service: &Service) -> i64 {
    let uptime = i64::try_from(service.uptime.as_millis()).unwrap_or(i64::MAX);
    context.clock().wall().saturating_sub(uptime).div_euclid(1000)
}

/// Whole seconds: what a script prints with `%d`, and what a person says.
fn whole(time: Duration) -> u64 {
    time.as_secs()
}
