//! `proclaunch scale`: how many instances of a directory run.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use clap::Args;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::INSTANCES_MAX;

use super::arguments::profile_name;
use super::asking::{Asking, failed, line};
use super::interrupt::{INTERRUPTED, on_interrupt};
use super::number::whole;
use super::output;
use super::patience::Patience;
use super::progress::Progress;
use crate::control::api;
use crate::control::client::{Client, Failure};
use crate::control::render::{self, Style};
use crate::fatal::SYSTEM;
use crate::sys::clock;

const AFTER_HELP: &str = "\
Writes COUNT into the file `instances` of the profile's directory, where it stays. The directory
`web` then stands for the profiles web@1, web@2 and so on up to web@COUNT, and for no profile `web`:
one that runs is stopped, with COUNT 1 too. Each has its number in the environment as INSTANCE. More
are started, the highest are stopped, the others are not touched. `web` means all of them to other
verbs. Remove the file and there is one profile `web` again.

Exit codes:
  0    Exactly so many run; with --no-wait: the order was taken
  1    It is not so: it was refused, one of them cannot run, or it takes longer
  2    The command line is wrong
  4    There is no such directory
  111  No supervisor answers, or it does not let you
  130  Interrupted; the order stays in force";

/// How often it is said what is waited for.
const PROGRESS: Duration = Duration::from_millis(200);
/// Between two looks at how many run.
const LOOK: Duration = Duration::from_millis(500);

/// Which directory, and how many.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Scale {
    /// The name of the directory, without `@`
    #[arg(value_name = "NAME", value_parser = profile_name)]
    name: ProfileName,

    /// How many are to run, 0 to 1000
    #[arg(value_name = "COUNT", allow_negative_numbers = true, value_parser = count)]
    count: u16,

    #[command(flatten)]
    patience: Patience,

    #[command(flatten)]
    asking: Asking,
}

/// What is heard while it is waited for.
enum Message {
    /// What became of the order.
    Answer(Box<Result<api::Scaled, Failure>>),
    /// So many of the instances run.
    Running(usize),
    /// Ctrl-C.
    Interrupted,
}

impl Scale {
    /// Orders, waits, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let wait = self.patience.wait();
        let client = self.asking.client();
        let (sender, messages) = channel();
        let interrupt = sender.clone();
        // Nobody listens any more if the answer is there.
        on_interrupt(move || _ = interrupt.send(Message::Interrupted));
        let mut progress = Progress::new();
        if progress.is_seen() && !self.patience.no_wait {
            self.watch(&client, sender.clone());
        }
        let (name, count) = (self.name.clone(), self.count);
        let order = move || {
            let answer = client.scale(name.as_str(), count, wait);
            let _ = sender.send(Message::Answer(Box::new(answer)));
        };
        if thread::Builder::new().name("scale".to_owned()).spawn(order).is_err() {
            output::complain("failed to start a thread: too many processes");
            return SYSTEM;
        }
        self.wait(&messages, &mut progress)
    }

    /// Has it looked at how far it is, for as long as somebody listens.
    fn watch(&self, client: &Client, sender: Sender<Message>) {
        let (client, pattern) = (client.clone(), format!("{}@*", self.name));
        let look = move || {
            loop {
                thread::park_timeout(LOOK);
                // While no supervisor answers, nothing is known that is new.
                let Ok(seen) = client.profiles(std::slice::from_ref(&pattern)) else { continue };
                let running = seen.profiles.iter().filter(|profile| profile.standing == "serving").count();
                if sender.send(Message::Running(running)).is_err() {
                    return;
                }
            }
        };
        // Without a thread for it, it is not shown.
        let _ = thread::Builder::new().name("watch".to_owned()).spawn(look);
    }

    fn wait(&self, messages: &Receiver<Message>, progress: &mut Progress) -> u8 {
        let begun = clock::now();
        let mut running = None;
        loop {
            match messages.recv_timeout(PROGRESS) {
                Ok(Message::Answer(answer)) => {
                    progress.hide();
                    return self.tell(*answer);
                }
                Ok(Message::Running(count)) => running = Some(count),
                Ok(Message::Interrupted) => {
                    progress.hide();
                    output::complain(&format!("interrupted; the order to {} stays in force", self.name));
                    return INTERRUPTED;
                }
                Err(RecvTimeoutError::Timeout) => {
                    let passed = clock::now().since(begun).as_secs();
                    let run = running.map_or_else(String::new, |running| format!(", {running} run"));
                    let (name, count) = (&self.name, self.count);
                    progress.show(&format!("scale: waiting for {count} of {name}{run} ({passed} s)"));
                }
                Err(RecvTimeoutError::Disconnected) => return SYSTEM,
            }
        }
    }

    fn tell(&self, answer: Result<api::Scaled, Failure>) -> u8 {
        match answer {
            Ok(scaled) => self.asking.print(&scaled, |scaled| render::scaled(Style::of_stdout(), scaled)),
            Err(failure @ Failure::Refused { .. }) if self.asking.json => {
                output::print(&line(&failure.to_api())).max(failure.code())
            }
            Err(failure) => failed(&failure),
        }
    }
}

fn count(text: &str) -> Result<u16, String> {
    whole(text, 0..=u64::from(INSTANCES_MAX))
}
