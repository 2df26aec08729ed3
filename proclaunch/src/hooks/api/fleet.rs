//! `fleet`: what is known of the other profiles.

use std::rc::Rc;
use std::time::Duration;

use mlua::{IntoLuaMulti, Lua, MultiValue, Value};
use proclaunch_core::ids::ProfileName;

use super::Group;
use super::arguments::Arguments;
use crate::hooks::context::Context;
use crate::hooks::fleet::Member;
use crate::hooks::reference::Item;

/// The group.
pub(super) const GROUP: Group = Group {
    name: "fleet",
    items: &[
        Item::function(
            "fleet.get",
            &[("name", "string")],
            "{ name: string, state: string, health: string, pid: number?, uptime: number }?",
            "What a profile does, a moment ago at most: `state` is \"stopped\", \"starting\", \"running\" or \
             \"stopping\", `health` is \"unknown\", \"healthy\" or \"unhealthy\". Nil if there is no such profile.",
        ),
        Item::function("fleet.names", &[], "{ string }", "The names of all profiles, in order."),
    ],
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    let here = Rc::clone(context);
    let get = move |lua: &Lua, values: MultiValue| {
        let name = Arguments::new("fleet.get", values).text("name")?;
        let snapshot = here.fleet().snapshot();
        let found = ProfileName::parse(&name).and_then(|name| snapshot.get_key_value(&name));
        match found {
            Some((name, one)) => member(lua, &here, name, one)?.into_lua_multi(lua),
            None => Value::Nil.into_lua_multi(lua),
        }
    };
    table.raw_set("get", lua.create_function(get)?)?;
    let here = Rc::clone(context);
    let names = move |lua: &Lua, ()| {
        let snapshot = here.fleet().snapshot();
        lua.create_sequence_from(snapshot.keys().map(ProfileName::as_str))
    };
    table.raw_set("names", lua.create_function(names)?)?;
    Ok(Value::Table(table))
}

fn member(lua: &Lua, context: &Context, name: &ProfileName, member: &Member) -> mlua::Result<mlua::Table> {
    let table = lua.create_table()?;
    table.raw_set("name", name.as_str())?;
    table.raw_set("state", member.state.as_str())?;
    table.raw_set("health", member.health.as_str())?;
    table.raw_set("pid", member.pid)?;
    let started = member.started.map(|started| Duration::from_nanos(started.as_nanos()));
    let uptime = started.map_or(0, |started| context.clock().monotonic().saturating_sub(started).as_secs());
    table.raw_set("uptime", uptime)?;
    Ok(table)
}
