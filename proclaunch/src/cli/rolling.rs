//! A rolling restart: some profiles at a time, the next only when these serve, and no further than the first failure.
//!
//! **Invariant:** after a failure it is said which profiles were restarted, which failed, and which were not touched.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::interrupt::{INTERRUPTED, on_interrupt};
use super::ordering::Ordering;
use super::output;
use super::progress::{Progress, several};
use crate::control::api;
use crate::control::client::{Client, Failure, Order, Wait};
use crate::control::render::Style;
use crate::fatal::SYSTEM;
use crate::sys::clock;

/// Between two looks at a profile whose checks have no opinion yet.
const LOOK: Duration = Duration::from_millis(200);

enum Message {
    /// What became of a profile of the batch.
    Answer(usize, Box<Result<api::Ordered, Failure>>),
    /// Ctrl-C.
    Interrupted,
}

/// Restarts them in batches, prints, and gives the exit code.
pub(super) fn run(ordering: &Ordering, batch: NonZeroUsize) -> u8 {
    let (client, names) = match ordering.select() {
        Ok(selected) => selected,
        Err(code) => return code,
    };
    let (sender, answers) = channel();
    let interrupt = sender.clone();
    // Nobody listens any more if all is done.
    on_interrupt(move || _ = interrupt.send(Message::Interrupted));
    let style = Style::of_stdout();
    let mut tally = Tally { names: &names, done: Vec::new(), failed: Vec::new(), begun: 0 };
    let mut worst = 0;
    let mut progress = Progress::new();
    while worst == 0 && tally.begun < names.len() {
        let first = tally.begun;
        tally.begun = names.len().min(first + batch.get());
        let mut left: Vec<usize> = (first..tally.begun).collect();
        for index in &left {
            if begin(&client, &names[*index], *index, ordering.patience.timeout(), &sender).is_err() {
                output::complain("failed to start a thread: too many processes");
                return tally.stopped(SYSTEM);
            }
        }
        while !left.is_empty() {
            let waiting: Vec<&str> = left.iter().map(|index| names[*index].as_str()).collect();
            match answers.recv_timeout(LOOK) {
                Ok(Message::Answer(index, answer)) => {
                    progress.hide();
                    left.retain(|waiting| *waiting != index);
                    tally.note(index, answer.is_ok());
                    worst = worst.max((*answer).as_ref().map_or_else(Failure::code, |_| 0));
                    if let ControlFlow::Break(code) =
                        ordering.tell(style, &names[index], &Order::Restart, &answer)
                    {
                        return worst.max(code);
                    }
                }
                Ok(Message::Interrupted) => {
                    progress.hide();
                    output::complain(&format!("interrupted; the restart of {} goes on", several(&waiting)));
                    return tally.stopped(INTERRUPTED);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => progress.show(&format!(
                    "restart: {} of {} done, waiting for {}",
                    tally.done.len(),
                    names.len(),
                    several(&waiting)
                )),
            }
        }
    }
    if worst == 0 { 0 } else { tally.stopped(worst) }
}

/// How far it has come.
struct Tally<'a> {
    names: &'a [String],
    done: Vec<usize>,
    failed: Vec<usize>,
    /// From here on nobody was touched.
    begun: usize,
}

impl Tally<'_> {
    fn note(&mut self, index: usize, is_good: bool) {
        if is_good { self.done.push(index) } else { self.failed.push(index) }
    }

    /// Says where it stopped, and gives the exit code back.
    fn stopped(&self, code: u8) -> u8 {
        let named = |indexes: &[usize]| {
            let names: Vec<&str> = indexes.iter().map(|index| self.names[*index].as_str()).collect();
            if names.is_empty() { "none".to_owned() } else { names.join(" ") }
        };
        let untouched: Vec<usize> = (self.begun..self.names.len()).collect();
        output::complain(&format!(
            "the rolling restart has stopped; done: {}; failed: {}; not touched: {}",
            named(&self.done),
            named(&self.failed),
            named(&untouched)
        ));
        code
    }
}

fn begin(
    client: &Client,
    name: &str,
    index: usize,
    limit: Duration,
    sender: &Sender<Message>,
) -> std::io::Result<()> {
    let (client, name, sender) = (client.clone(), name.to_owned(), sender.clone());
    let work = move || {
        let answer = restart(&client, &name, limit);
        // Nobody listens any more after an interruption.
        let _ = sender.send(Message::Answer(index, Box::new(answer)));
    };
    thread::Builder::new().name(format!("restart {index}")).spawn(work).map(drop)
}

/// Restarts one, and waits until it is ready and its checks, if it has some, have said that it is healthy.
fn restart(client: &Client, name: &str, limit: Duration) -> Result<api::Ordered, Failure> {
    let begun = clock::now();
    let mut ordered = client.order(name, &Order::Restart, Wait::For(limit))?;
    loop {
        let Some(profile) = &ordered.profile else { return Ok(ordered) };
        let is_late = clock::now().since(begun) >= limit;
        match verdict(profile, is_late) {
            Verdict::Serves => return Ok(ordered),
            Verdict::Fails(why) => return Err(unfit(profile, &why)),
            Verdict::Waits => {}
        }
        thread::park_timeout(LOOK);
        ordered.profile = Some(client.profile(name)?);
    }
}

/// What is thought of a profile that was restarted.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Serves,
    Waits,
    Fails(String),
}

fn verdict(profile: &api::Profile, is_late: bool) -> Verdict {
    match (profile.standing.as_str(), profile.health.as_str()) {
        // What does its work once has done it, or is up for it.
        ("done", _) | ("serving", "healthy") => Verdict::Serves,
        ("serving", _) if !profile.has_checks => Verdict::Serves,
        ("serving", _) if is_late => Verdict::Fails("its checks have said nothing yet".to_owned()),
        ("serving", _) => Verdict::Waits,
        ("unhealthy", _) => Verdict::Fails("it is unhealthy".to_owned()),
        ("backoff" | "dead" | "gave_up", _) => Verdict::Fails(format!("it has ended again: {}", profile.why)),
        (standing, _) => Verdict::Fails(format!("it is {standing}")),
    }
}

fn unfit(profile: &api::Profile, why: &str) -> Failure {
    let error = api::Error {
        error: why.to_owned(),
        hint: None,
        result: Some("failed".to_owned()),
        profile: Some(Box::new(profile.clone())),
    };
    Failure::Refused { status: 409, error: Box::new(error) }
}
