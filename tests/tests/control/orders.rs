//! Orders, and what is answered when.

use std::fs;
use std::io::Write;
use std::thread;
use std::time::Duration;

use proclaunch::control::api::{Ordered, Scaled};
use proclaunch_tests::control::{Answer, Control, request};
use proclaunch_tests::sandbox::{Sandbox, binary};
use proclaunch_tests::supervisor::Supervisor;
use proclaunch_tests::wait;

use crate::SLEEP;

/// Says in a file that it was started.
const COUNTED: &str = "echo start >> starts\n";

fn starts(supervisor: &Supervisor, name: &str) -> usize {
    let path = supervisor.sandbox.profiles().join(name).join("starts");
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// Gives an order from a thread of its own.
fn later(control: &Control, target: &str) -> thread::JoinHandle<Answer> {
    let (control, target) = (control.clone(), target.to_owned());
    thread::spawn(move || control.post(&target))
}

#[test]
fn an_order_is_answered_when_it_is_done() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let supervisor = sandbox.start();
    let first = supervisor.main_process("web");
    let control = supervisor.control();
    let again = control.order("web", "restart");
    assert!(!first.is_alive(), "it was stopped before");
    let profile = again.profile.unwrap();
    assert_eq!((&*again.result, &*profile.state), ("done", "running"));
    assert_ne!(profile.pid, Some(first.pid));
    let stopped = control.order("web", "stop").profile.unwrap();
    assert_eq!((&*stopped.state, &*stopped.standing, stopped.pid), ("stopped", "stopped", None));
    assert_eq!(control.order("web", "stop").result, "done", "it is so already");
    for verb in ["reload", "signal?signal=USR1"] {
        let error = control.post(&format!("/v1/profiles/web/{verb}")).error(409);
        assert_eq!(error.result.as_deref(), Some("refused"), "{error:?}");
        assert_eq!(error.profile.unwrap().state, "stopped");
    }
    assert_eq!(control.order("web", "start").profile.unwrap().state, "running");
    assert_eq!(control.order("web", "signal?signal=KILL").result, "done");
    supervisor.drain();
}

#[test]
fn a_start_that_fails_says_why() {
    let sandbox = Sandbox::new();
    sandbox.profile("early", "exit 3").set("down", "").set("ready.lua", "return function() return false end");
    sandbox.profile("missing", "").set("down", "");
    fs::remove_file(sandbox.profiles().join("missing/run")).unwrap();
    fs::write(sandbox.profiles().join("missing/run"), "").unwrap();
    let supervisor = sandbox.start();
    let control = supervisor.control();
    supervisor.wait_for_profile("early", |profile| profile.standing == "down");
    let error = control.post("/v1/profiles/early/start").error(409);
    assert_eq!(error.result.as_deref(), Some("failed"), "{error:?}");
    assert!(error.error.contains("exit 3"), "{error:?}");
    let error = control.post("/v1/profiles/missing/start").error(409);
    assert!(error.error.starts_with("missing: "), "{error:?}");
    control.order("early", "stop");
    supervisor.drain();
}

#[test]
fn an_order_that_is_not_waited_for_is_taken_and_one_that_takes_too_long_stays_in_force() {
    let sandbox = Sandbox::new();
    let slow = sandbox.profile("slow", SLEEP).set("down", "");
    slow.set("ready.lua", "return function() return file.exists('serves') end");
    let supervisor = sandbox.start();
    let control = supervisor.control();
    supervisor.wait_for_profile("slow", |profile| profile.standing == "down");
    let taken = control.post("/v1/profiles/slow/start?wait=false");
    assert_eq!(taken.status, 202);
    assert_eq!(taken.json::<Ordered>().result, "taken");
    let error = control.post("/v1/profiles/slow/start?timeout=0.2").error(504);
    assert_eq!(error.result.as_deref(), Some("timeout"));
    assert_eq!(error.profile.unwrap().state, "starting");
    let waiting = later(&control, "/v1/profiles/slow/start");
    fs::write(supervisor.sandbox.profiles().join("slow/serves"), "").unwrap();
    assert_eq!(waiting.join().unwrap().status, 200);
    supervisor.drain();
}

#[test]
fn scenario_5_a_service_orders_itself_to_restart_and_to_stop() {
    let sandbox = Sandbox::new();
    let run = format!(
        "{COUNTED}order() {{ curl -sS --max-time 30 --unix-socket ../../state/proclaunch.sock -X POST \
         http://x/v1/profiles/web/$1; }}\ncase $(wc -l < starts) in\n1) order restart ;;\n2) order stop ;;\nesac\n\
         exec sleep 1000"
    );
    sandbox.profile("web", &run);
    let supervisor = sandbox.start();
    supervisor.wait_for("both orders", || (starts(&supervisor, "web") == 2).then_some(()));
    supervisor.wait_for_profile("web", |profile| profile.standing == "stopped");
    assert_eq!(starts(&supervisor, "web"), 2);
    assert_eq!(supervisor.control().order("web", "start").profile.unwrap().state, "running");
    supervisor.drain();
}

