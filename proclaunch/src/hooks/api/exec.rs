//! `exec`: a command, executed as the profile's user, and what it said.

use std::rc::Rc;
use std::time::Duration;

use mlua::{Lua, MultiValue, Table, Value};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use proclaunch_core::exit::Exit;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Group;
use super::arguments::{Arguments, Options, number};
use crate::hooks::context::Context;
use crate::hooks::exec::{Ended, Exec, ExecId};
use crate::hooks::reference::Item;
use crate::hooks::told::Told;
use crate::keeper::protocol::Pipes;

/// How long a command may take unless it says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How much of each output is kept; the rest is read and dropped.
const OUTPUT_MAX: usize = 64 * 1024;

/// How long to wait after each read of what is dropped: reading costs CPU, and a command can write for ever.
const PAUSE: Duration = Duration::from_millis(5);

/// How long to wait for the end of a command that was killed, and of the output of one that has ended.
const GRACE: Duration = Duration::from_secs(1);

/// The most arguments.
const ARGUMENTS_MAX: usize = 1024;

/// The group.
pub(super) const GROUP: Group = Group {
    name: "exec",
    items: &[Item::function(
        "exec",
        &[("command", "{ [number]: string | number, timeout: number? }")],
        "{ ok: boolean, code: number?, signal: string?, out: string, err: string, timed_out: boolean }",
        "Executes a command, the first item of the list, with the others as its arguments: no shell looks at them. It \
         runs as the profile's user, in its directory, with its environment, and reads nothing. `ok` is whether it \
         ended with code 0; `out` and `err` are the first 64 KiB of what it wrote. After `timeout` seconds (10) it is \
         killed. Whatever it has started is killed when it ends. A command that cannot be executed is not `ok`, and \
         `err` says why.",
    )],
    make,
};

fn make(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Value> {
    let context = Rc::clone(context);
    let exec = move |lua: Lua, values: MultiValue| {
        let context = Rc::clone(&context);
        async move {
            context.may_wait("exec")?;
            let table = Arguments::new("exec", values).table("command")?;
            let command = Command::read("exec", table, &["timeout"], TIMEOUT)?;
            command.run(&context).await.into_lua(&lua)
        }
    };
    Ok(Value::Function(lua.create_async_function(exec)?))
}

/// A command that a script names.
#[derive(Clone, Debug)]
pub(super) struct Command {
    argv: Vec<Vec<u8>>,
    timeout: Duration,
}

impl Command {
    /// Reads it from the list and the options in `table`.
    pub(super) fn read(
        function: &'static str,
        table: Table,
        known: &'static [&'static str],
        default: Duration,
    ) -> mlua::Result<Self> {
        let length = table.raw_len();
        if length == 0 || length > ARGUMENTS_MAX {
            let message = format!("{function}: the command must be a list of 1 to {ARGUMENTS_MAX} strings");
            return Err(mlua::Error::runtime(message));
        }
        let mut argv = Vec::with_capacity(length);
        for index in 1..=length {
            argv.push(word(function, index, &table.raw_get(index)?)?);
        }
        let timeout = Options::new(function, table, known)?.seconds("timeout")?.unwrap_or(default);
        Ok(Self { argv, timeout })
    }

    /// The command itself, as text.
    pub(super) fn name(&self) -> String {
        self.argv.first().map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default()
    }

    /// Has it executed, and waits for its end. Dropped, nothing of it is left.
    pub(super) async fn run(self, context: &Rc<Context>) -> Done {
        let time = self.timeout;
        let started = Running::start(context, self.argv);
        let mut running = match started {
            Ok(running) => running,
            Err(why) => return Done::not_started(why),
        };
        let timed_out = timeout(time, running.until_it_ends()).await.is_err();
        if timed_out {
            running.kill();
            // What cannot be killed is not waited for.
            let _ = timeout(GRACE, running.until_it_ends()).await;
        }
        running.done(timed_out)
    }
}

fn word(function: &'static str, index: usize, value: &Value) -> mlua::Result<Vec<u8>> {
    let bytes = match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        other => number(other).map(|number| number.to_string().into_bytes()),
    };
    let bytes = bytes.ok_or_else(|| {
        let name = format!("item {index} of the command");
        Arguments::new(function, MultiValue::new()).wrong(&name, "a string", value)
    })?;
    if bytes.contains(&0) {
        let message = format!("{function}: item {index} of the command has a zero byte in it");
        return Err(mlua::Error::runtime(message));
    }
    Ok(bytes)
}

/// A command that was executed, or could not be.
#[derive(Debug)]
pub(super) struct Done {
    end: Option<Ended>,
    pub(super) timed_out: bool,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
}

impl Done {
    fn not_started(why: String) -> Self {
        Self { end: Some(Ended::NotStarted(why)), timed_out: false, out: Vec::new(), err: Vec::new() }
    }

