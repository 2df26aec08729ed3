//! The library of the language, as far as scripts get it: without what reaches outside, and with the few functions
//! that could compute for ever without being interrupted made anew.
//!
//! **Invariant:** no function here takes longer than its input is long.

use std::rc::Rc;

use mlua::{Error, Function, Lua, LuaString, MultiValue, Table, Value};
use proclaunch_core::log::Level;

use super::context::Context;
use super::fault::shown;

/// Globals of the interpreter that scripts do not get.
const REMOVED: [&str; 16] = [
    "collectgarbage",
    "coroutine",
    "debug",
    "dofile",
    "gcinfo",
    "getfenv",
    "io",
    "load",
    "loadfile",
    "loadstring",
    "newproxy",
    "os",
    "package",
    "require",
    "setfenv",
    "vector",
];

/// The most that `table.move` moves in one call.
const MOVE_MAX: i64 = 100_000;

/// The longest string that `string.rep` makes.
const REP_MAX: usize = 4 * 1024 * 1024;

/// Removes what scripts do not get, and replaces what they get in another form.
pub(super) fn harden(lua: &Lua, globals: &Table, context: &Rc<Context>) -> mlua::Result<()> {
    for name in REMOVED {
        globals.raw_set(name, Value::Nil)?;
    }
    globals.raw_set("print", print(lua, context)?)?;
    let string: Table = globals.raw_get("string")?;
    string.raw_set("find", find(lua, string.raw_get("find")?)?)?;
    string.raw_set("split", split(lua, &string)?)?;
    string.raw_set("rep", rep(lua, string.raw_get("rep")?)?)?;
    let table: Table = globals.raw_get("table")?;
    table.raw_set("move", table_move(lua, table.raw_get("move")?)?)?;
    Ok(())
}

/// `print`: a line of level INFO. Values are shown as they are; none of their methods is called.
fn print(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Function> {
    let context = Rc::clone(context);
    lua.create_function(move |_, values: MultiValue| {
        let words: Vec<String> = values
            .iter()
            .take(32)
            .map(|value| match value {
                Value::String(text) => text.to_string_lossy(),
                other => shown(other),
            })
            .collect();
        context.say(Level::Info, &words.join(" "));
        Ok(())
    })
}

/// `string.find`: searching plain text takes linear time; patterns are left to the interpreter, which interrupts them.
fn find(lua: &Lua, patterns: Function) -> mlua::Result<Function> {
    lua.create_function(move |_, values: MultiValue| {
        let is_plain =
            values.get(3).is_some_and(|plain| !matches!(plain, Value::Nil | Value::Boolean(false)));
        let (Some(Value::String(text)), Some(Value::String(wanted))) = (values.front(), values.get(1)) else {
            return patterns.call::<MultiValue>(values);
        };
        if !is_plain && wanted.as_bytes().iter().any(|byte| b"^$*+?.([%-".contains(byte)) {
            return patterns.call::<MultiValue>(values);
        }
        let Some(from) = start(values.get(2), text.as_bytes().len())? else {
            return Ok(MultiValue::from_iter([Value::Nil]));
        };
        let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
        let found = memchr::memmem::find(&text[from..], &wanted);
        Ok(match found {
            Some(at) => MultiValue::from_iter([index(from + at + 1), index(from + at + wanted.len())]),
            None => MultiValue::from_iter([Value::Nil]),
        })
    })
}

fn index(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The offset that the third argument of `string.find` means; none past the end.
fn start(value: Option<&Value>, length: usize) -> mlua::Result<Option<usize>> {
    let from = match value {
        None | Some(Value::Nil) => 1,
        Some(Value::Integer(from)) => *from,
        Some(other) => {
            let number = super::api::arguments::number(other);
            let whole = number.filter(|number| number.abs() < 1e15);
            #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
            whole.map(|number| number as i64).ok_or_else(|| {
                Error::runtime(format!("string.find: `init` must be a number; got {}", shown(other)))
            })?
        }
    };
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let from = if from < 0 { (length + from + 1).max(1) } else { from.max(1) };
    Ok(usize::try_from(from - 1).ok().filter(|_| from <= length + 1))
}

/// `string.split`, in the language itself: so it can be interrupted.
const SPLIT: &str = "local arguments, find, sub = ...
return function(...)
  local text, separator = arguments(...)
  local pieces, count, from = {}, 0, 1
  if separator == '' then
    for at = 1, #text do pieces[at] = sub(text, at, at) end
    return pieces
  end
  while true do
    local first, last = find(text, separator, from, true)
    count += 1
    if not first then
      pieces[count] = sub(text, from)
      return pieces
    end
    pieces[count] = sub(text, from, first - 1)
    from = last + 1
  end
end";

fn split(lua: &Lua, string: &Table) -> mlua::Result<Function> {
    let arguments = lua.create_function(|lua, (text, separator): (LuaString, Option<LuaString>)| {
        Ok((text, separator.map_or_else(|| lua.create_string(","), Ok)?))
    })?;
    let (find, sub): (Function, Function) = (string.raw_get("find")?, string.raw_get("sub")?);
    lua.load(SPLIT).set_name("=string.split").call((arguments, find, sub))
}

/// `string.rep` up to a length: the interpreter would fill all memory in one go.
fn rep(lua: &Lua, original: Function) -> mlua::Result<Function> {
    lua.create_function(move |_, (text, times): (LuaString, i64)| {
        let length = text.as_bytes().len().saturating_mul(usize::try_from(times).unwrap_or(0));
        if length > REP_MAX {
            return Err(Error::runtime(format!(
                "string.rep: the result would be longer than {REP_MAX} bytes"
            )));
        }
        original.call::<LuaString>((text, times))
    })
}

/// `table.move` of a limited number of items.
fn table_move(lua: &Lua, original: Function) -> mlua::Result<Function> {
    lua.create_function(move |_, (from, first, last, to, into): (Table, i64, i64, i64, Option<Table>)| {
        if last.saturating_sub(first) >= MOVE_MAX {
            return Err(Error::runtime(format!("table.move: more than {MOVE_MAX} items at once")));
        }
        match into {
            Some(into) => original.call::<Table>((from, first, last, to, into)),
            None => original.call::<Table>((from, first, last, to)),
        }
    })
}
