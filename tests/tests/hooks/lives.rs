//! Hooks over the lives of a service: each is asked when it should be, and not for a life that is over.

use nix::sys::signal::Signal;
use proclaunch_tests::sandbox::Sandbox;

#[test]
fn scenario_04_on_start_is_asked_once_for_each_start_and_on_exit_once_for_each_end() {
    let sandbox = Sandbox::new();
    let counts = |hook: &str| {
        format!(
            "return function(service)\n  service.vars.{hook} = (service.vars.{hook} or 0) + 1\n  \
             log.info(('{hook} %d, exit %s'):format(service.vars.{hook}, tostring(service.exit and service.exit.code)))\n\
             end\n"
        )
    };
    let run = "n=$(($(cat count 2>/dev/null || echo 0) + 1)); echo $n > count\n[ $n -ge 3 ] && exec sleep 1000\nexit 5";
    sandbox
        .profile("web", run)
        .set("restart", "")
        .set("on_start.lua", counts("on_start"))
        .set("on_exit.lua", counts("on_exit"));
    let supervisor = sandbox.start();
    supervisor.wait_for("the third run", || supervisor.pids("web").get(2).copied());
    supervisor.wait_for_line("web", "on_exit: on_exit 2, exit 5");
    let said = |hook: &str| supervisor.said("web", &format!("{hook}: "));
    assert_eq!(
        said("on_start"),
        ["on_start: on_start 1, exit nil", "on_start: on_start 2, exit 5", "on_start: on_start 3, exit 5"]
    );
    assert_eq!(said("on_exit"), ["on_exit: on_exit 1, exit 5", "on_exit: on_exit 2, exit 5"]);
    supervisor.drain();
}

#[test]
fn scenario_45_what_a_check_says_of_a_process_that_died_meanwhile_is_dropped() {
    let sandbox = Sandbox::new();
    let check = "return { every = 0.2, timeout = 60, times = 1, function(service)\n  \
                 if service.restarts > 0 then log.info('good') return true end\n  \
                 log.info('asks')\n  sleep(1)\n  log.info('says no')\n  return false, 'the old one'\nend }";
    sandbox.profile("web", "exec sleep 1000").set("restart", "").set("health.lua", check);
    let supervisor = sandbox.start();
    let old = supervisor.main_process("web");
    supervisor.wait_for_line("web", "health: asks");
    old.signal(Signal::SIGKILL);
    supervisor.wait_for_line("web", "healthy");
    // The old check would have had its say a second after it was asked; ten of the new one take two.
    supervisor.wait_for("ten checks", || supervisor.said("web", "health: good").get(9).cloned());
    assert!(supervisor.said("web", "health: says no").is_empty(), "{}", supervisor.log());
    assert!(supervisor.said("web", "unhealthy").is_empty(), "{}", supervisor.log());
    assert_eq!(supervisor.pids("web").len(), 2, "{}", supervisor.log());
    supervisor.drain();
}
