//! Every policy in `hooks-examples/` has tests, and they pass.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::policy_test::{Options, run};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks-examples")
}

#[test]
fn scenario_46_every_policy_acts_when_it_should_and_not_otherwise() {
    let options = Options { paths: vec![root()], ..Options::default() };
    let all = run(&options, |_| {}).unwrap();
    let failed: Vec<String> = all
        .iter()
        .filter_map(|tested| {
            let why = tested.failure.as_ref()?;
            let timeline = tested.timeline.join("\n");
            Some(format!("{}: {}: {}\n{timeline}", tested.profile, tested.name, why.what))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for tested in &all {
        *counts.entry(&tested.profile).or_default() += 1;
    }
    let profiles = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let is_none = |path: &PathBuf| path.ends_with("meta") || path.ends_with(".hooks");
    let profiles: Vec<PathBuf> = profiles.filter(|path| path.is_dir() && !is_none(path)).collect();
    assert_eq!(profiles.len(), 21);
    for path in profiles {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let count = counts.get(name.as_str()).copied().unwrap_or(0);
        assert!(count >= 2, "{name} has {count} tests: one that it acts, one that it does not");
    }
}
