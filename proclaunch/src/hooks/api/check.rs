//! `check`: what `health.lua` returns: a schedule, and a function that finds out.
//!
//! The functions are called as those that scripts write by hand, and answer the same: true, or false and a reason.

mod several;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::Method;
use mlua::{Error, Function, IntoLuaMulti, Lua, MultiValue, Table, UserData, UserDataRef, Value, Variadic};

use super::Group;
use super::arguments::{Arguments, Options, number, text};
use super::exec::Command;
use super::http::{self, Request, Response};
use super::net::{PORT, Place, Probe, TIMEOUT, port};
use crate::hooks::context::Context;
use crate::hooks::fault::shown;
use crate::hooks::reference::Item;

/// The options that the core reads.
const SCHEDULE: [&str; 4] = ["every", "timeout", "times", "grace"];

/// The type of every check.
const CHECK: &str = "Check";

/// The group.
pub(super) const GROUP: Group = Group {
    name: "check",
    items: &[
        Item::function(
            "check.http",
            &[(
                "options",
                "{ url: string, expect: (number | { number })?, contains: string?, method: string?, headers: { \
                 [string]: string }?, body: string?, unix: string?, ca: string?, verify: boolean?, every: number?, timeout: number?, times: (number | \
                 { number })?, grace: number? }",
            )],
            CHECK,
            "Healthy while an HTTP request is answered with the status `expect`, one of several, or any from 200 to \
             299, and the body contains `contains`. The request is that of http.get. `every`, `timeout`, `times` and \
             `grace` are the schedule, here and in all checks.",
        ),
        Item::function(
            "check.tcp",
            &[(
                "options",
                "{ host: string?, port: number?, send: string?, expect: string?, every: number?, timeout: number?, \
                 times: (number | { number })?, grace: number? }",
            )],
            CHECK,
            "Healthy while something accepts connections at `host` and `port`, or the first two items of the list; \
             without a host, at 127.0.0.1. `send` and `expect` are as in net.tcp.",
        ),
        Item::function(
            "check.unix",
            &[(
                "options",
                "{ path: string?, send: string?, expect: string?, every: number?, timeout: number?, times: (number | { \
                 number })?, grace: number? }",
            )],
            CHECK,
            "Healthy while something accepts connections at the socket `path`, or the first item of the list.",
        ),
        Item::function(
            "check.exec",
            &[(
                "command",
                "{ [number]: string | number, every: number?, timeout: number?, times: (number | { number })?, grace: number? }",
            )],
            CHECK,
            "Healthy while a command, executed as by `exec`, ends with code 0.",
        ),
        Item::function(
            "check.file",
            &[(
                "options",
                "{ path: string?, max_age: number?, every: number?, timeout: number?, times: (number | { number })?, \
                 grace: number? }",
            )],
            CHECK,
            "Healthy while the file `path`, or the first item of the list, is there and was written to within \
             `max_age` seconds.",
        ),
        Item::function("check.any", &[("checks", several::CHECKS)], CHECK, several::ANY),
        Item::function("check.all", &[("checks", several::CHECKS)], CHECK, several::ALL),
    ],
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    let makers: [(&str, Make); 7] = [
        ("http", http),
        ("tcp", tcp),
        ("unix", unix),
        ("exec", exec),
        ("file", file),
        ("any", several::any),
        ("all", several::all),
    ];
    let maker = Rc::new(Maker::new(lua, context)?);
    for (name, make) in makers {
        let maker = Rc::clone(&maker);
        table.raw_set(name, lua.create_function(move |lua, values| make(lua, &maker, values))?)?;
    }
    Ok(Value::Table(table))
}

type Make = fn(&Lua, &Maker, MultiValue) -> mlua::Result<Table>;

type Answering = Pin<Box<dyn Future<Output = mlua::Result<MultiValue>>>>;

/// What a check asks, hidden in its function.
struct Asked(Rc<dyn Fn(Lua, MultiValue) -> Answering>);

impl UserData for Asked {}

/// Makes functions that wait. Async functions can only be made with the group: later the library is gone that the
/// interpreter needs for it. So there is one of them, and the others call it.
struct Maker {
    context: Rc<Context>,
    bind: Function,
}

/// Makes a function of one that waits and what that is to ask.
const BIND: &str =
    "local ask = ...\nreturn function(asked) return function(...) return ask(asked, ...) end end";

