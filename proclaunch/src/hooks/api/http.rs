//! `http`: one request, one answer.

mod client;
#[cfg(feature = "tls")]
mod tls;
mod url;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use mlua::{Error, Lua, MultiValue, Table, Value};

use self::url::Url;
use super::Group;
use super::arguments::{Arguments, Options, number, text};
use super::net::TIMEOUT;
use crate::hooks::context::Context;
use crate::hooks::fault::shown;
use crate::hooks::reference::Item;

pub(crate) use self::client::Response;
pub(in crate::hooks) use self::client::ask;

/// The type of what comes back.
const RESPONSE: &str = "({ status: number, headers: { [string]: string }, body: string }?, string?)";

/// The type of the options.
const OPTIONS: &str = "{ timeout: number?, headers: { [string]: string }?, body: string?, unix: string?, ca: string?, \
                       verify: boolean? }?";

/// The group.
pub(super) const GROUP: Group = Group {
    name: "http",
    items: &[
        Item::function(
            "http.get",
            &[("url", "string"), ("options", OPTIONS)],
            RESPONSE,
            "Asks for what is at an address: `http://HOST:PORT/PATH`, or over a socket in the file system \
             `http+unix://%2Frun%2Fx.sock/PATH`, which is the same as the option `unix = \"/run/x.sock\"`. Within \
             `timeout` seconds (5), gives the status, the headers in lower case and the body, of at most 1 MiB; or \
             nil, and why. Redirects are not followed. `https://` believes the authorities of the system, or those in \
             the PEM file `ca`; with `verify = false` it believes everybody.",
        ),
        Item::function(
            "http.post",
            &[("url", "string"), ("options", OPTIONS)],
            RESPONSE,
            "Sends the option `body` to an address; all else is as with http.get.",
        ),
        Item::function(
            "http.request",
            &[("method", "string"), ("url", "string"), ("options", OPTIONS)],
            RESPONSE,
            "The same with any method.",
        ),
    ],
    make,
};

/// The names of the options.
pub(super) const NAMES: &[&str] = &["timeout", "headers", "body", "unix", "ca", "verify"];

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    for (name, function, method) in [
        ("get", "http.get", Some(Method::GET)),
        ("post", "http.post", Some(Method::POST)),
        ("request", "http.request", None),
    ] {
        let context = Rc::clone(context);
        let ask = move |lua: Lua, values: MultiValue| {
            let (context, method) = (Rc::clone(&context), method.clone());
            async move {
                context.may_wait(function)?;
                let mut arguments = Arguments::new(function, values);
                let method = match method {
                    Some(method) => method,
                    None => self::method(function, &arguments.text("method")?)?,
                };
                let url = arguments.text("url")?;
                let request = Request::read(function, &context, method, &url, &arguments.options(NAMES)?)?;
                match request.run(&context).await {
                    Ok(response) => Ok((Some(response.into_lua(&lua)?), None)),
                    Err(why) => Ok((None, Some(why))),
                }
            }
        };
        table.raw_set(name, lua.create_async_function(ask)?)?;
    }
    Ok(Value::Table(table))
}

/// A method by its name.
pub(super) fn method(function: &str, name: &str) -> mlua::Result<Method> {
    Method::from_bytes(name.as_bytes()).map_err(|_| {
        Error::runtime(format!("{function}: `method` must be a method such as \"GET\"; got `{name}`"))
    })
}

/// Whose word counts for the certificate of the other end.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "without TLS nobody has one"))]
pub(super) enum Trust {
    /// The system's authorities'.
    System,
    /// That of the authorities in this file.
    Authority(PathBuf),
    /// Nobody's.
    Anyone,
}

/// A request, ready to be made as often as one likes.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    url: Url,
    trust: Trust,
    /// The address as the script gave it.
    pub(crate) shown: String,
    /// Such as GET.
    pub(crate) method: Method,
    /// What is sent besides.
    pub(crate) headers: HeaderMap,
    /// What is sent.
    pub(crate) body: Bytes,
    /// How long it may take.
    pub(crate) timeout: Duration,
}

impl Request {
    /// Reads the options that are named in [`NAMES`].
    pub(super) fn read(
        function: &'static str,
        context: &Context,
        method: Method,
        address: &str,
        options: &Options,
    ) -> mlua::Result<Self> {
        let dir = &context.profile().dir;
        let socket = options.text("unix")?.map(|path| dir.join(path));
        let trust = match (options.text("ca")?, options.value("verify")?) {
            (None, Value::Nil | Value::Boolean(true)) => Trust::System,
            (Some(path), Value::Nil | Value::Boolean(true)) => Trust::Authority(dir.join(path)),
            (_, Value::Boolean(false)) => Trust::Anyone,
            (_, other) => {
                return Err(Arguments::new(function, MultiValue::new()).wrong(
                    "verify",
                    "true or false",
                    &other,
                ));
            }
        };
        let url = Url::parse(address, socket).map_err(|why| Error::runtime(format!("{function}: {why}")))?;
        options.text("body")?;
        let body = options.value("body")?.as_string().map(|text| Bytes::from(text.as_bytes().to_vec()));
        let headers = match options.value("headers")? {
            Value::Nil => HeaderMap::new(),
            Value::Table(table) => headers(function, &table)?,
            other => {
                return Err(Arguments::new(function, MultiValue::new()).wrong("headers", "a table", &other));
            }
        };
        Ok(Self {
            url,
            trust,
            shown: address.to_owned(),
            method,
            headers,
            body: body.unwrap_or_default(),
            timeout: options.seconds("timeout")?.unwrap_or(TIMEOUT),
        })
    }

    /// Makes it.
    pub(super) async fn run(&self, context: &Context) -> Result<Response, String> {
        context.outside().http(self).await.map_err(|why| format!("{}: {why}", self.shown))
    }

    /// What is asked for there: `/healthz?full=1`.
    pub(crate) fn path(&self) -> String {
        self.url.path.to_string()
    }
}

fn headers(function: &str, table: &Table) -> mlua::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let name = text(&key).and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        let name = name.ok_or_else(|| {
            Error::runtime(format!(
                "{function}: `headers` has the name {}, which no header can have",
                shown(&key)
            ))
        })?;
        let text = text(&value).or_else(|| number(&value).map(|number| number.to_string()));
        let text = text.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok());
        let text = text.ok_or_else(|| {
            Error::runtime(format!(
                "{function}: `headers[\"{name}\"]` must be a string of one line; got {}",
                shown(&value)
            ))
        })?;
        headers.insert(name, text);
    }
    Ok(headers)
}
