//! A new program takes the place of the old one: services do not notice, and a program that cannot is refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::parts::is_child;
use proclaunch_tests::processes::{Process, of_directory};
use proclaunch_tests::sandbox::{Sandbox, binary};

use crate::{SLEEP, lines_of, say, see_all};

/// Puts another file where the program is, as an installer does.
fn replace_program(daemon: &Daemon, content: &[u8], mode: u32) {
    let (program, new) = (daemon.sandbox.own_program(), daemon.sandbox.path().join("new"));
    fs::write(&new, content).unwrap();
    fs::set_permissions(&new, Permissions::from_mode(mode)).unwrap();
    fs::rename(new, program).unwrap();
}

/// Has it upgrade, and waits until it says that it has.
#[track_caller]
fn upgrade(daemon: &Daemon) {
    let before = daemon.wait_for_parts();
    let times = daemon.said("ProcLaunch", "upgraded").len();
    before.keeper.signal(Signal::SIGUSR2);
    daemon.wait_for("the upgrade", || (daemon.said("ProcLaunch", "upgraded").len() > times).then_some(()));
    let after = daemon.wait_for("the new ones", || {
        daemon.parts().filter(|after| after.supervisor != before.supervisor && after.logger != before.logger)
    });
    assert_eq!(after.keeper, before.keeper, "the process stays: {}", daemon.log());
}

#[test]
fn scenario_30_with_200_services_pids_and_states_are_the_same() {
    let sandbox = Sandbox::new();
    let names: Vec<String> = (0..200).map(|number| format!("s{number:03}")).collect();
    for name in &names {
        sandbox.profile(name, &format!("echo start >> starts; {SLEEP}")).set("restart", "");
    }
    sandbox.profile("done", "echo start >> starts; exit 0").set("oneshot", "");
    sandbox.profile("dead", "echo start >> starts; exit 3");
    sandbox.profile("held", SLEEP).set("down", "");
    let daemon = sandbox.daemonize_own(&[]);
    let services: Vec<Process> = names.iter().map(|name| daemon.main_process(name)).collect();
    daemon.wait_for_line("done", "finished");
    daemon.wait_for_line("dead", "died");
    let began = proclaunch_tests::wait::now();
    upgrade(&daemon);
    see_all(&daemon);
    say(&format!("an upgrade with 200 services: {} ms", began.elapsed().as_millis()));
    let keeper = daemon.keeper().unwrap();
    for (name, service) in names.iter().zip(&services) {
        assert!(service.is_alive() && is_child(*service, keeper), "{name}: {}", daemon.log());
        assert_eq!(lines_of(&daemon, name, "starts"), 1, "{name}: {}", daemon.log());
    }
    for name in ["done", "dead"] {
        assert_eq!(lines_of(&daemon, name, "starts"), 1, "{name}: {}", daemon.log());
    }
    assert_eq!(daemon.said("held", "starting").len(), 0);
    // Its own child still: how it ends is known.
    services[7].signal(Signal::SIGKILL);
    let died = daemon.wait_for_line("s007", "died");
    assert!(died.contains(", signal KILL, after "), "{died}");
    upgrade(&daemon);
    see_all(&daemon);
    daemon.end(Signal::SIGHUP);
    daemon.wait_for("everything to be gone", || of_directory(daemon.sandbox.path()).is_empty().then_some(()));
}

/// A program that cannot take over is not tried in earnest.
#[track_caller]
fn refused(replace: impl FnOnce(&Daemon), why: &str) {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "");
    let daemon = sandbox.daemonize_own(&[]);
    let (web, before) = (daemon.main_process("web"), daemon.wait_for_parts());
    replace(&daemon);
    before.keeper.signal(Signal::SIGUSR2);
    let said = daemon.wait_for_line("ProcLaunch", "keeps the old program: ");
    assert!(said.contains(why), "{why}: {said}");
    see_all(&daemon);
    assert_eq!(daemon.parts(), Some(before), "nobody is another: {}", daemon.log());
    assert!(web.is_alive());
    assert_eq!(daemon.said("ProcLaunch", "upgrad"), [""; 0], "{}", daemon.log());
    // It is not for ever.
    replace_program(&daemon, &fs::read(binary()).unwrap(), 0o755);
    upgrade(&daemon);
    assert!(web.is_alive());
    daemon.end(Signal::SIGHUP);
}

