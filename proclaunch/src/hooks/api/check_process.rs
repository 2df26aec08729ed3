//! `check.rss`, `check.cpu`, `check.fds`, `check.children`: limits of what the main process uses.
//!
//! The global `check` has other checks too, in groups of the same name: what they make is put into one table.

use std::cell::RefCell;
use std::rc::Rc;

use mlua::{Error, Lua, MultiValue, Table, Value};

use super::arguments::{Arguments, Options};
use super::process::{Sample, main, main_id};
use super::{GROUPS, Group};
use crate::hooks::context::Context;
use crate::hooks::fault::shown;
use crate::hooks::outside::Measured;
use crate::hooks::reference::Item;

const OPTIONS: &str =
    "{ below: number, every: number?, times: (number | { number })?, timeout: number?, grace: number? }";

/// The group. To be the first of its name in [`GROUPS`].
pub(super) const GROUP: Group = Group {
    name: "check",
    items: &[
        Item::function(
            "check.rss",
            &[("options", OPTIONS)],
            "Check",
            "Healthy while less than `below` bytes of the main process are in RAM.",
        ),
        Item::function(
            "check.cpu",
            &[("options", OPTIONS)],
            "Check",
            "Healthy while the main process used less than `below` percent of one processor since the last check.",
        ),
        Item::function(
            "check.fds",
            &[("options", OPTIONS)],
            "Check",
            "Healthy while the main process has fewer than `below` descriptors open.",
        ),
        Item::function(
            "check.children",
            &[("options", OPTIONS)],
            "Check",
            "Healthy while fewer than `below` processes are below the main one; it can count 512.",
        ),
    ],
    make,
};

/// What is measured, and how it is said.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    measure: fn(&dyn Measured, &RefCell<Sample>, &Context) -> Result<f64, String>,
    say: fn(f64) -> String,
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "check.rss",
        measure: |probe, _, _| probe.rss(),
        say: |bytes| format!("rss {}", size(bytes)),
    },
    Kind {
        name: "check.cpu",
        measure: |probe, sample, context| sample.borrow_mut().percent(context, probe),
        say: |percent| format!("cpu {percent} %"),
    },
    Kind {
        name: "check.fds",
        measure: |probe, _, _| probe.fds(),
        say: |count| format!("descriptors {count}"),
    },
    Kind {
        name: "check.children",
        #[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
        measure: |_, _, context| Ok(context.outside().children(main_id(context)?)?.len() as f64),
        say: |count| format!("children {count}"),
    },
];

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    for kind in KINDS {
        let context = Rc::clone(context);
        let new = lua.create_function(move |lua, values| check(lua, &context, kind, values))?;
        table.raw_set(kind.name.trim_start_matches("check."), new)?;
    }
    let is_other =
        |group: &&&Group| group.name == GROUP.name && !std::ptr::fn_addr_eq(group.make, GROUP.make);
    for other in GROUPS.iter().filter(is_other) {
        if let Value::Table(made) = (other.make)(lua, context)? {
            for pair in made.pairs::<Value, Value>() {
                let (name, function) = pair?;
                table.raw_set(name, function)?;
            }
        }
    }
    Ok(Value::Table(table))
}

/// A check: its function, and the schedule as it was given.
fn check(lua: &Lua, context: &Rc<Context>, kind: Kind, values: MultiValue) -> mlua::Result<Table> {
    const SCHEDULE: [&str; 4] = ["every", "times", "timeout", "grace"];
    let table = Arguments::new(kind.name, values).table("options")?;
    let options = Options::new(kind.name, table, &["below", "every", "times", "timeout", "grace"])?;
    let below = options.number("below")?.filter(|below| *below > 0.0).ok_or_else(|| {
        let got = shown(&options.value("below").unwrap_or(Value::Nil));
        Error::runtime(format!("{}: `below` must be a number above 0; got {got}", kind.name))
    })?;
    let sample = RefCell::new(Sample::default());
    let context = Rc::clone(context);
    let function = lua.create_function(move |_, _: MultiValue| {
        // What cannot be measured is no reason for anything: a process that is gone has died, which is seen.
        let measured = main(&context).and_then(|probe| (kind.measure)(&*probe, &sample, &context));
        Ok(match measured {
            Err(_) => (None, None),
            Ok(number) if number < below => (Some(true), None),
            Ok(number) => {
                let limit = if kind.name == "check.rss" { size(below) } else { below.to_string() };
                (Some(false), Some(format!("{}, not below {limit}", (kind.say)(number))))
            }
        })
    })?;
    let check = lua.create_table()?;
    check.raw_set(1, function)?;
    for name in SCHEDULE {
        check.raw_set(name, options.value(name)?)?;
    }
    Ok(check)
}

/// Bytes as one says them.
fn size(bytes: f64) -> String {
    const MB: f64 = 1_048_576.0;
    if bytes < MB { format!("{:.0} KB", bytes / 1024.0) } else { format!("{:.1} MB", bytes / MB) }
}