impl Maker {
    fn new(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Self> {
        let ask = |lua: Lua, (asked, values): (UserDataRef<Asked>, Variadic<Value>)| {
            let ask = Rc::clone(&asked.0);
            async move { ask(lua, values.into_iter().collect()).await }
        };
        let ask = lua.create_async_function(ask)?;
        let bind = lua.load(BIND).set_name("=check").call(ask)?;
        Ok(Self { context: Rc::clone(context), bind })
    }

    /// The check that asks `run` by the schedule in `options`.
    fn check<F, R>(&self, lua: &Lua, function: &'static str, options: &Table, run: F) -> mlua::Result<Table>
    where
        F: Fn(Rc<Context>) -> R + 'static,
        R: Future<Output = Result<(), String>> + 'static,
    {
        let context = Rc::clone(&self.context);
        self.check_by(lua, options, move |lua, _| {
            let leave = context.may_wait(function).map(|()| run(Rc::clone(&context)));
            Box::pin(async move {
                let found = leave?.await;
                answered(&lua, Some(found.is_ok()), found.err())
            })
        })
    }

    /// The same, of a function that answers for itself.
    fn check_by<F>(&self, lua: &Lua, options: &Table, ask: F) -> mlua::Result<Table>
    where
        F: Fn(Lua, MultiValue) -> Answering + 'static,
    {
        let check = lua.create_table()?;
        for name in SCHEDULE {
            check.raw_set(name, options.raw_get::<Value>(name)?)?;
        }
        check.raw_set(1, self.bind.call::<Function>(Asked(Rc::new(ask)))?)?;
        Ok(check)
    }
}

fn http(lua: &Lua, maker: &Maker, values: MultiValue) -> mlua::Result<Table> {
    const NAME: &str = "check.http";
    const KNOWN: &[&str] = &[
        "url", "expect", "contains", "method", "headers", "body", "unix", "ca", "verify", "every", "timeout",
        "times", "grace",
    ];
    let table = Arguments::new(NAME, values).table("options")?;
    let options = Options::new(NAME, table.clone(), KNOWN)?;
    let url = given(NAME, &options, "url", 1, "a string", text)?;
    let method = options.text("method")?.map_or(Ok(Method::GET), |name| http::method(NAME, &name))?;
    let request = Rc::new(Request::read(NAME, &maker.context, method, &url, &options)?);
    let expected = Rc::new(Expected::read(NAME, &options)?);
    maker.check(lua, NAME, &table, move |context| {
        let (request, expected, url) = (Rc::clone(&request), Rc::clone(&expected), url.clone());
        async move { expected.judge(&request.run(&context).await?).map_err(|why| format!("{url}: {why}")) }
    })
}

/// The response that is a good one.
#[derive(Debug)]
struct Expected {
    /// Any good one if empty.
    statuses: Vec<f64>,
    contains: Option<String>,
}

impl Expected {
    fn read(function: &'static str, options: &Options) -> mlua::Result<Self> {
        let value = options.value("expect")?;
        let is_status = |status: &f64| (100.0..=599.0).contains(status) && status.fract() == 0.0;
        let statuses = match &value {
            Value::Nil => Some(Vec::new()),
            Value::Table(list) => {
                let items = list.sequence_values::<Value>().map(|item| item.ok().as_ref().and_then(number));
                items.collect::<Option<Vec<_>>>().filter(|list| !list.is_empty())
            }
            other => number(other).map(|status| vec![status]),
        };
        let statuses = statuses.filter(|list| list.iter().all(is_status)).ok_or_else(|| {
            let expected = "a status such as 200, or a list of these";
            Arguments::new(function, MultiValue::new()).wrong("expect", expected, &value)
        })?;
        Ok(Self { statuses, contains: options.text("contains")? })
    }

    fn judge(&self, response: &Response) -> Result<(), String> {
        let status = response.status;
        let is_good = match self.statuses.as_slice() {
            [] => (200..300).contains(&status),
            statuses => statuses.contains(&f64::from(status)),
        };
        if !is_good {
            return Err(format!("status {status}"));
        }
        match &self.contains {
            Some(text) if memchr::memmem::find(&response.body, text.as_bytes()).is_none() => {
                Err(format!("the body does not contain `{text}`"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn tcp(lua: &Lua, maker: &Maker, values: MultiValue) -> mlua::Result<Table> {
    const NAME: &str = "check.tcp";
    const KNOWN: &[&str] = &["host", "port", "send", "expect", "every", "timeout", "times", "grace"];
    let table = Arguments::new(NAME, values).table("options")?;
    let options = Options::new(NAME, table.clone(), KNOWN)?;
    let is_listed = !table.raw_get::<Value>(1)?.is_nil();
    let host = match (options.text("host")?, is_listed) {
        (None, true) => given(NAME, &options, "host", 1, "a string", text)?,
        (host, _) => host.unwrap_or_else(|| "127.0.0.1".to_owned()),
    };
    let port = given(NAME, &options, "port", 2, PORT, port)?;
    probe(lua, maker, NAME, &options, Place::Tcp(host, port))
}

fn unix(lua: &Lua, maker: &Maker, values: MultiValue) -> mlua::Result<Table> {
    const NAME: &str = "check.unix";
    const KNOWN: &[&str] = &["path", "send", "expect", "every", "timeout", "times", "grace"];
    let table = Arguments::new(NAME, values).table("options")?;
    let options = Options::new(NAME, table, KNOWN)?;
    let path = maker.context.profile().dir.join(given(NAME, &options, "path", 1, "a string", text)?);
    probe(lua, maker, NAME, &options, Place::Unix(path))
}

fn probe(
    lua: &Lua,
    maker: &Maker,
    function: &'static str,
    options: &Options,
    place: Place,
) -> mlua::Result<Table> {
    let probe = Probe::read(options)?;
    let table = options.table().cloned().map_or_else(|| lua.create_table(), Ok)?;
    maker.check(lua, function, &table, move |context| {
        let (probe, place) = (probe.clone(), place.clone());
        async move { probe.run(&context, &place).await }
    })
}

fn exec(lua: &Lua, maker: &Maker, values: MultiValue) -> mlua::Result<Table> {
    const NAME: &str = "check.exec";
    let table = Arguments::new(NAME, values).table("command")?;
    let command = Command::read(NAME, table.clone(), &SCHEDULE, TIMEOUT)?;
    maker.check(lua, NAME, &table, move |context| {
        let command = command.clone();
        async move {
            let name = command.name();
            let done = command.run(&context).await;
            if done.is_ok() { Ok(()) } else { Err(format!("{name}: {}", done.how())) }
        }
    })
}

fn file(lua: &Lua, maker: &Maker, values: MultiValue) -> mlua::Result<Table> {
    const NAME: &str = "check.file";
    const KNOWN: &[&str] = &["path", "max_age", "every", "timeout", "times", "grace"];
    let table = Arguments::new(NAME, values).table("options")?;
    let options = Options::new(NAME, table.clone(), KNOWN)?;
    let shown = given(NAME, &options, "path", 1, "a string", text)?;
    let path = maker.context.profile().dir.join(&shown);
    let max_age = options.seconds("max_age")?;
    maker.check(lua, NAME, &table, move |context| {
        let found = context.outside().stat(&path).map_err(|error| super::net::plain(&error));
        let judged = found.and_then(|found| {
            let age = context.clock().wall().saturating_sub(found.modified);
            let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
            match max_age {
                Some(max) if age > max => Err(format!("written to {} s ago", age.as_secs())),
                Some(_) | None => Ok(()),
            }
        });
        std::future::ready(judged.map_err(|why| format!("{shown}: {why}")))
    })
}

/// An option that must be there, by its name or at its place in the list.
fn given<T>(
    function: &'static str,
    options: &Options,
    name: &str,
    place: usize,
    expected: &str,
    read: fn(&Value) -> Option<T>,
) -> mlua::Result<T> {
    let value = match (options.value(name)?, options.table()) {
        (Value::Nil, Some(table)) => table.raw_get(place)?,
        (value, _) => value,
    };
    read(&value).ok_or_else(|| {
        Error::runtime(format!("{function}: `{name}` must be {expected}; got {}", shown(&value)))
    })
}

/// What a check answers, as its caller gets it.
fn answered(lua: &Lua, found: Option<bool>, reason: Option<String>) -> mlua::Result<MultiValue> {
    (found, reason).into_lua_multi(lua)
}
