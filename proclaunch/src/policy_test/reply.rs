//! What a test has requests, connections and commands answered, as its script says it.
//!
//! **Invariant:** a fixed reply is read when the script names it, so that a mistake in it is an error of that line.

use std::collections::BTreeMap;
use std::time::Duration;

use mlua::{Function, IntoLuaMulti, Table, Value};
use proclaunch_core::exit::Exit;
use proclaunch_core::profile::closest;
use proclaunch_core::signal::Signal;

use crate::hooks::api::arguments::{number, seconds, text};
use crate::hooks::fault::shown;

/// A reply that is fixed, or a function of the script that is asked each time.
#[derive(Clone, Debug)]
pub(super) enum Scripted<T> {
    Fixed(T),
    Asked(Function),
}

/// Something that a script can say a reply is.
pub(super) trait Reply: Clone {
    /// Reads it, or says what is wrong.
    fn read(value: &Value) -> Result<Self, String>;
}

impl<T: Reply> Scripted<T> {
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Function(function) => Ok(Self::Asked(function.clone())),
            value => T::read(value).map(Self::Fixed),
        }
    }

    /// The reply of now. A function of the script that fails is told.
    pub(super) fn answer(&self, arguments: impl IntoLuaMulti) -> Result<T, String> {
        match self {
            Self::Fixed(reply) => Ok(reply.clone()),
            Self::Asked(function) => {
                let value = function
                    .call::<Value>(arguments)
                    .map_err(|error| crate::hooks::fault::describe(&error, "the reply's function"))?;
                T::read(&value)
            }
        }
    }
}

/// What an HTTP request is answered.
#[derive(Clone, Debug)]
pub(super) struct HttpReply {
    /// None: nobody listens.
    pub(super) status: Option<u16>,
    pub(super) headers: BTreeMap<String, Vec<u8>>,
    pub(super) body: Vec<u8>,
    pub(super) takes: Duration,
}

