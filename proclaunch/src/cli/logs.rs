//! `proclaunch logs`: what profiles have written, and what they write.

use std::io::{BufRead as _, BufReader, Read as _};
use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::asking::{Asking, UNKNOWN, failed, line};
use super::merge::{Merge, Next, PIECE_MAX};
use super::number::whole;
use super::output;
use super::select::Selected;
use super::since::since;
use crate::control::client::{Client, Failure, Output, Tail, failure};
use crate::control::glob::Glob;
use crate::control::render::{Style, Tone};
use crate::fatal::SYSTEM;

/// Lines that are shown where nothing else is said.
const LINES: u64 = 100;
/// How many profiles are read at once: the supervisor has no more connections for a user of its status group.
const AT_ONCE: usize = 48;
/// Lines that wait to be printed.
const QUEUE: usize = 64;
/// How often it is looked whether anybody reads.
const LOOK: Duration = Duration::from_secs(1);

const AFTER_HELP: &str = "\
Output is printed as the profiles wrote it, across rotations. With several names each line begins
with the name of its profile, and is printed whole; lines that begin with a time, as with the
setting `log` = `10M 5 timestamps`, are in the order of it.

Exit codes; the highest, if there are several names:
  0    Printed
  2    The command line is wrong
  4    A name means no profile
  111  No supervisor answers, or it does not let you";

/// Whose output, and how much of it.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Logs {
    /// Names of profiles or of directories with instances, or quoted globs with `*`, `?` and `[a-z]`
    #[arg(value_name = "NAME", required = true, value_parser = Glob::parse)]
    names: Vec<Glob>,

    /// Do not end, but print what comes, also across supervisors
    #[arg(short, long)]
    follow: bool,

    /// Only the last N lines [default: 100; with --since: all]
    #[arg(short = 'n', long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    lines: Option<u64>,

    /// Only what was written in the last seconds (`30`), minutes (`10m`), hours (`2h`) or days (`1d`), or since a time
    /// (`2026-11-23T14:31:05Z`)
    #[arg(long, value_name = "T", value_parser = since, allow_negative_numbers = true)]
    since: Option<Duration>,

    #[command(flatten)]
    asking: Asking,
}

fn count(text: &str) -> Result<u64, String> {
    whole(text, 0..=u64::MAX)
}

/// What a thread that follows says.
enum Message {
    /// A line, or a piece of one.
    Line(usize, Vec<u8>),
    /// Nothing more comes.
    End(Failure),
}

impl Logs {
    /// Asks, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let client = self.asking.client();
        let selected = match Selected::of(&client, &self.names) {
            Ok(selected) => selected,
            Err(failure) => return failed(&failure),
        };
        let worst = if selected.complain() { UNKNOWN } else { 0 };
        let names = selected.names();
        let code = if self.follow && !names.is_empty() {
            self.follow(&client, &names)
        } else {
            self.print(&client, &names)
        };
        worst.max(code)
    }

    fn output(&self) -> Output {
        let lines = self.lines.or(if self.since.is_some() { None } else { Some(LINES) });
        Output { lines, since: self.since.map(|since| since.as_secs_f64()), follow: self.follow }
    }

    /// What is there: lines that begin with a time in the order of that.
    fn print(&self, client: &Client, names: &[String]) -> u8 {
        let printer = Printer::new(names, self.asking.json);
        let mut worst = 0;
        for group in (0..names.len()).collect::<Vec<_>>().chunks(AT_ONCE) {
            let mut merge = Merge::new();
            for index in group {
                match open(client, &names[*index], self.output()) {
                    Ok(reader) => merge.add(*index, reader),
                    Err(failure) => worst = worst.max(failed(&failure)),
                }
            }
            while let Some(next) = merge.next() {
                match next {
                    Next::Line(index, line) => {
                        if let ControlFlow::Break(code) = printer.print(index, &line) {
                            return worst.max(code);
                        }
                    }
                    Next::Failed(error) => worst = worst.max(failed(&failure(error))),
                }
            }
        }
        worst
    }

    /// What is there and what comes, as it comes.
    fn follow(&self, client: &Client, names: &[String]) -> u8 {
        let (sender, messages) = sync_channel(QUEUE);
        for (index, name) in names.iter().enumerate() {
            let (client, name, output, sender) =
                (client.clone(), name.clone(), self.output(), sender.clone());
            let work = move || follow(&client, &name, index, output, &sender);
            if thread::Builder::new().name("follow".to_owned()).spawn(work).is_err() {
                output::complain("failed to start a thread: too many processes");
                return SYSTEM;
            }
        }
        drop(sender);
        let printer = Printer::new(names, self.asking.json);
        let mut worst = 0;
        loop {
            match messages.recv_timeout(LOOK) {
                Ok(Message::Line(index, line)) => {
                    if let ControlFlow::Break(code) = printer.print(index, &line) {
                        return worst.max(code);
                    }
                }
                Ok(Message::End(failure)) => worst = worst.max(failed(&failure)),
                Err(RecvTimeoutError::Timeout) if output::closes_within(Duration::ZERO) => return worst,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return worst,
            }
        }
    }
}

