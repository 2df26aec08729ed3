//! The methods of the service argument that look at its processes, and those that ask for something.

mod child;
mod children;
mod probe;
mod requests;
mod sample;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use mlua::{IntoLuaMulti, Lua, MultiValue, Value};
use proclaunch_core::hook::Hook;
use proclaunch_core::ids::ProcId;

use super::Method;
use super::arguments::Arguments;
use crate::hooks::context::Context;
use crate::hooks::outside::Measured;
use crate::hooks::reference::Item;

pub(crate) use child::CHILD;
pub(in crate::hooks) use child::signal;
pub(super) use children::CHILDREN;
pub(in crate::hooks) use children::descendants;
pub(in crate::hooks) use probe::Probe;
pub(super) use requests::{RESTART, SIGNAL, STOP};
pub(super) use sample::Sample;

const MAYBE_NUMBER: &str = "(number?, string?)";

/// `service:rss`.
pub(super) const RSS: Method = Method {
    item: Item::function(
        "service:rss",
        &[],
        MAYBE_NUMBER,
        "How much memory of the main process is in RAM, in bytes; nil and the reason when it is gone.",
    ),
    make: |lua, context| measuring(lua, context, "service:rss", |probe, _| probe.rss()),
};

/// `service:cpu`.
pub(super) const CPU: Method = Method {
    item: Item::function(
        "service:cpu",
        &[],
        MAYBE_NUMBER,
        "How much CPU the main process used since the same hook last asked, or at first since it was started, in \
         percent of one processor: with several threads it can be above 100. Nil and the reason when it is gone.",
    ),
    make: |lua, context| {
        let samples: RefCell<BTreeMap<Option<Hook>, Sample>> = RefCell::default();
        measuring(lua, context, "service:cpu", move |probe, context| {
            samples.borrow_mut().entry(context.hook()).or_default().percent(context, probe)
        })
    },
};

/// `service:threads`.
pub(super) const THREADS: Method = Method {
    item: Item::function(
        "service:threads",
        &[],
        MAYBE_NUMBER,
        "How many threads the main process has; nil and the reason when it is gone.",
    ),
    make: |lua, context| measuring(lua, context, "service:threads", |probe, _| probe.threads()),
};

/// `service:fds`.
pub(super) const FDS: Method = Method {
    item: Item::function(
        "service:fds",
        &[],
        MAYBE_NUMBER,
        "How many descriptors the main process has open; nil and the reason when it is gone.",
    ),
    make: |lua, context| measuring(lua, context, "service:fds", |probe, _| probe.fds()),
};

/// `service:cmdline`.
pub(super) const CMDLINE: Method = Method {
    item: Item::function(
        "service:cmdline",
        &[],
        "(string?, string?)",
        "The command line of the main process, its words separated by spaces, at most 4 KiB of it; nil and the reason \
         when it is gone.",
    ),
    make: |lua, context| {
        answering(lua, context, "service:cmdline", |lua, context| {
            Ok(lua.create_string(main(context)?.cmdline()?).map(Value::String))
        })
    },
};

/// The main process that the hook was told of, if it still lives.
pub(super) fn main(context: &Context) -> Result<Box<dyn Measured>, String> {
    context.outside().process(main_id(context)?)
}

/// Which process the hook was told of.
pub(super) fn main_id(context: &Context) -> Result<ProcId, String> {
    let call = context.call();
    let asked = call.as_ref().and_then(|call| call.question.as_ref());
    asked.and_then(|asked| asked.service.process).ok_or_else(|| "there is no process".to_owned())
}

/// A method that gives a number, or nil and the reason.
fn measuring(
    lua: &Lua,
    context: &Rc<Context>,
    name: &'static str,
    measure: impl Fn(&dyn Measured, &Context) -> Result<f64, String> + 'static,
) -> mlua::Result<Value> {
    answering(lua, context, name, move |_, context| {
        Ok(Ok(Value::Number(measure(&*main(context)?, context)?)))
    })
}

/// A method without arguments that gives something, or nil and the reason.
fn answering(
    lua: &Lua,
    context: &Rc<Context>,
    name: &'static str,
    answer: impl Fn(&Lua, &Context) -> Result<mlua::Result<Value>, String> + 'static,
) -> mlua::Result<Value> {
    let context = Rc::clone(context);
    let method = move |lua: &Lua, values: MultiValue| {
        called(name, values)?;
        match answer(lua, &context) {
            Ok(value) => value?.into_lua_multi(lua),
            Err(why) => (Value::Nil, why).into_lua_multi(lua),
        }
    };
    lua.create_function(method).map(Value::Function)
}

/// The arguments of a method, after the service itself.
fn called(name: &'static str, values: MultiValue) -> mlua::Result<Arguments> {
    let mut arguments = Arguments::new(name, values);
    arguments
        .table("service")
        .map_err(|_| mlua::Error::runtime(format!("{name}: call it with a colon, as in {name}(...)")))?;
    Ok(arguments)
}
