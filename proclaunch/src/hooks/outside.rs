//! What hooks can reach beside the core: the network, files, processes. In production the real ones; in a policy test
//! those of its script.
//!
//! **Invariant:** no function of the API reaches out but through here; commands, which the keeper executes, excepted:
//! see [`super::exec`].

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use proclaunch_core::ids::ProcId;
use proclaunch_core::signal::Signal;

use super::api::file::{self, Stat};
use super::api::http::{self, Request, Response};
use super::api::net::{self, Place, Probe};
use super::api::process;
use crate::keeper::age_of;

/// Something that is waited for.
pub(crate) type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What is there to be reached. Errors are reasons in words.
pub(crate) trait Outside {
    /// Makes a request, within its time.
    fn http<'a>(&'a self, request: &'a Request) -> Soon<'a, Result<Response, String>>;

    /// Finds out whether something listens at a place, and what it says, within the time of the probe.
    fn probe<'a>(&'a self, probe: &'a Probe, place: &'a Place) -> Soon<'a, Result<(), String>>;

    /// The addresses of a host.
    fn resolve<'a>(&'a self, host: &'a str) -> Soon<'a, Result<Vec<IpAddr>, String>>;

    /// What a path leads to.
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// What is in a regular file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, String>;

    /// A process that lives, to be measured.
    fn process(&self, id: ProcId) -> Result<Box<dyn Measured>, String>;

    /// The live processes below one, the oldest first.
    fn children(&self, main: ProcId) -> Result<Vec<ProcId>, String>;

    /// How long ago a process was started, also of one that is gone.
    fn age(&self, id: ProcId) -> Option<Duration>;

    /// Sends a signal to a process that is below `main` at that moment.
    fn signal(&self, main: ProcId, child: ProcId, signal: Signal) -> Result<(), String>;
}

/// One process, and what it uses.
pub(crate) trait Measured {
    /// Its memory in RAM, in bytes.
    fn rss(&self) -> Result<f64, String>;

    /// The CPU that it has used.
    fn cpu(&self) -> Result<Duration, String>;

    /// How many threads it has.
    fn threads(&self) -> Result<f64, String>;

    /// How many descriptors it has open.
    fn fds(&self) -> Result<f64, String>;

    /// Its command line, words separated by spaces.
    fn cmdline(&self) -> Result<String, String>;
}

/// The machine as it is.
#[derive(Debug)]
pub(super) struct Real;

impl Outside for Real {
    fn http<'a>(&'a self, request: &'a Request) -> Soon<'a, Result<Response, String>> {
        Box::pin(http::ask(request))
    }

    fn probe<'a>(&'a self, probe: &'a Probe, place: &'a Place) -> Soon<'a, Result<(), String>> {
        Box::pin(probe.connect(place))
    }

    fn resolve<'a>(&'a self, host: &'a str) -> Soon<'a, Result<Vec<IpAddr>, String>> {
        Box::pin(async move {
            let found = net::look_up(host, 0).await?;
            Ok(found.iter().map(std::net::SocketAddr::ip).collect())
        })
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        std::fs::metadata(path).map(|metadata| Stat::of(&metadata))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        file::read(path)
    }

    fn process(&self, id: ProcId) -> Result<Box<dyn Measured>, String> {
        Ok(Box::new(process::Probe::open(id)?))
    }

    fn children(&self, main: ProcId) -> Result<Vec<ProcId>, String> {
        process::Probe::open(main).map(|main| process::descendants(&main))
    }

    fn age(&self, id: ProcId) -> Option<Duration> {
        age_of(id)
    }

    fn signal(&self, main: ProcId, child: ProcId, signal: Signal) -> Result<(), String> {
        process::signal(main, child, signal)
    }
}
