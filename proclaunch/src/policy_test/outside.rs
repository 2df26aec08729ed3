//! What hooks can reach in a test: what the script says, and else the bare machine, on which nobody listens.
//!
//! **Invariant:** nothing leaves the profile's directory: no socket is opened, and no file beyond it is read.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use mlua::{IntoLua, Lua, Value};
use proclaunch_core::ids::ProcId;
use proclaunch_core::signal::Signal;

use super::facts::count;
use super::processes::{Child, age};
use super::reply::{NetReply, Scripted};
use super::script::ScriptedFile;
use super::timeline::span;
use super::world::{MONDAY, World};
use crate::hooks::api::file::{Stat, failure};
use crate::hooks::api::http::{Request, Response};
use crate::hooks::api::net::{Place, Probe, late};
use crate::hooks::outside::{Measured, Outside, Soon};

const REFUSED: &str = "Connection refused";

/// What a test has its hooks reach.
#[derive(Debug)]
pub(super) struct Staged(pub(super) Rc<World>);

/// A request as a function of the script sees it.
struct Asked<'a>(&'a Request);

impl IntoLua for Asked<'_> {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        let table = lua.create_table()?;
        table.raw_set("method", self.0.method.as_str())?;
        table.raw_set("url", self.0.shown.as_str())?;
        table.raw_set("path", self.0.path())?;
        table.raw_set("body", lua.create_string(&self.0.body)?)?;
        let headers = lua.create_table()?;
        for (name, value) in &self.0.headers {
            headers.raw_set(name.as_str(), lua.create_string(value.as_bytes())?)?;
        }
        table.raw_set("headers", headers)?;
        Ok(Value::Table(table))
    }
}

impl Staged {
    fn note(&self, kind: &'static str, what: &str, answer: &str, takes: Duration) {
        let time = if takes.is_zero() { String::new() } else { format!(", after {}", span(takes)) };
        self.0.note(kind, format!("{what} -> {answer}{time}"));
    }

    async fn answer_http(&self, request: &Request) -> Result<Response, String> {
        let what = format!("{} {}", request.method, request.shown);
        let scripted = self.0.script.borrow().http(&request.shown, &request.path()).cloned();
        let Some(scripted) = scripted else {
            self.note("http", &what, "connection refused (not scripted)", Duration::ZERO);
            return Err(REFUSED.to_owned());
        };
        let reply = scripted.answer(Asked(request)).map_err(|why| {
            self.0.blame(&format!("world.http: {why}"));
            REFUSED.to_owned()
        })?;
        let shown = reply.status.map_or("connection refused".to_owned(), |status| status.to_string());
        self.note("http", &what, &shown, reply.takes);
        take(reply.takes, request.timeout).await?;
        let status = reply.status.ok_or_else(|| REFUSED.to_owned())?;
        Ok(Response { status, headers: reply.headers, body: reply.body })
    }

    async fn answer_probe(&self, probe: &Probe, place: &Place) -> Result<(), String> {
        let what = place.shown();
        let scripted: Option<Scripted<NetReply>> = match place {
            Place::Tcp(host, port) => self.0.script.borrow().tcp(host, *port).cloned(),
            Place::Unix(path) => self.0.script.borrow().listeners.get(&*path.to_string_lossy()).cloned(),
        };
        let Some(scripted) = scripted else {
            let (why, shown) = match place {
                Place::Tcp(..) => (REFUSED, "connection refused (not scripted)"),
                Place::Unix(_) => ("No such file or directory", "no such socket (not scripted)"),
            };
            self.note("net", &what, shown, Duration::ZERO);
            return Err(why.to_owned());
        };
        let reply = scripted.answer(what.as_str()).map_err(|why| {
            self.0.blame(&format!("world.tcp: {why}"));
            REFUSED.to_owned()
        })?;
        let shown = if reply.listens { "accepts" } else { "connection refused" };
        self.note("net", &what, shown, reply.takes);
        take(reply.takes, probe.timeout).await?;
        if !reply.listens {
            return Err(REFUSED.to_owned());
        }
        probe.judge(&reply.says)
    }

    fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        match self.0.script.borrow().hosts.get(host) {
            Some(found) if !found.is_empty() => Ok(found.clone()),
            found => {
                let scripted = if found.is_none() { " (not scripted)" } else { "" };
                self.note("net", host, &format!("no address{scripted}"), Duration::ZERO);
                Err("failed to lookup address information: Name or service not known".to_owned())
            }
        }
    }

    fn scripted_file(&self, path: &Path) -> Option<ScriptedFile> {
        self.0.script.borrow().files.get(path).cloned()
    }

    fn missing(&self, path: &Path) -> io::Error {
        self.note("file", &path.display().to_string(), "missing (not scripted)", Duration::ZERO);
        io::Error::from_raw_os_error(libc::ENOENT)
    }

    /// A file of the profile's own. As old as the test: when it was written for real would differ from run to run.
    fn own_file(&self, path: &Path) -> Option<fs::Metadata> {
        let real = fs::canonicalize(path).ok()?;
        let dir = fs::canonicalize(&self.0.dir).ok()?;
        real.starts_with(dir).then(|| fs::metadata(&real).ok()).flatten()
    }
}

