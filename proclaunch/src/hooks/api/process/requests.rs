//! What a hook can ask the core for: a restart, a stop, a signal to the main process. Granted where it is legal.

use std::rc::Rc;

use mlua::{Lua, MultiValue, Value};
use proclaunch_core::hook::Wish;

use super::child::signal_and_reason;
use super::{Method, called};
use crate::hooks::api::arguments::Arguments;
use crate::hooks::context::Context;
use crate::hooks::fault::bounded;
use crate::hooks::reference::Item;

/// `service:restart`.
pub(in crate::hooks::api) const RESTART: Method = Method {
    item: Item::function(
        "service:restart",
        &[("reason", "string")],
        "",
        "Asks for a restart, by the settings for stopping. The reason stands in the log.",
    ),
    make: |lua, context| {
        wishing(lua, context, "service:restart", |mut arguments| {
            Ok(Wish::Restart(bounded(&arguments.text("reason")?)))
        })
    },
};

/// `service:stop`.
pub(in crate::hooks::api) const STOP: Method = Method {
    item: Item::function(
        "service:stop",
        &[("reason", "string")],
        "",
        "Asks for a stop: the service stays down until it is ordered up. The reason stands in the log.",
    ),
    make: |lua, context| {
        wishing(lua, context, "service:stop", |mut arguments| {
            Ok(Wish::Stop(bounded(&arguments.text("reason")?)))
        })
    },
};

/// `service:signal`.
pub(in crate::hooks::api) const SIGNAL: Method = Method {
    item: Item::function(
        "service:signal",
        &[("name", "string"), ("reason", "string")],
        "",
        "Asks for a signal to the main process, such as \"USR1\". The reason stands in the log.",
    ),
    make: |lua, context| {
        wishing(lua, context, "service:signal", |arguments| {
            let (signal, reason) = signal_and_reason(arguments)?;
            Ok(Wish::Signal(signal, bounded(&reason)))
        })
    },
};

fn wishing(
    lua: &Lua,
    context: &Rc<Context>,
    name: &'static str,
    read: fn(Arguments) -> mlua::Result<Wish>,
) -> mlua::Result<Value> {
    let context = Rc::clone(context);
    let wish = move |_: &Lua, values: MultiValue| context.wish(name, read(called(name, values)?)?);
    lua.create_function(wish).map(Value::Function)
}
