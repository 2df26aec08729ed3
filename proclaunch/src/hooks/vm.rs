//! The interpreter of one profile: a hardened library, read-only globals, and a memory of its own.
//!
//! **Invariant:** what one script does to its globals, libraries and strings, no other script can see: all are
//! read-only. A name that is not there is an error, not nil.

use std::rc::Rc;
use std::sync::OnceLock;

use mlua::state::{GcIncParams, GcMode};
use mlua::{Error, Function, Lua, LuaOptions, StdLib, Table, Value};
use proclaunch_core::profile::closest;

use super::api::{CONSTANTS, GROUPS, Group};
use super::context::Context;
use super::fault::shown;
use super::library::harden;
use super::require;

/// How much memory the scripts of one profile may use.
pub(super) const MEMORY: usize = 32 * 1024 * 1024;

/// The library that async functions are made with, and scripts never see.
const COROUTINE: &str = "coroutine";

/// How many coroutines of ended calls are kept: calls of one profile overlap in three lanes at most, and async functions
/// need one each.
const COROUTINES_KEPT: usize = 4;

/// Runs a function so that what it raises comes back as a value.
const GUARD: &str = "local pcall = ...\nreturn function(f, ...) return pcall(f, ...) end";

/// The interpreter of one profile.
///
/// Functions of a Lua that is gone panic: whoever holds functions holds the `Vm` beside them.
#[derive(Debug)]
pub(crate) struct Vm {
    /// The interpreter.
    pub lua: Lua,
    /// What scripts see as globals.
    pub globals: Table,
    /// `pcall`.
    pub guard: Function,
    /// `tostring`.
    pub tostring: Function,
}

impl Vm {
    /// A new one.
    ///
    /// # Errors
    /// There is no memory left.
    pub(crate) fn new(context: &Rc<Context>) -> mlua::Result<Self> {
        let libraries = StdLib::COROUTINE
            | StdLib::TABLE
            | StdLib::STRING
            | StdLib::UTF8
            | StdLib::MATH
            | StdLib::BIT
            | StdLib::BUFFER;
        // Each call has a coroutine: those of before are used again.
        let lua = Lua::new_with(libraries, LuaOptions::default().thread_pool_size(COROUTINES_KEPT))?;
        lua.set_memory_limit(MEMORY)?;
        // Luau collects nothing when memory runs out, so it has to collect eagerly all the time.
        lua.gc_set_mode(GcMode::Incremental(
            GcIncParams::default().goal(120).step_multiplier(400).step_size(64),
        ));
        let globals = lua.globals();
        let guard = lua.load(GUARD).set_name("=guard").call(globals.raw_get::<Function>("pcall")?)?;
        let tostring = globals.raw_get("tostring")?;
        lua.set_named_registry_value(COROUTINE, globals.raw_get::<Table>(COROUTINE)?)?;
        harden(&lua, &globals, context)?;
        for constant in CONSTANTS {
            globals.raw_set(constant.item.name, constant.value)?;
        }
        globals.raw_set("require", making(&lua, || require::function(&lua, context, &globals))?)?;
        globals.set_metatable(Some(unknown_names(&lua, context)?))?;
        lua.sandbox(true)?;
        let meter = Rc::clone(context);
        lua.set_interrupt(move |_| meter.interrupt());
        Ok(Self { lua, globals, guard, tostring })
    }

    /// Gives back what making the interpreter and running the files has left: a third of all of it.
    pub(super) fn collect_all(&self) -> mlua::Result<()> {
        self.lua.gc_collect()
    }

    /// Gives memory back bit by bit, after a script had used it up. To be called until it says that it is done.
    pub(super) fn collect(&self) -> mlua::Result<bool> {
        self.lua.gc_step()
    }
}

/// Makes functions of the API, async ones among them.
///
/// mlua takes `coroutine.yield` from the globals whenever it makes an async function. The library is there only then,
/// and in the table that stands before the read-only one: the compiler's constants are looked up in that very table
/// when a file is loaded, so that nothing may be left in it (seen with Luau 0.740).
pub(crate) fn making<T>(lua: &Lua, make: impl FnOnce() -> mlua::Result<T>) -> mlua::Result<T> {
    let globals = lua.globals();
    globals.raw_set(COROUTINE, lua.named_registry_value::<Table>(COROUTINE)?)?;
    let made = make();
    globals.raw_set(COROUTINE, Value::Nil)?;
    made
}

