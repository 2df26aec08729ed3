//! `net`: whether something can be reached.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mlua::{Lua, MultiValue, Value};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Group;
use super::arguments::{Arguments, Options, number};
use crate::hooks::context::Context;
use crate::hooks::reference::Item;

/// How long everything here may take unless it says otherwise.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// How many names are looked up at once: each takes a thread, also after its call was cancelled.
const LOOKUPS_MAX: usize = 8;

/// The most addresses of a name that are told or tried.
const ADDRESSES_MAX: usize = 16;

/// How much is read in search of what is expected.
const READ_MAX: usize = 64 * 1024;

/// The group.
pub(super) const GROUP: Group = Group {
    name: "net",
    items: &[
        Item::function(
            "net.tcp",
            &[
                ("host", "string"),
                ("port", "number"),
                ("options", "{ timeout: number?, send: string?, expect: string? }?"),
            ],
            "(boolean, string?)",
            "Whether something accepts connections there, within `timeout` seconds (5); if not, also why. With `send`, \
             that is written; with `expect`, what comes back must contain that.",
        ),
        Item::function(
            "net.unix",
            &[("path", "string"), ("options", "{ timeout: number?, send: string?, expect: string? }?")],
            "(boolean, string?)",
            "The same for a socket in the file system; the path is relative to the profile's directory.",
        ),
        Item::function(
            "net.resolve",
            &[("host", "string"), ("options", "{ timeout: number? }?")],
            "({ string }?, string?)",
            "The addresses that a name stands for, or nil and why not.",
        ),
    ],
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    let here = Rc::clone(context);
    let tcp = move |_: Lua, values: MultiValue| {
        let context = Rc::clone(&here);
        async move {
            context.may_wait("net.tcp")?;
            let mut arguments = Arguments::new("net.tcp", values);
            let host = arguments.text("host")?;
            let value = arguments.value();
            let port = port(&value).ok_or_else(|| arguments.wrong("port", PORT, &value))?;
            let probe = Probe::read(&arguments.options(&["timeout", "send", "expect"])?)?;
            Ok(answer(probe.run(&context, &Place::Tcp(host, port)).await))
        }
    };
    table.raw_set("tcp", lua.create_async_function(tcp)?)?;
    let here = Rc::clone(context);
    let unix = move |_: Lua, values: MultiValue| {
        let context = Rc::clone(&here);
        async move {
            context.may_wait("net.unix")?;
            let mut arguments = Arguments::new("net.unix", values);
            let path = context.profile().dir.join(arguments.text("path")?);
            let probe = Probe::read(&arguments.options(&["timeout", "send", "expect"])?)?;
            Ok(answer(probe.run(&context, &Place::Unix(path)).await))
        }
    };
    table.raw_set("unix", lua.create_async_function(unix)?)?;
    let here = Rc::clone(context);
    let resolve = move |_: Lua, values: MultiValue| {
        let context = Rc::clone(&here);
        async move {
            context.may_wait("net.resolve")?;
            let mut arguments = Arguments::new("net.resolve", values);
            let host = arguments.text("host")?;
            let time = arguments.options(&["timeout"])?.seconds("timeout")?.unwrap_or(TIMEOUT);
            let found =
                timeout(time, context.outside().resolve(&host)).await.unwrap_or_else(|_| Err(late(time)));
            Ok(match found {
                Ok(found) => (Some(found.iter().map(ToString::to_string).collect::<Vec<_>>()), None),
                Err(why) => (None, Some(format!("{host}: {why}"))),
            })
        }
    };
    table.raw_set("resolve", lua.create_async_function(resolve)?)?;
    Ok(Value::Table(table))
}

fn answer(found: Result<(), String>) -> (bool, Option<String>) {
    (found.is_ok(), found.err())
}

/// What a port is, in words.
pub(crate) const PORT: &str = "a number from 1 to 65535";

/// A port, if it is one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
pub(crate) fn port(value: &Value) -> Option<u16> {
    let is_port = |number: &f64| (1.0..=65535.0).contains(number) && number.fract() == 0.0;
    number(value).filter(is_port).map(|number| number as u16)
}

/// Where something listens.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A host and a port.
    Tcp(String, u16),
    /// A file.
    Unix(PathBuf),
}

impl Place {
    /// As one would write it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Tcp(host, port) if host.contains(':') => format!("[{host}]:{port}"),
            Self::Tcp(host, port) => format!("{host}:{port}"),
            Self::Unix(path) => path.display().to_string(),
        }
    }
}

