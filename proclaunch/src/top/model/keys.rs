//! What keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{Mode, Model, Pane, Sort, Wish};
use crate::top::source::Order;

impl Model {
    /// Does what a key means, and gives what it asks to be done outside.
    pub fn press(&mut self, key: KeyEvent) -> Option<Wish> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Some(Wish::Quit),
                _ => None,
            };
        }
        match &self.mode {
            Mode::Browse => self.browse(key.code),
            Mode::Filter(before) => {
                let before = before.clone();
                self.type_filter(key.code, before);
                None
            }
            Mode::Confirm(name, order) => {
                let wish = (name.clone(), *order);
                self.confirm(key.code, wish)
            }
            Mode::Help => {
                self.mode = Mode::Browse;
                None
            }
        }
    }

    fn browse(&mut self, code: KeyCode) -> Option<Wish> {
        let page = self.rows.max(2) - 1;
        let place = self.place().unwrap_or(0);
        match code {
            KeyCode::Char('q') => return Some(Wish::Quit),
            KeyCode::Char('?' | 'h') => self.mode = Mode::Help,
            KeyCode::Up | KeyCode::Char('k') => self.go(place.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.go(place + 1),
            KeyCode::PageUp => self.go(place.saturating_sub(page)),
            KeyCode::PageDown | KeyCode::Char(' ') => self.go(place + page),
            KeyCode::Home | KeyCode::Char('g') => self.go(0),
            KeyCode::End | KeyCode::Char('G') => self.go(usize::MAX),
            KeyCode::Enter => self.has_detail = !self.has_detail,
            KeyCode::Tab => {
                self.pane = match self.pane {
                    Pane::Output => Pane::History,
                    Pane::History => Pane::Output,
                }
            }
            KeyCode::Esc => self.step_back(),
            KeyCode::Char('/') => self.mode = Mode::Filter(self.filter.clone()),
            KeyCode::Char('<') => self.sort_by(self.sort.step(false)),
            KeyCode::Char('>') => self.sort_by(self.sort.step(true)),
            KeyCode::Char('N') => self.sort_by(Sort::Name),
            KeyCode::Char('S') => self.sort_by(Sort::State),
            KeyCode::Char('T') => self.sort_by(Sort::Uptime),
            KeyCode::Char('R') => self.sort_by(Sort::Restarts),
            KeyCode::Char('P') => self.sort_by(Sort::Cpu),
            KeyCode::Char('M') => self.sort_by(Sort::Memory),
            KeyCode::Char('I') => {
                self.is_reversed = !self.is_reversed;
                self.arrange();
            }
            KeyCode::Char('s') => self.ask(Order::Start),
            KeyCode::Char('x') => self.ask(Order::Stop),
            KeyCode::Char('r') => self.ask(Order::Restart),
            _ => {}
        }
        None
    }

    fn go(&mut self, place: usize) {
        self.select(place);
        self.scroll();
    }

    /// Sorts by a column; by the same once more: the other way round.
    fn sort_by(&mut self, sort: Sort) {
        self.is_reversed = sort == self.sort && !self.is_reversed;
        self.sort = sort;
        self.arrange();
    }

    /// Undoes the last thing that keeps something from being seen.
    fn step_back(&mut self) {
        if self.notice.take().is_some() {
            return;
        }
        if self.has_detail {
            self.has_detail = false;
        } else if !self.filter.is_empty() {
            self.filter.clear();
            self.arrange();
        }
    }

    /// Asks whether an order is meant. It is asked for a stop and a restart because they interrupt, and for a start
    /// because a key is struck by mistake as easily.
    fn ask(&mut self, order: Order) {
        let Some(name) = self.selected().map(|profile| profile.name.clone()) else { return };
        if self.away.is_some() {
            self.say(format!("{order} {name}: not connected, try again later"), true);
            return;
        }
        self.notice = None;
        self.mode = Mode::Confirm(name, order);
    }

    fn confirm(&mut self, code: KeyCode, (name, order): (String, Order)) -> Option<Wish> {
        match code {
            KeyCode::Char('y' | 'Y') => {
                self.mode = Mode::Browse;
                self.under_way.push((name.clone(), order));
                Some(Wish::Order(name, order))
            }
            KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc => {
                self.mode = Mode::Browse;
                None
            }
            // Any other key is neither a yes nor a no.
            _ => None,
        }
    }

    fn type_filter(&mut self, code: KeyCode, before: String) {
        match code {
            KeyCode::Enter => self.mode = Mode::Browse,
            KeyCode::Esc => {
                self.filter = before;
                self.mode = Mode::Browse;
            }
            KeyCode::Backspace if self.filter.is_empty() => self.mode = Mode::Browse,
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(c) if !c.is_control() => self.filter.push(c),
            KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => {
                self.browse(code);
            }
            _ => {}
        }
        self.arrange();
    }
}
