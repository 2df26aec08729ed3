//! Scenario 40: requests do not slow supervision down.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use proclaunch::control::api::Profiles;
use proclaunch_tests::control::{Control, Reply, request};
use proclaunch_tests::processes::Process;
use proclaunch_tests::promtool;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;
use proclaunch_tests::wait;

/// How long requests are made, and how many a second.
const TIME: Duration = Duration::from_secs(10);
const RATE: u32 = 500;
const CLIENTS: u32 = 4;
/// Connections that ask for nothing.
const IDLE: usize = 200;
/// Profiles that do nothing.
const PROFILES: usize = 500;

/// How many times as long a restart may take beside them; measured is once.
const RATIO: u32 = 3;
/// What a machine that does other things too may add to it.
const ALLOWED: Duration = Duration::from_millis(5);

/// A service that tells of each start.
struct Crashing {
    starts: BufReader<File>,
    main: Process,
}

impl Crashing {
    fn start(sandbox: Sandbox) -> (Self, Supervisor) {
        let profile = sandbox.profile("crashing", "").set("restart", "").set("backoff", "0 0");
        let fifo = profile.dir.join("starts");
        mkfifo(&fifo, Mode::from_bits_truncate(0o600)).unwrap();
        profile.run("exec 3<>starts\necho $$ >&3\nexec sleep 1000 3>&-");
        let mut starts = BufReader::new(File::options().read(true).write(true).open(&fifo).unwrap());
        let supervisor = sandbox.start();
        let main = next_start(&mut starts);
        (Self { starts, main }, supervisor)
    }

    /// How long restarts took, sorted, made for so long.
    fn restarts(&mut self, time: Duration) -> Vec<Duration> {
        let begun = wait::now();
        let mut took = Vec::new();
        while begun.elapsed() < time {
            wait::pass(Duration::from_millis(43));
            let killed = wait::now();
            self.main.signal(Signal::SIGKILL);
            self.main = next_start(&mut self.starts);
            took.push(killed.elapsed());
        }
        took.sort();
        took
    }
}

fn next_start(starts: &mut impl BufRead) -> Process {
    let mut line = String::new();
    starts.read_line(&mut line).unwrap();
    Process::of(line.trim().parse().unwrap()).expect("a service that has just been started lives")
}

/// Asks for the status of a profile so many times a second, until it is told to stop.
fn ask(control: &Control, stop: &AtomicBool, answered: &AtomicUsize) {
    let mut stream: UnixStream = control.connect();
    let (begun, mut asked) = (wait::now(), 0);
    while !stop.load(Ordering::Relaxed) {
        let due = Duration::from_secs(1) * asked * CLIENTS / RATE;
        wait::pass(due.saturating_sub(begun.elapsed()));
        stream.write_all(request("GET", "/v1/profiles/idle7", &[]).as_bytes()).unwrap();
        let (answer, again) = Reply::read(stream).unwrap().rest().unwrap();
        assert_eq!(answer.status, 200);
        stream = again;
        asked += 1;
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// Waits until so many profiles run, and none besides.
fn all_run(supervisor: &Supervisor, count: usize) {
    supervisor.wait_for("all to run", || {
        let all: Profiles = supervisor.control().get("/v1/profiles").json();
        let run = all.profiles.iter().all(|profile| profile.state == "running");
        (all.profiles.len() == count && run).then_some(())
    });
}

#[test]
fn scenario_40_five_hundred_requests_a_second_leave_supervision_as_it_was() {
    let sandbox = Sandbox::new();
    for index in 0..PROFILES {
        sandbox.profile(&format!("idle{index}"), "exec sleep 1000");
    }
    let (mut crashing, supervisor) = Crashing::start(sandbox);
    let control = supervisor.control();
    all_run(&supervisor, PROFILES + 1);
    let alone = crashing.restarts(TIME / 2);
    let idle: Vec<_> = (0..IDLE).map(|_| control.connect()).collect();
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients = (0..CLIENTS).map(|_| {
        let (control, stop, answered) = (control.clone(), Arc::clone(&stop), Arc::clone(&answered));
        thread::spawn(move || ask(&control, &stop, &answered))
    });
    let clients: Vec<_> = clients.collect();
    let beside = crashing.restarts(TIME);
    let page = control.get("/metrics").body;
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    let share = |took: &[Duration], percent: usize| took[(took.len() - 1) * percent / 100];
    let count = answered.load(Ordering::Relaxed);
    println!(
        "{count} requests in {TIME:?} beside {} idle connections; restarts alone: median {:?}, 95 % {:?}, most {:?}; \
         beside: median {:?}, 95 % {:?}, most {:?}",
        idle.len(),
        share(&alone, 50),
        share(&alone, 95),
        share(&alone, 100),
        share(&beside, 50),
        share(&beside, 95),
        share(&beside, 100)
    );
    assert!(share(&beside, 50) < share(&alone, 50) * RATIO + ALLOWED, "alone {alone:?}, beside {beside:?}");
    // A machine that does other things too makes fewer; most of them are made all the same.
    assert!(count > 1000, "{count} requests were answered");
    let series = "proclaunch_profile_state{profile=\"idle7\",state=\"running\"} 1";
    assert!(page.lines().any(|line| line == series), "{page}");
    promtool::check(&page);
    supervisor.drain();
}

/// How often the reactor has been woken: it is the first thread of its process.
fn wakeups(supervisor: Process) -> u64 {
    let pid = supervisor.pid;
    let status = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn whoever_asks_while_nothing_happens_does_not_wake_the_reactor() {
    let sandbox = Sandbox::new();
    for index in 0..50 {
        sandbox.profile(&format!("idle{index}"), "exec sleep 1000");
    }
    let supervisor = sandbox.start();
    let control = supervisor.control();
    all_run(&supervisor, 50);
    // What follows a start by itself is over.
    wait::pass(Duration::from_secs(1));
    let reactor = supervisor.supervisor().unwrap();
    let before = wakeups(reactor);
    for _ in 0..500 {
        assert_eq!(control.get("/v1/profiles/idle7").status, 200);
    }
    let woken = wakeups(reactor) - before;
    assert!(woken <= 10, "woken {woken} times by 500 requests");
    supervisor.drain();
}
