//! `clock`: the time of day, and time that only goes forward.

use std::rc::Rc;

use mlua::{Lua, MultiValue, Value};

use super::Group;
use super::arguments::Arguments;
use crate::hooks::context::Context;
use crate::hooks::reference::Item;
use crate::sys::clock::LocalTime;

/// The group.
pub(super) const GROUP: Group = Group {
    name: "clock",
    items: &[
        Item::function("clock.now", &[], "number", "Seconds since 1970 UTC, with a fraction."),
        Item::function(
            "clock.monotonic",
            &[],
            "number",
            "Seconds on a clock that nobody sets: for measuring how long something took.",
        ),
        Item::function(
            "clock.date",
            &[],
            "{ year: number, month: number, day: number, hour: number, min: number, sec: number, wday: number }",
            "The date and time at this place; wday is 1 on Sunday, as in Lua's os.date.",
        ),
        Item::function(
            "clock.between",
            &[("from", "string"), ("to", "string")],
            "boolean",
            "Whether the time of day at this place is at or after `from` and before `to`, both as \"HH:MM\"; past \
             midnight if `to` is the earlier one.",
        ),
    ],
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    let clock = context.clock();
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit in 53 bits for 285,000 years"
    )]
    let now = move |_: &Lua, ()| Ok(clock.wall() as f64 / 1000.0);
    table.raw_set("now", lua.create_function(now)?)?;
    table.raw_set("monotonic", lua.create_function(move |_, ()| Ok(clock.monotonic().as_secs_f64()))?)?;
    let date = move |lua: &Lua, ()| {
        let time = clock.local().ok_or_else(|| no_time("clock.date"))?;
        lua.create_table_from([
            ("year", time.year),
            ("month", time.month),
            ("day", time.day),
            ("hour", time.hour),
            ("min", time.minute),
            ("sec", time.second),
            ("wday", time.weekday + 1),
        ])
    };
    table.raw_set("date", lua.create_function(date)?)?;
    let between = move |_: &Lua, values: MultiValue| {
        let mut arguments = Arguments::new("clock.between", values);
        let from = minutes(&mut arguments, "from")?;
        let to = minutes(&mut arguments, "to")?;
        let LocalTime { hour, minute, .. } = clock.local().ok_or_else(|| no_time("clock.between"))?;
        let now = hour * 60 + minute;
        Ok(if from <= to { from <= now && now < to } else { from <= now || now < to })
    };
    table.raw_set("between", lua.create_function(between)?)?;
    Ok(Value::Table(table))
}

/// Minutes since midnight, of a time of day.
fn minutes(arguments: &mut Arguments, name: &str) -> mlua::Result<i32> {
    let text = arguments.text(name)?;
    let read = || {
        let (hour, minute) = text.split_once(':')?;
        let is_number = |part: &str| matches!(part.len(), 1..=2) && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(hour) || !is_number(minute) || minute.len() != 2 {
            return None;
        }
        let (hour, minute): (i32, i32) = (hour.parse().ok()?, minute.parse().ok()?);
        ((hour < 24 && minute < 60) || (hour, minute) == (24, 0)).then_some(hour * 60 + minute)
    };
    read().ok_or_else(|| {
        mlua::Error::runtime(format!(
            "clock.between: `{name}` must be a time of day such as \"02:30\"; got `{text}`"
        ))
    })
}

fn no_time(function: &str) -> mlua::Error {
    mlua::Error::runtime(format!("{function}: the wall clock is out of range"))
}
