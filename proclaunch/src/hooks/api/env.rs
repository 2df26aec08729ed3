//! `env`: the environment that the service would be given.

use std::rc::Rc;

use mlua::{Lua, Value};

use super::Group;
use crate::hooks::context::Context;
use crate::hooks::reference::Item;

/// The group.
pub(crate) const GROUP: Group = Group {
    name: "env",
    items: &[Item::value(
        "env",
        "{ [string]: string }",
        "The environment that the service would be given, by name. Read-only.",
    )],
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    table(lua, context).map(Value::Table)
}

/// The variables of the profile as a read-only table.
pub(crate) fn table(lua: &Lua, context: &Context) -> mlua::Result<mlua::Table> {
    let table = lua.create_table()?;
    for variable in &context.profile().env {
        table.raw_set(&*variable.name, lua.create_string(&variable.value)?)?;
    }
    table.set_readonly(true);
    Ok(table)
}
