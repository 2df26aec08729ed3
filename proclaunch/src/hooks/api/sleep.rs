//! `sleep`: waits, and lets everybody else work meanwhile.

use std::rc::Rc;

use mlua::{Lua, MultiValue, Value};

use super::Group;
use super::arguments::Arguments;
use crate::hooks::context::Context;
use crate::hooks::reference::Item;

/// The group.
pub(super) const GROUP: Group = Group {
    name: "sleep",
    items: &[Item::function(
        "sleep",
        &[("seconds", "number")],
        "",
        "Waits so many seconds, fractions allowed. Counts against the hook's budget of time.",
    )],
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let context = Rc::clone(context);
    let sleep = move |_: Lua, values: MultiValue| {
        let context = Rc::clone(&context);
        async move {
            context.may_wait("sleep")?;
            let time = Arguments::new("sleep", values).seconds("seconds")?;
            context.clock().wait(time).await;
            Ok(())
        }
    };
    Ok(Value::Function(lua.create_async_function(sleep)?))
}