/// What to find out about a place.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    /// How long it may take.
    pub(crate) timeout: Duration,
    send: Option<Vec<u8>>,
    expect: Option<Vec<u8>>,
}

impl Probe {
    /// Reads the options `timeout`, `send` and `expect`.
    pub(super) fn read(options: &Options) -> mlua::Result<Self> {
        options.text("send")?;
        options.text("expect")?;
        let bytes = |name| {
            Ok::<_, mlua::Error>(options.value(name)?.as_string().map(|text| text.as_bytes().to_vec()))
        };
        Ok(Self {
            timeout: options.seconds("timeout")?.unwrap_or(TIMEOUT),
            send: bytes("send")?,
            expect: bytes("expect")?.filter(|text| !text.is_empty()),
        })
    }

    /// Finds it out.
    pub(super) async fn run(&self, context: &Context, place: &Place) -> Result<(), String> {
        context.outside().probe(self, place).await.map_err(|why| format!("{}: {why}", place.shown()))
    }

    /// Finds it out on the machine as it is.
    pub(in crate::hooks) async fn connect(&self, place: &Place) -> Result<(), String> {
        let found = timeout(self.timeout, async {
            match place {
                Place::Tcp(host, port) => self.talk(connect_tcp(host, *port).await?).await,
                Place::Unix(path) => self.talk(connect_unix(path).await?).await,
            }
        });
        found.await.unwrap_or_else(|_| Err(late(self.timeout)))
    }

    async fn talk(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), String> {
        if let Some(send) = &self.send {
            stream.write_all(send).await.map_err(|error| format!("write: {}", plain(&error)))?;
        }
        let Some(expect) = &self.expect else { return Ok(()) };
        let mut read = Vec::new();
        let mut buffer = [0; 4096];
        while read.len() < READ_MAX {
            let count = stream.read(&mut buffer).await.map_err(|error| format!("read: {}", plain(&error)))?;
            if count == 0 {
                break;
            }
            let from = read.len().saturating_sub(expect.len());
            read.extend_from_slice(&buffer[..count]);
            if memchr::memmem::find(&read[from..], expect).is_some() {
                return Ok(());
            }
        }
        self.judge(&read)
    }

    /// Whether a whole answer has in it what is expected.
    pub(crate) fn judge(&self, answer: &[u8]) -> Result<(), String> {
        let Some(expect) = &self.expect else { return Ok(()) };
        if memchr::memmem::find(answer, expect).is_some() {
            return Ok(());
        }
        let begin = String::from_utf8_lossy(&answer[..answer.len().min(80)]).trim().to_owned();
        Err(format!("answered `{begin}`, not `{}`", String::from_utf8_lossy(expect)))
    }
}

/// That the time was up, in words.
pub(crate) fn late(time: Duration) -> String {
    format!("no answer within {} s", time.as_secs_f64())
}

/// An error without the number that it has.
pub(super) fn plain(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

/// Connects to a host, at the first of its addresses that can be reached.
pub(super) async fn connect_tcp(host: &str, port: u16) -> Result<TcpStream, String> {
    let mut last = "it has no address".to_owned();
    for address in look_up(host, port).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = plain(&error),
        }
    }
    Err(last)
}

/// Connects to a socket in the file system.
pub(super) async fn connect_unix(path: &Path) -> Result<UnixStream, String> {
    UnixStream::connect(path).await.map_err(|error| plain(&error))
}

static PERMITS: OnceLock<Arc<Semaphore>> = OnceLock::new();

/// The addresses of a host. A name is looked up on a thread of its own, which nothing can cancel: so there are few.
pub(in crate::hooks) async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    if let Ok(address) = host.parse() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let permits = PERMITS.get_or_init(|| Arc::new(Semaphore::new(LOOKUPS_MAX)));
    let permit = Arc::clone(permits).acquire_owned().await.map_err(|error| error.to_string())?;
    let host = host.to_owned();
    let found = spawn_blocking(move || {
        let _held_to_the_end = permit;
        let found = (host.as_str(), port).to_socket_addrs();
        found.map(|found| found.take(ADDRESSES_MAX).collect::<Vec<_>>()).map_err(|error| error.to_string())
    });
    let mut found = found.await.map_err(|error| error.to_string())??;
    found.dedup();
    Ok(found)
}
