//! `json`: text to data and back.

use std::rc::Rc;

use mlua::{Lua, MultiValue, Value};

use super::Group;
use super::arguments::Arguments;
use crate::hooks::context::Context;
use crate::hooks::plain;
use crate::hooks::reference::Item;

/// The longest text, in bytes: reading it cannot be interrupted.
const LONGEST: usize = 1024 * 1024;

/// The group.
pub(super) const GROUP: Group = Group {
    name: "json",
    items: &[
        Item::function(
            "json.decode",
            &[("text", "string")],
            "any",
            "The data that a JSON text of at most 1 MiB stands for; null becomes nil. Raises an error if it is not \
             JSON.",
        ),
        Item::function(
            "json.encode",
            &[("data", "any")],
            "string",
            "The JSON text of plain data: numbers, strings, booleans, and tables of these. A table with the keys 1 to \
             n is a list, and an empty one an object.",
        ),
    ],
    make,
};

fn make(lua: &Lua, _: &Rc<Context>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    let decode = |lua: &Lua, values: MultiValue| {
        let mut arguments = Arguments::new("json.decode", values);
        let value = arguments.value();
        let text = value.as_string().ok_or_else(|| arguments.wrong("text", "a string", &value))?;
        let bytes = text.as_bytes();
        if bytes.len() > LONGEST {
            return Err(mlua::Error::runtime(format!(
                "json.decode: the text is longer than {LONGEST} bytes"
            )));
        }
        let data = serde_json::from_slice(&bytes)
            .map_err(|error| mlua::Error::runtime(format!("json.decode: {error}")))?;
        plain::to_lua(lua, &data)
    };
    table.raw_set("decode", lua.create_function(decode)?)?;
    let encode = |_: &Lua, values: MultiValue| {
        let value = Arguments::new("json.encode", values).value();
        plain::to_json("data", &value, LONGEST)
            .map(|data| data.to_string())
            .map_err(|unfit| mlua::Error::runtime(format!("json.encode: {unfit}")))
    };
    table.raw_set("encode", lua.create_function(encode)?)?;
    Ok(Value::Table(table))
}