/// Waits for what takes so long.
async fn take(takes: Duration, timeout: Duration) -> Result<(), String> {
    tokio::time::sleep(takes.min(timeout)).await;
    if takes > timeout { Err(late(timeout)) } else { Ok(()) }
}

impl Outside for Staged {
    fn http<'a>(&'a self, request: &'a Request) -> Soon<'a, Result<Response, String>> {
        Box::pin(self.answer_http(request))
    }

    fn probe<'a>(&'a self, probe: &'a Probe, place: &'a Place) -> Soon<'a, Result<(), String>> {
        Box::pin(self.answer_probe(probe, place))
    }

    fn resolve<'a>(&'a self, host: &'a str) -> Soon<'a, Result<Vec<IpAddr>, String>> {
        Box::pin(std::future::ready(self.addresses(host)))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let stat = |size, modified| Stat { size, modified, mode: 0o644, kind: "file", uid: 0, gid: 0 };
        match self.scripted_file(path) {
            Some(ScriptedFile { text: Some(text), size, modified }) => {
                Ok(stat(size.unwrap_or(text.len() as u64), modified))
            }
            Some(_) => Err(io::Error::from_raw_os_error(libc::ENOENT)),
            None => match self.own_file(path) {
                Some(found) => Ok(Stat { modified: MONDAY, ..Stat::of(&found) }),
                None => Err(self.missing(path)),
            },
        }
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        match self.scripted_file(path) {
            Some(ScriptedFile { text: Some(text), .. }) => Ok(text),
            Some(_) => Err(failure(path, &io::Error::from_raw_os_error(libc::ENOENT))),
            None if self.own_file(path).is_some() => crate::hooks::api::file::read(path),
            None => Err(failure(path, &self.missing(path))),
        }
    }

    fn process(&self, id: ProcId) -> Result<Box<dyn Measured>, String> {
        let processes = self.0.processes.borrow();
        let child = processes.children.iter().find(|child| child.id == id).cloned();
        let lives = if child.is_some() { processes.main().is_some() } else { processes.lives(id) };
        if lives {
            Ok(Box::new(Subject { world: Rc::clone(&self.0), id, child }))
        } else {
            Err(format!("process {} is gone", id.pid))
        }
    }

    fn children(&self, main: ProcId) -> Result<Vec<ProcId>, String> {
        self.process(main)?;
        let mut found: Vec<ProcId> =
            self.0.processes.borrow().children.iter().map(|child| child.id).collect();
        found.sort_by_key(|id| (id.start, id.pid));
        Ok(found)
    }

    fn age(&self, id: ProcId) -> Option<Duration> {
        Some(age(id, self.0.now()))
    }

    fn signal(&self, _: ProcId, child: ProcId, signal: Signal) -> Result<(), String> {
        self.process(child)?;
        count(&mut self.0.facts.borrow_mut().signals, (signal, child.pid));
        self.0.note("signal", format!("{signal} to child {}", child.pid));
        if !ends(signal) || self.0.script.borrow().ignored.contains(&signal) {
            return Ok(());
        }
        self.0.processes.borrow_mut().children.retain(|other| other.id != child);
        Ok(())
    }
}

/// Whether a signal ends a process, as it does a usual service: not those that are messages, and not CONT and the like.
pub(super) fn ends(signal: Signal) -> bool {
    !["HUP", "USR1", "USR2", "WINCH", "CONT", "CHLD", "URG"].contains(&signal.to_string().as_str())
}

/// One process that is measured.
struct Subject {
    world: Rc<World>,
    id: ProcId,
    child: Option<Child>,
}

impl Measured for Subject {
    fn rss(&self) -> Result<f64, String> {
        Ok(self.child.as_ref().map_or_else(|| self.world.processes.borrow().usage.rss, |child| child.rss))
    }

    fn cpu(&self) -> Result<Duration, String> {
        Ok(self.world.processes.borrow().cpu(self.id, self.world.now()).unwrap_or_default())
    }

    fn threads(&self) -> Result<f64, String> {
        Ok(self.world.processes.borrow().usage.threads)
    }

    fn fds(&self) -> Result<f64, String> {
        Ok(self.world.processes.borrow().usage.fds)
    }

    fn cmdline(&self) -> Result<String, String> {
        let own = || self.world.dir.join("run").display().to_string();
        Ok(self.child.as_ref().map_or_else(own, |child| child.cmd.clone()))
    }
}
