//! What files give which profile, or which problem.

use std::sync::Arc;
use std::time::Duration;

use super::super::{Backoff, GiveUp, HookFiles, Kill, Limit, LogSettings, Resource, User, Variable};
use super::*;

fn map(files: &[(&str, &str)]) -> BTreeMap<String, File> {
    files.iter().map(|(name, text)| ((*name).to_owned(), File::Bytes(text.as_bytes().to_vec()))).collect()
}

fn files(entries: &[(&str, &str)]) -> Files {
    Files { run: Run::Executable(Fingerprint(7)), entries: map(entries) }
}

fn read(entries: &[(&str, &str)], defaults: &[(&str, &str)]) -> Parsed {
    parse(&files(entries), &Defaults::parse(&map(defaults)).0)
}

fn good(entries: &[(&str, &str)]) -> Profile {
    Arc::unwrap_or_clone(read(entries, &[]).profile.unwrap())
}

fn shown(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// What is wrong with a profile of one file.
fn check(name: &str, text: &str, expect: &str) {
    let problems = read(&[(name, text)], &[]).profile.unwrap_err();
    assert_eq!(shown(&problems), [expect], "{name} {text:?}");
}

#[test]
fn a_bare_run_has_the_documented_defaults() {
    let Profile { shape, policy } = good(&[]);
    let expect = Shape {
        run: Fingerprint(7),
        pid_file: None,
        oneshot: false,
        user: None,
        env: Box::default(),
        directory: None,
        umask: 0o022,
        nice: None,
        limits: Box::default(),
        instance: None,
    };
    assert_eq!(shape, expect);
    assert_eq!(policy, Policy::default());
    assert_eq!(policy.restart, Restart::Never);
}

#[test]
fn every_setting_is_read() {
    let profile = good(&[
        ("pid_file", "../x.pid \n"),
        ("restart", "on-failure\n"),
        ("backoff", "1 30\n"),
        ("give_up", "5 60\n"),
        ("stop_signal", "QUIT 30 TERM\n"),
        ("stop_timeout", "2.5\n"),
        ("start_timeout", "5\n"),
        ("kill", "tree\n"),
        ("reload", "USR1\n"),
        ("down", "until Monday\n"),
        ("oneshot", ""),
        ("user", "www:adm\n"),
        ("env", "A=1\n"),
        ("directory", "data\n"),
        ("umask", "027\n"),
        ("nice", "-5\n"),
        ("limits", "nofile 10\n"),
        ("hook_timeout", "ready 7\n"),
        ("log", "64K 3 timestamps\n"),
        ("log_run", "#!/bin/sh\n"),
    ]);
    let seconds = Duration::from_secs;
    let expect = Profile {
        shape: Shape {
            run: Fingerprint(7),
            pid_file: Some("../x.pid".into()),
            oneshot: true,
            user: Some(User { user: "www".into(), group: Some("adm".into()) }),
            env: [Variable { name: "A".into(), value: b"1".as_slice().into() }].into(),
            directory: Some("data".into()),
            umask: 0o027,
            nice: Some(-5),
            limits: [Limit { resource: Resource::Nofile, soft: 10, hard: 10 }].into(),
            instance: None,
        },
        policy: Policy {
            restart: Restart::OnFailure,
            backoff: Backoff { base: seconds(1), cap: seconds(30) },
            give_up: Some(GiveUp { deaths: 5, within: seconds(60) }),
            stop: [
                StopStep { signal: Signal::parse("QUIT").unwrap(), wait: seconds(30) },
                StopStep { signal: Signal::TERM, wait: Duration::from_millis(2500) },
            ]
            .into(),
            start_timeout: seconds(5),
            kill: Kill::Tree,
            reload: Signal::parse("USR1"),
            down: true,
            hook_timeouts: [(Hook::Ready, seconds(7))].into(),
            log: LogSettings { size: 64 << 10, keep: 3, timestamps: true },
            log_run: true,
            hooks: HookFiles::default(),
        },
    };
    assert_eq!(profile, expect);
}

#[test]
fn an_empty_restart_is_always_and_a_blank_reload_is_hup() {
    for blank in ["", "\n", " \n\n"] {
        assert_eq!(good(&[("restart", blank)]).policy.restart, Restart::Always);
        assert_eq!(good(&[("reload", blank)]).policy.reload, Some(Signal::HUP));
    }
}

#[test]
fn a_bad_value_names_the_file_the_value_and_what_would_be_right() {
    check(
        "stop_signal",
        "SIGTERMX\n",
        "`stop_signal` says `SIGTERMX`: not a signal; write a name such as TERM, a number from 1 to 64, \
         or a sequence such as `QUIT 30 TERM 5 KILL`",
    );
    check("stop_timeout", " \n", "`stop_timeout` is blank; write a number of seconds such as 10 or 0.5");
    check(
        "start_timeout",
        "0",
        "`start_timeout` says `0`: it must be more than 0; write a number of seconds above 0 such as 60",
    );
    check(
        "restart",
        "yes",
        "`restart` says `yes`: not a restart policy; write `always`, `on-failure` or `never`, \
         or leave it empty for `always`",
    );
    check(
        "reload",
        "0",
        "`reload` says `0`: not a signal; write a name such as HUP or a number from 1 to 64, \
         or leave it empty for HUP",
    );
    check(
        "log",
        "10M",
        "`log` says `10M`: not a size and a number of files; write a size, a number of files and perhaps \
         `timestamps`, such as `10M 5`",
    );
    check("env", "A=1\nB", "`env` line 2 says `B`: there is no `=`; write lines `KEY=VALUE`");
    check(
        "limits",
        "files 1",
        "`limits` line 1 says `files 1`: not the name of a limit; \
         write lines `NAME SOFT` or `NAME SOFT:HARD`, such as `nofile 65536`",
    );
}

#[test]
fn blank_is_bad_where_a_value_is_needed() {
    for name in [
        "pid_file",
        "backoff",
        "give_up",
        "stop_signal",
        "stop_timeout",
        "start_timeout",
        "kill",
        "user",
        "directory",
        "umask",
        "nice",
        "log",
    ] {
        for blank in ["", "\n", " \t\r\n"] {
            let problems = read(&[(name, blank)], &[]).profile.unwrap_err();
            assert!(matches!(problems[..], [Problem { fault: Fault::Blank { .. }, .. }]), "{name} {blank:?}");
        }
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let mut files = files(&[("nice", "x"), ("umask", "y")]);
    files.run = Run::Missing;
    files.entries.insert("kill".to_owned(), File::TooLarge(100_000));
    files.entries.insert("user".to_owned(), File::Unreadable("permission denied".to_owned()));
    files.entries.insert("backoff".to_owned(), File::Directory(BTreeMap::new()));
    files.entries.insert("give_up".to_owned(), File::Other);
    let problems = parse(&files, &Defaults::default()).profile.unwrap_err();
    let mut shown = shown(&problems);
    shown.sort();
    assert_eq!(
        shown,
        [
            "`backoff` is a directory; a file is needed",
            "`give_up` is no regular file",
            "`kill` is too large to be a setting (100000 bytes)",
            "`nice` says `x`: not a nice value; write a number from -20 to 19",
            "`umask` says `y`: not an octal mask; write an octal number from 0 to 777 such as 022",
            "`user` cannot be read: permission denied",
            "has no `run`",
        ]
    );
}

#[test]
fn scenario_11_a_run_that_cannot_be_executed_is_named() {
    for (run, expect) in [
        (Run::Missing, "has no `run`"),
        (Run::NotExecutable, "`run` is not executable; chmod +x"),
        (Run::Unreadable("permission denied".to_owned()), "`run` cannot be read: permission denied"),
    ] {
        let files = Files { run, entries: BTreeMap::new() };
        assert_eq!(shown(&parse(&files, &Defaults::default()).profile.unwrap_err()), [expect]);
    }
}

#[test]
fn a_log_run_is_a_program_of_any_size() {
    for (file, expect) in [
        (File::Bytes(Vec::new()), Ok(true)),
        (File::TooLarge(1 << 30), Ok(true)),
        (File::NotExecutable, Err("`log_run` is not executable; chmod +x")),
        (
            File::Unreadable("input/output error".to_owned()),
            Err("`log_run` cannot be read: input/output error"),
        ),
        (File::Directory(BTreeMap::new()), Err("`log_run` is a directory; a file is needed")),
        (File::Other, Err("`log_run` is no regular file")),
    ] {
        let mut files = files(&[]);
        files.entries.insert("log_run".to_owned(), file);
        let got = parse(&files, &Defaults::default()).profile.map(|profile| profile.policy.log_run);
        let got = got.map_err(|problems| shown(&problems).concat());
        assert_eq!(got, expect.map_err(str::to_owned));
    }
    assert!(!good(&[]).policy.log_run);
}

#[test]
fn a_file_of_its_own_wins_over_the_defaults() {
    let defaults = [("nice", "5"), ("stop_timeout", "3"), ("env", "A=1"), ("down", "")];
    let profile = read(&[("nice", "7"), ("env", "B=2"), ("stop_signal", "INT")], &defaults).profile.unwrap();
    assert_eq!(profile.shape.nice, Some(7));
    assert_eq!(profile.shape.env.len(), 1);
    assert_eq!(*profile.shape.env[0].name, *"B");
    assert_eq!(profile.policy.stop[0].wait, Duration::from_secs(3));
    assert!(profile.policy.down);
}

#[test]
fn a_bad_default_is_told_once_and_reaches_the_profiles_without_a_file_of_their_own() {
    let bad = [("nice", "x"), ("run", "")];
    let (_, problems) = Defaults::parse(&map(&bad));
    assert_eq!(
        shown(&problems),
        [
            "`.defaults/run` is no default that can serve: each profile has a `run` of its own",
            "`.defaults/nice` says `x`: not a nice value; write a number from -20 to 19",
        ]
    );
    let problems = read(&[], &bad).profile.unwrap_err();
    assert_eq!(problems[0].file, ".defaults/nice");
    assert!(read(&[("nice", "1")], &bad).profile.is_ok());
}

#[test]
fn names_that_look_like_settings_are_warned_of() {
    let warnings = |entries: &[(&str, &str)]| shown(&read(entries, &[]).warnings);
    assert_eq!(
        warnings(&[("stop_singal", "INT"), ("README", ""), ("run~", ""), ("main.py", "")]),
        ["`stop_singal` is not a setting; did you mean `stop_signal`?"]
    );
    assert_eq!(warnings(&[("umask.txt", "022")]), ["`umask.txt` is not a setting; did you mean `umask`?"]);
    assert_eq!(warnings(&[("umask.txt", "an explanation"), ("umask", "022")]), [""; 0]);
    assert_eq!(
        warnings(&[("depends", "db"), ("on_start.lua", ""), ("helpers.lua", "")]),
        ["`depends` is not supported by this version and is ignored"]
    );
    let (_, problems) = Defaults::parse(&map(&[("nise", "5"), ("instances", "2")]));
    assert_eq!(
        shown(&problems),
        [
            "`.defaults/instances` is no default: how many run of a profile is said in its own directory",
            "`.defaults/nise` is not a setting; did you mean `nice`?",
        ]
    );
    let directory = [("logs".to_owned(), File::Directory(BTreeMap::new()))].into();
    let files = Files { run: Run::Missing, entries: directory };
    assert_eq!(parse(&files, &Defaults::default()).warnings, []);
}

#[test]
fn on_event_of_the_defaults_is_beside_the_own_and_any_other_hook_behind_it() {
    let hooks = |own: &[(&str, &str)], defaults: &[(&str, &str)]| {
        read(own, defaults).profile.unwrap().policy.hooks.clone()
    };
    let own = hooks(&[("on_event.lua", "a"), ("ready.lua", "a")], &[]);
    assert_eq!(*own.present, [Hook::Ready, Hook::OnEvent]);
    let both =
        hooks(&[("on_event.lua", "a"), ("ready.lua", "a")], &[("on_event.lua", "b"), ("ready.lua", "b")]);
    assert_eq!(both.present, own.present);
    assert_ne!(both.digest, own.digest, "the defaults' on_event is called too");
    let other =
        hooks(&[("on_event.lua", "a"), ("ready.lua", "a")], &[("on_event.lua", "b"), ("ready.lua", "c")]);
    assert_eq!(other, both, "the defaults' ready is not");
    assert_eq!(*hooks(&[], &[("on_event.lua", "b")]).present, [Hook::OnEvent]);
}

#[test]
fn other_settings_are_other_hooks_because_scripts_are_told_them() {
    let digest =
        |entries: &[(&str, &str)], defaults| read(entries, defaults).profile.unwrap().policy.hooks.digest;
    let hook = ("health.lua", "return check.http{ url = env.URL }");
    let first = digest(&[hook, ("env", "URL=a\n")], &[]);
    assert_eq!(first, digest(&[hook, ("env", "URL=a\n")], &[]));
    assert_ne!(first, digest(&[hook, ("env", "URL=b\n")], &[]));
    assert_ne!(first, digest(&[hook, ("env", "URL=a\n"), ("nice", "5\n")], &[]));
    assert_ne!(digest(&[hook], &[]), digest(&[hook], &[("env", "URL=a\n")]));
    // Without a hook there is nothing to load.
    assert_eq!(digest(&[("env", "URL=a\n"), ("helpers.lua", "")], &[]), Fingerprint::default());
    let with = |entries: &[(&str, &str)], modules| {
        let files = Files { run: Run::Executable(Fingerprint(7)), entries: map(entries) };
        let defaults = Defaults::default().with_modules(Fingerprint(modules));
        parse(&files, &defaults).profile.unwrap().policy.hooks.digest
    };
    assert_ne!(with(&[hook], 1), with(&[hook], 2), "modules beside no profile count too");
    assert_eq!(with(&[("nice", "5\n")], 1), with(&[("nice", "5\n")], 2), "where there is a hook");
    let variable = |text: &str| {
        let file = File::Directory(map(&[("URL", text)]));
        let entries = map(&[hook]).into_iter().chain([("env".to_owned(), file)]).collect();
        let files = Files { run: Run::Executable(Fingerprint(7)), entries };
        parse(&files, &Defaults::default()).profile.unwrap().policy.hooks.digest
    };
    assert_ne!(variable("a"), variable("b"));
}
