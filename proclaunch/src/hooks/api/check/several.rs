//! Checks made of checks.

use std::rc::Rc;

use mlua::{Error, Function, Lua, MultiValue, Table, Value};

use super::{Maker, SCHEDULE, answered};
use crate::hooks::api::arguments::{Arguments, Options, seconds, text};
use crate::hooks::api::net::TIMEOUT;
use crate::hooks::fault::shown;

/// The type of the argument.
pub(super) const CHECKS: &str = "{ [number]: Check | ((service: Service) -> (boolean?, string?)), every: number?, timeout: \
                                 number?, times: (number | { number })?, grace: number? }";

/// What `check.any` does.
pub(super) const ANY: &str = "Healthy while one of the checks or functions in the list is: they are asked one after \
                              the other. They have no schedule of their own but a `timeout`; together they have the \
                              sum of these.";

/// What `check.all` does.
pub(super) const ALL: &str =
    "Healthy while all of the checks or functions in the list are; otherwise as check.any.";

/// `check.any`.
pub(super) fn any(lua: &Lua, maker: &Maker, values: MultiValue) -> mlua::Result<Table> {
    several(lua, maker, "check.any", values, true)
}

/// `check.all`.
pub(super) fn all(lua: &Lua, maker: &Maker, values: MultiValue) -> mlua::Result<Table> {
    several(lua, maker, "check.all", values, false)
}

/// The check that is what the first of several says that answers `decisive`.
fn several(
    lua: &Lua,
    maker: &Maker,
    function: &'static str,
    values: MultiValue,
    decisive: bool,
) -> mlua::Result<Table> {
    let table = Arguments::new(function, values).table("checks")?;
    Options::new(function, table.clone(), &SCHEDULE)?;
    let length = table.raw_len();
    if length == 0 {
        return Err(Error::runtime(format!("{function}: the list of checks is empty")));
    }
    let mut checks = Vec::with_capacity(length);
    let mut time = 0.0;
    for index in 1..=length {
        let (check, timeout) = one(function, index, &table.raw_get(index)?)?;
        checks.push(check);
        time += timeout;
    }
    let checks: Rc<[Function]> = checks.into();
    let check = maker.check_by(lua, &table, move |lua, values| {
        let checks = Rc::clone(&checks);
        Box::pin(async move { ask(&lua, &checks, values, function, decisive).await })
    })?;
    if check.raw_get::<Value>("timeout")?.is_nil() {
        check.raw_set("timeout", time)?;
    }
    Ok(check)
}

/// The function of a check, and how many seconds it may take.
fn one(function: &str, index: usize, value: &Value) -> mlua::Result<(Function, f64)> {
    let wrong = |why: &str| Error::runtime(format!("{function}: item {index} {why}"));
    match value {
        Value::Function(check) => Ok((check.clone(), TIMEOUT.as_secs_f64())),
        Value::Table(check) => {
            for name in ["every", "times", "grace"] {
                if !check.raw_get::<Value>(name)?.is_nil() {
                    return Err(wrong(&format!("has `{name}`, which belongs to the whole")));
                }
            }
            let timeout = seconds(&check.raw_get("timeout")?).unwrap_or(TIMEOUT).as_secs_f64();
            let first: Value = check.raw_get(1)?;
            let first = first.as_function().cloned();
            first
                .map(|check| (check, timeout))
                .ok_or_else(|| wrong("must be a check; got a table without a function"))
        }
        other => Err(wrong(&format!("must be a check or a function; got {}", shown(other)))),
    }
}

async fn ask(
    lua: &Lua,
    checks: &[Function],
    values: MultiValue,
    function: &str,
    decisive: bool,
) -> mlua::Result<MultiValue> {
    let mut reasons = Vec::new();
    let mut is_certain = true;
    for check in checks {
        let answer: MultiValue = check.call_async(values.clone()).await?;
        let reason = answer.get(1).and_then(text);
        match answer.front() {
            Some(Value::Boolean(found)) if *found == decisive => {
                return answered(lua, Some(decisive), reason.filter(|_| !decisive));
            }
            Some(Value::Boolean(_)) => reasons.extend(reason),
            None | Some(Value::Nil) => is_certain = false,
            Some(other) => {
                let got = shown(other);
                return Err(Error::runtime(format!(
                    "{function}: a check must return true, false or nil; got {got}"
                )));
            }
        }
    }
    let found = is_certain.then_some(!decisive);
    answered(lua, found, Some(reasons.join("; ")).filter(|_| found == Some(false)))
}
