//! Telling a service manager that has started this program which process is the main one, by `sd_notify(3)`.
//!
//! **Invariant:** nothing is said unless `NOTIFY_SOCKET` asks for it, and nothing fails for want of a listener.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process;

use super::PID_FILE;

const VARIABLE: &str = "NOTIFY_SOCKET";

/// This process keeps: everything is up.
pub(super) fn is_up() {
    tell(process::id());
}

/// Another one keeps already. Whoever has started this one is to watch that one.
pub fn is_served(state_dir: &Path) {
    let pid = fs::read_to_string(state_dir.join(PID_FILE)).ok().and_then(|text| text.trim_end().parse().ok());
    if let Some(pid) = pid {
        tell(pid);
    }
}

fn tell(pid: u32) {
    if let Some(socket) = env::var_os(VARIABLE).filter(|socket| !socket.is_empty()) {
        // Whoever listens notices by itself if it hears nothing.
        let _ = send(&socket, pid);
    }
}

fn send(socket: &OsStr, pid: u32) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    let sender = UnixDatagram::unbound()?;
    // A full queue is no reason to wait: supervision goes on without it.
    sender.set_nonblocking(true)?;
    sender.send_to_addr(format!("MAINPID={pid}\nREADY=1\n").as_bytes(), &address).map(drop)
}