/// Follows one profile, across supervisors.
fn follow(client: &Client, name: &str, index: usize, output: Output, sender: &SyncSender<Message>) {
    let read = lines(client, name, output, |line| sender.send(Message::Line(index, line.to_vec())).is_ok());
    if let Err(failure) = read {
        // Nobody listens any more: then nobody is to be told.
        let _ = sender.send(Message::End(failure));
    }
}

/// Reads output line by line, for as long as lines are wanted.
fn lines(
    client: &Client,
    name: &str,
    output: Output,
    mut each: impl FnMut(&[u8]) -> bool,
) -> Result<(), Failure> {
    let mut reader = open(client, name, output)?;
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(PIECE_MAX).read_until(b'\n', &mut line) {
            Ok(0) => return Ok(()),
            Ok(_) if each(&line) => {}
            Ok(_) => return Ok(()),
            Err(error) => {
                if !line.is_empty() {
                    each(&line);
                }
                return Err(failure(error));
            }
        }
    }
}

/// Begins to read output.
fn open(client: &Client, name: &str, output: Output) -> Result<BufReader<Tail>, Failure> {
    let missing = format!("lines of {name} are missing here: they were not kept until they could be read");
    let tail = client.tail(name, output, move || output::complain(&missing))?;
    Ok(BufReader::new(tail))
}

/// Prints lines of one or several profiles.
struct Printer<'a> {
    names: &'a [String],
    /// What stands before a line of each; empty if there is but one.
    prefixes: Vec<String>,
    json: bool,
}

/// A line as JSON.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    /// Bytes that are no UTF-8 are replaced.
    line: &'a str,
}

impl<'a> Printer<'a> {
    fn new(names: &'a [String], json: bool) -> Self {
        let style = Style::of_stdout();
        let width = names.iter().map(String::len).max().unwrap_or(0);
        let prefix = |(index, name): (usize, &String)| {
            let pad = " ".repeat(width - name.len());
            format!("{}{pad} | ", style.paint(Tone::Source(index), name))
        };
        let prefixes =
            if names.len() > 1 { names.iter().enumerate().map(prefix).collect() } else { Vec::new() };
        Self { names, prefixes, json }
    }

    fn print(&self, index: usize, bytes: &[u8]) -> ControlFlow<u8> {
        if self.json {
            let text = String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(bytes));
            return output::write(line(&Line { name: &self.names[index], line: &text }).as_bytes());
        }
        let Some(prefix) = self.prefixes.get(index) else { return output::write(bytes) };
        let end: &[u8] = if bytes.ends_with(b"\n") { b"" } else { b"\n" };
        output::write(&[prefix.as_bytes(), bytes, end].concat())
    }
}
