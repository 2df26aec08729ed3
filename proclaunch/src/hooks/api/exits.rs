//! `service:exits`: how often the process ended of late.

use std::rc::Rc;

use mlua::{Lua, MultiValue, Value};

use super::Method;
use super::arguments::Arguments;
use crate::hooks::context::Context;
use crate::hooks::reference::Item;

/// The method.
pub(super) const METHOD: Method = Method {
    item: Item::function(
        "service:exits",
        &[("seconds", "number")],
        "number",
        "How many times the process ended unasked within the last so many seconds; it can count 64.",
    ),
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let context = Rc::clone(context);
    let exits = move |_: &Lua, values: MultiValue| {
        let mut arguments = Arguments::new("service:exits", values);
        arguments.table("service").map_err(|_| {
            mlua::Error::runtime("service:exits: call it with a colon, as in service:exits(60)")
        })?;
        let within = arguments.seconds("seconds")?;
        let call = context.call();
        let ages =
            call.as_ref().and_then(|call| call.question.as_ref()).map(|asked| &asked.service.exit_ages);
        Ok(ages.map_or(0, |ages| ages.iter().filter(|age| **age <= within).count()))
    };
    Ok(Value::Function(lua.create_function(exits)?))
}