    /// Whether it did what it was executed for.
    pub(super) fn is_ok(&self) -> bool {
        !self.timed_out && matches!(self.end, Some(Ended::Exit(Exit::Code(0))))
    }

    /// How it ended, in words.
    pub(super) fn how(&self) -> String {
        match &self.end {
            _ if self.timed_out => "took too long".to_owned(),
            Some(Ended::NotStarted(why)) => why.clone(),
            Some(Ended::Exit(Exit::Code(code))) => format!("exit {code}"),
            Some(Ended::Exit(Exit::Signal { signal, .. })) => format!("ended by signal {signal}"),
            Some(Ended::Exit(Exit::OutOfMemory)) => "ended for want of memory".to_owned(),
            Some(Ended::Exit(Exit::Unknown)) | None => "ended, nobody knows how".to_owned(),
        }
    }

    fn into_lua(mut self, lua: &Lua) -> mlua::Result<Table> {
        let table = lua.create_table()?;
        table.raw_set("ok", self.is_ok())?;
        table.raw_set("timed_out", self.timed_out)?;
        match &self.end {
            Some(Ended::Exit(Exit::Code(code))) => table.raw_set("code", *code)?,
            Some(Ended::Exit(exit)) => {
                if let Some(signal) = exit.signal() {
                    table.raw_set("signal", signal.to_string())?;
                }
            }
            Some(Ended::NotStarted(why)) => self.err = why.as_bytes().to_vec(),
            None => {}
        }
        table.raw_set("out", lua.create_string(&self.out)?)?;
        table.raw_set("err", lua.create_string(&self.err)?)?;
        Ok(table)
    }
}

/// A command that may still run. Dropped, it is killed.
struct Running {
    context: Rc<Context>,
    id: ExecId,
    out: Output,
    err: Output,
    told: oneshot::Receiver<Ended>,
    end: Option<Ended>,
    killed: bool,
}

impl Running {
    fn start(context: &Rc<Context>, argv: Vec<Vec<u8>>) -> Result<Self, String> {
        let (out, out_end) = Output::pipe()?;
        let (err, err_end) = Output::pipe()?;
        let pipes = Pipes { out: out_end, err: err_end };
        let (exec, told) = Exec::new(context.profile().name.clone(), argv, pipes);
        let id = exec.id;
        context.tell(Told::Exec(exec.into()));
        Ok(Self { context: Rc::clone(context), id, out, err, told, end: None, killed: false })
    }

    /// Waits until it has ended and all of its output is read. Can be dropped and called again.
    async fn until_it_ends(&mut self) {
        let Self { out, err, told, end, .. } = self;
        let read = async { tokio::join!(out.read_all(), err.read_all()) };
        tokio::pin!(read);
        let mut is_read = false;
        if end.is_none() {
            loop {
                tokio::select! {
                    ended = &mut *told => break *end = Some(ended.unwrap_or(Ended::Exit(Exit::Unknown))),
                    _ = &mut read, if !is_read => is_read = true,
                }
            }
        }
        if !is_read {
            // What has left the family of the command may hold its output open.
            let _ = timeout(GRACE, read).await;
        }
    }

    fn kill(&mut self) {
        if !std::mem::replace(&mut self.killed, true) {
            self.context.tell(Told::ExecKill(self.id));
        }
    }

    fn done(mut self, timed_out: bool) -> Done {
        let take = std::mem::take::<Vec<u8>>;
        let (out, err) = (take(&mut self.out.kept), take(&mut self.err.kept));
        Done { end: self.end.take(), timed_out, out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // When it has ended, the reactor itself looks after what is left.
        if self.end.is_none() {
            self.told.close();
            self.kill();
        }
    }
}

/// One output of a command.
struct Output {
    pipe: Option<Receiver>,
    kept: Vec<u8>,
}

impl Output {
    /// The output, and the end of the pipe that the command writes to.
    fn pipe() -> Result<(Self, std::os::fd::OwnedFd), String> {
        let (reader, writer) =
            pipe2(OFlag::O_CLOEXEC).map_err(|errno| format!("no pipe: {}", errno.desc()))?;
        let pipe = Receiver::from_owned_fd(reader).map_err(|error| format!("no pipe: {error}"))?;
        Ok((Self { pipe: Some(pipe), kept: Vec::new() }, writer))
    }

    /// Reads to the end, keeps the beginning. Can be dropped and called again.
    async fn read_all(&mut self) {
        let mut buffer = vec![0; 64 * 1024];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut buffer).await {
                Ok(0) | Err(_) => self.pipe = None,
                Ok(count) => {
                    let room = OUTPUT_MAX - self.kept.len();
                    self.kept.extend_from_slice(&buffer[..count.min(room)]);
                    if room == 0 {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
    }
}
