//! `log`: lines in the supervisor's log, under the profile's name.

use std::rc::Rc;

use mlua::{Lua, MultiValue, Value};
use proclaunch_core::log::Level;

use super::Group;
use super::arguments::Arguments;
use crate::hooks::context::Context;
use crate::hooks::reference::Item;

/// The group.
pub(super) const GROUP: Group = Group {
    name: "log",
    items: &[
        Item::function("log.debug", &[("text", "string")], "", "Writes a line of level DEBUG to the log."),
        Item::function("log.info", &[("text", "string")], "", "Writes a line of level INFO to the log."),
        Item::function("log.warn", &[("text", "string")], "", "Writes a line of level WARN to the log."),
        Item::function("log.error", &[("text", "string")], "", "Writes a line of level ERROR to the log."),
    ],
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    for (name, function, level) in [
        ("debug", "log.debug", Level::Debug),
        ("info", "log.info", Level::Info),
        ("warn", "log.warn", Level::Warn),
        ("error", "log.error", Level::Error),
    ] {
        let context = Rc::clone(context);
        let say = move |_: &Lua, values: MultiValue| {
            context.say(level, &Arguments::new(function, values).text("text")?);
            Ok(())
        };
        table.raw_set(name, lua.create_function(say)?)?;
    }
    Ok(Value::Table(table))
}
