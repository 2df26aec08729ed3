//! `proclaunch top`: the dashboard.
//!
//! What is shown and what keys do ([`model`]), how it looks ([`draw`]), who asks the supervisor ([`feed`]) and the
//! terminal know nothing of each other; the loop here brings inputs to the model, and what it wishes to the feed.
//!
//! **Invariant:** nothing is drawn but after an input, and all inputs that are there are heeded before it.

pub mod draw;
pub mod feed;
#[cfg(test)]
mod fixture;
pub mod model;
pub mod source;
mod supervisor;
mod terminal;

use std::env;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use nix::sys::signal::Signal;
use ratatui::crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use crate::sys::clock;
use draw::Palette;
use feed::Feed;
use model::{Model, News, Wish};
use source::{Source, Trouble};
use terminal::Taken;

/// Without an answer for so long, what is shown is called old.
const OVERDUE: Duration = Duration::from_secs(3);

/// Whatever the loop waits for.
#[derive(Debug)]
pub(crate) enum Input {
    /// Something new from the supervisor.
    News(News),
    /// A key.
    Key(KeyEvent),
    /// Another size.
    Resized,
    /// A signal that ends the program.
    Signal(Signal),
    /// The terminal is gone, or there is a bug.
    Broken,
}

impl From<News> for Input {
    fn from(news: News) -> Self {
        Self::News(news)
    }
}

/// Why the dashboard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was asked to.
    Quit,
    /// A signal.
    Signal(Signal),
    /// The terminal is gone, or there is a bug, whose words are on the terminal.
    Broken,
}

/// Why the dashboard could not begin, or go on. Completes "failed to ...".
#[derive(Debug, thiserror::Error)]
pub enum TopError {
    /// The system does not do what is needed.
    #[error("use the terminal: {0}")]
    Terminal(#[source] io::Error),
    /// There is no supervisor.
    #[error("ask the supervisor: {0}")]
    Supervisor(String),
}

/// Shows the dashboard until it is left. Asks for the profiles every so often.
///
/// # Errors
/// See [`TopError`]. The terminal is as it was.
pub fn run(source: &Arc<dyn Source>, every: Duration) -> Result<End, TopError> {
    let first = source.profiles().map_err(|trouble| TopError::Supervisor(trouble.to_string()))?;
    let (sender, inputs) = channel();
    terminal::catch_signals(sender.clone()).map_err(TopError::Terminal)?;
    let mut taken = Taken::take().map_err(TopError::Terminal)?;
    terminal::survive_panics(sender.clone());
    terminal::read_keys(sender.clone()).map_err(TopError::Terminal)?;
    let feed = Feed::start(source, every, &sender);
    let mut model = Model::default();
    model.heed(News::Profiles(Ok(first)));
    let has_colors = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let dashboard = Dashboard { source, sender, feed, palette: Palette { has_colors }, model };
    dashboard.serve(&mut taken, &inputs).map_err(TopError::Terminal)
}

struct Dashboard<'a> {
    source: &'a Arc<dyn Source>,
    sender: Sender<Input>,
    feed: Feed,
    palette: Palette,
    model: Model,
}

impl Dashboard<'_> {
    fn serve(mut self, taken: &mut Taken, inputs: &Receiver<Input>) -> io::Result<End> {
        let mut answered = clock::now();
        loop {
            let size = taken.terminal.size()?;
            self.model.fit(draw::rows(Rect::new(0, 0, size.width, size.height), &self.model));
            taken.terminal.draw(|frame| draw::screen(frame, &self.model, self.palette))?;
            let mut next = match inputs.recv_timeout(OVERDUE) {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(End::Broken),
            };
            while let Some(input) = next {
                if matches!(input, Input::News(News::Profiles(_))) {
                    answered = clock::now();
                }
                if let Some(end) = self.heed(input) {
                    return Ok(end);
                }
                next = inputs.try_recv().ok();
            }
            if clock::now().since(answered) >= OVERDUE {
                let why = "the supervisor has not answered for some seconds".to_owned();
                self.model.heed(News::Profiles(Err(Trouble::Away(why))));
            }
            self.feed.watch(self.model.watched());
        }
    }

    /// Heeds one input; gives why it is the last.
    fn heed(&mut self, input: Input) -> Option<End> {
        match input {
            Input::News(news) => self.model.heed(news),
            Input::Resized => {}
            Input::Signal(signal) => return Some(End::Signal(signal)),
            Input::Broken => return Some(End::Broken),
            Input::Key(key) => match self.model.press(key) {
                None => {}
                Some(Wish::Quit) => return Some(End::Quit),
                Some(Wish::Order(name, order)) => {
                    self.feed.order(self.source, name, order, self.sender.clone());
                }
            },
        }
        None
    }
}
