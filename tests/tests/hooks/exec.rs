//! Commands that hooks execute.

use std::fs;
use std::path::Path;

use nix::unistd::geteuid;
use proclaunch_tests::processes::{Process, of_directory};
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

use super::SLEEP;

/// A service that is well again when it is started anew.
const HEALS: &str = "rm -f sick; echo begins; exec sleep 1000";

/// A supervisor with one profile, whose `on_ready` runs this.
fn on_ready(script: &str) -> Supervisor {
    let sandbox = Sandbox::new();
    let hook = format!("return function(service)\n{script}\nend\n");
    sandbox.profile("web", SLEEP).set("on_ready.lua", hook);
    sandbox.start()
}

fn pid_in(path: &Path) -> Option<Process> {
    Process::of(fs::read_to_string(path).ok()?.trim().parse().ok()?)
}

#[test]
fn a_command_tells_its_code_and_what_it_wrote() {
    let supervisor = on_ready(
        r#"
        local run = exec{ "sh", "-c", 'echo "$1|$2"; echo wrong >&2; exit 3', "x", "a b", 7 }
        log.info(("%s %s %s %s %s"):format(tostring(run.ok), run.code, run.out, run.err, tostring(run.timed_out)))
        log.info("yes: " .. tostring(exec{ "true" }.ok))
        log.info("signal: " .. exec{ "sh", "-c", "kill -TERM $$" }.signal)
        "#,
    );
    let line = supervisor.wait_for_line("web", "on_ready: false 3");
    assert!(line.contains("a b|7") && line.contains("wrong") && line.contains("false"), "{line}");
    supervisor.wait_for_line("web", "on_ready: yes: true");
    supervisor.wait_for_line("web", "on_ready: signal: TERM");
    supervisor.drain();
}

#[test]
fn a_command_runs_in_the_profiles_directory_with_its_environment_in_a_session_of_its_own() {
    let sandbox = Sandbox::new();
    let script = "return function()
        local run = exec{ 'sh', '-c', 'pwd; echo $COLOUR; echo $PROCLAUNCH_PROFILE; cut -d\" \" -f6 /proc/$$/stat; echo $$' }
        for line in run.out:gmatch('[^\\n]+') do log.info('said ' .. line) end
    end";
    sandbox.profile("web", SLEEP).set("env", "COLOUR=green\n").set("on_ready.lua", script);
    let supervisor = sandbox.start();
    let dir = supervisor.sandbox.profiles().join("web").display().to_string();
    supervisor.wait_for_line("web", &format!("on_ready: said {dir}"));
    let said = supervisor.wait_for("five lines", || {
        let said = supervisor.said("web", "on_ready: said ");
        (said.len() == 5).then_some(said)
    });
    assert!(said[1].contains("green") && said[2].contains("web"), "{said:?}");
    assert_eq!(said[3], said[4], "it leads its session");
    supervisor.drain();
}

