//! `service:children`: what runs below the main process.

use std::cell::Cell;
use std::rc::Rc;

use mlua::{IntoLuaMulti, Lua, MultiValue, Value};
use proclaunch_core::ids::ProcId;

use super::child::Child;
use super::{Method, Probe, called, main_id};
use crate::hooks::context::Context;
use crate::hooks::reference::Item;
use crate::keeper::{Children, OwnChildren, below};

/// The most processes that are looked at: nothing interrupts it.
const CHILDREN_MAX: usize = 512;

/// The method.
pub(in crate::hooks::api) const CHILDREN: Method = Method {
    item: Item::function(
        "service:children",
        &[],
        "{ Child }",
        "The live processes below the main process, children of children among them, the oldest first; at most 512. \
         Empty when the main process is gone.",
    ),
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let context = Rc::clone(context);
    let children = move |lua: &Lua, values: MultiValue| {
        called("service:children", values)?;
        let list = lua.create_table()?;
        let found = main_id(&context).and_then(|main| context.outside().children(main)).unwrap_or_default();
        for (index, id) in found.into_iter().enumerate() {
            list.raw_set(index + 1, Child::new(id, &context))?;
        }
        list.into_lua_multi(lua)
    };
    lua.create_function(children).map(Value::Function)
}

/// The live processes below a process, the oldest first.
pub(in crate::hooks) fn descendants(main: &Probe) -> Vec<ProcId> {
    let seen = Cell::new(0);
    let enough = |_| seen.replace(seen.get() + 1) >= CHILDREN_MAX;
    let mut found = below(&[main.id().pid], &Children::new(OwnChildren::open().is_some()), enough);
    found.sort_by_key(|stat| (stat.id.start, stat.id.pid));
    found.into_iter().map(|stat| stat.id).collect()
}