impl Reply for HttpReply {
    fn read(value: &Value) -> Result<Self, String> {
        const WANT: &str = "the reply must be a status from 100 to 599, false, a function, or { status =, body =, \
                            headers =, takes = }";
        let plain =
            |status| Self { status, headers: BTreeMap::new(), body: Vec::new(), takes: Duration::ZERO };
        match value {
            Value::Boolean(false) => Ok(plain(None)),
            Value::Table(table) => {
                known(table, &["status", "body", "headers", "takes"])?;
                let status = match field(table, "status") {
                    Value::Nil => Some(200),
                    Value::Boolean(false) => None,
                    value => Some(status(&value).ok_or_else(|| wrong("status", "from 100 to 599", &value))?),
                };
                let mut reply = plain(status);
                reply.body = bytes(table, "body")?;
                reply.takes = takes(table)?;
                if let Value::Table(headers) = field(table, "headers") {
                    for pair in headers.pairs::<String, String>() {
                        let (name, text) =
                            pair.map_err(|_| "`headers` must be a table of strings by name".to_owned())?;
                        reply.headers.insert(name.to_lowercase(), text.into_bytes());
                    }
                }
                Ok(reply)
            }
            value => status(value).map(|status| plain(Some(status))).ok_or_else(|| wrong_reply(WANT, value)),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn status(value: &Value) -> Option<u16> {
    let is_status = |status: &f64| (100.0..=599.0).contains(status) && status.fract() == 0.0;
    number(value).filter(is_status).map(|status| status as u16)
}

/// What whoever connects finds.
#[derive(Clone, Debug)]
pub(super) struct NetReply {
    pub(super) listens: bool,
    pub(super) says: Vec<u8>,
    pub(super) takes: Duration,
}

impl Reply for NetReply {
    fn read(value: &Value) -> Result<Self, String> {
        const WANT: &str = "the reply must be true, false, what is answered as a string, a function, or { reply =, \
                            takes = }";
        let plain = |listens| Self { listens, says: Vec::new(), takes: Duration::ZERO };
        match value {
            Value::Boolean(listens) => Ok(plain(*listens)),
            Value::String(says) => Ok(Self { says: says.as_bytes().to_vec(), ..plain(true) }),
            Value::Table(table) => {
                known(table, &["reply", "takes"])?;
                Ok(Self { says: bytes(table, "reply")?, takes: takes(table)?, listens: true })
            }
            other => Err(wrong_reply(WANT, other)),
        }
    }
}

/// What becomes of a command.
#[derive(Clone, Debug)]
pub(super) struct ExecReply {
    /// None: there is no such command.
    pub(super) exit: Option<Exit>,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
    pub(super) takes: Duration,
}

impl ExecReply {
    /// There is no such command.
    pub(super) const fn absent() -> Self {
        Self { exit: None, out: Vec::new(), err: Vec::new(), takes: Duration::ZERO }
    }
}

impl Reply for ExecReply {
    fn read(value: &Value) -> Result<Self, String> {
        const WANT: &str = "the reply must be { code =, out =, err =, signal =, takes = }, an exit code, false, a \
                            function, or nothing";
        let plain = |exit| Self { exit, out: Vec::new(), err: Vec::new(), takes: Duration::ZERO };
        match value {
            Value::Nil | Value::Boolean(true) => Ok(plain(Some(Exit::Code(0)))),
            Value::Boolean(false) => Ok(plain(None)),
            Value::Table(table) => {
                known(table, &["code", "signal", "out", "err", "takes"])?;
                Ok(Self {
                    exit: Some(exit(table)?),
                    out: bytes(table, "out")?,
                    err: bytes(table, "err")?,
                    takes: takes(table)?,
                })
            }
            value => match code(value) {
                Some(code) => Ok(plain(Some(Exit::Code(code)))),
                None => Err(wrong_reply(WANT, value)),
            },
        }
    }
}

/// How something ends, by the fields `code`, `signal` and `core`; with code 0 if neither is there.
pub(super) fn exit(table: &Table) -> Result<Exit, String> {
    let core = match field(table, "core") {
        Value::Nil => false,
        value => value.as_boolean().ok_or_else(|| wrong("core", "true or false", &value))?,
    };
    match (field(table, "code"), field(table, "signal")) {
        (Value::Nil, Value::Nil) => Ok(Exit::Code(0)),
        (value, Value::Nil) => {
            code(&value).map(Exit::Code).ok_or_else(|| wrong("code", "an exit code from 0 to 255", &value))
        }
        (Value::Nil, value) => {
            let signal = text(&value).as_deref().and_then(Signal::parse);
            let signal =
                signal.ok_or_else(|| wrong("signal", "the name of a signal such as \"KILL\"", &value))?;
            Ok(Exit::Signal { signal, core })
        }
        _ => Err("there can be a `code` or a `signal`, not both".to_owned()),
    }
}

/// An exit code, if it is one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
pub(super) fn code(value: &Value) -> Option<u8> {
    number(value).filter(|code| (0.0..=255.0).contains(code) && code.fract() == 0.0).map(|code| code as u8)
}

/// That no other fields are there than these.
pub(super) fn known(table: &Table, names: &[&str]) -> Result<(), String> {
    for pair in table.pairs::<Value, Value>() {
        let key = pair.map_err(|error| error.to_string())?.0;
        let name = text(&key).unwrap_or_else(|| shown(&key));
        if !names.contains(&name.as_str()) {
            let meant = closest(&name, names).map(|name| format!(", did you mean `{name}`?"));
            return Err(format!("unknown option `{name}`{}", meant.unwrap_or_default()));
        }
    }
    Ok(())
}

/// A field; nil if it is not there.
pub(super) fn field(table: &Table, name: &str) -> Value {
    table.raw_get(name).unwrap_or(Value::Nil)
}

fn takes(table: &Table) -> Result<Duration, String> {
    match field(table, "takes") {
        Value::Nil => Ok(Duration::ZERO),
        value => seconds(&value).ok_or_else(|| wrong("takes", "a number of seconds", &value)),
    }
}

fn bytes(table: &Table, name: &str) -> Result<Vec<u8>, String> {
    match field(table, name) {
        Value::Nil => Ok(Vec::new()),
        Value::String(text) => Ok(text.as_bytes().to_vec()),
        value => match number(&value) {
            Some(number) => Ok(number.to_string().into_bytes()),
            None => Err(wrong(name, "a string", &value)),
        },
    }
}

fn wrong(name: &str, want: &str, got: &Value) -> String {
    format!("`{name}` must be {want}; got {}", shown(got))
}

fn wrong_reply(want: &str, got: &Value) -> String {
    format!("{want}; got {}", shown(got))
}