#[test]
fn a_program_that_fails_is_refused_with_its_reason() {
    let script = b"#!/bin/sh\necho 'no such luck' >&2\nexit 1\n";
    refused(|daemon| replace_program(daemon, script, 0o755), "no such luck (exit 1)");
}

#[test]
fn a_program_that_is_killed_is_refused() {
    refused(|daemon| replace_program(daemon, b"#!/bin/sh\nkill -SEGV $$\n", 0o755), "signal SEGV");
}

#[test]
fn a_file_that_is_not_executable_is_refused() {
    refused(|daemon| replace_program(daemon, b"#!/bin/sh\nexit 0\n", 0o644), "Permission denied");
}

#[test]
fn a_file_that_is_no_program_is_refused() {
    refused(|daemon| replace_program(daemon, b"\x7fELF and so on", 0o755), "Exec format error");
}

#[test]
fn a_program_that_is_gone_is_refused() {
    let remove = |daemon: &Daemon| fs::remove_file(daemon.sandbox.own_program()).unwrap();
    refused(remove, "No such file or directory");
}

#[test]
fn another_program_is_refused_whatever_its_exit_code() {
    let program = fs::read("/bin/true").unwrap();
    refused(|daemon| replace_program(daemon, &program, 0o755), "no ProcLaunch");
}

#[test]
fn a_program_that_hangs_is_refused() {
    refused(|daemon| replace_program(daemon, b"#!/bin/sh\nexec sleep 1000\n", 0o755), "does not answer");
}

#[test]
fn a_signal_that_nobody_has_acted_on_is_acted_on_after_it() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "");
    let daemon = sandbox.daemonize_own(&[]);
    let (web, before) = (daemon.main_process("web"), daemon.wait_for_parts());
    // A program that takes its time to say that it can.
    let slow = format!(
        "#!/bin/sh\necho begun >> \"$1/../rehearsals\"\nsleep 1\nexec {} \"$@\"\n",
        binary().display()
    );
    replace_program(&daemon, slow.as_bytes(), 0o755);
    before.keeper.signal(Signal::SIGUSR2);
    let begun = daemon.sandbox.path().join("rehearsals");
    daemon.wait_for("the rehearsal", || begun.exists().then_some(()));
    before.supervisor.signal(Signal::SIGSTOP);
    before.keeper.signal(Signal::SIGHUP);
    daemon.wait_for_line("ProcLaunch", "upgraded");
    daemon.wait_for_line("ProcLaunch", "all profiles stopped. Exiting.");
    daemon.wait_for("it to be gone", || (!web.is_alive() && !before.keeper.is_alive()).then_some(()));
}

#[test]
fn ends_during_an_upgrade_are_applied_once_and_exactly() {
    let sandbox = Sandbox::new();
    let names: Vec<String> = (1..=30).map(|code| format!("code{code}")).collect();
    for (name, code) in names.iter().zip(1..) {
        // Some before, some during, some after.
        let run = format!(
            "echo start >> starts\nwhile [ ! -e ../go ]; do sleep 0.02; done\nsleep 0.{:02}; exit {code}",
            code * 3
        );
        sandbox.profile(name, &run);
    }
    let daemon = sandbox.daemonize_own(&[]);
    for name in &names {
        daemon.main_process(name);
    }
    fs::write(daemon.sandbox.profiles().join("go"), "").unwrap();
    upgrade(&daemon);
    for (name, code) in names.iter().zip(1..) {
        let died = daemon.wait_for_line(name, "died");
        assert!(died.contains(&format!(", exit {code}, ")), "{died}: {}", daemon.log());
    }
    see_all(&daemon);
    for name in &names {
        assert_eq!(daemon.said(name, "died").len(), 1, "{name}: {}", daemon.log());
        assert_eq!(lines_of(&daemon, name, "starts"), 1, "{name}: {}", daemon.log());
    }
    daemon.end(Signal::SIGHUP);
}

