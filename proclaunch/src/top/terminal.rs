//! The terminal: taken over, and given back however this ends.

use std::io::{self, IsTerminal as _, Stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;

use nix::sys::signal::{SigSet, Signal};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use super::Input;

/// Signals that end the program, after it has given the terminal back.
const ENDING: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];

/// A terminal that is ours until this is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    /// Where is drawn.
    pub(super) terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Taken {
    /// Takes it: keys come one by one, and what was on the screen comes back afterwards.
    ///
    /// # Errors
    /// Standard input or output is no terminal.
    pub(super) fn take() -> io::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(io::Error::other("standard input and output must be a terminal"));
        }
        enable_raw_mode()?;
        IS_TAKEN.store(true, Ordering::SeqCst);
        let entered = execute!(io::stdout(), EnterAlternateScreen)
            .and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        match entered {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whether there is something to give back: what brings the old screen back also brings the cursor to its old place,
/// over what was written since.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Leaves the terminal as it was. There is nobody to tell that it could not be done.
fn give_back() {
    if !IS_TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// Has the words of a panic stand on a terminal that shows them, and the program end after one in any thread.
pub(super) fn survive_panics(inputs: Sender<Input>) {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        give_back();
        before(info);
        // Nobody listens if it is the main thread, which ends by itself.
        let _ = inputs.send(Input::Broken);
    }));
}

/// Has signals that would end the program come as inputs. To be called before any other thread is made: they inherit
/// that these signals do not reach them.
///
/// # Errors
/// The system refuses.
pub(super) fn catch_signals(inputs: Sender<Input>) -> io::Result<()> {
    let signals: SigSet = ENDING.into_iter().collect();
    signals.thread_block()?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        while let Ok(signal) = signals.wait() {
            if inputs.send(Input::Signal(signal)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// Has keys and changes of the size come as inputs.
///
/// # Errors
/// The system gives no thread.
pub(super) fn read_keys(inputs: Sender<Input>) -> io::Result<()> {
    thread::Builder::new().name("keys".to_owned()).spawn(move || {
        loop {
            let input = match event::read() {
                Ok(Event::Key(key)) => Input::Key(key),
                Ok(Event::Resize(..)) => Input::Resized,
                Ok(_) => continue,
                Err(_) => Input::Broken,
            };
            let is_last = matches!(input, Input::Broken);
            if inputs.send(input).is_err() || is_last {
                return;
            }
        }
    })?;
    Ok(())
}