/// What happens when a script names a global that is not there: a group of the API is made, all else is an error.
fn unknown_names(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Table> {
    let metatable = lua.create_table()?;
    let names = Rc::clone(context);
    let index = lua.create_function(move |lua, (globals, key): (Table, Value)| {
        let Some(name) = key.as_string().map(mlua::LuaString::to_string_lossy) else {
            return Err(Error::runtime(format!("unknown name: {}", shown(&key))));
        };
        if let Some(group) = GROUPS.iter().find(|group| group.name == name) {
            let made = making(lua, || (group.make)(lua, &names))?;
            if let Value::Table(table) = &made {
                if group.has_members() {
                    table.set_metatable(Some(unknown_members(lua, group)?))?;
                }
                table.set_readonly(true);
            }
            globals.set_readonly(false);
            let stored = globals.raw_set(group.name, &made);
            globals.set_readonly(true);
            return stored.map(|()| made);
        }
        names.note_unknown(&name);
        Err(Error::runtime(unknown_name(&name)))
    })?;
    metatable.raw_set("__index", index)?;
    let assign = lua.create_function(|_, (_, key): (Table, Value)| -> mlua::Result<()> {
        let name = key.as_string().map_or_else(|| shown(&key), mlua::LuaString::to_string_lossy);
        Err(Error::runtime(format!(
            "'{name}' is assigned without `local`: write `local {name} = ...`, or service.vars.{name} to keep it"
        )))
    })?;
    metatable.raw_set("__newindex", assign)?;
    metatable.raw_set("__metatable", false)?;
    metatable.set_readonly(true);
    Ok(metatable)
}

/// What happens when a script names a member of a group that is not there. Those of `env` may be missing.
fn unknown_members(lua: &Lua, group: &'static Group) -> mlua::Result<Table> {
    let metatable = lua.create_table()?;
    let index = lua.create_function(move |_, (_, key): (Table, Value)| -> mlua::Result<()> {
        let name = key.as_string().map_or_else(|| shown(&key), mlua::LuaString::to_string_lossy);
        let full = format!("{}.{name}", group.name);
        // A group can have its items in several files.
        let items = GROUPS.iter().filter(|other| other.name == group.name).flat_map(|other| other.items);
        let names: Vec<&str> = items.map(|item| item.name).collect();
        Err(Error::runtime(match closest(&full, &names) {
            Some(meant) => format!("unknown name '{full}', did you mean '{meant}'?"),
            None => format!("unknown name '{full}'; there is {}", names.join(", ")),
        }))
    })?;
    metatable.raw_set("__index", index)?;
    metatable.raw_set("__metatable", false)?;
    metatable.set_readonly(true);
    Ok(metatable)
}

/// What is said of a global name that is not there.
pub fn unknown_name(name: &str) -> String {
    match closest(name, known()) {
        Some(meant) => format!("unknown name '{name}', did you mean '{meant}'?"),
        None => format!("unknown name '{name}'"),
    }
}

/// Every global name that a script may use.
fn known() -> &'static [&'static str] {
    const LANGUAGE: [&str; 29] = [
        "_G",
        "_VERSION",
        "typeof",
        "utf8",
        "xpcall",
        "assert",
        "bit32",
        "buffer",
        "error",
        "getmetatable",
        "ipairs",
        "math",
        "next",
        "pairs",
        "pcall",
        "print",
        "rawequal",
        "rawget",
        "rawlen",
        "rawset",
        "require",
        "select",
        "setmetatable",
        "string",
        "table",
        "tonumber",
        "tostring",
        "type",
        "unpack",
    ];
    static KNOWN: OnceLock<Vec<&'static str>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let groups = GROUPS.iter().map(|group| group.name);
        let constants = CONSTANTS.iter().map(|constant| constant.item.name);
        groups.chain(constants).chain(LANGUAGE).collect()
    })
}
