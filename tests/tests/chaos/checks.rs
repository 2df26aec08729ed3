//! What must be true when chaos is over.

use std::collections::BTreeMap;

use proclaunch_tests::parts::helpers;
use proclaunch_tests::processes::{of_directory, zombies_of};
use proclaunch_tests::wait;

use crate::ledger::Ledger;
use crate::output;
use crate::run::Run;
use crate::services::{Fate, Service};

/// Descriptors that may be open for a moment at either look: a hook's, a scan's, a start's.
const TOLERANCE: usize = 4;

/// While everything runs: nobody leaks, and there is one of each.
pub(crate) fn alive(run: &Run, before: [usize; 3]) {
    let parts = run.daemon.parts().unwrap_or_else(|| run.fail("not all three are there"));
    let helpers = || helpers(&run.daemon.sandbox.state());
    if wait::until(|| (helpers().len() == 2).then_some(())).is_none() {
        run.fail(&format!("more than one supervisor and one logger: {:?}", helpers()));
    }
    for ((name, process), before) in parts.each().into_iter().zip(before) {
        let is_fine = || (process.descriptors() <= before + TOLERANCE).then_some(());
        if wait::until(is_fine).is_none() {
            let files = process.open_files();
            run.fail(&format!("the {name} had {before} descriptors and has {}: {files:?}", files.len()));
        }
        let none = || (zombies_of(process.pid) == 0).then_some(());
        if wait::until(none).is_none() {
            run.fail(&format!("the {name} has zombies"));
        }
    }
}

/// After the drain: ledgers, output and log tell one story.
pub(crate) fn afterwards(run: &Run) {
    let gone = wait::until(|| of_directory(run.daemon.sandbox.path()).is_empty().then_some(()));
    if gone.is_none() {
        run.fail(&format!("left behind: {:?}", of_directory(run.daemon.sandbox.path())));
    }
    let log = run.daemon.log();
    if !log.trim_end().ends_with("ProcLaunch all profiles stopped. Exiting.") {
        run.fail("the log does not end as it should");
    }
    let mut wrong: Vec<String> = Vec::new();
    for line in log.lines() {
        if line.get(23..25) != Some("Z ") || line.contains(" FATAL ") || line.contains(" ERROR ") {
            wrong.push(format!("in the log: {line}"));
        }
    }
    for service in &run.services {
        let ledger = Ledger::read(&run.ledgers, &service.name);
        wrong.extend(ledger.wrong.iter().cloned());
        wrong.extend(unexplained(run, &service.name, &ledger));
        wrong.extend(fate(service, &ledger));
        if service.chatty {
            let bytes = run.daemon.kept(&service.name);
            wrong.extend(output::wrong(&service.name, &bytes, &ledger));
        }
    }
    if !wrong.is_empty() {
        wrong.truncate(40);
        run.fail(&wrong.join("\n"));
    }
}

/// Starts that the log does not know, and starts of the log that no service knows.
fn unexplained(run: &Run, name: &str, ledger: &Ledger) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut lived = BTreeMap::<i32, usize>::new();
    for life in &ledger.lives {
        *lived.entry(life.pid).or_default() += 1;
    }
    let started = |message: &String| !message.contains("(adopted");
    let mut said = BTreeMap::<i32, usize>::new();
    for message in run.daemon.said(name, "running pid ").iter().filter(|message| started(message)) {
        if let Some(pid) = pid_in(message) {
            *said.entry(pid).or_default() += 1;
        }
    }
    let tries = run.daemon.said(name, "starting").len();
    if ledger.lives.len() > tries {
        wrong.push(format!("{name}: {} lives after {tries} starts", ledger.lives.len()));
    }
    // A daemon may come and go while no supervisor lives that reads its pid file.
    let has_pid_file = run.daemon.sandbox.profiles().join(name).join("pid_file").exists();
    // Who starts a process and is killed cannot say it; that it was on its way, the log has said before.
    let mut unseen = run.strikes_at("Keeper");
    for (pid, lives) in &lived {
        if !has_pid_file && !run.daemon.names(name, "", *pid) {
            if unseen == 0 {
                wrong.push(format!("{name}: pid {pid} lived, and the log knows nothing of it"));
            }
            unseen = unseen.saturating_sub(1);
        }
        if said.get(pid).is_some_and(|times| times > lives) {
            wrong.push(format!("{name}: pid {pid} is said to have been started more often than it was"));
        }
    }
    for pid in said.keys().filter(|pid| !lived.contains_key(*pid)) {
        // Ended before it could write anything down.
        let ended = ["died ", "stopped ", "failed "].iter().any(|words| run.daemon.names(name, words, *pid));
        if !ended {
            wrong.push(format!("{name}: pid {pid} is said to run, and it wrote nothing down"));
        }
    }
    wrong
}

/// Whether a profile has fared as its kind must.
fn fate(service: &Service, ledger: &Ledger) -> Vec<String> {
    let lives = ledger.lives.len();
    let is_right = match service.fate {
        Fate::Steady | Fate::Once => lives == 1,
        Fate::Crashes => lives > 1,
        Fate::Changes => lives >= 1,
    };
    let mut wrong = Vec::new();
    if !is_right {
        wrong.push(format!(
            "{} ({:?}) has lived {lives} times: {:?}",
            service.name, service.fate, ledger.lives
        ));
    }
    let cut_off = ledger.lives.iter().rev().skip(1).filter(|life| life.end.is_none());
    if service.fate == Fate::Crashes {
        wrong.extend(cut_off.map(|life| format!("{}: {life:?} was ended by somebody", service.name)));
    }
    wrong
}

fn pid_in(message: &str) -> Option<i32> {
    message.split_once("pid ")?.1.split([' ', ',', ')']).next()?.parse().ok()
}