#[test]
fn scenario_5_a_service_orders_itself_by_the_command_line() {
    let sandbox = Sandbox::new();
    // Its environment says where the supervisor is, and what it is called.
    let order = |verb: &str| {
        format!("{} {verb} \"$PROCLAUNCH_PROFILE\" >>said 2>&1; echo $? >>said", binary().display())
    };
    let run = format!(
        "{COUNTED}case $(wc -l < starts) in\n1) {} ;;\n2) {} ;;\nesac\nexec sleep 1000",
        order("restart"),
        order("stop")
    );
    sandbox.profile("web", &run);
    let supervisor = sandbox.start();
    supervisor.wait_for("both orders", || (starts(&supervisor, "web") == 2).then_some(()));
    supervisor.wait_for_profile("web", |profile| profile.standing == "stopped");
    assert_eq!(starts(&supervisor, "web"), 2);
    let said = fs::read_to_string(supervisor.sandbox.profiles().join("web/said")).unwrap_or_default();
    assert!(!said.contains("proclaunch:"), "no order was refused: {said}");
    assert_eq!(supervisor.control().order("web", "start").profile.unwrap().state, "running");
    supervisor.wait_for("it to run", || (starts(&supervisor, "web") == 3).then_some(()));
    supervisor.drain();
}

#[test]
fn scenario_6_a_second_supervisor_leaves_the_first_its_socket() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    let control = supervisor.control();
    let pid = control.profile("web").pid;
    let second = supervisor.sandbox.command().arg("--foreground").output().unwrap();
    assert_eq!(second.status.code(), Some(0));
    assert_eq!(control.profile("web").pid, pid);
    supervisor.drain();
}

#[test]
fn scenario_7_orders_that_contradict_are_both_answered() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", &format!("trap '' TERM\n{COUNTED}while :; do sleep 0.1; done"));
    web.set("down", "").set("stop_timeout", "1").set("ready.lua", "return function() return false end");
    let supervisor = sandbox.start();
    let control = supervisor.control();
    supervisor.wait_for_profile("web", |profile| profile.standing == "down");
    let start = later(&control, "/v1/profiles/web/start");
    supervisor.wait_for_profile("web", |profile| profile.state == "starting" && profile.pid.is_some());
    let stop = later(&control, "/v1/profiles/web/stop");
    let overtaken = start.join().unwrap().error(409);
    assert_eq!(overtaken.result.as_deref(), Some("overtaken"), "{overtaken:?}");
    assert_eq!(stop.join().unwrap().status, 200);
    assert_eq!(control.profile("web").state, "stopped");
    fs::remove_file(supervisor.sandbox.profiles().join("web/ready.lua")).unwrap();
    control.post("/v1/rescan");
    let before = starts(&supervisor, "web");
    control.order("web", "start");
    supervisor.wait_for("it to be deaf", || (starts(&supervisor, "web") > before).then_some(()));
    let stop = later(&control, "/v1/profiles/web/stop");
    supervisor.wait_for_profile("web", |profile| profile.state == "stopping");
    let before = starts(&supervisor, "web");
    let start = later(&control, "/v1/profiles/web/start");
    assert_eq!(start.join().unwrap().status, 200, "a start while it stops has it run");
    let overtaken = stop.join().unwrap();
    assert!([200, 409].contains(&overtaken.status), "{overtaken:?}");
    assert_eq!(control.profile("web").state, "running");
    assert_eq!(starts(&supervisor, "web"), before + 1, "exactly one start");
    supervisor.drain();
}

#[test]
fn scenario_8_two_who_start_at_once_have_one_start() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", &format!("{COUNTED}{SLEEP}")).set("down", "");
    web.set("ready.lua", "return function() return file.exists('serves') end");
    let supervisor = sandbox.start();
    let control = supervisor.control();
    supervisor.wait_for_profile("web", |profile| profile.standing == "down");
    let both: Vec<_> = (0..2).map(|_| later(&control, "/v1/profiles/web/start")).collect();
    supervisor.wait_for("it to start", || (starts(&supervisor, "web") == 1).then_some(()));
    fs::write(supervisor.sandbox.profiles().join("web/serves"), "").unwrap();
    for one in both {
        assert_eq!(one.join().unwrap().status, 200);
    }
    assert_eq!(starts(&supervisor, "web"), 1);
    supervisor.drain();
}

#[test]
fn scenario_9_one_that_crashes_for_ever_is_stopped() {
    let sandbox = Sandbox::new();
    sandbox.profile("crash", "exit 1").set("restart", "").set("backoff", "0.05 0.1");
    let supervisor = sandbox.start();
    let control = supervisor.control();
    supervisor.wait_for("some deaths", || (supervisor.said("crash", "died").len() > 3).then_some(()));
    for _ in 0..50 {
        let profile = control.profile("crash");
        assert_ne!(profile.pid, Some(0));
        assert!(profile.state != "running" || profile.pid.is_some(), "{profile:?}");
    }
    assert_eq!(control.order("crash", "stop").profile.unwrap().state, "stopped");
    let starts = supervisor.said("crash", "starting").len();
    wait::pass(Duration::from_millis(500));
    assert_eq!(supervisor.said("crash", "starting").len(), starts, "and stays so");
    supervisor.drain();
}

