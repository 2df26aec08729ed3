//! Control over the ends of supervisors: killed, left, upgraded; and places that are hard to reach.

use std::fs;
use std::os::unix::fs::symlink;
use std::thread;

use nix::sys::signal::Signal;
use proclaunch::control::api::Own;
use proclaunch_tests::control::Control;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::wait;

use crate::SLEEP;

#[test]
fn scenario_27_the_next_supervisor_answers_and_orders_stay_in_force() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    sandbox.profile("held", SLEEP).set("down", "");
    let deaf = sandbox.profile("deaf", "trap '' TERM\nwhile :; do sleep 0.1; done");
    deaf.set("stop_timeout", "2");
    let daemon = sandbox.daemonize();
    let (web, _deaf) = (daemon.main_process("web"), daemon.main_process("deaf"));
    let control = daemon.control();
    control.order("held", "start");
    let stop = control.post("/v1/profiles/deaf/stop?wait=false");
    assert_eq!(stop.status, 202);
    // The answer has come: the order is in the record.
    daemon.supervisor().unwrap().signal(Signal::SIGKILL);
    let killed = wait::now();
    let answer = wait::closely(|| control.try_get("/v1/profiles/web")).unwrap();
    println!("answered {:?} after the supervisor was killed", killed.elapsed());
    assert_eq!(answer.status, 200);
    daemon.wait_for_profile("deaf", |profile| profile.standing == "stopped");
    assert_eq!(control.profile("web").pid, Some(web.pid));
    assert_eq!(control.profile("held").state, "running");
    daemon.supervisor().unwrap().signal(Signal::SIGKILL);
    daemon.wait_for_profile("held", |profile| profile.state == "running");
    assert_eq!(control.profile("deaf").standing, "stopped", "by order, also under the third");
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_a_client_whose_supervisor_dies_is_told_by_the_end_of_its_connection() {
    let sandbox = Sandbox::new();
    sandbox.profile("slow", SLEEP).set("ready.lua", "return function() return false end").set("down", "");
    let daemon = sandbox.daemonize();
    let control = daemon.control();
    daemon.wait_for_profile("slow", |profile| profile.standing == "down");
    let waiting = thread::spawn({
        let mut stream = control.connect();
        move || {
            use std::io::{Read, Write};
            let request = proclaunch_tests::control::request("POST", "/v1/profiles/slow/start", &[]);
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = Vec::new();
            // A reset is an end as well.
            let _ = stream.read_to_end(&mut answer);
            answer
        }
    });
    daemon.wait_for_profile("slow", |profile| profile.state == "starting");
    daemon.supervisor().unwrap().signal(Signal::SIGKILL);
    assert_eq!(waiting.join().unwrap(), b"");
    daemon.wait_for_profile("slow", |profile| profile.want == "up" && profile.state == "starting");
    daemon.end(Signal::SIGHUP);
}

#[test]
fn the_next_supervisor_knows_the_logger_that_it_has_not_seen_start() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let daemon = sandbox.daemonize();
    daemon.main_process("web");
    let before = daemon.wait_for_parts();
    daemon.supervisor().unwrap().signal(Signal::SIGKILL);
    daemon.wait_for("another supervisor", || (daemon.supervisor()? != before.supervisor).then_some(()));
    let own = wait::closely(|| daemon.control().try_get("/v1/self")).unwrap().json::<Own>();
    let logger = own.processes.iter().find(|process| process.role == "logger");
    assert_eq!(logger.map(|process| process.pid), Some(before.logger.pid), "{own:?}");
    daemon.end(Signal::SIGHUP);
}

#[test]
fn an_upgrade_is_asked_for_and_the_next_one_answers() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let daemon = sandbox.daemonize();
    let web = daemon.main_process("web");
    let control = daemon.control();
    let before = daemon.supervisor().unwrap();
    assert_eq!(control.post("/v1/upgrade").status, 200);
    daemon.wait_for("another supervisor", || (daemon.supervisor()? != before).then_some(()));
    let profile = daemon.wait_for_profile("web", |profile| profile.state == "running");
    assert_eq!(profile.pid, Some(web.pid));
    daemon.end(Signal::SIGHUP);
}

#[test]
fn a_leave_takes_the_socket_with_it_and_the_next_start_has_another() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let mut daemon = sandbox.daemonize();
    let web = daemon.main_process("web");
    let control = daemon.control();
    let following = control.send("GET", "/v1/events?follow=true", &[]);
    daemon.end(Signal::SIGTERM);
    assert!(!control.path().exists());
    assert!(following.try_all().is_some(), "whoever follows is told properly that this is the end");
    daemon.start_again();
    assert_eq!(daemon.wait_for_profile("web", |profile| profile.state == "running").pid, Some(web.pid));
    daemon.end(Signal::SIGHUP);
}

#[test]
fn what_is_in_the_way_of_the_socket_is_a_warning_and_goes_away() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    fs::create_dir_all(sandbox.state().join("proclaunch.sock/x")).unwrap();
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    let said = supervisor.wait_for_line("ProcLaunch", "failed to make control socket");
    assert!(said.contains("supervision goes on without it"), "{said}");
    fs::remove_dir_all(supervisor.sandbox.state().join("proclaunch.sock")).unwrap();
    supervisor.wait_for_line("ProcLaunch", "answers requests again");
    assert_eq!(supervisor.control().profile("web").state, "running");
    supervisor.drain();
}

#[test]
fn a_socket_that_was_removed_is_made_anew_when_something_happens_or_on_usr1() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "").set("backoff", "0.1 0.1");
    let supervisor = sandbox.start();
    let web = supervisor.main_process("web");
    let control = supervisor.control();
    assert_eq!(control.profile("web").state, "running");
    fs::remove_file(control.path()).unwrap();
    supervisor.keeper().unwrap().signal(Signal::SIGUSR1);
    assert_eq!(control.profile("web").pid, Some(web.pid));
    supervisor.wait_for_line("ProcLaunch", "control socket was removed; it is made anew");
    fs::remove_file(control.path()).unwrap();
    // Looked for once a second at most.
    supervisor.wait_for("a socket", || {
        supervisor.main_process("web").signal(Signal::SIGKILL);
        control.path().exists().then_some(())
    });
    assert_eq!(control.get("/livez").body, "ok\n");
    supervisor.drain();
}

#[test]
fn a_state_directory_may_have_any_path() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let long = sandbox.path().join("d".repeat(150));
    fs::create_dir(&long).unwrap();
    // A test's own address must be short.
    let short = sandbox.path().join("short");
    symlink(&long, &short).unwrap();
    let supervisor = sandbox.start_with(|command| {
        let words: Vec<_> = command.get_args().skip(1).map(ToOwned::to_owned).collect();
        let mut own = std::process::Command::new(command.get_program());
        own.arg(&long).args(words).current_dir(long.parent().unwrap());
        *command = own;
    });
    supervisor.main_process("web");
    assert_eq!(Control::at(&short).profile("web").state, "running");
    supervisor.drain();
}
