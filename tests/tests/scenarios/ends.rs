//! A process ends: what is said, and what follows.

use std::fs;

use nix::sys::signal::Signal;
use nix::unistd::{Pid, getsid};
use proclaunch_core::signal::Signal as Named;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

use crate::{SLEEP, skipped, times};

/// What a profile's deaths say after `died (pid N, `, up to the time it ran.
fn deaths(supervisor: &Supervisor, profile: &str) -> Vec<String> {
    let how = |message: String| {
        let (_, rest) = message.split_once(", ").unwrap();
        rest.split_once(", after").unwrap().0.to_owned()
    };
    supervisor.said(profile, "died").into_iter().map(how).collect()
}

/// Counts its runs in the variable `n`, from 1.
const COUNTS: &str = "n=$(($(cat counter 2>/dev/null || echo 0) + 1)); echo $n > counter";

#[test]
fn scenario_01_the_pid_is_the_service_itself_in_a_session_of_its_own() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let supervisor = sandbox.start();
    let web = supervisor.main_process("web");
    let pid = Pid::from_raw(web.pid);
    assert_eq!(fs::read_to_string(format!("/proc/{}/comm", web.pid)).unwrap(), "sleep\n");
    assert_eq!(getsid(Some(pid)), Ok(pid));
    let masked = ["ProcLaunch started pid N", "web starting", "web running pid N"];
    assert_eq!(supervisor.messages(), masked);
    supervisor.drain();
}

#[test]
fn scenario_03_each_policy_is_applied_to_each_end() {
    let ends =
        [("zero", "exit 0", "exit 0"), ("one", "exit 1", "exit 1"), ("segv", "kill -SEGV $$", "signal SEGV")];
    let policies =
        [("always", [true, true, true]), ("on-failure", [false, true, true]), ("never", [false; 3])];
    let sandbox = Sandbox::new();
    for (policy, _) in policies {
        for (name, run, _) in ends {
            let profile = sandbox
                .profile(&format!("{name}.{policy}"), &format!("{COUNTS}\n[ $n = 1 ] || {SLEEP}\n{run}"));
            profile.set("restart", policy).set("limits", "core 0");
        }
    }
    let supervisor = sandbox.start();
    for (policy, restarts) in policies {
        for ((name, _, how), restarts) in ends.iter().zip(restarts) {
            let profile = format!("{name}.{policy}");
            let said = supervisor.wait_for_line(&profile, "died");
            assert!(said.contains(&format!(", {how}, after ")), "{said}");
            assert_eq!(said.ends_with("not restarted)"), !restarts, "{said}");
            if restarts {
                supervisor.wait_for(&format!("{profile} to come back"), || {
                    supervisor.pids(&profile).get(1).copied()
                });
            }
        }
    }
    // Those that do come back are all back: the others had their time too.
    for (policy, restarts) in policies {
        for ((name, ..), restarts) in ends.iter().zip(restarts) {
            let starts = supervisor.said(&format!("{name}.{policy}"), "starting").len();
            assert_eq!(starts, 1 + usize::from(restarts), "{name}.{policy}\n{}", supervisor.log());
        }
    }
    supervisor.drain();
}

#[test]
fn scenario_03_a_core_dump_is_told() {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if pattern.starts_with(['|', '/', '@']) {
        return skipped("core dumps go elsewhere");
    }
    let sandbox = Sandbox::new();
    sandbox.profile("web", "ulimit -c unlimited || exit 99\nkill -SEGV $$");
    let supervisor = sandbox.start();
    let said = supervisor.wait_for_line("web", "died");
    if said.contains("exit 99") {
        return skipped("core dumps are not allowed");
    }
    assert!(said.contains(", signal SEGV, core dumped, after "), "{said}");
}

#[test]
fn scenario_04_a_run_that_crashes_twice_is_three_starts_and_two_ends() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", &format!("{COUNTS}\n[ $n -ge 3 ] && {SLEEP}\nexit 5")).set("restart", "");
    let supervisor = sandbox.start();
    supervisor.wait_for("the third run", || supervisor.pids("web").get(2).copied());
    let expected = [
        "ProcLaunch started pid N",
        "web starting",
        "web running pid N",
        "web died",
        "web starting",
        "web running pid N",
        "web died",
        "web starting",
        "web running pid N",
    ];
    assert_eq!(supervisor.messages(), expected);
    assert_eq!(deaths(&supervisor, "web"), ["exit 5", "exit 5"]);
    supervisor.drain();
}

