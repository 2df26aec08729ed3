//! Files of profiles that change: another value, a `down` that comes and goes, a directory that is away for a while.

use std::fs;

use proclaunch_tests::sandbox::Sandbox;

use proclaunch_tests::rng::Rng;

/// Changes something of one of these profiles, and tells what.
pub(crate) fn make_one(sandbox: &Sandbox, names: &[String], rng: &mut Rng) -> String {
    let name = rng.pick(names);
    let (here, away) = (sandbox.profiles().join(name), sandbox.path().join("away").join(name));
    if away.exists() {
        fs::rename(&away, &here).unwrap();
        return format!("{name} is back");
    }
    let down = here.join("down");
    match rng.below(4) {
        0 => {
            fs::rename(&here, &away).unwrap();
            format!("{name} is removed")
        }
        1 if down.exists() => {
            fs::remove_file(down).unwrap();
            format!("{name} is not down any more")
        }
        1 => {
            fs::write(down, "").unwrap();
            format!("{name} is down")
        }
        _ => {
            let value = rng.below(1000);
            sandbox.write(name, "env", &format!("VALUE={value}\n"));
            format!("{name} has VALUE={value}")
        }
    }
}

/// Puts back what is away, and lets run what is down.
pub(crate) fn undo_all(sandbox: &Sandbox, names: &[String]) {
    for name in names {
        let (here, away) = (sandbox.profiles().join(name), sandbox.path().join("away").join(name));
        if away.exists() {
            fs::rename(&away, &here).unwrap();
        }
        let _ = fs::remove_file(here.join("down"));
    }
}
