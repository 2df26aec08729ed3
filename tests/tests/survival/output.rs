//! No line that a service writes is lost, doubled or out of order, whoever is killed meanwhile.

use std::fs;

use nix::sys::signal::Signal;
use proclaunch_tests::parts::helpers;
use proclaunch_tests::processes::Process;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::view::View;
use proclaunch_tests::wait;

use crate::SLEEP;

const LINES: usize = 20_000;

/// Writes the lines in about a second, and says what happens to it meanwhile.
fn writes(lines: usize) -> String {
    format!(
        "trap 'echo got PIPE >> trouble' PIPE\ni=0\nwhile [ $i -lt {lines} ]; do\n\
         echo \"line $i of many\" || echo failed >> trouble\n\
         i=$((i+1)); [ $((i % 200)) = 0 ] && sleep 0.01\ndone\necho done > all\n{SLEEP}"
    )
}

#[track_caller]
fn all_lines_are_there(view: &View, profile: &str, lines: usize, stamped: bool) {
    let all = view.sandbox.profiles().join(profile).join("all");
    view.wait_for("the last line to be written", || all.exists().then_some(()));
    let last = format!("line {} of many\n", lines - 1);
    view.wait_for("the last line to be kept", || view.kept(profile).ends_with(last.as_bytes()).then_some(()));
    let text = String::from_utf8(view.kept(profile)).unwrap();
    let mut count = 0;
    for (number, line) in text.lines().enumerate() {
        let line = if stamped { after_time(line) } else { line };
        assert_eq!(line, format!("line {number} of many"), "after {number} lines: {}", view.log());
        count += 1;
    }
    assert_eq!(count, lines);
    assert!(!view.sandbox.profiles().join(profile).join("trouble").exists(), "{}", view.log());
}

/// What follows the time: `2026-11-23T14:31:05.123Z `.
#[track_caller]
fn after_time(line: &str) -> &str {
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{line}");
    rest
}

/// Kills one of ProcLaunch's processes again and again while lines are written.
#[track_caller]
fn kill_while_writing(
    log: &str,
    times: usize,
    stamped: bool,
    victims: impl Fn(&View) -> Option<Vec<Process>>,
) {
    let sandbox = Sandbox::new();
    sandbox.profile("web", &writes(LINES)).set("restart", "").set("log", log);
    let daemon = sandbox.daemonize();
    let mut seen = 0;
    for _ in 0..times {
        // Each time after some more lines have come through.
        daemon.wait_for("more lines", || {
            let kept = daemon.kept("web").len();
            (kept > seen + 20_000 || daemon.sandbox.profiles().join("web/all").exists()).then_some(())
        });
        seen = daemon.kept("web").len();
        let victims = daemon.wait_for("the one to kill", || victims(&daemon));
        for victim in victims {
            victim.signal(Signal::SIGKILL);
        }
    }
    daemon.wait_for_parts();
    all_lines_are_there(&daemon, "web", LINES, stamped);
    assert_eq!(daemon.said("web", "starting").len(), 1, "{}", daemon.log());
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_31_the_logger_is_killed_5_times_during_20_000_lines() {
    kill_while_writing("10M 5", 5, false, |view| Some(vec![view.logger()?]));
}

#[test]
fn scenario_31_with_times_before_the_lines() {
    kill_while_writing("10M 5 timestamps", 5, true, |view| Some(vec![view.logger()?]));
}

#[test]
fn scenario_32_the_supervisor_is_killed_during_output() {
    kill_while_writing("10M 5", 3, false, |view| Some(vec![view.supervisor()?]));
}

#[test]
fn scenario_32_the_keeper_is_killed_during_output() {
    kill_while_writing("10M 5", 3, false, |view| Some(vec![view.parts()?.keeper]));
}

#[test]
fn scenario_32_supervisor_and_logger_are_killed_during_output() {
    kill_while_writing("10M 5", 3, false, |view| Some(vec![view.supervisor()?, view.logger()?]));
}

#[test]
fn scenario_34_rotation_while_writing_and_the_logger_is_killed() {
    kill_while_writing("16K 500", 5, false, |view| Some(vec![view.logger()?]));
}

#[test]
fn scenario_34_rotation_with_times_and_the_logger_is_killed() {
    kill_while_writing("16K 500 timestamps", 5, true, |view| Some(vec![view.logger()?]));
}

#[test]
fn scenario_34_files_are_as_large_and_as_many_as_is_set() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", &writes(5_000)).set("log", "4K 3");
    let daemon = sandbox.daemonize();
    let last = b"line 4999 of many\n";
    daemon.wait_for("the last line", || daemon.kept("web").ends_with(last).then_some(()));
    let files = daemon.output_files("web");
    assert_eq!(files.len(), 4, "{files:?}");
    for file in &files {
        assert!(fs::metadata(file).unwrap().len() <= 4096, "{file:?}");
        assert!(fs::read(file).unwrap().ends_with(b"\n"), "no line is cut: {file:?}");
    }
    let text = String::from_utf8(daemon.kept("web")).unwrap();
    let numbers: Vec<usize> =
        text.lines().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "none is missing in between");
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_33_a_last_line_without_an_end_is_kept_and_terminated() {
    let sandbox = Sandbox::new();
    sandbox.profile("once", "printf 'the last'; exit 0").set("oneshot", "");
    sandbox.profile("twice", "echo first; printf 'the last'; sleep 0.1; exit 1").set("restart", "");
    let daemon = sandbox.daemonize();
    daemon.wait_for("the last line", || (daemon.kept("once") == b"the last\n").then_some(()));
    let twice = b"first\nthe last\nfirst\nthe last\n";
    daemon.wait_for("both times", || daemon.kept("twice").starts_with(twice).then_some(()));
    daemon.end(Signal::SIGHUP);
    assert_eq!(daemon.kept("once"), b"the last\n");
    assert!(daemon.kept("twice").ends_with(b"the last\n"));
}