#[test]
fn scenario_12_what_crashes_at_once_is_started_six_times_in_ten_seconds() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "exit 1").set("restart", "");
    let supervisor = sandbox.start();
    supervisor.wait_for("the start after 10 seconds", || supervisor.said("web", "starting").get(6).cloned());
    let starts = times(&supervisor, "web", "starting");
    // At 0, 0.2, 0.6, 1.4, 3.0 and 6.2 seconds, each delay longer or shorter by a tenth, and what the runs take.
    let early = starts.iter().filter(|at| **at <= starts[0] + 10_000).count();
    assert!((5..=7).contains(&early), "{early} starts\n{}", supervisor.log());
    for (round, pair) in starts.windows(2).take(6).enumerate() {
        let least = 180 << round;
        assert!(
            pair[1] - pair[0] >= least,
            "start {round} after {} ms:\n{}",
            pair[1] - pair[0],
            supervisor.log()
        );
    }
}

#[test]
fn scenario_14_after_a_good_run_of_ten_seconds_the_backoff_is_forgotten() {
    let sandbox = Sandbox::new();
    sandbox
        .profile("web", &format!("{COUNTS}\n[ $n = 4 ] && sleep 10.5\n[ $n -ge 6 ] && {SLEEP}\nexit 1"))
        .set("restart", "");
    let supervisor = sandbox.start();
    let said = supervisor.wait_for("the fifth end", || {
        let said = supervisor.said("web", "died");
        (said.len() == 5).then_some(said)
    });
    assert!(
        said[3].contains("after 10s, restart at once") || said[3].contains("after 11s, restart at once"),
        "{said:#?}"
    );
    let second = ["restart in 0.3s)", "restart in 0.4s)"];
    assert!(second.iter().any(|delay| said[4].ends_with(delay)), "{said:#?}");
    supervisor.wait_for("the sixth run", || supervisor.pids("web").get(5).copied());
    supervisor.drain();
}

#[test]
fn scenario_15_on_failure_restarts_what_failed() {
    let sandbox = Sandbox::new();
    sandbox.profile("ok", "exit 0").set("restart", "on-failure");
    sandbox
        .profile("bad", &format!("{COUNTS}\n[ $n -ge 3 ] && {SLEEP}\nexit 3"))
        .set("restart", "on-failure");
    sandbox.profile("told", SLEEP).set("restart", "on-failure").set("stop_signal", "KILL");
    let supervisor = sandbox.start();
    supervisor.wait_for("bad to come back twice", || supervisor.pids("bad").get(2).copied());
    assert_eq!(deaths(&supervisor, "bad"), ["exit 3", "exit 3"]);
    assert_eq!(deaths(&supervisor, "ok"), ["exit 0"]);
    assert_eq!(supervisor.said("ok", "starting").len(), 1);
    // Stopped because told to, however it ended: not started again.
    supervisor.main_process("told");
    fs::rename(supervisor.sandbox.profiles().join("told"), supervisor.sandbox.path().join("told")).unwrap();
    let stopped = supervisor.wait_for_line("told", "stopped");
    assert!(stopped.ends_with("signal KILL)"), "{stopped}");
    assert_eq!(supervisor.said("told", "starting").len(), 1);
    supervisor.drain();
}

#[test]
fn scenario_26_exit_codes_are_told_exactly() {
    let sandbox = Sandbox::new();
    for code in 0..=255 {
        sandbox.profile(&format!("exit{code}"), &format!("exit {code}"));
    }
    let supervisor = sandbox.start();
    for code in 0..=255 {
        let profile = format!("exit{code}");
        supervisor.wait_for_line(&profile, "died");
        assert_eq!(deaths(&supervisor, &profile), [format!("exit {code}")]);
    }
}

#[test]
fn scenario_26_signals_are_told_exactly() {
    const DO_NOT_END: [i32; 8] = [17, 18, 19, 20, 21, 22, 23, 28];
    // 32 and 33 belong to the C library.
    let deadly = || (1..=64).filter(|number| !DO_NOT_END.contains(number) && !matches!(number, 32 | 33));
    let sandbox = Sandbox::new();
    for number in deadly() {
        sandbox.profile(&format!("signal{number}"), &format!("kill -{number} $$")).set("limits", "core 0");
    }
    let supervisor = sandbox.start();
    for number in deadly() {
        let profile = format!("signal{number}");
        supervisor.wait_for_line(&profile, "died");
        let name = Named::from_number(number).unwrap();
        assert_eq!(deaths(&supervisor, &profile), [format!("signal {name}")]);
    }
}

#[test]
fn a_service_that_is_killed_from_outside_comes_back() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "");
    sandbox.profile("other", SLEEP).set("restart", "");
    let supervisor = sandbox.start();
    let other = supervisor.main_process("other");
    let web = supervisor.kill_main_process("web");
    assert!(web.is_alive() && other.is_alive());
    other.signal(Signal::SIGKILL);
    supervisor.wait_for("the other to come back", || supervisor.pids("other").get(1).copied());
    assert_eq!(deaths(&supervisor, "other"), ["signal KILL"]);
    supervisor.drain();
}
