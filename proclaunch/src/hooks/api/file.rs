//! `file`: what is in files, and how old they are.
//!
//! **Invariant:** only regular files are opened for reading, and without waiting: neither a FIFO nor a device can hold
//! the thread up. A read is bounded.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use mlua::{IntoLuaMulti, Lua, MultiValue, Value};

use super::Group;
use super::arguments::Arguments;
use crate::hooks::context::Context;
use crate::hooks::reference::Item;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// The group.
pub(super) const GROUP: Group = Group {
    name: "file",
    items: &[
        Item::function(
            "file.read",
            &[("path", "string")],
            "(string?, string?)",
            "What is in a regular file of at most 1 MiB; nil and the reason if it cannot be read. A path is relative \
             to the profile's directory. Files are read with the supervisor's rights.",
        ),
        Item::function(
            "file.exists",
            &[("path", "string")],
            "boolean",
            "Whether something stands at the path, a symbolic link that leads nowhere excepted.",
        ),
        Item::function(
            "file.stat",
            &[("path", "string")],
            "({ size: number, mtime: number, mode: number, type: string, uid: number, gid: number }?, string?)",
            "What the path leads to: bytes, seconds since 1970 UTC to the millisecond, permission bits, \"file\", \
             \"directory\", \"fifo\", \"socket\" or \"device\", and owners; nil and the reason if there is nothing.",
        ),
        Item::function(
            "file.age",
            &[("path", "string")],
            "(number, string?)",
            "Seconds since the file was last modified, never below 0. A file that is missing is as old as 1970, with \
             the reason as second value: file.age(\"heartbeat\") < 15 is false then, and raises nothing.",
        ),
    ],
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let table = lua.create_table()?;
    let here = Rc::clone(context);
    let read =
        move |lua: &Lua, values: MultiValue| match here.outside().read(&path("file.read", &here, values)?) {
            Ok(bytes) => lua.create_string(bytes)?.into_lua_multi(lua),
            Err(why) => (Value::Nil, why).into_lua_multi(lua),
        };
    table.raw_set("read", lua.create_function(read)?)?;
    let here = Rc::clone(context);
    let exists = move |_: &Lua, values: MultiValue| {
        Ok(here.outside().stat(&path("file.exists", &here, values)?).is_ok())
    };
    table.raw_set("exists", lua.create_function(exists)?)?;
    let here = Rc::clone(context);
    let stat = move |lua: &Lua, values: MultiValue| {
        let path = path("file.stat", &here, values)?;
        match here.outside().stat(&path) {
            Ok(found) => stat(lua, &found)?.into_lua_multi(lua),
            Err(error) => (Value::Nil, failure(&path, &error)).into_lua_multi(lua),
        }
    };
    table.raw_set("stat", lua.create_function(stat)?)?;
    let here = Rc::clone(context);
    let age = move |_: &Lua, values: MultiValue| {
        let path = path("file.age", &here, values)?;
        let now = here.clock().wall();
        Ok(match here.outside().stat(&path) {
            Ok(found) => (seconds(now.saturating_sub(found.modified).max(0)), None),
            Err(error) => (seconds(now), Some(failure(&path, &error))),
        })
    };
    table.raw_set("age", lua.create_function(age)?)?;
    Ok(Value::Table(table))
}

/// The path that is meant.
fn path(function: &'static str, context: &Context, values: MultiValue) -> mlua::Result<PathBuf> {
    let mut arguments = Arguments::new(function, values);
    let value = arguments.value();
    let text = value.as_string().ok_or_else(|| arguments.wrong("path", "a string", &value))?;
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.contains(&0) {
        return Err(arguments.wrong("path", "a path", &value));
    }
    Ok(context.profile().dir.join(std::ffi::OsStr::from_bytes(&bytes)))
}

/// What is in a file, or why it cannot be read.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: &io::Error| failure(path, error);
    // To open a FIFO is to be seen by who writes to it, and a device may do anything: look first.
    regular(path, &fs::metadata(path).map_err(|error| failed(&error))?)?;
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|error| failed(&error))?;
    // It may have been replaced meanwhile.
    regular(path, &file.metadata().map_err(|error| failed(&error))?)?;
    bounded(file)
        .map_err(|error| failed(&error))?
        .ok_or_else(|| format!("read `{}`: it is longer than {LONGEST} bytes", path.display()))
}

/// The whole file; none if it is too long. What the metadata says of its length need not be so: `/proc` says 0.
fn bounded(file: File) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= LONGEST).then_some(bytes))
}

fn regular(path: &Path, metadata: &Metadata) -> Result<(), String> {
    let kind = kind(metadata);
    if kind == "file" { Ok(()) } else { Err(format!("read `{}`: it is a {kind}", path.display())) }
}

/// That a file cannot be read, in words.
pub(crate) fn failure(path: &Path, error: &io::Error) -> String {
    format!("read `{}`: {error}", path.display())
}

/// What is known of something in the file system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stat {
    /// In bytes.
    pub(crate) size: u64,
    /// In milliseconds since 1970 UTC: finer would not survive `service.vars`, which is JSON.
    pub(crate) modified: i64,
    /// Permission bits.
    pub(crate) mode: u32,
    /// What it is: `file`, `directory`, `fifo`, `socket` or `device`.
    pub(crate) kind: &'static str,
    /// The owner.
    pub(crate) uid: u32,
    /// The group.
    pub(crate) gid: u32,
}

impl Stat {
    /// As the kernel tells it.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.size(),
            modified: metadata.mtime().saturating_mul(1000).saturating_add(metadata.mtime_nsec() / 1_000_000),
            mode: metadata.mode() & 0o7777,
            kind: kind(metadata),
            uid: metadata.uid(),
            gid: metadata.gid(),
        }
    }
}

fn stat(lua: &Lua, found: &Stat) -> mlua::Result<mlua::Table> {
    let table = lua.create_table()?;
    table.raw_set("size", found.size)?;
    table.raw_set("mtime", seconds(found.modified))?;
    table.raw_set("mode", found.mode)?;
    table.raw_set("type", found.kind)?;
    table.raw_set("uid", found.uid)?;
    table.raw_set("gid", found.gid)?;
    Ok(table)
}

fn kind(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    match () {
        () if kind.is_file() => "file",
        () if kind.is_dir() => "directory",
        () if kind.is_fifo() => "fifo",
        () if kind.is_socket() => "socket",
        () => "device",
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit in 53 bits for 285,000 years")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}
