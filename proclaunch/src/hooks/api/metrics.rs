//! `metrics`: what hooks count and measure, for a monitoring system to read.

use std::collections::BTreeMap;
use std::rc::Rc;

use mlua::{Error, Lua, MultiValue, Table, Value};

use super::Group;
use super::arguments::{Arguments, text};
use crate::hooks::context::Context;
use crate::hooks::fault::shown;
use crate::hooks::metrics::{MetricKind, Sample, Series};
use crate::hooks::reference::Item;

/// The longest name, and the longest value of a label, in bytes.
const TEXT_MAX: usize = 128;

/// The most labels of one metric.
const LABELS_MAX: usize = 8;

/// What begins with it is ProcLaunch's own.
const RESERVED: &str = "proclaunch_";

/// The group.
pub(super) const GROUP: Group = Group {
    name: "metrics",
    items: &[
        Item::function(
            "metrics.counter",
            &[("name", "string"), ("amount", "number?"), ("labels", "{ [string]: string }?")],
            "",
            "Counts: adds an amount, 1 unless it is given, to what only grows. By custom its name ends in `_total`. \
             Names and labels are those of Prometheus; the label `profile` is added. It is written to \
             `STATE_DIR/metrics.prom` within 15 seconds, is part of `/metrics`, starts at 0 when ProcLaunch does, and \
             outlives reloads. A profile has at most 64 metrics, counted with their labels.",
        ),
        Item::function(
            "metrics.gauge",
            &[("name", "string"), ("value", "number"), ("labels", "{ [string]: string }?")],
            "",
            "Says what something is at the moment; see `metrics.counter`.",
        ),
    ],
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    for (name, function, kind) in
        [("counter", "metrics.counter", MetricKind::Counter), ("gauge", "metrics.gauge", MetricKind::Gauge)]
    {
        let context = Rc::clone(context);
        let note = move |_: &Lua, values: MultiValue| {
            let sample = sample(function, kind, values)?;
            let added = context.metrics.borrow_mut().add(sample);
            added.map_err(|why| Error::runtime(format!("{function}: {why}")))
        };
        table.raw_set(name, lua.create_function(note)?)?;
    }
    Ok(Value::Table(table))
}

fn sample(function: &'static str, kind: MetricKind, values: MultiValue) -> mlua::Result<Sample> {
    let mut arguments = Arguments::new(function, values);
    let metric = arguments.text("name")?;
    let is_legal = is_name(&metric, b"_:") && !metric.starts_with(RESERVED);
    if !is_legal {
        return Err(Error::runtime(format!(
            "{function}: `name` must be letters, digits, `_` and `:`, not begin with a digit or `{RESERVED}`, and have \
             at most {TEXT_MAX} characters; got {}",
            quoted(&metric)
        )));
    }
    let value = match kind {
        MetricKind::Counter => amount(&mut arguments)?,
        MetricKind::Gauge => arguments.number("value")?,
    };
    let labels = match arguments.value() {
        Value::Nil => BTreeMap::new(),
        Value::Table(table) => labels(function, &table)?,
        other => return Err(arguments.wrong("labels", "a table", &other)),
    };
    Ok(Sample { series: Series { metric, labels }, kind, value })
}

fn amount(arguments: &mut Arguments) -> mlua::Result<f64> {
    let value = arguments.value();
    let amount = if value.is_nil() { Some(1.0) } else { super::arguments::number(&value) };
    amount
        .filter(|amount| *amount >= 0.0)
        .ok_or_else(|| arguments.wrong("amount", "a number, at least 0", &value))
}

fn labels(function: &'static str, table: &Table) -> mlua::Result<BTreeMap<String, String>> {
    let wrong = |what: String| Error::runtime(format!("{function}: {what}"));
    let mut labels = BTreeMap::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let Some(name) = text(&key) else {
            return Err(wrong(format!("a label must have a name; got {}", shown(&key))));
        };
        if !is_name(&name, b"_") || name.starts_with("__") || name == "profile" {
            return Err(wrong(format!(
                "a label's name must be letters, digits and `_`, not begin with a digit or `__`, and not be `profile`; \
                 got {}",
                quoted(&name)
            )));
        }
        let Some(value) = text(&value).filter(|value| value.len() <= TEXT_MAX) else {
            return Err(wrong(format!("the label `{name}` must be a string of at most {TEXT_MAX} bytes")));
        };
        if labels.len() == LABELS_MAX {
            return Err(wrong(format!("more than {LABELS_MAX} labels")));
        }
        labels.insert(name, value);
    }
    Ok(labels)
}

/// Whether it is letters, digits and these signs, and begins with no digit.
fn is_name(name: &str, signs: &[u8]) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || signs.contains(&byte);
    (1..=TEXT_MAX).contains(&name.len())
        && name.bytes().all(is_legal)
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// As much of a name as fits into a line.
fn quoted(name: &str) -> String {
    let short: String = name.chars().take(40).collect();
    if short.len() < name.len() { format!("`{short}...`") } else { format!("`{short}`") }
}
