//! Orders to several profiles at once, and what became of each.
//!
//! **Invariant:** nothing is ordered of anybody if one of the names means nothing.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::asking::{Asking, UNKNOWN, failed, line};
use super::interrupt::{INTERRUPTED, on_interrupt};
use super::output;
use super::patience::Patience;
use super::progress::{Progress, several};
use super::select::Selected;
use crate::control::api;
use crate::control::client::{Client, Failure, Order, Wait};
use crate::control::glob::Glob;
use crate::control::render::{self, Style};
use crate::fatal::SYSTEM;
use crate::sys::clock;

/// How many are waited for at once; the supervisor has no more connections for a user of its control group.
const AT_ONCE: usize = 48;
/// How often it is said what is waited for.
const PROGRESS: Duration = Duration::from_millis(200);

/// What is said of every verb that gives orders.
pub(super) const EXIT_CODES: &str = "\
Exit codes; the highest, if there are several names:
  0    It is so; with --no-wait: the order was taken
  1    It is not so: the order was refused, failed, was overtaken by another one, or takes longer
  2    The command line is wrong
  4    There is no such profile; nothing was ordered of the others
  111  No supervisor answers, or it does not let you
  130  Interrupted; the orders stay in force";

/// Which profiles, and how long to wait for them.
#[derive(Clone, Debug, Args)]
pub(super) struct Ordering {
    /// Names of profiles or of directories with instances, or quoted globs with `*`, `?` and `[a-z]`
    #[arg(value_name = "NAME", required = true, value_parser = Glob::parse)]
    names: Vec<Glob>,

    #[command(flatten)]
    pub(super) patience: Patience,

    #[command(flatten)]
    pub(super) asking: Asking,
}

/// What a worker says.
enum Message {
    /// What became of the order to this name.
    Answer(usize, Box<Result<api::Ordered, Failure>>),
    /// Ctrl-C.
    Interrupted,
}

impl Ordering {
    /// Gives the order to all, waits, prints, and gives the exit code.
    pub(super) fn run(&self, order: &Order) -> u8 {
        match self.select() {
            Ok((client, names)) => self.give(&client, &names, order),
            Err(code) => code,
        }
    }

    /// The profiles that are meant, if all names mean some.
    pub(super) fn select(&self) -> Result<(Client, Vec<String>), u8> {
        let client = self.asking.client();
        let select = || Selected::of(&client, &self.names).map_err(|failure| failed(&failure));
        let mut selected = select()?;
        if selected.is_incomplete() {
            // It may have been made a moment ago. Whoever may not have it looked for is told that there is none.
            let _ = client.rescan();
            selected = select()?;
        }
        if selected.complain() { Err(UNKNOWN) } else { Ok((client, selected.names())) }
    }

    fn give(&self, client: &Client, names: &[String], order: &Order) -> u8 {
        let (sender, answers) = channel();
        let interrupt = sender.clone();
        // Nobody listens any more if all answers are there.
        on_interrupt(move || _ = interrupt.send(Message::Interrupted));
        give_out(client, names, order, self.patience.wait(), &sender);
        drop(sender);
        self.collect(&answers, names, order)
    }

    /// Prints the answers as they come.
    fn collect(&self, answers: &Receiver<Message>, names: &[String], order: &Order) -> u8 {
        let style = Style::of_stdout();
        let begun = clock::now();
        let mut progress = Progress::new();
        let mut left: Vec<usize> = (0..names.len()).collect();
        let mut worst = 0;
        while !left.is_empty() {
            let waiting: Vec<&str> = left.iter().map(|index| names[*index].as_str()).collect();
            match answers.recv_timeout(PROGRESS) {
                Ok(Message::Answer(index, answer)) => {
                    progress.hide();
                    left.retain(|waiting| *waiting != index);
                    worst = worst.max((*answer).as_ref().map_or_else(Failure::code, |_| 0));
                    if let ControlFlow::Break(code) = self.tell(style, &names[index], order, &answer) {
                        return worst.max(code);
                    }
                }
                Ok(Message::Interrupted) => {
                    progress.hide();
                    let (orders, stay) =
                        if waiting.len() == 1 { ("order", "stays") } else { ("orders", "stay") };
                    output::complain(&format!(
                        "interrupted; the {orders} to {} {stay} in force",
                        several(&waiting)
                    ));
                    return INTERRUPTED;
                }
                Err(RecvTimeoutError::Timeout) => {
                    let passed = clock::now().since(begun).as_secs();
                    let verb = order.verb();
                    progress.show(&format!("{verb}: waiting for {} ({passed} s)", several(&waiting)));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    output::complain("failed to start a thread: too many processes");
                    return SYSTEM;
                }
            }
        }
        worst
    }

    /// Prints one answer: what is done on standard output, what is not on standard error.
    pub(super) fn tell(
        &self,
        style: Style,
        name: &str,
        order: &Order,
        answer: &Result<api::Ordered, Failure>,
    ) -> ControlFlow<u8> {
        let text = match answer {
            Ok(ordered) if self.asking.json => line(&Told { name, what: ordered }),
            Err(failure) if self.asking.json => line(&Told { name, what: &failure.to_api() }),
            Ok(ordered) => render::ordered(style, name, order, ordered),
            Err(Failure::Refused { error, .. }) => {
                output::complain(render::refused(Style::default(), name, order, error).trim_end());
                return ControlFlow::Continue(());
            }
            Err(failure) => {
                let hint = if failure.may_be_taken() {
                    format!(": `proclaunch history {name}` tells")
                } else {
                    String::new()
                };
                output::complain(&format!("{name} {}: {failure}{hint}", order.verb()));
                return ControlFlow::Continue(());
            }
        };
        output::write(text.as_bytes())
    }
}

/// Whose answer it is.
#[derive(Serialize)]
struct Told<'a, T> {
    name: &'a str,
    #[serde(flatten)]
    what: &'a T,
}

/// Gives the order to all by threads of their own, as many as there can be.
fn give_out(client: &Client, names: &[String], order: &Order, wait: Wait, sender: &Sender<Message>) {
    if names.len() > AT_ONCE && wait != Wait::No && matches!(order, Order::Start { .. } | Order::Stop) {
        // All are to begin at once: one may wait for another one.
        for name in &names[AT_ONCE..] {
            // What is wrong is told when it is ordered again, and waited for.
            drop(client.order(name, order, Wait::No));
        }
    }
    let queue: Vec<(usize, String)> = names.iter().cloned().enumerate().rev().collect();
    let queue = Arc::new(Mutex::new(queue));
    for number in 0..names.len().min(AT_ONCE) {
        let (client, order, queue, sender) =
            (client.clone(), order.clone(), Arc::clone(&queue), sender.clone());
        let work = move || {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let Some((index, name)) = next else { break };
                let answer = client.order(&name, &order, wait);
                if sender.send(Message::Answer(index, Box::new(answer))).is_err() {
                    break;
                }
            }
        };
        // With one thread it works as well, only later.
        if thread::Builder::new().name(format!("order {number}")).spawn(work).is_err() {
            break;
        }
    }
}
