//! What an earlier supervisor knew of hooks: it holds for the files that it was found out of, and for no others.

use std::hash::{Hash, Hasher};

use crate::machine::imprint::Imprint;
use crate::machine::memory::Memory;
use crate::machine::remembered::{AttentionThen, HooksThen};
use crate::machine::write::cut;
use crate::profile::Fingerprint;

use super::{Known, Strikes};

impl Memory {
    /// What is known of hooks, to be written down.
    pub(in crate::machine) fn hooks_then(&self) -> Option<HooksThen> {
        let known = &self.known_hooks;
        if let (None, Some((before, _))) = (&known.loaded, &known.before) {
            return Some(before.clone());
        }
        let files = known.loaded.as_ref().map(|(digest, _)| Imprint::of_digest(*digest))?;
        let strikes = known
            .strikes
            .iter()
            .map(|(hook, strikes)| (*hook, strikes.count, strikes.off.as_deref().map(cut)));
        Some(HooksThen { files: Some(files), strikes: strikes.collect() })
    }

    /// Whether these are the hook files in force, or those that were while none are loaded yet.
    pub(in crate::machine) fn has_same_hooks(&self, files: Option<Imprint>) -> bool {
        self.hooks_then().and_then(|hooks| hooks.files) == files
    }

    /// Keeps what an earlier supervisor knew of hooks until they are loaded.
    pub(in crate::machine) fn recall_hooks(&mut self, hooks: HooksThen, attention: Option<AttentionThen>) {
        self.known_hooks.before = Some((hooks, attention));
    }

    /// What an earlier supervisor had asked of the process that runs, while that cannot be asked yet.
    pub(in crate::machine) fn attention_then(&self) -> Option<&AttentionThen> {
        self.known_hooks.before.as_ref()?.1.as_ref()
    }

    /// Another process will run.
    pub(in crate::machine) fn forget_attention(&mut self) {
        let before = self.known_hooks.there().and_then(|known| known.before.as_mut());
        if let Some((_, attention)) = before {
            *attention = None;
        }
    }

    /// What an earlier supervisor had asked of the process that runs, if the hooks are the same still.
    pub(in crate::machine) fn take_attention(&mut self) -> Option<AttentionThen> {
        self.known_hooks.there()?.before.take()?.1
    }
}

impl Known {
    /// Goes on with what an earlier supervisor knew of the files that were loaded, or forgets it.
    pub(super) fn go_on(&mut self, digest: Fingerprint) {
        let same = |(then, _): &mut (HooksThen, _)| then.files == Some(Imprint::of_digest(digest));
        let Some((then, attention)) = self.before.take_if(same) else {
            self.before = None;
            return;
        };
        for (hook, count, off) in then.strikes {
            self.strikes.insert(hook, Strikes { count, off });
        }
        self.before = Some((HooksThen::default(), attention));
    }

    /// What tells the record from what it should say.
    pub(in crate::machine) fn mark(&self, hasher: &mut impl Hasher) {
        self.loaded.as_ref().map(|(digest, _)| digest).hash(hasher);
        for (hook, strikes) in &self.strikes {
            (hook, strikes.count, strikes.off.is_some()).hash(hasher);
        }
    }
}
