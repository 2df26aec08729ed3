//! Keeper, logger, or two of the three are killed: the ones that are left make new ones.

use nix::sys::signal::Signal;
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::parts::{Parts, helpers};
use proclaunch_tests::processes::{Process, of_directory};
use proclaunch_tests::sandbox::Sandbox;

use crate::{SLEEP, kill_and_see_it_back, lines_of, see_all};

const COUNTED: &str = "echo start >> starts\n";

/// Services of each kind, all of which run or have done so.
fn services() -> (Daemon, [Process; 2]) {
    let sandbox = Sandbox::new();
    sandbox.profile("web", &format!("{COUNTED}{SLEEP}")).set("restart", "");
    let daemon = "setsid sh -c 'echo $$ > pid; exec sleep 1000' </dev/null >/dev/null 2>&1 &\nexit 0";
    sandbox.profile("db", &format!("{COUNTED}{daemon}")).set("restart", "").set("pid_file", "pid");
    sandbox.profile("done", &format!("{COUNTED}exit 0")).set("oneshot", "");
    sandbox.profile("dead", &format!("{COUNTED}exit 3"));
    sandbox.profile("held", &format!("{COUNTED}{SLEEP}")).set("down", "");
    let daemon = sandbox.daemonize();
    let services = ["web", "db"].map(|name| daemon.main_process(name));
    daemon.wait_for_line("done", "finished");
    daemon.wait_for_line("dead", "died");
    (daemon, services)
}

/// Nothing was started anew, and what ends from here on is noticed.
fn everything_goes_on(daemon: &Daemon, services: [Process; 2]) {
    let log = daemon.log();
    assert!(services.iter().all(|service| service.is_alive()), "{log}");
    for (name, starts) in [("web", 1), ("db", 1), ("done", 1), ("dead", 1), ("held", 0)] {
        assert_eq!(lines_of(daemon, name, "starts"), starts, "{name}: {log}");
    }
    daemon.wait_for("one supervisor and one logger", || {
        (helpers(&daemon.sandbox.state()).len() == 2).then_some(())
    });
    for (name, service) in ["web", "db"].into_iter().zip(services) {
        service.signal(Signal::SIGKILL);
        let died = daemon.wait_for_line(name, "died");
        // Whoever is not its parent is not told everywhere how it ended.
        let pid = service.pid;
        let honest = ["signal KILL", "exit unknown"].map(|how| format!("died (pid {pid}, {how}, after "));
        assert!(honest.iter().any(|words| died.starts_with(words)), "{died}");
        daemon.wait_for("another one", || (lines_of(daemon, name, "starts") == 2).then_some(()));
    }
    see_all(daemon);
    daemon.end(Signal::SIGHUP);
    daemon.wait_for("everything to be gone", || of_directory(daemon.sandbox.path()).is_empty().then_some(()));
    assert!(
        daemon.log().trim_end().ends_with("ProcLaunch all profiles stopped. Exiting."),
        "{}",
        daemon.log()
    );
}

/// Kills these at once, three times over.
fn check(what: &str, victims: impl Fn(Parts) -> Vec<Process>) {
    let (daemon, services) = services();
    for _ in 0..3 {
        let parts = daemon.wait_for_parts();
        kill_and_see_it_back(&daemon, what, &victims(parts));
        let new = daemon.wait_for_parts();
        for victim in victims(parts) {
            assert!(new.each().iter().all(|(_, process)| *process != victim), "{}", daemon.log());
        }
    }
    everything_goes_on(&daemon, services);
}

#[test]
fn scenario_28_the_keeper() {
    check("the keeper", |parts| vec![parts.keeper]);
}

#[test]
fn scenario_28_keeper_and_supervisor() {
    check("keeper and supervisor", |parts| vec![parts.keeper, parts.supervisor]);
}

#[test]
fn scenario_28_supervisor_and_keeper() {
    check("supervisor and keeper", |parts| vec![parts.supervisor, parts.keeper]);
}

#[test]
fn scenario_28_keeper_and_logger() {
    check("keeper and logger", |parts| vec![parts.keeper, parts.logger]);
}

#[test]
fn scenario_28_supervisor_and_logger() {
    check("supervisor and logger", |parts| vec![parts.supervisor, parts.logger]);
}

#[test]
fn scenario_28_the_logger() {
    let (daemon, services) = services();
    for times in 1..=3 {
        let logger = daemon.wait_for_parts().logger;
        logger.signal(Signal::SIGKILL);
        let restarted = || (daemon.said("ProcLaunch", "logger restarted").len() == times).then_some(());
        daemon.wait_for("another logger", restarted);
        let new = daemon.wait_for_parts();
        assert_ne!(new.logger, logger);
    }
    assert_eq!(daemon.said("ProcLaunch", "supervisor restarted").len(), 0, "{}", daemon.log());
    everything_goes_on(&daemon, services);
}

#[test]
fn scenario_28_all_three_and_the_next_start_goes_on() {
    let (mut daemon, services) = services();
    daemon.kill_all_parts();
    assert!(services.iter().all(|service| service.is_alive()));
    daemon.start_again();
    daemon.wait_for_parts();
    see_all(&daemon);
    everything_goes_on(&daemon, services);
}

#[test]
fn scenario_28_a_second_start_meets_the_keeper_that_came_after_the_first() {
    let (daemon, services) = services();
    let parts = daemon.wait_for_parts();
    kill_and_see_it_back(&daemon, "the keeper", &[parts.keeper]);
    let output = daemon.sandbox.command().output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(
        daemon.keeper(),
        Some(parts.supervisor),
        "the supervisor has become the keeper: {}",
        daemon.log()
    );
    assert_eq!(daemon.said("ProcLaunch", "started").len(), 1, "{}", daemon.log());
    everything_goes_on(&daemon, services);
}
