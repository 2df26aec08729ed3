//! `supervisor`: what a hook can ask of the whole.

use std::rc::Rc;

use mlua::{Lua, MultiValue, Value};
use proclaunch_core::hook::Wish;

use super::Group;
use super::arguments::Arguments;
use crate::hooks::context::Context;
use crate::hooks::fault::bounded;
use crate::hooks::reference::Item;

/// The group.
pub(super) const GROUP: Group = Group {
    name: "supervisor",
    items: &[Item::function(
        "supervisor.shutdown",
        &[("reason", "string")],
        "",
        "Asks for an orderly end of everything: all services are stopped, and ProcLaunch ends. The reason stands in \
         the log.",
    )],
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    let context = Rc::clone(context);
    let shutdown = move |_: &Lua, values: MultiValue| {
        const NAME: &str = "supervisor.shutdown";
        let reason = Arguments::new(NAME, values).text("reason")?;
        context.wish(NAME, Wish::Shutdown(bounded(&reason)))
    };
    table.raw_set("shutdown", lua.create_function(shutdown)?)?;
    Ok(Value::Table(table))
}
