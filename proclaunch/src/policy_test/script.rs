//! What a test says of the world: who listens where, what commands do, what stands in files.
//!
//! **Invariant:** a later statement about the same thing replaces an earlier one; of several that fit, the most exact
//! one counts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use proclaunch_core::signal::Signal;

use super::processes::End;
use super::reply::{ExecReply, HttpReply, NetReply, Scripted};

/// What stands at a path.
#[derive(Clone, Debug)]
pub(super) struct ScriptedFile {
    /// None: nothing does.
    pub(super) text: Option<Vec<u8>>,
    /// Where it is not that of the text.
    pub(super) size: Option<u64>,
    /// In milliseconds since 1970 UTC.
    pub(super) modified: i64,
}

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) http: BTreeMap<String, Scripted<HttpReply>>,
    /// By `HOST:PORT`, by port alone, or by path.
    pub(super) listeners: BTreeMap<String, Scripted<NetReply>>,
    pub(super) execs: BTreeMap<Vec<String>, Scripted<ExecReply>>,
    pub(super) hosts: BTreeMap<String, Vec<IpAddr>>,
    pub(super) files: BTreeMap<PathBuf, ScriptedFile>,
    /// Signals that processes do not mind.
    pub(super) ignored: BTreeSet<Signal>,
    /// How long every process runs, and how it ends then.
    pub(super) runs_for: Option<(Duration, End)>,
    /// Why no process can be started: an `errno`.
    pub(super) start_fails: Option<i32>,
}

impl Script {
    /// Who answers a request for a path at an address.
    pub(super) fn http(&self, address: &str, path: &str) -> Option<&Scripted<HttpReply>> {
        let plain = path.split('?').next().unwrap_or(path);
        [address, path, plain].into_iter().find_map(|key| self.http.get(key))
    }

    /// Who answers at a host and port.
    pub(super) fn tcp(&self, host: &str, port: u16) -> Option<&Scripted<NetReply>> {
        let exact = self.listeners.get(&format!("{host}:{port}"));
        exact.or_else(|| self.listeners.get(&port.to_string()))
    }

    /// What becomes of a command: by the most of its first words.
    pub(super) fn exec(&self, argv: &[String]) -> Option<&Scripted<ExecReply>> {
        (1..=argv.len()).rev().find_map(|count| self.execs.get(&argv[..count]))
    }
}
