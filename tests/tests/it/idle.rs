//! When nothing happens, nothing wakes up.

use std::fs;
use std::time::Duration;

use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;
use proclaunch_tests::wait;

/// How often the supervisor's threads have been woken.
fn wakeups(supervisor: &Supervisor) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{}/task", supervisor.process().pid)).unwrap();
    let statuses = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap());
    let switches = |status: String| -> u64 {
        let lines = status.lines().filter(|line| line.contains("voluntary_ctxt_switches:"));
        lines.map(|line| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()).sum()
    };
    statuses.map(switches).sum()
}

/// It took this much of the processor, in clock ticks.
fn ticks(supervisor: &Supervisor) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", supervisor.process().pid)).unwrap();
    let fields: Vec<u64> =
        stat.rsplit_once(')').unwrap().1.split(' ').filter_map(|field| field.parse().ok()).collect();
    // The first that is a number is field 4; the times are 14 and 15.
    fields[10] + fields[11]
}

#[test]
fn an_idle_supervisor_is_never_woken_and_takes_no_time() {
    let sandbox = Sandbox::new();
    sandbox.profile("steady", "exec sleep 1000");
    sandbox.profile("crash", "exit 1").set("restart", "").set("give_up", "2 60").set("backoff", "0.1 0.1");
    let supervisor = sandbox.start();
    // Every timer that there is has been used: backoff, and the pause before files are read again.
    supervisor.wait_for_line("crash", "gave up");
    supervisor.sandbox.profile("steady", "exec sleep 1001");
    supervisor.wait_for("steady to be restarted", || supervisor.pids("steady").get(1).copied());
    // A change that is none: the last thing that happens is that a timer ends, and nothing follows.
    supervisor.sandbox.profile("steady", "exec sleep 1001");
    wait::pass(Duration::from_secs(1));
    let (woken, used) = (wakeups(&supervisor), ticks(&supervisor));
    wait::pass(Duration::from_secs(2));
    let woken = wakeups(&supervisor) - woken;
    let used = ticks(&supervisor) - used;
    assert!(woken <= 2, "woken {woken} times in two seconds in which nothing happened");
    assert!(used <= 1, "used {used} ticks in two seconds in which nothing happened");
    supervisor.drain();
}
