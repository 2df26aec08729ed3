//! TERM leaves the profiles running; the next start knows them.

use std::fs;
use std::process::{Child, Command};

use nix::sys::signal::Signal;
use proclaunch_tests::processes::Process;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;
use proclaunch_tests::wait;

use crate::{SLEEP, see_all, times};

const DAEMON: &str = "setsid sh -c 'echo $$ > pid; exec sleep 1000' </dev/null >/dev/null 2>&1 &\nexit 0";

/// A service that ends with 7 as soon as there is a file `end`.
const ENDS_WITH_7: &str = "while [ ! -e end ]; do sleep 0.1; done; rm end; exit 7";

fn leave(supervisor: &mut Supervisor) {
    let exit = supervisor.end(Signal::SIGTERM);
    let log = supervisor.log();
    assert_eq!(exit.code(), Some(0), "{log}");
    assert!(log.trim_end().ends_with("ProcLaunch exiting"), "{log}");
}

#[test]
fn scenario_24_what_was_left_running_is_adopted_with_its_uptime() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "");
    sandbox.profile("daemon", DAEMON).set("restart", "").set("pid_file", "pid");
    sandbox.profile("done", "exit 0").set("oneshot", "");
    sandbox.profile("dead", "exit 3");
    sandbox.profile("held", SLEEP).set("down", "");
    let mut supervisor = sandbox.start();
    let (web, daemon) = (supervisor.main_process("web"), supervisor.main_process("daemon"));
    supervisor.wait_for_line("done", "finished");
    supervisor.wait_for_line("dead", "died");
    leave(&mut supervisor);
    assert!(web.is_alive() && daemon.is_alive());
    let started = times(&supervisor, "web", "running")[0];
    // An uptime that can be told from that of a process that has just been started.
    wait::until(|| (age_of(web.pid) > 2).then_some(())).unwrap();
    supervisor.start_again();
    for (profile, process) in [("web", web), ("daemon", daemon)] {
        let said = supervisor.wait_for(&format!("{profile} to be adopted"), || {
            supervisor.said(profile, "running").get(1).cloned()
        });
        assert!(said.starts_with(&format!("running pid {} (adopted, up ", process.pid)), "{said}");
        let up: f64 = said.rsplit_once("up ").unwrap().1.trim_end_matches("s)").parse().unwrap();
        assert!(up >= 2.0, "{said}");
        assert!(process.is_alive());
        assert_eq!(supervisor.said(profile, "starting").len(), 1, "{}", supervisor.log());
    }
    see_all(&supervisor);
    for profile in ["done", "dead"] {
        assert_eq!(supervisor.said(profile, "starting").len(), 1, "{}", supervisor.log());
    }
    assert_eq!(supervisor.said("held", "starting").len(), 0);
    // The run goes on: a crash after it is judged by its whole length.
    web.signal(Signal::SIGKILL);
    let died = supervisor.wait_for_line("web", "died");
    let ended = times(&supervisor, "web", "died")[0];
    let after: f64 =
        died.split("after ").nth(1).and_then(|rest| rest.split_once("s,")).unwrap().0.parse().unwrap();
    let measured = f64::from(u32::try_from(ended - started).unwrap()) / 1_000.0;
    assert!((after - measured).abs() < 1.5, "{died}, measured {measured}");
    supervisor.drain();
}

/// How long a process has lived, in whole seconds.
fn age_of(pid: i32) -> u64 {
    let output = Command::new("ps").args(["-o", "etimes=", "-p", &pid.to_string()]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0)
}

#[test]
fn scenario_24_the_end_of_an_adopted_process_is_told_honestly() {
    let sandbox = Sandbox::new();
    sandbox.profile("code", ENDS_WITH_7).set("restart", "");
    sandbox.profile("signal", SLEEP).set("restart", "");
    sandbox.profile("daemon", DAEMON).set("restart", "").set("pid_file", "pid");
    let mut supervisor = sandbox.start();
    for profile in ["code", "signal", "daemon"] {
        supervisor.main_process(profile);
    }
    leave(&mut supervisor);
    supervisor.start_again();
    for profile in ["code", "signal", "daemon"] {
        supervisor.wait_for(&format!("{profile} to be adopted"), || supervisor.pids(profile).get(1).copied());
    }
    fs::write(supervisor.sandbox.profiles().join("code/end"), "").unwrap();
    supervisor.main_process("signal").signal(Signal::SIGKILL);
    supervisor.main_process("daemon").signal(Signal::SIGTERM);
    for (profile, truth) in [("code", "exit 7"), ("signal", "signal KILL"), ("daemon", "signal TERM")] {
        let pid = supervisor.pids(profile)[1];
        let died = supervisor.wait_for_line(profile, "died");
        // Kernels before 6.15 do not tell anybody but the parent.
        let honest = [truth, "exit unknown"].map(|how| format!("died (pid {pid}, {how}, after "));
        assert!(honest.iter().any(|words| died.starts_with(words)), "{died}");
        supervisor.wait_for(&format!("{profile} to come back"), || supervisor.pids(profile).get(2).copied());
    }
    supervisor.drain();
}

