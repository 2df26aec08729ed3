//! What is written for later: records beside hooks that come late, and metrics on a disk that fails.

use std::fs;

use nix::sys::signal::Signal;
use proclaunch_tests::sandbox::Sandbox;

use crate::SLEEP;

#[test]
fn a_hook_that_comes_later_does_not_make_the_record_forget_the_process() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let mut supervisor = sandbox.start();
    let pid = supervisor.main_process("web").pid;
    let ticks = "return { every = 0.1, function(service)\n  service.vars.n = (service.vars.n or 0) + 1\n  \
                 log.info('ticks ' .. service.vars.n)\nend }\n";
    supervisor.sandbox.write("web", "on_tick.lua", ticks);
    supervisor.wait_for_line("web", "on_tick: ticks 2");
    supervisor.end(Signal::SIGTERM);
    supervisor.start_again();
    supervisor.wait_for_line("web", &format!("running pid {pid} (adopted"));
    assert_eq!(supervisor.said("web", "starting").len(), 1, "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn metrics_that_cannot_be_written_are_told_of_once_and_so_is_that_they_can_again() {
    let sandbox = Sandbox::new();
    let counts = "return { every = 0.1, function() metrics.counter('ticks_total', 1) end }\n";
    sandbox.profile("web", SLEEP).set("on_tick.lua", counts);
    // What is in the way of a file's name is a directory that is not empty.
    let file = sandbox.state().join("metrics.prom");
    fs::create_dir_all(file.join("full")).unwrap();
    let supervisor = sandbox.start();
    let told = format!("failed to write metrics to `{}`: ", file.display());
    supervisor.wait_for_line("ProcLaunch", &told);
    fs::remove_dir_all(&file).unwrap();
    supervisor.wait_for_line("ProcLaunch", "metrics can be written again");
    assert!(fs::read_to_string(&file).unwrap().contains("ticks_total{profile=\"web\"} "));
    let log = supervisor.log();
    assert_eq!(log.matches(" WARN  ProcLaunch failed to write metrics").count(), 1, "{log}");
    supervisor.drain();
}
