//! Starts that come to nothing, and why.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use proclaunch_tests::sandbox::{Sandbox, binary};

/// Runs the program in the sandbox's directory with these words, until it and whoever holds its output have let go.
fn run(sandbox: &Sandbox, words: &str) -> Output {
    Command::new(binary())
        .args(words.split_whitespace())
        .current_dir(sandbox.path())
        .env("TEST_SANDBOX", sandbox.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[track_caller]
fn silent(sandbox: &Sandbox, words: &str) {
    let output = run(sandbox, words);
    assert_eq!(output.status.code(), Some(0), "{words}: {output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{words}: {output:?}");
}

#[track_caller]
fn refused(sandbox: &Sandbox, words: &str, code: i32, message: &str) {
    let output = run(sandbox, words);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{words}: {text}");
    assert!(text.contains(message), "{words}: {message} is not in: {text}");
    assert!(output.stdout.is_empty());
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().next().is_none()
}

#[test]
fn a_second_start_is_silent_and_leaves_the_first_alone() {
    let sandbox = Sandbox::new();
    silent(&sandbox, "state profiles");
    let first = sandbox.instance().unwrap();
    let log = fs::read_to_string(sandbox.profiles().join("error.log")).unwrap();
    for words in ["state profiles", "--foreground state profiles", "./state profiles/"] {
        silent(&sandbox, words);
    }
    assert_eq!(sandbox.instance(), Some(first));
    fs::create_dir(sandbox.path().join("other")).unwrap();
    refused(&sandbox, "state other", 100, "/profiles`");
    assert_eq!(sandbox.instance(), Some(first));
    assert_eq!(fs::read_to_string(sandbox.profiles().join("error.log")).unwrap(), log);
}

/// What the next message to a service manager says.
#[track_caller]
fn told(manager: &UnixDatagram) -> String {
    let mut message = [0; 256];
    let length = manager.recv(&mut message).expect("a message comes");
    String::from_utf8(message[..length].to_vec()).unwrap()
}

#[test]
fn a_service_manager_is_told_which_process_is_the_main_one() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "env > told");
    let socket = sandbox.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut supervisor = sandbox.start_with(|command| _ = command.env("NOTIFY_SOCKET", &socket));
    let pid = supervisor.process().pid;
    assert_eq!(told(&manager), format!("MAINPID={pid}\nREADY=1\n"));
    let environment = supervisor.sandbox.profiles().join("web/told");
    let environment =
        supervisor.wait_for("what the service is given", || fs::read_to_string(&environment).ok());
    assert!(!environment.contains("NOTIFY_SOCKET"), "{environment}");
    // A second start has nothing to do, but to say who does it.
    let second = supervisor.sandbox.command().env("NOTIFY_SOCKET", &socket).output().unwrap();
    assert_eq!(second.status.code(), Some(0), "{second:?}");
    assert_eq!(told(&manager), format!("MAINPID={pid}\nREADY=1\n"));
    // Nobody listens: that is nobody's trouble.
    drop(manager);
    let third = supervisor.sandbox.command().env("NOTIFY_SOCKET", &socket).output().unwrap();
    assert_eq!(third.status.code(), Some(0), "{third:?}");
    supervisor.end(Signal::SIGHUP);
}

#[test]
fn bug_25_what_goes_wrong_in_the_daemon_comes_out_of_the_launcher() {
    let sandbox = Sandbox::new();
    for option in ["", "--foreground"] {
        let words = format!("{option} --log-path no/log state profiles");
        // Again and again: a start that failed must not hold the lock when its launcher is gone.
        for _ in 0..20 {
            refused(&sandbox, &words, 100, "proclaunch: failed to open log file `");
        }
    }
    assert_eq!(sandbox.instance(), None);
}

#[test]
fn bug_25_a_start_that_fails_late_has_let_go_of_the_state_directory() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.state()).unwrap();
    fs::write(sandbox.state().join("records"), "no directory\n").unwrap();
    for _ in 0..20 {
        refused(&sandbox, "state profiles", 100, "proclaunch: failed to open records `");
        assert!(!sandbox.state().join("proclaunch.pid").exists());
    }
    fs::remove_file(sandbox.state().join("records")).unwrap();
    silent(&sandbox, "state profiles");
    assert!(sandbox.instance().is_some());
}

#[test]
fn bad_directories_are_exit_100_and_bad_words_exit_2() {
    let sandbox = Sandbox::new();
    refused(&sandbox, "no/state profiles", 100, "/no/state`");
    refused(&sandbox, "state nowhere", 100, "/nowhere`");
    refused(&sandbox, "state", 2, "<PROFILES_DIR>");
    refused(&sandbox, "--bogus state profiles", 2, "--bogus");
    fs::write(sandbox.path().join("file"), "").unwrap();
    refused(&sandbox, "file profiles", 100, "/file`");
    refused(&sandbox, "state file", 100, "/file`");
    assert!(!sandbox.state().exists());
    assert!(is_empty(&sandbox.profiles()));
}

#[test]
fn the_state_directory_is_not_taken_for_a_profile() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink("profiles/state", sandbox.path().join("link")).unwrap();
    let message = "would be taken for profiles";
    for state in ["profiles", "profiles/state", "profiles/../profiles/state/"] {
        refused(&sandbox, &format!("{state} profiles"), 100, message);
        assert!(is_empty(&sandbox.profiles()), "{state}");
    }
    fs::create_dir(sandbox.profiles().join("state")).unwrap();
    refused(&sandbox, "link profiles", 100, message);
    assert!(is_empty(&sandbox.profiles().join("state")));
    // Hidden, it is none.
    silent(&sandbox, "profiles/.state profiles");
    let pid = fs::read_to_string(sandbox.profiles().join(".state/proclaunch.pid")).unwrap();
    assert!(pid.trim_end().parse::<i32>().is_ok(), "{pid}");
}

#[test]
fn help_and_version_are_answers() {
    let sandbox = Sandbox::new();
    for (words, start) in [("--help", "Supervises"), ("--version", "proclaunch 2")] {
        let output = run(&sandbox, words);
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8(output.stdout).unwrap().starts_with(start), "{words}");
    }
}
