//! Names and values from outside: what is legal, what is refused, and what they cannot do.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use proclaunch_tests::sandbox::{Profile, Sandbox};
use proclaunch_tests::supervisor::Supervisor;

use crate::{SLEEP, see_all};

/// What would be a line of its own, if nobody took care.
const FORGED: &str =
    "x\n2026-11-23T14:31:05.123Z INFO  web running pid 1\r\n\u{1b}[2J\u{1b}]0;title\u{7}\u{2028}\u{85}y";

/// Every line is one that ProcLaunch has written.
#[track_caller]
fn no_line_is_forged(supervisor: &Supervisor, tags: &[&str]) {
    let log = supervisor.log();
    for line in log.split_terminator('\n') {
        let time: &[u8] = line.as_bytes().get(..24).unwrap_or_default();
        let is_time = time
            .iter()
            .zip(b"0000-00-00T00:00:00.000Z")
            .all(|(byte, form)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form });
        let level = ["FATAL ", "ERROR ", "WARN  ", "INFO  ", "DEBUG "]
            .iter()
            .any(|level| line[24..].starts_with(&format!(" {level}")));
        let tag = line.get(31..).and_then(|rest| rest.split_once(' ')).map_or("", |(tag, _)| tag);
        assert!(is_time && level && tags.contains(&tag), "{line:?}");
        assert!(!line.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')), "{line:?}");
    }
    assert!(!log.contains("running pid 1\n"), "{log}");
}

#[test]
fn scenario_33_values_and_names_from_outside_cannot_forge_a_line() {
    let sandbox = Sandbox::new();
    let files =
        ["stop_signal", "user", "directory", "pid_file", "env", "limits", "restart", "umask", "reload"];
    for file in files {
        sandbox.profile(file, SLEEP).set(file, FORGED);
    }
    // Names of files and directories, and the target of a symlink.
    sandbox.profile("env_dir", SLEEP);
    fs::create_dir(sandbox.profiles().join("env_dir/env")).unwrap();
    fs::write(sandbox.profiles().join("env_dir/env").join(FORGED.replace('/', "_")), "").unwrap();
    fs::create_dir(sandbox.profiles().join(format!("bad{FORGED}"))).unwrap();
    fs::create_dir(sandbox.profiles().join(OsStr::from_bytes(b"bad\xff\n\xfe"))).unwrap();
    // A value that is legal, and fails with its name only later.
    sandbox.profile("legal", SLEEP).set("directory", "/no/such/\u{2028}\u{2029}place");
    let supervisor = sandbox.start();
    for file in files {
        let said = supervisor.wait_for_line(file, "is not started: ");
        assert!(said.starts_with(&format!("is not started: `{file}`")), "{said}");
    }
    supervisor.wait_for_line("env_dir", "is not started: `env/x\\n2026-11-23T14");
    supervisor.wait_for_line("legal", "failed to start");
    assert_eq!(supervisor.said("ProcLaunch", "ignores the directory `bad").len(), 2, "{}", supervisor.log());
    let tags: Vec<&str> = files.into_iter().chain(["ProcLaunch", "env_dir", "legal"]).collect();
    no_line_is_forged(&supervisor, &tags);
}

#[test]
fn scenario_37_names_are_legal_or_refused_by_rule() {
    let longest = "x".repeat(128);
    let legal = ["web", "web@1", "_x", "a.b-c", "0", "A_B", &longest];
    let long = "x".repeat(129);
    let refused = ["-x", "@x", "a b", "a%b", "\u{e9}t\u{e9}", "a\nb", "a\\b", &long];
    let sandbox = Sandbox::new();
    for name in legal.iter().chain(&refused).chain(&[".hidden"]) {
        sandbox.profile(name, SLEEP);
    }
    // No directories, so no profiles.
    fs::write(sandbox.profiles().join("file"), "").unwrap();
    fs::write(sandbox.profiles().join("b\u{e4}d file"), "").unwrap();
    let supervisor = sandbox.start();
    for name in legal {
        supervisor.main_process(name);
    }
    see_all(&supervisor);
    let warned = supervisor.said("ProcLaunch", "ignores the directory");
    assert_eq!(warned.len(), refused.len(), "{warned:#?}");
    for name in refused {
        let shown = name.replace('\n', "\\n");
        let words = format!("ignores the directory `{shown}`: a profile's name begins with ");
        assert!(warned.iter().any(|line| line.starts_with(&words)), "{name:?} in {warned:#?}");
    }
    assert_eq!(supervisor.said("ProcLaunch", "ignores the directory"), warned, "each once");
    // `web` is not `web@1`: the end of one is nothing to the other.
    let other = supervisor.main_process("web@1");
    fs::rename(supervisor.sandbox.profiles().join("web"), supervisor.sandbox.path().join("web")).unwrap();
    supervisor.wait_for_line("web", "stopped");
    assert!(other.is_alive());
    assert_eq!(supervisor.said("web@1", "stopping").len(), 0);
    supervisor.drain();
}