#[test]
fn scenario_35_a_client_that_leaves_does_not_take_its_order_with_it() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "trap '' TERM\nwhile :; do sleep 0.1; done").set("stop_timeout", "1");
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    let control = supervisor.control();
    let mut leaver = control.connect();
    leaver.write_all(request("POST", "/v1/profiles/web/stop", &[]).as_bytes()).unwrap();
    supervisor.wait_for_profile("web", |profile| profile.state == "stopping");
    drop(leaver);
    supervisor.wait_for_profile("web", |profile| profile.standing == "stopped");
    supervisor.drain();
}

#[test]
fn orders_of_many_clients_are_all_answered_and_the_last_one_counts() {
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c"] {
        sandbox.profile(name, SLEEP);
    }
    let supervisor = sandbox.start();
    let control = supervisor.control();
    for name in ["a", "b", "c"] {
        supervisor.main_process(name);
    }
    let clients = (0..6).map(|client: usize| {
        let control = control.clone();
        thread::spawn(move || {
            for round in 0..10 {
                let name = ["a", "b", "c"][(client + round) % 3];
                let verb = ["start", "stop", "restart"][(client * 7 + round) % 3];
                let answer = control.post(&format!("/v1/profiles/{name}/{verb}"));
                assert!([200, 409].contains(&answer.status), "{verb} {name}: {answer:?}");
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    for client in clients {
        client.join().unwrap();
    }
    for name in ["a", "b", "c"] {
        control.order(name, "stop");
        assert_eq!(control.profile(name).state, "stopped");
    }
    control.order("a", "start");
    supervisor.drain();
}

#[test]
fn a_profile_that_was_just_made_can_be_ordered() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    supervisor.sandbox.profile("new", SLEEP).set("down", "");
    assert_eq!(supervisor.control().order("new", "start").profile.unwrap().state, "running");
    supervisor.drain();
}

#[test]
fn a_shutdown_is_a_drain_with_another_exit_code_and_a_signal_hurries_it() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let deaf = format!("trap '' TERM\n{COUNTED}while :; do sleep 0.1; done");
    sandbox.profile("deaf", &deaf).set("stop_timeout", "3600");
    let mut supervisor = sandbox.start();
    let web = supervisor.main_process("web");
    let control = supervisor.control();
    supervisor.wait_for("it to be deaf", || (starts(&supervisor, "deaf") > 0).then_some(()));
    assert_eq!(control.post("/v1/shutdown").status, 200);
    supervisor.wait_for_line("web", "stopped");
    assert_eq!(control.post("/v1/profiles/deaf/restart").error(409).result.as_deref(), Some("refused"));
    assert_eq!(control.order("deaf", "signal?signal=KILL").result, "done");
    assert_eq!(supervisor.wait().code(), Some(0), "{}", supervisor.log());
    assert!(!web.is_alive());
    assert!(!control.path().exists(), "nobody finds a socket without a supervisor");
    let said = supervisor.said("ProcLaunch", "told to shut down");
    assert_eq!(said.len(), 1, "{}", supervisor.log());
}

#[test]
fn a_scale_is_answered_when_so_many_are_ready_and_stays_in_force_when_nobody_waits() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", SLEEP);
    web.clone().set("instances", "1").set("ready.lua", "return function() return file.exists('serves') end");
    let supervisor = sandbox.start();
    let control = supervisor.control();
    let scale = |query: &str| control.post(&format!("/v1/profiles/web/scale?{query}"));
    for bad in ["", "count=1001", "count=-1", "count=1&signal=HUP"] {
        scale(bad).error(400);
    }
    let error = scale("count=2&timeout=0.5").error(504);
    assert_eq!(error.result.as_deref(), Some("timeout"), "{error:?}");
    supervisor.wait_for_profile("web@2", |profile| profile.standing == "starting");
    let waiting = later(&control, "/v1/profiles/web/scale?count=3");
    supervisor.wait_for_profile("web@3", |profile| profile.standing == "starting");
    let taken = scale("count=2&wait=false");
    assert_eq!((taken.status, taken.json::<Scaled>().result), (202, "taken".to_owned()));
    let error = waiting.join().unwrap().error(409);
    assert_eq!(error.result.as_deref(), Some("overtaken"), "{error:?}");
    let waiting = later(&control, "/v1/profiles/web/scale?count=2");
    web.set("serves", "");
    let scaled: Scaled = waiting.join().unwrap().json();
    let names: Vec<&str> = scaled.profiles.iter().map(|profile| profile.name.as_str()).collect();
    assert_eq!((&*scaled.result, &*scaled.name, scaled.count), ("done", "web", 2));
    assert_eq!(names, ["web@1", "web@2"]);
    assert!(scaled.profiles.iter().all(|profile| profile.state == "running"), "{scaled:?}");
    control.get("/v1/profiles/web@3").error(404);
    let error = control.post("/v1/profiles/web/restart").error(404);
    assert!(error.hint.unwrap().contains("web@1"));
    supervisor.drain();
}