#[test]
fn scenario_33_a_line_of_a_megabyte_is_cut_into_pieces() {
    let sandbox = Sandbox::new();
    let long = "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo after";
    sandbox.profile("web", &format!("{long}\n{SLEEP}"));
    let daemon = sandbox.daemonize();
    daemon.wait_for("the line after it", || daemon.kept("web").ends_with(b"\nafter\n").then_some(()));
    let text = String::from_utf8(daemon.kept("web")).unwrap();
    let (pieces, after) = text.strip_suffix('\n').unwrap().rsplit_once('\n').unwrap();
    assert_eq!(after, "after");
    let pieces: Vec<&str> = pieces.split('\n').collect();
    let (last, cut) = pieces.split_last().unwrap();
    let marked = cut.iter().map(|piece| piece.strip_suffix(" [split]").expect("a piece says that it is one"));
    let pieces: Vec<&str> = marked.chain([*last]).collect();
    assert!(pieces.iter().all(|piece| piece.len() <= 64 * 1024 && piece.bytes().all(|byte| byte == b'x')));
    assert_eq!(pieces.concat().len(), 1_000_000);
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_33_bytes_that_are_no_text_pass_unchanged() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", &format!("printf 'a\\000b\\377\\376c\\rd\\033[1m\\n\\n\\r\\n'\n{SLEEP}"));
    let daemon = sandbox.daemonize();
    let expect = b"a\0b\xff\xfec\rd\x1b[1m\n\n\r\n";
    daemon.wait_for("the bytes", || (daemon.kept("web") == expect).then_some(()));
    daemon.end(Signal::SIGHUP);
}

#[test]
fn after_a_planned_leave_the_logger_writes_on_and_the_next_start_takes_over() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", &writes(LINES)).set("restart", "");
    let mut daemon = sandbox.daemonize();
    let web = daemon.main_process("web");
    daemon.wait_for("some lines", || (daemon.kept("web").len() > 10_000).then_some(()));
    daemon.end(Signal::SIGTERM);
    let kept = daemon.kept("web").len();
    daemon
        .wait_for("lines without a supervisor", || (daemon.kept("web").len() > kept + 10_000).then_some(()));
    let left = helpers(&daemon.sandbox.state());
    assert_eq!(left.len(), 1, "the logger is left: {left:?}");
    daemon.start_again();
    daemon.wait_for_line("web", &format!("running pid {} (adopted, ", web.pid));
    all_lines_are_there(&daemon, "web", LINES, false);
    daemon.wait_for("one of each", || (helpers(&daemon.sandbox.state()).len() == 2).then_some(()));
    daemon.end(Signal::SIGHUP);
    assert_eq!(helpers(&daemon.sandbox.state()), []);
}

