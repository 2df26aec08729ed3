//! The threads that ask the supervisor: one for profiles and history, one that follows an output, one for each order.
//!
//! **Invariant:** nobody who draws waits for the supervisor: everything comes as news.

#[cfg(test)]
mod tests;

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::model::{LINES, News};
use super::source::{Order, Source};

/// After this time an output that ended is followed again, as a new supervisor may have come.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a selection must last before its output is asked for: whoever scrolls through 500 profiles passes them all.
const SETTLED: Duration = Duration::from_millis(150);
const READ_MAX: usize = 64 * 1024;

/// Asks, and has it told.
#[derive(Debug)]
pub struct Feed {
    watched: Arc<Watched>,
    /// Whatever is sent here has the profiles asked for at once.
    at_once: Sender<()>,
}

/// Which profile's history and output are wanted.
#[derive(Debug, Default)]
struct Watched {
    state: Mutex<Watch>,
    changed: Condvar,
}

#[derive(Default)]
struct Watch {
    name: Option<String>,
    /// Counts changes of the name.
    turn: u64,
    /// Ends the output that is being followed.
    close: Option<Box<dyn Fn() + Send>>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("name", &self.name).field("turn", &self.turn).finish_non_exhaustive()
    }
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, Watch> {
        // Whoever panicked with it left a name, which is all there is.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_turn(&self, turn: u64) -> bool {
        self.lock().turn == turn
    }

    /// Waits until this turn is over, at most so long. Whether it still lasts.
    fn lasts(&self, turn: u64, time: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |watch| watch.turn == turn);
        waited.unwrap_or_else(PoisonError::into_inner).0.turn == turn
    }

    /// The name that is watched, as soon as there is one, and its turn.
    fn next(&self) -> (String, u64) {
        let mut watch = self.lock();
        loop {
            if let Some(name) = &watch.name {
                return (name.clone(), watch.turn);
            }
            watch = self.changed.wait(watch).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Feed {
    /// Begins to ask: for the profiles every so often. The threads end when nobody takes the news any more.
    pub fn start<T: From<News> + Send + 'static>(
        source: &Arc<dyn Source>,
        every: Duration,
        news: &Sender<T>,
    ) -> Self {
        let (at_once, asked) = channel();
        let watched = Arc::new(Watched::default());
        let (poll_source, poll_watched, poll_news) = (Arc::clone(source), Arc::clone(&watched), news.clone());
        thread::spawn(move || poll(&*poll_source, &poll_watched, &asked, every, &poll_news));
        let (follow_source, follow_watched, follow_news) =
            (Arc::clone(source), Arc::clone(&watched), news.clone());
        thread::spawn(move || follow(&*follow_source, &follow_watched, &follow_news));
        Self { watched, at_once }
    }

    /// Says whose history and output are wanted.
    pub fn watch(&self, name: Option<&str>) {
        let mut watch = self.watched.lock();
        if watch.name.as_deref() == name {
            return;
        }
        watch.name = name.map(str::to_owned);
        watch.turn += 1;
        if let Some(close) = watch.close.take() {
            close();
        }
        drop(watch);
        self.watched.changed.notify_all();
        self.ask();
    }

    /// Gives an order, and has its end told.
    pub fn order<T: From<News> + Send + 'static>(
        &self,
        source: &Arc<dyn Source>,
        name: String,
        order: Order,
        news: Sender<T>,
    ) {
        let (source, at_once) = (Arc::clone(source), self.at_once.clone());
        thread::spawn(move || {
            let result = source.order(&name, order);
            // Nobody listens any more at the end of the program.
            let _ = news.send(News::Ordered(name, order, result).into());
            let _ = at_once.send(());
        });
        self.ask();
    }

    fn ask(&self) {
        // The thread that asks ends with the program alone.
        let _ = self.at_once.send(());
    }
}

fn poll<T: From<News>>(
    source: &dyn Source,
    watched: &Watched,
    asked: &Receiver<()>,
    every: Duration,
    news: &Sender<T>,
) {
    loop {
        // Several that want it at once want it once.
        while asked.try_recv().is_ok() {}
        if news.send(News::Profiles(source.profiles()).into()).is_err() {
            return;
        }
        let name = watched.lock().name.clone();
        let history = name.and_then(|name| source.history(&name).ok().map(|history| (name, history)));
        if let Some((name, history)) = history
            && news.send(News::History(name, history).into()).is_err()
        {
            return;
        }
        if asked.recv_timeout(every) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

fn follow<T: From<News>>(source: &dyn Source, watched: &Watched, news: &Sender<T>) {
    loop {
        let (name, turn) = watched.next();
        if watched.lasts(turn, SETTLED) && !follow_one(source, watched, (&name, turn), news) {
            return;
        }
        watched.lasts(turn, AGAIN);
    }
}

/// Follows one output until it ends, or until another one is wanted. Whether somebody takes the news.
fn follow_one<T: From<News>>(
    source: &dyn Source,
    watched: &Watched,
    (name, turn): (&str, u64),
    news: &Sender<T>,
) -> bool {
    // Why there is none, the poll tells.
    let Ok(following) = source.follow(name, LINES) else { return true };
    let mut output = following.output;
    {
        let mut watch = watched.lock();
        if watch.turn != turn {
            return true;
        }
        watch.close = Some(following.close);
    }
    if news.send(News::OutputBegins(name.to_owned()).into()).is_err() {
        return false;
    }
    let mut buffer = vec![0; READ_MAX];
    while let Ok(count @ 1..) = output.read(&mut buffer) {
        if !watched.is_turn(turn) {
            return true;
        }
        if news.send(News::Output(name.to_owned(), buffer[..count].to_vec()).into()).is_err() {
            return false;
        }
    }
    true
}