#[test]
fn scenario_24_what_died_meanwhile_is_started() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "");
    let mut supervisor = sandbox.start();
    let web = supervisor.main_process("web");
    leave(&mut supervisor);
    web.signal(Signal::SIGKILL);
    wait::until(|| (!web.is_alive()).then_some(())).unwrap();
    supervisor.start_again();
    supervisor.wait_for("web to run", || supervisor.pids("web").get(1).copied());
    assert_eq!(supervisor.said("web", "starting").len(), 2);
    supervisor.drain();
}

#[test]
fn scenario_24_what_was_removed_meanwhile_is_stopped() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "");
    sandbox.profile("other", SLEEP).set("restart", "");
    let mut supervisor = sandbox.start();
    let web = supervisor.main_process("web");
    supervisor.main_process("other");
    leave(&mut supervisor);
    fs::rename(supervisor.sandbox.profiles().join("web"), supervisor.sandbox.path().join("web")).unwrap();
    supervisor.start_again();
    supervisor.wait_for_line("web", "disappeared. Stopping and not restarting.");
    supervisor.wait_for_line("web", "stopped");
    assert!(!web.is_alive());
    supervisor.drain();
}

#[test]
fn a_drain_ends_what_is_remembered() {
    let sandbox = Sandbox::new();
    sandbox.profile("done", "exit 0").set("oneshot", "");
    sandbox.profile("web", SLEEP);
    let mut supervisor = sandbox.start();
    supervisor.main_process("web");
    supervisor.wait_for_line("done", "finished");
    assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111));
    supervisor.start_again();
    supervisor.wait_for("the work to be done again", || supervisor.said("done", "finished").get(1).cloned());
    supervisor.wait_for("web to run again", || supervisor.pids("web").get(1).copied());
    supervisor.drain();
}

/// A process of the test's own, which nobody has a right to.
struct Bystander(Child);

impl Bystander {
    #[expect(clippy::disallowed_methods, reason = "a process that no supervisor may touch")]
    fn new() -> Self {
        Self(Command::new("sleep").arg("1000").spawn().unwrap())
    }

    fn process(&self) -> Process {
        Process::of(i32::try_from(self.0.id()).unwrap()).expect("the bystander lives")
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn scenario_29_records_of_another_boot_adopt_and_signal_nothing() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "");
    sandbox.profile("gone", SLEEP).set("restart", "");
    let mut supervisor = sandbox.start();
    let (web, gone) = (supervisor.main_process("web"), supervisor.main_process("gone"));
    leave(&mut supervisor);
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let records = supervisor.sandbox.state().join("records");
    for profile in ["web", "gone"] {
        let record = records.join(format!("{profile}.json"));
        let text = fs::read_to_string(&record).unwrap();
        assert!(text.contains(boot_id.trim()), "{text}");
        fs::write(record, text.replace(boot_id.trim(), "00000000-0000-4000-8000-000000000000")).unwrap();
    }
    fs::rename(supervisor.sandbox.profiles().join("gone"), supervisor.sandbox.path().join("gone")).unwrap();
    supervisor.start_again();
    let new = supervisor.wait_for("a fresh start", || supervisor.pids("web").get(1).copied());
    assert_ne!(new, web.pid);
    see_all(&supervisor);
    assert!(web.is_alive() && gone.is_alive(), "{}", supervisor.log());
    assert!(!supervisor.log().contains("adopted"), "{}", supervisor.log());
    assert_eq!(supervisor.said("gone", "stopping").len(), 0);
    // Nor at the end.
    assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111));
    assert!(web.is_alive() && gone.is_alive(), "{}", supervisor.log());
}

#[test]
fn scenario_29_a_record_whose_pid_is_anothers_by_now_touches_nobody() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "");
    let mut supervisor = sandbox.start();
    let web = supervisor.main_process("web");
    leave(&mut supervisor);
    let bystander = Bystander::new();
    let record = supervisor.sandbox.state().join("records/web.json");
    let text = fs::read_to_string(&record).unwrap();
    let pid = format!("\"pid\":{}", web.pid);
    assert!(text.contains(&pid), "{text}");
    fs::write(&record, text.replace(&pid, &format!("\"pid\":{}", bystander.process().pid))).unwrap();
    supervisor.start_again();
    supervisor.wait_for("a start", || supervisor.pids("web").get(1).copied());
    assert!(!supervisor.log().contains("adopted"), "{}", supervisor.log());
    assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111));
    assert!(bystander.process().is_alive());
}
