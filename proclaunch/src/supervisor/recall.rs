//! What an earlier supervisor remembered, checked against what lives.

use std::collections::BTreeMap;

use proclaunch_core::fleet::Input;
use proclaunch_core::log::Own;
use proclaunch_core::machine::Recalled;

use crate::keeper;
use crate::store::Loaded;

use super::reactor::Reactor;

impl Reactor {
    /// Reads the records. One whose process is not the same any more tells of a process that is gone.
    pub(super) fn recall(&mut self) {
        let loaded = match self.store.load_all(&self.boot_id) {
            Ok(loaded) => loaded,
            Err(error) => {
                self.answer(Input::Say(Own::RecordNotWritten { why: error.to_string() }));
                Loaded::default()
            }
        };
        for refused in loaded.refused {
            self.answer(Input::Say(Own::RecordRefused { file: refused.file, why: refused.why }));
        }
        for (name, record) in &loaded.records {
            if let Some(vars) = &record.vars {
                self.hooks.vars.insert(name.clone(), vars.clone());
            }
        }
        let recalled: BTreeMap<_, _> = loaded
            .records
            .into_iter()
            .map(|(name, record)| {
                let remembered = record.remembered;
                let alive = remembered.process.filter(|main| keeper::identify(main.id.pid) == Some(main.id));
                let up = alive.and_then(|main| keeper::age_of(main.id));
                (name, Recalled { remembered, up })
            })
            .collect();
        if !recalled.is_empty() {
            self.answer(Input::Recall(recalled));
        }
    }
}
