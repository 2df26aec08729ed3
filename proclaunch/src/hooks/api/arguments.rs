//! The arguments of one call of an API function, taken one by one, with errors that name what is wrong.

use std::time::Duration;

use mlua::{Error, MultiValue, Table, Value};
use proclaunch_core::profile::closest;

use crate::hooks::fault::shown;

/// The longest time that hooks can name: a year.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// What a function was called with.
#[derive(Debug)]
pub struct Arguments {
    function: &'static str,
    values: MultiValue,
}

impl Arguments {
    /// The arguments of a call of `function`.
    pub fn new(function: &'static str, values: MultiValue) -> Self {
        Self { function, values }
    }

    /// The next one, of any type; nil if there is none.
    pub fn value(&mut self) -> Value {
        self.values.pop_front().unwrap_or(Value::Nil)
    }

    /// The next one, as text.
    pub fn text(&mut self, name: &str) -> mlua::Result<String> {
        let value = self.value();
        text(&value).ok_or_else(|| self.wrong(name, "a string", &value))
    }

    /// The next one, as text, unless it is nil.
    pub fn optional_text(&mut self, name: &str) -> mlua::Result<Option<String>> {
        match self.value() {
            Value::Nil => Ok(None),
            value => text(&value).map(Some).ok_or_else(|| self.wrong(name, "a string", &value)),
        }
    }

    /// The next one, as a number.
    pub fn number(&mut self, name: &str) -> mlua::Result<f64> {
        let value = self.value();
        number(&value).ok_or_else(|| self.wrong(name, "a number", &value))
    }

    /// The next one, as a time in seconds.
    pub fn seconds(&mut self, name: &str) -> mlua::Result<Duration> {
        let value = self.value();
        seconds(&value).ok_or_else(|| self.wrong(name, "a number of seconds", &value))
    }

    /// The next one, as a table.
    pub fn table(&mut self, name: &str) -> mlua::Result<Table> {
        match self.value() {
            Value::Table(table) => Ok(table),
            value => Err(self.wrong(name, "a table", &value)),
        }
    }

    /// The next one, as a table of named options; without one, no option is set.
    pub fn options(&mut self, known: &'static [&'static str]) -> mlua::Result<Options> {
        match self.value() {
            Value::Nil => Ok(Options { function: self.function, table: None }),
            Value::Table(table) => Options::new(self.function, table, known),
            value => Err(self.wrong("options", "a table", &value)),
        }
    }

    /// The error that `name` should have been `expected`.
    pub fn wrong(&self, name: &str, expected: &str, got: &Value) -> Error {
        wrong(self.function, name, expected, got)
    }
}

/// A table of named options.
#[derive(Debug)]
pub struct Options {
    function: &'static str,
    table: Option<Table>,
}

impl Options {
    /// The options in `table`. Items of its list part are left alone.
    ///
    /// # Errors
    /// It has a name that is none of `known`.
    pub fn new(function: &'static str, table: Table, known: &[&'static str]) -> mlua::Result<Self> {
        for pair in table.pairs::<Value, Value>() {
            match pair?.0 {
                Value::Integer(_) | Value::Number(_) => {}
                key => {
                    let name = text(&key).unwrap_or_else(|| shown(&key));
                    if !known.contains(&name.as_str()) {
                        let meant = closest(&name, known).map(|name| format!(", did you mean `{name}`?"));
                        return Err(Error::runtime(format!(
                            "{function}: unknown option `{name}`{}",
                            meant.unwrap_or_default()
                        )));
                    }
                }
            }
        }
        Ok(Self { function, table: Some(table) })
    }

    /// The table itself.
    pub fn table(&self) -> Option<&Table> {
        self.table.as_ref()
    }

    /// An option of any type; nil if it is not set.
    pub fn value(&self, name: &str) -> mlua::Result<Value> {
        self.table.as_ref().map_or(Ok(Value::Nil), |table| table.raw_get(name))
    }

    /// An option, as text.
    pub fn text(&self, name: &str) -> mlua::Result<Option<String>> {
        self.get(name, "a string", text)
    }

    /// An option, as a number.
    pub fn number(&self, name: &str) -> mlua::Result<Option<f64>> {
        self.get(name, "a number", number)
    }

    /// An option, as a time in seconds.
    pub fn seconds(&self, name: &str) -> mlua::Result<Option<Duration>> {
        self.get(name, "a number of seconds", seconds)
    }

    /// An option, as a truth.
    pub fn boolean(&self, name: &str) -> mlua::Result<Option<bool>> {
        self.get(name, "true or false", Value::as_boolean)
    }

    fn get<T>(&self, name: &str, expected: &str, read: fn(&Value) -> Option<T>) -> mlua::Result<Option<T>> {
        match self.value(name)? {
            Value::Nil => Ok(None),
            value => read(&value).map(Some).ok_or_else(|| wrong(self.function, name, expected, &value)),
        }
    }
}

fn wrong(function: &str, name: &str, expected: &str, got: &Value) -> Error {
    Error::runtime(format!("{function}: `{name}` must be {expected}; got {}", shown(got)))
}

/// A string as text; what is not UTF-8 is replaced.
pub fn text(value: &Value) -> Option<String> {
    value.as_string().map(mlua::LuaString::to_string_lossy)
}

/// A number that is one: neither infinite nor undefined.
#[expect(clippy::cast_precision_loss, reason = "an integer of Luau was a double before")]
pub fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Integer(number) => Some(*number as f64),
        value => value.as_number(),
    };
    number.filter(|number| number.is_finite())
}

/// A number of seconds from 0 to a year.
pub fn seconds(value: &Value) -> Option<Duration> {
    number(value).and_then(|number| Duration::try_from_secs_f64(number).ok()).filter(|time| *time <= LONGEST)
}
