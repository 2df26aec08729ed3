//! Plain data: from Lua to JSON and back.
//!
//! **Invariant:** any Lua value gives data or a named error; neither depth, size nor a cycle can make it run away, and
//! no code of the script runs meanwhile.

use std::fmt;

use mlua::{Lua, Table, Value};
use serde_json::{Map, Number, Value as Json};

use super::fault::shown;

/// The deepest nesting of tables.
const DEEPEST: usize = 32;

/// Why a value is not plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    path: String,
    why: String,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.path, self.why)
    }
}

/// The data that a Lua value, called `name`, is; at most `limit` bytes of it, roughly.
pub(crate) fn to_json(name: &str, value: &Value, limit: usize) -> Result<Json, Unfit> {
    Reader { path: vec![name.to_owned()], left: limit, limit, open: Vec::new() }.read(value)
}

struct Reader {
    path: Vec<String>,
    left: usize,
    limit: usize,
    open: Vec<*const std::ffi::c_void>,
}

impl Reader {
    fn read(&mut self, value: &Value) -> Result<Json, Unfit> {
        self.take(2)?;
        match value {
            Value::Nil => Ok(Json::Null),
            Value::Boolean(truth) => Ok(Json::Bool(*truth)),
            Value::Integer(number) => {
                self.take(8)?;
                Ok(Json::from(*number))
            }
            Value::Number(number) => {
                self.take(8)?;
                let number = whole(*number).map(Number::from).or_else(|| Number::from_f64(*number));
                number.map(Json::Number).ok_or_else(|| self.unfit("is no finite number"))
            }
            Value::String(text) => {
                let bytes = text.as_bytes();
                self.take(bytes.len())?;
                match std::str::from_utf8(&bytes) {
                    Ok(text) => Ok(Json::from(text)),
                    Err(_) => Err(self.unfit("is not valid UTF-8")),
                }
            }
            Value::Table(table) => self.table(table),
            other => Err(self.unfit(&format!("is {}, which is not plain data", shown(other)))),
        }
    }

    fn table(&mut self, table: &Table) -> Result<Json, Unfit> {
        let identity = table.to_pointer();
        if self.open.contains(&identity) {
            return Err(self.unfit("contains itself"));
        }
        if self.open.len() >= DEEPEST {
            return Err(self.unfit(&format!("is nested more than {DEEPEST} tables deep")));
        }
        self.open.push(identity);
        let length = table.raw_len();
        let read = if length > 0 { self.list(table, length) } else { self.object(table) };
        self.open.pop();
        read
    }

    fn list(&mut self, table: &Table, length: usize) -> Result<Json, Unfit> {
        let mut list = Vec::new();
        for index in 1..=length {
            let item = table.raw_get::<Value>(index).map_err(|_| self.unfit("cannot be read"))?;
            if item.is_nil() {
                return Err(self.unfit("has gaps in its list"));
            }
            self.path.push(format!("[{index}]"));
            list.push(self.read(&item)?);
            self.path.pop();
        }
        if table.pairs::<Value, Value>().take(length + 1).count() > length {
            return Err(self.unfit("has both a list and other keys, or gaps in its list"));
        }
        Ok(Json::Array(list))
    }

    fn object(&mut self, table: &Table) -> Result<Json, Unfit> {
        let mut object = Map::new();
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair.map_err(|_| self.unfit("cannot be read"))?;
            let Value::String(key) = key else {
                let key = shown(&key);
                return Err(
                    self.unfit(&format!("has the key {key}: keys are strings, or 1 to n without gaps"))
                );
            };
            let Ok(key) = key.to_str().map(|key| key.to_owned()) else {
                return Err(self.unfit("has a key that is not valid UTF-8"));
            };
            self.take(key.len() + 2)?;
            self.path.push(format!(".{key}"));
            object.insert(key, self.read(&value)?);
            self.path.pop();
        }
        Ok(Json::Object(object))
    }

    fn take(&mut self, bytes: usize) -> Result<(), Unfit> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| Unfit {
            path: self.path[0].clone(),
            why: format!("is more than {} bytes", self.limit),
        })?;
        Ok(())
    }

    fn unfit(&self, why: &str) -> Unfit {
        Unfit { path: super::fault::bounded(&self.path.concat()), why: why.to_owned() }
    }
}

/// The integer that a number is, where it is one that a double holds exactly.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

/// The Lua value for data; null becomes nil.
pub(crate) fn to_lua(lua: &Lua, data: &Json) -> mlua::Result<Value> {
    Ok(match data {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Boolean(*truth),
        Json::Number(number) => match number.as_i64() {
            Some(number) if number.unsigned_abs() <= 1 << 53 => Value::Integer(number),
            _ => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(list) => {
            let table = lua.create_table_with_capacity(list.len(), 0)?;
            for (index, item) in list.iter().enumerate() {
                table.raw_set(index + 1, to_lua(lua, item)?)?;
            }
            Value::Table(table)
        }
        Json::Object(object) => {
            let table = lua.create_table_with_capacity(0, object.len())?;
            for (key, item) in object {
                table.raw_set(key.as_str(), to_lua(lua, item)?)?;
            }
            Value::Table(table)
        }
    })
}