#[test]
fn an_upgrade_in_the_middle_of_starts_and_stops_changes_neither() {
    let sandbox = Sandbox::new();
    let ready = "return function() return file.exists('serves') end";
    sandbox.profile("slow", &format!("echo start >> starts; {SLEEP}")).set("ready.lua", ready);
    let deaf = "trap 'echo TERM >> signals' TERM; echo start >> starts; while :; do sleep 0.05; done";
    sandbox.profile("deaf", deaf).set("restart", "").set("stop_timeout", "3");
    let crashes = sandbox.profile("crashes", "echo start >> starts; exit 3").set("restart", "");
    crashes.set("backoff", "3 3");
    let daemon = sandbox.daemonize_own(&[]);
    for name in ["slow", "deaf", "crashes"] {
        daemon.wait_for("its start", || (lines_of(&daemon, name, "starts") == 1).then_some(()));
    }
    let deaf = daemon.main_process("deaf");
    daemon.sandbox.write("deaf", "env", "COLOUR=green\n");
    daemon.wait_for("TERM", || (lines_of(&daemon, "deaf", "signals") == 1).then_some(()));
    daemon.wait_for_line("crashes", "died");
    upgrade(&daemon);
    assert_eq!(daemon.pids("slow"), [0; 0], "{}", daemon.log());
    fs::write(daemon.sandbox.profiles().join("slow/serves"), "").unwrap();
    daemon.main_process("slow");
    daemon.wait_for("another one", || (lines_of(&daemon, "deaf", "starts") == 2).then_some(()));
    assert!(!deaf.is_alive());
    assert_eq!(lines_of(&daemon, "deaf", "signals"), 1, "{}", daemon.log());
    let killed = daemon.times("deaf", "still running")[0] - daemon.times("deaf", "stopping")[0];
    assert!((2_900..5_500).contains(&killed), "after {killed} ms: {}", daemon.log());
    let again = || daemon.times("crashes", "starting").get(1).copied();
    let next = daemon.wait_for("the next try", again) - daemon.times("crashes", "died")[0];
    assert!((2_600..5_500).contains(&next), "after {next} ms: {}", daemon.log());
    assert_eq!(lines_of(&daemon, "slow", "starts"), 1, "{}", daemon.log());
    daemon.end(Signal::SIGHUP);
}

#[test]
fn a_drain_that_comes_while_the_new_program_is_asked_ends_everything() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "");
    // The keeper waits for it at the end, and so is there when the new program has answered.
    let log_run = sandbox.profile("piped", SLEEP).set("log_run", "#!/bin/sh\ncat >/dev/null; exec sleep 3\n");
    fs::set_permissions(log_run.dir.join("log_run"), Permissions::from_mode(0o755)).unwrap();
    let daemon = sandbox.daemonize_own(&[]);
    let (web, before) = (daemon.main_process("web"), daemon.wait_for_parts());
    daemon.main_process("piped");
    let (log, asked) = (daemon.log.display().to_string(), daemon.sandbox.path().join("asked"));
    let program = format!(
        "#!/bin/sh\necho asked >>{}\nuntil grep -q 'all profiles stopped' {log}; do sleep 0.01; done\necho proclaunch 9\n",
        asked.display()
    );
    replace_program(&daemon, program.as_bytes(), 0o755);
    before.keeper.signal(Signal::SIGUSR2);
    daemon.wait_for("the question", || asked.exists().then_some(()));
    daemon.end(Signal::SIGHUP);
    assert!(!web.is_alive());
    assert_eq!(
        fs::read_to_string(asked).unwrap(),
        "asked\n",
        "it is not executed in earnest:\n{}",
        daemon.log()
    );
    assert_eq!(daemon.said("ProcLaunch", "upgrading").len(), 0, "{}", daemon.log());
}
