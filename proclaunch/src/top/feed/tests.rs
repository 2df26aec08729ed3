//! What is asked, and what comes of it, with a supervisor of the test's own.

use std::collections::VecDeque;
use std::sync::mpsc::Receiver;

use super::*;
use crate::control::api::{History, Profiles};
use crate::top::fixture::{history, profile, profiles};
use crate::top::source::{Following, Trouble};

/// Generous: nothing waits for it but a failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// Nothing is asked again by itself.
const NEVER: Duration = Duration::from_secs(3600);

/// Answers at once; an output is its name and waits until it is closed.
#[derive(Default)]
struct Canned {
    closed: Arc<Mutex<Vec<String>>>,
    /// What comes of following, the first time first; after that all is well.
    troubles: Mutex<VecDeque<Trouble>>,
}

struct Output {
    text: VecDeque<u8>,
    is_closed: Receiver<()>,
}

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.text.is_empty() {
            // Closed, or dropped with the test.
            let _ = self.is_closed.recv();
            return Ok(0);
        }
        self.text.read(buffer)
    }
}

impl Source for Canned {
    fn profiles(&self) -> Result<Profiles, Trouble> {
        Ok(profiles(vec![profile("a"), profile("b")]))
    }

    fn history(&self, _: &str) -> Result<History, Trouble> {
        Ok(history())
    }

    fn order(&self, _: &str, order: Order) -> Result<(), Trouble> {
        match order {
            Order::Start | Order::Restart => Ok(()),
            Order::Stop => Err(Trouble::Refused("no".to_owned())),
        }
    }

    fn follow(&self, name: &str, _: usize) -> Result<Following, Trouble> {
        if let Some(trouble) = self.troubles.lock().unwrap().pop_front() {
            return Err(trouble);
        }
        let (close, is_closed) = channel();
        let (closed, name) = (Arc::clone(&self.closed), name.to_owned());
        let output = Output { text: name.bytes().collect(), is_closed };
        let close = move || {
            closed.lock().unwrap().push(name.clone());
            let _ = close.send(());
        };
        Ok(Following { output: Box::new(output), close: Box::new(close) })
    }
}

/// The next news of a kind; others are passed over.
#[track_caller]
fn next(news: &Receiver<News>, is: impl Fn(&News) -> bool) -> News {
    loop {
        let one = news.recv_timeout(PATIENCE).unwrap();
        if is(&one) {
            return one;
        }
    }
}

#[test]
fn profiles_are_asked_for_at_once_and_after_each_order() {
    let source: Arc<dyn Source> = Arc::new(Canned::default());
    let (sender, news) = channel();
    let feed = Feed::start(&source, NEVER, &sender);
    let is_profiles = |news: &News| matches!(news, News::Profiles(Ok(_)));
    next(&news, is_profiles);
    for (order, result) in [(Order::Start, Ok(())), (Order::Stop, Err(Trouble::Refused("no".to_owned())))] {
        feed.order(&source, "a".to_owned(), order, sender.clone());
        let ended = next(&news, |news| matches!(news, News::Ordered(..)));
        assert_eq!(ended, News::Ordered("a".to_owned(), order, result));
        next(&news, is_profiles);
    }
}

#[test]
fn one_output_is_followed_at_a_time_and_the_one_before_is_closed() {
    let canned = Canned::default();
    let closed = Arc::clone(&canned.closed);
    let source: Arc<dyn Source> = Arc::new(canned);
    let (sender, news) = channel();
    let feed = Feed::start(&source, NEVER, &sender);
    for name in ["a", "b"] {
        feed.watch(Some(name));
        next(&news, |news| *news == News::OutputBegins(name.to_owned()));
        next(&news, |news| *news == News::Output(name.to_owned(), name.as_bytes().to_vec()));
        feed.watch(Some(name));
    }
    assert_eq!(*closed.lock().unwrap(), ["a"]);
    feed.watch(None);
    assert_eq!(*closed.lock().unwrap(), ["a", "b"]);
}

#[test]
fn the_history_of_the_watched_comes_with_the_profiles() {
    let source: Arc<dyn Source> = Arc::new(Canned::default());
    let (sender, news) = channel();
    let feed = Feed::start(&source, NEVER, &sender);
    feed.watch(Some("b"));
    next(&news, |news| *news == News::History("b".to_owned(), history()));
}

#[test]
fn an_output_that_cannot_be_had_is_asked_for_again() {
    let canned = Canned::default();
    canned.troubles.lock().unwrap().push_back(Trouble::Away("gone".to_owned()));
    let source: Arc<dyn Source> = Arc::new(canned);
    let (sender, news) = channel();
    let feed = Feed::start(&source, NEVER, &sender);
    feed.watch(Some("a"));
    next(&news, |news| *news == News::OutputBegins("a".to_owned()));
}
