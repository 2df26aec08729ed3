//! What the supervisor tells the logger to do.

use nix::sys::epoll::{EpollEvent, EpollFlags};
use proclaunch_core::ids::ProfileName;

use super::failure::Failure;
use super::profile::Profile;
use super::protocol::{Configuration, Order};
use super::run::{Logger, own_pid};

impl Logger {
    pub(super) fn obey(&mut self, order: Order) {
        match order {
            Order::Configure(configuration) => self.configure(configuration),
            Order::Ended { name } => {
                if let Some(profile) = self.profiles.get_mut(&name) {
                    profile.ended();
                    self.enqueue_of(&name);
                }
            }
            Order::Forget { name } => {
                if let Some(profile) = self.profiles.get_mut(&name) {
                    profile.ended();
                    profile.is_forgotten = true;
                    self.enqueue_of(&name);
                }
                // One that is not known was meant for a logger before this one: it is said again after the hello, with
                // what has to be known of it first.
            }
            Order::Reopen => self.reopen(),
            Order::AllKnown { pid } => {
                if pid == own_pid() {
                    self.parcel = None;
                }
            }
            Order::Leave => {
                self.parcel = None;
                self.leaves = true;
            }
            Order::Finish => {
                self.finishes = true;
                for profile in self.profiles.values_mut() {
                    profile.ended();
                }
                self.enqueue_all();
            }
        }
    }

    pub(super) fn enqueue_of(&mut self, name: &ProfileName) {
        let profile = self.profiles.get(name);
        let tokens: Vec<u64> =
            profile.into_iter().flat_map(|profile| profile.pipes.iter().map(|pipe| pipe.token)).collect();
        for token in tokens {
            self.enqueue(token);
        }
    }

    fn configure(&mut self, configuration: Configuration) {
        let Configuration { name, log, paused } = configuration;
        if paused {
            self.troubled.remove(&name);
            if let Some(profile) = self.profiles.remove(&name) {
                for pipe in &profile.pipes {
                    self.tokens.remove(&pipe.token);
                }
            }
            return;
        }
        let state_dir = &self.state_dir;
        let new = || Box::new(Profile::new(state_dir, name.clone(), log));
        let profile = self.profiles.entry(name.clone()).or_insert_with(new);
        profile.log = log;
        profile.is_forgotten = false;
        self.attach(&name);
    }

    /// Opens the profile's FIFO and its file, if they are not open.
    pub(super) fn attach(&mut self, name: &ProfileName) {
        let token = self.next_token;
        let Some(profile) = self.profiles.get_mut(name) else { return };
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        let attached = profile.attach(token).and_then(|pipe| match pipe {
            None => Ok(false),
            Some(pipe) => {
                let added = self.epoll.add(&pipe.fifo, EpollEvent::new(flags, token));
                added.map(|()| true).map_err(Failure::of("watch its FIFO"))
            }
        });
        let opened = attached.and_then(|is_new| profile.open(&mut self.peek).map(|()| is_new));
        if profile.pipes.last().is_some_and(|pipe| pipe.token == token) {
            self.next_token += 1;
            self.tokens.insert(token, name.clone());
            self.enqueue(token);
        }
        if let Err(failure) = opened {
            self.failed(name, failure);
        }
    }

    fn reopen(&mut self) {
        let mut failures = Vec::new();
        for (name, profile) in &mut self.profiles {
            if let Err(failure) = profile.reopen().and_then(|()| profile.open(&mut self.peek)) {
                failures.push((name.clone(), failure));
            }
        }
        for (name, failure) in failures {
            self.failed(&name, failure);
        }
    }
}
