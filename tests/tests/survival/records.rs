//! Records that are of another boot, of somebody else, or no records at all.

use std::fs;
use std::os::unix::fs::symlink;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::processes::Stranger;
use proclaunch_tests::sandbox::Sandbox;

use crate::{SLEEP, see_all};

/// Two services, and ProcLaunch gone from one moment to the next.
fn abandoned() -> (Daemon, [proclaunch_tests::processes::Process; 2]) {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "");
    sandbox.profile("db", SLEEP).set("restart", "");
    let daemon = sandbox.daemonize();
    let services = ["web", "db"].map(|name| daemon.main_process(name));
    daemon.wait_for_parts();
    see_all(&daemon);
    daemon.kill_all_parts();
    (daemon, services)
}

#[test]
fn scenario_29_after_a_reboot_nothing_is_adopted_and_nothing_signalled() {
    let (mut daemon, services) = abandoned();
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    for name in ["web", "db"] {
        let record = daemon.sandbox.state().join("records").join(format!("{name}.json"));
        let text = fs::read_to_string(&record).unwrap();
        assert!(text.contains(boot_id.trim()), "{text}");
        fs::write(record, text.replace(boot_id.trim(), "00000000-0000-4000-8000-000000000000")).unwrap();
    }
    daemon.start_again();
    for (name, service) in ["web", "db"].into_iter().zip(services) {
        let pid = daemon.wait_for("a fresh start", || daemon.pids(name).get(1).copied());
        assert_ne!(pid, service.pid);
    }
    see_all(&daemon);
    daemon.end(Signal::SIGHUP);
    assert!(services.iter().all(|service| service.is_alive()), "{}", daemon.log());
}

#[test]
fn scenario_29_a_pid_that_is_a_strangers_by_now_is_neither_adopted_nor_signalled() {
    let (mut daemon, [web, db]) = abandoned();
    let stranger = Stranger::new();
    web.signal(Signal::SIGKILL);
    let record = daemon.sandbox.state().join("records/web.json");
    let text = fs::read_to_string(&record).unwrap();
    let pid = format!("\"pid\":{}", web.pid);
    assert!(text.contains(&pid), "{text}");
    fs::write(&record, text.replace(&pid, &format!("\"pid\":{}", stranger.process().pid))).unwrap();
    daemon.start_again();
    daemon.wait_for("another web", || (daemon.main_process("web") != stranger.process()).then_some(()));
    see_all(&daemon);
    assert!(db.is_alive());
    assert!(!daemon.names("web", "running ", stranger.process().pid), "{}", daemon.log());
    daemon.end(Signal::SIGHUP);
    assert!(stranger.process().is_alive(), "{}", daemon.log());
}

/// What may stand in place of a record.
fn hostile(daemon: &Daemon) -> Vec<String> {
    let records = daemon.sandbox.state().join("records");
    let good = fs::read_to_string(records.join("web.json")).unwrap();
    let torn = &good[..good.len() / 2];
    let huge = "[".repeat(10 << 20);
    let texts = [
        ("empty", String::new()),
        ("torn", torn.to_owned()),
        ("garbage", "\u{0}\u{1}garbage\u{fffd}".to_owned()),
        ("huge", huge),
        ("copied", good.clone()),
        ("numbers", good.replace("\"pid\":", "\"pid\":99999999999999999999")),
        ("types", good.replace("\"pid\":", "\"pid\":\"x\",\"was\":").replace("\"web\"", "\"types\"")),
        ("null", "null".to_owned()),
        ("init", good.replace("\"web\"", "\"init\"").replace("\"pid\":", "\"pid\":1,\"was\":")),
        ("group", good.replace("\"web\"", "\"group\"").replace("\"pid\":", "\"pid\":-1,\"was\":")),
        ("later", good.replace("\"web\"", "\"later\"").replace("\"version\":", "\"version\":9")),
    ];
    let mut names: Vec<String> = Vec::new();
    for (name, text) in texts {
        fs::write(records.join(format!("{name}.json")), text).unwrap();
        names.push(name.to_owned());
    }
    fs::create_dir(records.join("directory.json")).unwrap();
    mkfifo(&records.join("fifo.json"), Mode::S_IRWXU).unwrap();
    fs::write(daemon.sandbox.path().join("elsewhere"), good.replace("\"web\"", "\"link\"")).unwrap();
    symlink(daemon.sandbox.path().join("elsewhere"), records.join("link.json")).unwrap();
    names.extend(["directory", "fifo", "link"].map(str::to_owned));
    names
}

#[test]
fn what_is_no_record_is_refused_by_name_and_the_rest_is_adopted() {
    let (mut daemon, services) = abandoned();
    let names = hostile(&daemon);
    for name in &names {
        daemon.sandbox.profile(name, SLEEP).set("down", "");
    }
    daemon.start_again();
    for (name, service) in ["web", "db"].into_iter().zip(services) {
        daemon.wait_for_line(name, &format!("running pid {} (adopted, up ", service.pid));
    }
    see_all(&daemon);
    for name in &names {
        let refused = daemon.said("ProcLaunch", &format!("refuses the record `{name}.json` ("));
        assert_eq!(refused.len(), 1, "{name}: {}", daemon.log());
        assert_eq!(daemon.pids(name), [0; 0], "{}", daemon.log());
    }
    assert!(services.iter().all(|service| service.is_alive()), "{}", daemon.log());
    daemon.end(Signal::SIGHUP);
}

/// The keeper holds what no record speaks of: it is ended before another one is started.
#[test]
fn a_service_whose_record_is_gone_is_there_once() {
    let sandbox = Sandbox::new();
    let ledger = sandbox.path().join("ledger");
    fs::create_dir(&ledger).unwrap();
    let service = env!("CARGO_BIN_EXE_chaos-service");
    sandbox.profile("web", &format!("exec {service} {} web", ledger.display())).set("restart", "");
    let daemon = sandbox.daemonize();
    daemon.main_process("web");
    let ledger = ledger.join("web.ledger");
    let lives = || fs::read_to_string(&ledger).unwrap_or_default().matches("start ").count();
    daemon.wait_for("its first life", || (lives() == 1).then_some(()));
    let supervisor = daemon.supervisor().unwrap();
    supervisor.signal(Signal::SIGSTOP);
    fs::write(daemon.sandbox.state().join("records/web.json"), "garbage").unwrap();
    supervisor.signal(Signal::SIGKILL);
    daemon.wait_for_line("ProcLaunch", "refuses the record `web.json` (");
    see_all(&daemon);
    daemon.wait_for("web to run", || daemon.main_process("web").is_alive().then_some(()));
    let text = fs::read_to_string(&ledger).unwrap();
    assert!(!text.contains("OVERLAP"), "{text}{}", daemon.log());
    daemon.end(Signal::SIGHUP);
}
