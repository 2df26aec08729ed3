//! The hook engine as the reactor sees it: files and questions go in, answers come out as inputs.
//!
//! **Invariant:** the reactor never waits for a hook. An engine that does not show that it lives while it owes an
//! answer is left behind, and another one takes its place.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::Input;
use proclaunch_core::hook::{Hook, Question, QuestionId};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::log::{Entry, Own, Said};
use proclaunch_core::machine::Event;
use proclaunch_core::profile::{Fingerprint, Profile};
use proclaunch_core::world::World as _;

use crate::hooks::{Config, Engine, EngineError, Sources, Told};

use crate::killpoint;

use super::reactor::Reactor;

/// How long an engine that owes an answer may be silent. It beats several times in that.
const SILENCE: Duration = Duration::from_secs(3);

/// The engine, and what it owes.
#[derive(Debug)]
pub(super) struct Hooks {
    pub(super) engine: Engine,
    config: Config,
    /// The profiles whose hooks it has, or is loading, to be loaded again by the next engine.
    loaded: BTreeMap<ProfileName, Arc<Profile>>,
    open: BTreeMap<QuestionId, Hook>,
    loading: BTreeMap<ProfileName, Fingerprint>,
    /// What hooks keep, as JSON.
    pub(super) vars: BTreeMap<ProfileName, String>,
    heard: Moment,
}

impl Hooks {
    pub(super) fn new(config: Config, now: Moment) -> Result<Self, EngineError> {
        Ok(Self {
            engine: Engine::start(config.clone())?,
            config,
            loaded: BTreeMap::new(),
            open: BTreeMap::new(),
            loading: BTreeMap::new(),
            vars: BTreeMap::new(),
            heard: now,
        })
    }

    /// Whether any profile has hooks. One whose hooks were all removed is still loaded, with none.
    pub(super) fn has_any(&self) -> bool {
        self.loaded.values().any(|profile| !profile.policy.hooks.present.is_empty())
    }

    /// Where the hooks of all profiles find modules.
    pub(super) fn module_dirs(&self) -> &[PathBuf] {
        &self.config.modules
    }

    /// The profile that a hook speaks for.
    pub(super) fn profile(&self, name: &ProfileName) -> Option<Arc<Profile>> {
        self.loaded.get(name).cloned()
    }

    /// When an engine that owes something has been silent for too long.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let owes = !self.open.is_empty() || !self.loading.is_empty();
        owes.then(|| self.heard.plus(SILENCE))
    }
}

/// Which of the digests the engine is asked for: it only compares it.
fn generation(digest: Fingerprint) -> u64 {
    let bytes = digest.0.to_le_bytes();
    u64::from_le_bytes(bytes[..8].try_into().expect("eight of sixteen bytes"))
}

impl Reactor {
    pub(super) fn load_hooks(&mut self, name: &ProfileName, profile: &Arc<Profile>) {
        let digest = profile.policy.hooks.digest;
        let sources = self.sources(name, profile);
        self.hooks.loaded.insert(name.clone(), Arc::clone(profile));
        self.owe(|hooks| {
            hooks.loading.insert(name.clone(), digest);
        });
        self.hooks.engine.load(name.clone(), generation(digest), sources);
    }

    pub(super) fn ask_hook(&mut self, name: ProfileName, question: Question) {
        self.owe(|hooks| {
            hooks.open.insert(question.id, question.hook);
        });
        if question.hook == Hook::OnExit {
            killpoint::pass("on-exit");
        }
        let now = self.now();
        self.metrics.recorder.asked(&name, question.id, question.hook, now);
        self.hooks.engine.ask(name, question);
    }

    pub(super) fn cancel_hook(&mut self, name: &ProfileName, id: QuestionId) {
        self.hooks.open.remove(&id);
        self.metrics.recorder.cancelled(id);
        self.hooks.engine.cancel(name, id);
    }

    pub(super) fn forget_hooks(&mut self, name: &ProfileName) {
        if self.hooks.loaded.remove(name).is_some() {
            self.hooks.engine.forget(name);
        }
        self.hooks.loading.remove(name);
        self.hooks.vars.remove(name);
        let now = self.now();
        self.metrics.forget(name, now);
    }

    /// The engine owes something more; its silence counts from now if it owed nothing before.
    fn owe(&mut self, add: impl FnOnce(&mut Hooks)) {
        if self.hooks.deadline().is_none() {
            self.hooks.heard = self.now();
        }
        add(&mut self.hooks);
    }

    /// The files of a profile's hooks, and what they are told besides.
    fn sources(&self, name: &ProfileName, profile: &Profile) -> Sources {
        let defaults = self.profiles_dir.join(".defaults");
        Sources {
            env: profile.shape.env.to_vec(),
            vars: self.hooks.vars.get(name).cloned().unwrap_or_default(),
            ..Sources::read(self.directory_of(name, profile), &defaults, &profile.policy.hooks.present)
        }
    }

    /// Takes what the engine has to tell.
    pub(super) fn take_told(&mut self) {
        self.hooks.heard = self.now();
        for told in self.hooks.engine.take() {
            match told {
                Told::Loaded { name, generation: loaded, hooks } => {
                    let digest = self.hooks.loading.get(&name).copied();
                    if let Some(digest) = digest.filter(|digest| generation(*digest) == loaded) {
                        self.hooks.loading.remove(&name);
                        let event = Event::HooksLoaded(digest, Arc::new(hooks));
                        self.answer(Input::Hook(name, Box::new(event)));
                    }
                }
                Told::Decided { name, id, outcome } => {
                    // One that was cancelled, or is another engine's, is nobody's any more.
                    if let Some(hook) = self.hooks.open.remove(&id) {
                        let now = self.now();
                        self.metrics.recorder.answered(id, &outcome, now);
                        self.answer(Input::Hook(name, Box::new(Event::Decided { id, hook, outcome })));
                    }
                }
                Told::Wished { name, hook, wish } => {
                    self.answer(Input::Hook(name, Box::new(Event::Wished { hook, wish })));
                }
                Told::Said { name, level, hook, text } => {
                    self.write(&Entry::Profile(name, Said::Hook { hook, level, text }));
                }
                Told::Vars { name, json } => self.keep_vars(&name, json),
                Told::Metrics { name, samples } => self.take_metrics(&name, samples),
                Told::Exec(exec) => self.exec(exec),
                Told::ExecKill(id) => self.kill_exec(id),
                Told::Beat => {}
            }
        }
    }

    /// Replaces an engine that is silent although it owes an answer, and loads all hooks anew.
    pub(super) fn replace_stuck_engine(&mut self, now: Moment) {
        if self.hooks.deadline().is_none_or(|at| at > now) {
            return;
        }
        let why =
            format!("it owed {} answers and was silent for {}s", self.hooks.open.len(), SILENCE.as_secs());
        self.answer(Input::Say(Own::HooksStuck { why }));
        self.hooks.heard = now;
        let Ok(engine) = Engine::start(self.hooks.config.clone()) else { return };
        // The core's own deadlines end what the old one owed. Its descriptor leaves epoll with it: nobody else has it.
        self.hooks.open.clear();
        self.metrics.recorder.all_cancelled();
        self.kill_execs();
        self.hooks.engine = engine;
        self.wait_for_hooks();
        for (name, profile) in self.hooks.loaded.clone() {
            self.load_hooks(&name, &profile);
        }
    }
}