#[test]
fn a_logger_that_was_left_ends_when_nobody_writes_any_more() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "echo hello; exec sleep 1000");
    let daemon = sandbox.daemonize();
    let web = daemon.main_process("web");
    daemon.end(Signal::SIGTERM);
    assert!(web.is_alive());
    let left = helpers(&daemon.sandbox.state());
    assert_eq!(left.len(), 1, "{left:?}");
    web.signal(Signal::SIGKILL);
    let ended = wait::until(|| helpers(&daemon.sandbox.state()).is_empty().then_some(()));
    assert!(ended.is_some(), "it waits for nobody");
    assert_eq!(daemon.kept("web"), b"hello\n");
}

#[test]
fn the_fifo_of_a_profile_that_is_gone_is_gone_and_its_lines_stay() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "trap 'echo bye; exit 0' TERM; echo hello; while :; do sleep 0.05; done");
    let daemon = sandbox.daemonize();
    daemon.wait_for("hello", || (daemon.kept("web") == b"hello\n").then_some(()));
    let fifo = daemon.sandbox.state().join("log/web/pipe");
    assert!(fifo.exists());
    fs::rename(daemon.sandbox.profiles().join("web"), daemon.sandbox.path().join("web")).unwrap();
    daemon.wait_for_line("web", "stopped");
    daemon.wait_for("its FIFO to be gone", || (!fifo.exists()).then_some(()));
    assert_eq!(daemon.kept("web"), b"hello\nbye\n");
    daemon.end(Signal::SIGHUP);
}

/// What a profile wrote last is in its FIFO when the profile is gone and the logger, or the supervisor too, dies.
#[track_caller]
fn last_words_of_a_removed_profile_survive(victims: impl Fn(&View) -> Vec<Process>) {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "trap 'echo bye; exit 0' TERM; echo hello; while :; do sleep 0.05; done");
    let daemon = sandbox.daemonize();
    daemon.wait_for("hello", || (daemon.kept("web") == b"hello\n").then_some(()));
    let victims = victims(&daemon);
    let logger = daemon.wait_for_parts().logger;
    // Stopped, it reads nothing; killed, it never will.
    logger.signal(Signal::SIGSTOP);
    fs::rename(daemon.sandbox.profiles().join("web"), daemon.sandbox.path().join("web")).unwrap();
    daemon.wait_for_line("web", "stopped");
    for victim in victims {
        victim.signal(Signal::SIGKILL);
    }
    let fifo = daemon.sandbox.state().join("log/web/pipe");
    daemon.wait_for("its last words", || (daemon.kept("web") == b"hello\nbye\n").then_some(()));
    daemon.wait_for("its FIFO to be gone", || (!fifo.exists()).then_some(()));
    daemon.end(Signal::SIGHUP);
}

#[test]
fn what_was_removed_while_nothing_ran_is_no_trouble_at_the_next_start() {
    let sandbox = Sandbox::new();
    for number in 0..8 {
        sandbox.profile(&format!("gone-{number}"), SLEEP);
    }
    sandbox.profile("stays", SLEEP);
    let mut supervisor = sandbox.start();
    for number in 0..8 {
        supervisor.main_process(&format!("gone-{number}"));
    }
    supervisor.end(Signal::SIGHUP);
    for number in 0..8 {
        fs::remove_dir_all(supervisor.sandbox.profiles().join(format!("gone-{number}"))).unwrap();
    }
    supervisor.start_again();
    for number in 0..8 {
        let fifo = supervisor.sandbox.state().join(format!("log/gone-{number}/pipe"));
        supervisor.wait_for("its FIFO to be gone", || (!fifo.exists()).then_some(()));
    }
    supervisor
        .wait_for("the other to run", || (supervisor.said("stays", "running").len() == 2).then_some(()));
    supervisor.end(Signal::SIGHUP);
    assert_eq!(supervisor.said("ProcLaunch", "cannot write the output"), Vec::<String>::new());
    assert_eq!(supervisor.said("ProcLaunch", "output of"), Vec::<String>::new());
}

#[test]
fn the_last_words_of_a_removed_profile_survive_the_logger() {
    last_words_of_a_removed_profile_survive(|view| vec![view.wait_for_parts().logger]);
}

#[test]
fn the_last_words_of_a_removed_profile_survive_supervisor_and_logger() {
    let both = |view: &View| vec![view.wait_for_parts().supervisor, view.wait_for_parts().logger];
    last_words_of_a_removed_profile_survive(both);
}

#[test]
fn the_last_words_of_a_removed_profile_survive_keeper_and_logger() {
    let both = |view: &View| vec![view.wait_for_parts().keeper, view.wait_for_parts().logger];
    last_words_of_a_removed_profile_survive(both);
}