#[test]
fn a_command_runs_as_the_profiles_user() {
    if !geteuid().is_root() {
        return;
    }
    let sandbox = Sandbox::new();
    let script = "return function() log.info('user ' .. exec{ 'id', '-u' }.out) end";
    sandbox.profile("web", SLEEP).set("user", "65534:65534\n").set("on_ready.lua", script);
    fs::set_permissions(sandbox.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let supervisor = sandbox.start();
    supervisor.wait_for_line("web", "on_ready: user 65534");
    supervisor.drain();
}

#[test]
fn a_missing_command_is_an_answer_and_no_error() {
    let supervisor = on_ready(
        r#"
        local run = exec{ "no-such-command" }
        log.info(("answer %s: %s"):format(tostring(run.ok), run.err))
        "#,
    );
    let line = supervisor.wait_for_line("web", "on_ready: answer false");
    assert!(line.contains("no-such-command: no such command"), "{line}");
    supervisor.drain();
}

#[test]
fn a_tree_is_killed_at_its_timeout_and_what_it_wrote_is_told() {
    let supervisor = on_ready(
        r#"
        local run = exec{ "sh", "-c", "echo first; setsid sleep 1000 & echo $! > child; wait", timeout = 0.5 }
        log.info(("answer %s %s %s %s"):format(tostring(run.ok), tostring(run.timed_out), run.signal, run.out))
        "#,
    );
    let child = supervisor.sandbox.profiles().join("web/child");
    let child = supervisor.wait_for("the child", || pid_in(&child));
    let line = supervisor.wait_for_line("web", "on_ready: answer false true KILL");
    assert!(line.contains("first"), "{line}");
    supervisor.wait_for("the child's end", || (!child.is_alive()).then_some(()));
    supervisor.drain();
}

#[test]
fn what_a_command_leaves_behind_is_killed() {
    let supervisor = on_ready(
        r#"
        local run = exec{ "sh", "-c", "sleep 1000 & echo $! > child" }
        log.info("answer " .. tostring(run.ok))
        "#,
    );
    supervisor.wait_for_line("web", "on_ready: answer true");
    let main = supervisor.main_process("web");
    supervisor.wait_for("nothing but the service and the supervisor", || {
        let left = of_directory(supervisor.sandbox.path());
        left.iter().all(|process| *process == main || *process == supervisor.process()).then_some(())
    });
    supervisor.drain();
}

#[test]
fn a_command_of_a_call_that_is_cancelled_is_killed() {
    let sandbox = Sandbox::new();
    let script = r#"return function()
        exec{ "sh", "-c", "echo $$ > pid; sleep 1000; true", timeout = 100 }
    end"#;
    let web = sandbox.profile("web", SLEEP).set("on_start.lua", script);
    let supervisor = sandbox.start();
    let pid = web.dir.join("pid");
    let command = supervisor.wait_for("the command", || pid_in(&pid));
    // The question lapses with the profile.
    fs::remove_dir_all(&web.dir).unwrap();
    supervisor.wait_for("the command's end", || (!command.is_alive()).then_some(()));
    drop(supervisor);
}

#[test]
fn output_is_capped_and_the_rest_is_read() {
    let supervisor = on_ready(
        r#"
        local run = exec{ "sh", "-c", "head -c 300000 /dev/zero; head -c 70000 /dev/zero >&2; echo done > done" }
        log.info(("sizes %d %d %s"):format(#run.out, #run.err, tostring(run.ok)))
        "#,
    );
    supervisor.wait_for_line("web", "on_ready: sizes 65536 65536 true");
    supervisor.drain();
}

#[test]
fn a_command_that_writes_for_ever_ends_at_its_timeout() {
    let supervisor = on_ready(
        r#"
        local run = exec{ "yes", timeout = 1 }
        log.info(("answer %d %s"):format(#run.out, tostring(run.timed_out)))
        "#,
    );
    supervisor.wait_for_line("web", "on_ready: answer 65536 true");
    supervisor.drain();
}

#[test]
fn a_hook_that_decides_may_not_execute() {
    let sandbox = Sandbox::new();
    let script = "return function() exec{ 'true' } end";
    sandbox.profile("web", SLEEP).set("restart", "").set("should_restart.lua", script);
    let supervisor = sandbox.start();
    supervisor.kill_main_process("web");
    supervisor.wait_for_line(
        "web",
        "hook should_restart failed (web/should_restart.lua:1: exec: should_restart decides",
    );
    supervisor.main_process("web");
    supervisor.drain();
}

/// A service with this health check, which fails once there is a file `sick`, is started anew, and the log says why.
#[track_caller]
fn is_restarted_when_sick(check: &str, why: &str) {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", HEALS).set("restart", "").set("health.lua", check);
    let supervisor = sandbox.start();
    let first = supervisor.main_process("web");
    supervisor.wait_for("it to have begun", || supervisor.output("web").contains("begins").then_some(()));
    web.set("sick", "");
    supervisor.wait_for("another process", || {
        let last = *supervisor.pids("web").last()?;
        (Process::of(last)? != first).then_some(())
    });
    assert!(supervisor.log().contains(why), "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn a_health_check_by_hand_that_fails_restarts_the_service() {
    let check = r#"return { every = 0.2, times = 2, function()
        local run = exec{ "test", "!", "-e", "sick" }
        return run.ok, "it is sick"
    end }"#;
    is_restarted_when_sick(check, "it is sick");
}

#[test]
fn a_check_by_command_that_fails_restarts_the_service() {
    let check = "return check.exec{ 'test', '!', '-e', 'sick', every = 0.2, times = 2 }";
    is_restarted_when_sick(check, "test: exit 1");
}

#[test]
fn a_command_is_killed_with_the_call_whose_budget_is_spent() {
    let sandbox = Sandbox::new();
    let script = r#"return { every = 2, timeout = 1, function()
        exec{ "sh", "-c", "echo $$ > pid; sleep 1000; true", timeout = 100 }
    end }"#;
    let web = sandbox.profile("web", SLEEP).set("health.lua", script);
    let supervisor = sandbox.start();
    let pid = web.dir.join("pid");
    let command = supervisor.wait_for("the command", || pid_in(&pid));
    supervisor.wait_for("the command's end", || (!command.is_alive()).then_some(()));
    supervisor.drain();
}
