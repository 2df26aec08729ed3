//! What is found in settings, names, and what they name on this machine.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{RUN, printed, tree, web};

#[test]
fn a_value_that_makes_no_sense() {
    web(
        &[("web/limits", "nofile 10\nnofiles 10\n"), ("web/stop_signal", "TREM")],
        &[
            "web/limits:2: error: says `nofiles 10`: not the name of a limit; write lines `NAME SOFT` or `NAME \
             SOFT:HARD`, such as `nofile 65536`",
            "web/stop_signal: error: says `TREM`: not a signal; write a name such as TERM, a number from 1 to 64, or a \
             sequence such as `QUIT 30 TERM 5 KILL`",
        ],
    );
}

#[test]
fn a_name_that_is_nearly_right_or_not_supported() {
    web(
        &[
            ("web/healt.lua", "return function() end"),
            ("web/depends", "db"),
            ("web/stop_singal", "INT"),
            ("web/run.txt", ""),
        ],
        &[
            "web/depends: warning: is not supported by this version and is ignored",
            "web/healt.lua: warning: is not a setting; did you mean `health.lua`?",
            "web/run.txt: warning: is not a setting; did you mean `run`?",
            "web/stop_singal: warning: is not a setting; did you mean `stop_signal`?",
        ],
    );
}

#[test]
fn a_setting_that_does_nothing_beside_the_others() {
    web(
        &[
            ("web/backoff", "1 10"),
            ("web/give_up", "5 60"),
            ("web/hook_timeout", "on_start 5"),
            ("web/start_timeout", "5"),
            ("web/stop_signal", "INT 5 TERM 5"),
            ("web/stop_timeout", "5"),
        ],
        &[
            "web/backoff: warning: does nothing without `restart`: nothing is started again by itself",
            "web/give_up: warning: does nothing without `restart`: nothing is started again by itself",
            "web/start_timeout: warning: does nothing without `pid_file` or `ready.lua`: there is nothing to wait for",
            "web/stop_timeout: warning: does nothing beside a `stop_signal` with seconds after each signal",
            "web/hook_timeout: warning: names a hook that this profile does not have",
        ],
    );
    web(
        &[
            ("web/restart", ""),
            ("web/backoff", "1 10"),
            ("web/give_up", "5 60"),
            ("web/ready.lua", "return function() return true end"),
            ("web/hook_timeout", "ready 9"),
            ("web/start_timeout", "5"),
            ("web/stop_signal", "INT 5 TERM"),
            ("web/stop_timeout", "5"),
        ],
        &[],
    );
    // What the defaults say is meant for other profiles too.
    web(&[(".defaults/backoff", "1 10")], &[]);
}

#[test]
fn a_run_that_nothing_can_execute() {
    let runs = |run: &str| tree(&[("web/run", run)]);
    for (run, severity, message) in [
        ("#!/no/such/shell\n", "error", "needs the interpreter `/no/such/shell`, which is not here"),
        ("#!/bin/sh\r\necho\r\n", "error", "has lines that end in CR LF"),
        ("#!\n", "error", "names no interpreter"),
        ("exec sleep 1\n", "error", "begins without `#!`"),
        ("", "error", "begins without `#!`"),
        (
            "#!/usr/bin/env -S no-such-program\n",
            "warning",
            "needs `no-such-program`, which is not in PATH here",
        ),
    ] {
        let text = printed(runs(run).path(), &["check"], i32::from(severity == "error"));
        assert!(text.starts_with(&format!("web/run:1: {severity}: {message}")), "{run:?}: {text}");
        assert_eq!(text.lines().count(), 2, "{run:?}: {text}");
    }
    let temp = runs("#!/bin/sh\n");
    let run = temp.path().join("web/run");
    fs::set_permissions(&run, Permissions::from_mode(0o644)).unwrap();
    assert!(printed(temp.path(), &["check"], 1).starts_with("web/run: error: is not executable; chmod +x\n"));
    fs::remove_file(&run).unwrap();
    assert!(printed(temp.path(), &["check"], 1).starts_with("web/run: error: is missing: "));
    symlink("/bin/true", run).unwrap();
    assert_eq!(printed(temp.path(), &["check"], 0), "1 profile checked: 0 errors, 0 warnings\n");
}

#[test]
fn what_this_machine_does_not_have() {
    web(
        &[("web/user", "no-such-user"), ("web/directory", "no/such/place")],
        &[
            "web/user: warning: names the user `no-such-user`, which this machine does not know",
            "web/directory: warning: names `no/such/place`, which is no directory here",
        ],
    );
}

#[test]
fn a_pid_file_that_is_never_believed() {
    let temp = tree(&[RUN, ("web/pid_file", "web.pid")]);
    assert_eq!(printed(temp.path(), &["check", "--strict"], 0), "1 profile checked: 0 errors, 0 warnings\n");
    symlink("/run/web.pid", temp.path().join("web/web.pid")).unwrap();
    let text = printed(temp.path(), &["check"], 1);
    assert!(
        text.starts_with("web/pid_file: error: names `web.pid`, a symbolic link, which is never believed"),
        "{text}"
    );
}

#[test]
fn directories_that_are_no_profiles() {
    let temp = tree(&[RUN, ("we b/run", "#!/bin/sh\n"), (".git/config", ""), ("notes.md", "")]);
    let text = printed(temp.path(), &["check"], 0);
    assert!(text.starts_with("we b: warning: is no profile: "), "{text}");
    assert!(text.ends_with("\n1 profile checked: 0 errors, 1 warning\n"), "{text}");
    let text = printed(temp.path(), &["check", "we b"], 1);
    assert!(text.starts_with("we b: error: is no profile: "), "{text}");
    let empty = tree(&[]);
    let text = printed(empty.path(), &["check"], 0);
    assert_eq!(text, ".: warning: holds no profiles\n0 profiles checked: 0 errors, 1 warning\n");
}

#[test]
fn instances_that_cannot_be() {
    web(
        &[("web/instances", "many")],
        &[
            "web/instances: error: says `many`: not a number of instances; write how many run, a whole number from 0 to 1000",
        ],
    );
    let shared =
        "web/instances: error: says `2`: all of them would write the same `pid_file`; write 0 or 1, or...";
    web(&[("web/instances", "2"), ("web/pid_file", "pid")], &[shared]);
    web(
        &[(".defaults/instances", "2")],
        &[
            ".defaults/instances: warning: is no default: how many run of a profile is said in its own directory",
        ],
    );
    // A hook is told what an instance is told.
    let hook = "local number = assert(env.INSTANCE)\nreturn function() return number ~= '9' end";
    web(&[("web/instances", "2"), ("web/ready.lua", hook)], &[]);
    let temp = tree(&[RUN, ("web/instances", "3"), ("web@2/run", RUN.1), ("web@4/run", RUN.1)]);
    assert_eq!(
        printed(temp.path(), &["check"], 0),
        "web/instances: warning: counts web@2, but there is a directory of this name, and that is what runs\n\
         3 profiles checked: 0 errors, 1 warning\n"
    );
}
