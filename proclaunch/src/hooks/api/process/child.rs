//! A process below the main one, as a handle.
//!
//! **Invariant:** a handle means one process for ever; and a signal goes only to a process that is, at that moment,
//! below the main process of the service that the running hook was asked about.

use std::os::fd::AsFd;
use std::rc::Rc;

use mlua::{Error, MetaMethod, MultiValue, UserData, UserDataFields, UserDataMethods, Value};
use proclaunch_core::ids::ProcId;
use proclaunch_core::log::Level;
use proclaunch_core::profile::closest;
use proclaunch_core::signal::Signal;

use super::main_id;
use crate::hooks::api::arguments::{Arguments, text};
use crate::hooks::context::Context;
use crate::hooks::fault::shown;
use crate::hooks::outside::Measured;
use crate::hooks::reference::Item;
use crate::keeper::read_stat;
use crate::sys::pidfd;

/// The longest way up that is believed.
const DEEPEST: usize = 256;

/// What a handle has.
pub(crate) static CHILD: &[Item] = &[
    Item::value("child.pid", "number", "Its pid."),
    Item::value("child.age", "number", "Whole seconds since it was started; also once it is gone."),
    Item::value("child.rss", "number", "How much memory of it is in RAM, in bytes; 0 once it is gone."),
    Item::value("child.cmd", "string", "Its command line, words separated by spaces; empty once it is gone."),
    Item::function(
        "child:signal",
        &[("name", "string"), ("reason", "string")],
        "(boolean, string?)",
        "Sends it a signal, and says so in the log. False and the reason if it is gone, or is not below the main \
         process any more.",
    ),
];

/// One process below the main one.
pub(super) struct Child {
    id: ProcId,
    context: Rc<Context>,
}

impl Child {
    pub(super) fn new(id: ProcId, context: &Rc<Context>) -> Self {
        Self { id, context: Rc::clone(context) }
    }

    fn process(&self) -> Result<Box<dyn Measured>, String> {
        self.context.outside().process(self.id)
    }

    fn cmd(&self) -> String {
        self.process().and_then(|process| process.cmdline()).unwrap_or_default()
    }

    /// Sends a signal, or says why not.
    fn signal(&self, signal: Signal, reason: &str) -> Result<(), String> {
        let cmd = self.cmd();
        self.context.outside().signal(main_id(&self.context)?, self.id, signal)?;
        let pid = self.id.pid;
        self.context.say(Level::Info, &format!("sent {signal} to process {pid} `{cmd}`: {reason}"));
        Ok(())
    }
}

/// Sends a signal to a process below `main`, or says why not.
pub(in crate::hooks) fn signal(main: ProcId, child: ProcId, signal: Signal) -> Result<(), String> {
    let pid = child.pid;
    let gone = || format!("process {pid} is gone");
    // Opened first and looked at then: what is looked at is what was opened.
    let pidfd = pidfd::open(pid).map_err(|_| gone())?;
    let stat = read_stat(pid).filter(|stat| stat.id == child && !stat.is_dead()).ok_or_else(gone)?;
    if !is_below(stat.ppid, main) {
        return Err(format!("process {pid} is not below process {}", main.pid));
    }
    pidfd::signal(pidfd.as_fd(), signal.number())
        .map_err(|errno| format!("send {signal} to process {pid}: {}", errno.desc()))
}

/// Whether the process that has `parent` is below `main`.
fn is_below(parent: i32, main: ProcId) -> bool {
    let mut above = parent;
    for _ in 0..DEEPEST {
        if above <= 1 {
            return false;
        }
        let Some(stat) = read_stat(above) else { return false };
        if above == main.pid {
            return stat.id == main;
        }
        above = stat.ppid;
    }
    false
}

impl UserData for Child {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("pid", |_, child| Ok(child.id.pid));
        fields.add_field_method_get("age", |_, child| {
            Ok(child.context.outside().age(child.id).map_or(0, |age| age.as_secs()))
        });
        fields.add_field_method_get("rss", |_, child| {
            Ok(child.process().and_then(|process| process.rss()).unwrap_or(0.0))
        });
        fields.add_field_method_get("cmd", |_, child| Ok(child.cmd()));
        fields.add_meta_field(MetaMethod::Type, "child");
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("signal", |_, child, values: MultiValue| {
            let (signal, reason) = signal_and_reason(Arguments::new("child:signal", values))?;
            Ok(match child.signal(signal, &reason) {
                Ok(()) => (true, None),
                Err(why) => (false, Some(why)),
            })
        });
        methods.add_meta_method(MetaMethod::Index, |_, _, key: Value| -> mlua::Result<()> {
            let name = text(&key).unwrap_or_else(|| shown(&key));
            let meant = closest(&name, &["pid", "age", "rss", "cmd", "signal"]);
            let meant = meant.map(|meant| format!(", did you mean 'child.{meant}'?"));
            Err(Error::runtime(format!("unknown field 'child.{name}'{}", meant.unwrap_or_default())))
        });
    }
}

/// The arguments of everything that sends a signal.
pub(super) fn signal_and_reason(mut arguments: Arguments) -> mlua::Result<(Signal, String)> {
    let name = arguments.value();
    let signal = text(&name).as_deref().and_then(Signal::parse);
    let signal =
        signal.ok_or_else(|| arguments.wrong("name", "the name of a signal such as \"TERM\"", &name))?;
    Ok((signal, arguments.text("reason")?))
}