/// Values that are bad for a file, and words that the message about them holds.
const BAD: [(&str, &str, &str); 41] = [
    ("pid_file", "", "is blank"),
    ("pid_file", "a\nb", "several lines"),
    ("restart", "sometimes", "`sometimes`"),
    ("restart", "Always", "`Always`"),
    ("restart", "on_failure", "`on_failure`"),
    ("backoff", "", "is blank"),
    ("backoff", "1", "`1`"),
    ("backoff", "-1 60", "`-1 60`"),
    ("backoff", "60 1", "`60 1`"),
    ("give_up", "5", "`5`"),
    ("give_up", "0 60", "`0 60`"),
    ("give_up", "-5 60", "`-5 60`"),
    ("give_up", "5 0", "`5 0`"),
    ("stop_signal", "", "is blank"),
    ("stop_signal", "TREM", "`TREM`"),
    ("stop_signal", "0", "`0`"),
    ("stop_signal", "65", "`65`"),
    ("stop_signal", "TERM -1", "`TERM -1`"),
    ("stop_signal", "TERM INT", "`TERM INT`"),
    ("stop_timeout", "", "is blank"),
    ("stop_timeout", "-1", "`-1`"),
    ("stop_timeout", "ten", "`ten`"),
    ("stop_timeout", "1e9", "`1e9`"),
    ("start_timeout", "0", "`0`"),
    ("start_timeout", "-60", "`-60`"),
    ("kill", "", "is blank"),
    ("kill", "everybody", "`everybody`"),
    ("reload", "HUPP", "`HUPP`"),
    ("reload", "-1", "`-1`"),
    ("user", "", "is blank"),
    ("user", "-1", "`-1`"),
    ("user", "a:b:c", "`a:b:c`"),
    ("env", "no assignment", "line 1 says `no assignment`"),
    ("env", "A=1\n1B=2", "line 2"),
    ("directory", "", "is blank"),
    ("umask", "-022", "`-022`"),
    ("umask", "999", "`999`"),
    ("nice", "20", "`20`"),
    ("nice", "-21", "`-21`"),
    ("limits", "nofile -1", "line 1 says `nofile -1`"),
    ("limits", "files 1", "line 1 says `files 1`"),
];

/// The files that have a value.
fn files() -> Vec<&'static str> {
    let mut files: Vec<&str> = BAD.iter().map(|(file, ..)| *file).collect();
    files.dedup();
    files
}

#[test]
fn scenario_38_a_bad_value_holds_its_profile_and_no_other() {
    let sandbox = Sandbox::new();
    for (number, (file, value, _)) in BAD.iter().enumerate() {
        sandbox.profile(&format!("bad{number}"), SLEEP).set(file, value);
    }
    sandbox.profile("good", SLEEP);
    let supervisor = sandbox.start();
    supervisor.main_process("good");
    for (number, (file, value, words)) in BAD.iter().enumerate() {
        let said = supervisor.wait_for_line(&format!("bad{number}"), &format!("is not started: `{file}`"));
        assert!(said.contains(words), "{file} with {value:?}: {said}");
        assert_eq!(supervisor.said(&format!("bad{number}"), "starting").len(), 0);
    }
    // Mended, each starts.
    for (number, (file, ..)) in BAD.iter().enumerate() {
        fs::remove_file(supervisor.sandbox.profiles().join(format!("bad{number}")).join(file)).unwrap();
    }
    for number in 0..BAD.len() {
        supervisor.main_process(&format!("bad{number}"));
    }
    assert_eq!(supervisor.pids("good").len(), 1);
    supervisor.drain();
}

#[test]
fn scenario_38_while_it_runs_the_last_good_settings_stay() {
    let sandbox = Sandbox::new();
    sandbox.profile("good", SLEEP);
    for file in files() {
        sandbox.profile(file, SLEEP);
    }
    let supervisor = sandbox.start();
    for file in files() {
        supervisor.main_process(file);
    }
    for (file, value, words) in BAD {
        let before = supervisor.said(file, "keeps its last good settings: ").len();
        Profile { dir: supervisor.sandbox.profiles().join(file) }.set(file, value);
        let said = supervisor.wait_for(&format!("{file} with {value:?} to be told"), || {
            supervisor.said(file, "keeps its last good settings: ").get(before).cloned()
        });
        let named = format!("keeps its last good settings: `{file}`");
        assert!(said.starts_with(&named) && said.contains(words), "{said}");
    }
    for file in files() {
        assert_eq!(supervisor.pids(file).len(), 1, "{}", supervisor.log());
        fs::remove_file(supervisor.sandbox.profiles().join(file).join(file)).unwrap();
    }
    see_all(&supervisor);
    for file in files().into_iter().chain(["good"]) {
        assert_eq!(supervisor.pids(file).len(), 1, "{}", supervisor.log());
    }
    supervisor.drain();
}

#[test]
fn scenario_38_a_megabyte_of_anything_is_no_setting() {
    let random: Vec<u8> =
        (0..1_048_576_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let binary = &random[..1_000];
    let sandbox = Sandbox::new();
    for file in files() {
        sandbox.profile(&format!("huge-{file}"), SLEEP).set(file, &random);
        sandbox.profile(&format!("binary-{file}"), SLEEP).set(file, binary);
        let directory = sandbox.profile(&format!("directory-{file}"), SLEEP).dir.join(file);
        fs::create_dir(directory).unwrap();
    }
    // Only their presence counts.
    for file in ["down", "oneshot"] {
        sandbox.profile(file, SLEEP).set(file, &random);
    }
    sandbox.profile("good", SLEEP);
    let supervisor = sandbox.start();
    supervisor.main_process("good");
    supervisor.main_process("oneshot");
    for file in files() {
        let said = supervisor.wait_for_line(&format!("huge-{file}"), "is not started");
        assert_eq!(said, format!("is not started: `{file}` is too large to be a setting (1048576 bytes)"));
        let said = supervisor.wait_for_line(&format!("binary-{file}"), "is not started");
        assert!(said.starts_with(&format!("is not started: `{file}`")) && said.len() < 400, "{said}");
        if file != "env" {
            let said = supervisor.wait_for_line(&format!("directory-{file}"), "is not started");
            assert_eq!(said, format!("is not started: `{file}` is a directory; a file is needed"));
        }
    }
    assert_eq!(supervisor.said("down", "starting").len(), 0);
    supervisor.drain();
}
