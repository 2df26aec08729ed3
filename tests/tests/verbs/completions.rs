//! `proclaunch completions`: real shells complete verbs, options and names of profiles.
//!
//! A script stands for the program while they complete: it prints names for `list`, and notes what it was asked.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{printed, skipped};

/// A directory with `proclaunch`, which knows these profiles, and the completions of a shell.
fn bench(shell: &str) -> TempDir {
    let temp = tempfile::tempdir().unwrap();
    let script = "#!/bin/sh\nprintf '%s\\n' \"$*\" >>asked\nprintf '%s\\n' api web@1 web@2 worker\n";
    fs::write(temp.path().join("proclaunch"), script).unwrap();
    fs::set_permissions(temp.path().join("proclaunch"), Permissions::from_mode(0o755)).unwrap();
    let text = printed(temp.path(), &["completions", shell], 0);
    fs::write(temp.path().join("_proclaunch"), text).unwrap();
    temp
}

/// What a shell prints for a script; `None`, said aloud, if there is no such shell.
fn run(shell: &str, dir: &Path, words: &[&str]) -> Option<String> {
    let mut command = Command::new(shell);
    command.args(words).current_dir(dir).stdin(Stdio::null()).env("TERM", "dumb").env("HOME", dir);
    command.env("PATH", format!("{}:{}", dir.display(), std::env::var("PATH").unwrap()));
    match command.output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{words:?}: {said}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            skipped(&format!("{shell}: {error}"));
            None
        }
    }
}

/// Has Bash complete the end of a line, cut into words as Bash does it.
fn bash(dir: &Path, line: &str) -> Option<Vec<String>> {
    let cut = line.replace('@', " @ ").replace('=', " = ");
    let mut words: Vec<&str> = cut.split_whitespace().collect();
    if line.ends_with([' ', '@', '=']) {
        words.push("");
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "source ./_proclaunch; COMP_LINE='{line}'; COMP_POINT={}; COMP_WORDS=({}); COMP_CWORD={}; \
         _proclaunch_with_names proclaunch '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        line.len(),
        quoted.join(" "),
        words.len() - 1,
        words[words.len() - 1],
        words[words.len() - 2],
    );
    let text = run("bash", dir, &["--norc", "-c", &script])?;
    Some(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[test]
fn bash_completes_verbs_options_and_names() {
    let bench = bench("bash");
    for (line, expect) in [
        ("proclaunch resta", &["restart"][..]),
        ("proclaunch restart --roll", &["--rolling"]),
        ("proclaunch start ", &["api", "web", "web@1", "web@2", "worker"]),
        ("proclaunch start api w", &["web", "web@1", "web@2", "worker"]),
        ("proclaunch start web@", &["1", "2"]),
        ("proclaunch start --timeout 3 wo", &["worker"]),
        ("proclaunch start --no-wait wo", &["worker"]),
        ("proclaunch --state /x stop wo", &["worker"]),
        ("proclaunch signal HU", &["HUP"]),
        ("proclaunch signal HUP wo", &["worker"]),
        ("proclaunch events --profile wo", &["worker"]),
        ("proclaunch run-hook wo", &["worker"]),
        ("proclaunch run-hook worker on_e", &["on_exit", "on_event"]),
        ("proclaunch help ho", &["hooks"]),
        ("proclaunch completions z", &["zsh"]),
        ("proclaunch new w", &[]),
    ] {
        let Some(mut found) = bash(bench.path(), line) else { return };
        let mut expect = expect.to_vec();
        found.sort();
        expect.sort_unstable();
        assert_eq!(found, expect, "{line}");
    }
    let asked = fs::read_to_string(bench.path().join("asked")).unwrap();
    assert!(asked.lines().any(|line| line == "list --state /x"), "{asked}");
}

#[test]
fn fish_completes_verbs_and_names() {
    let bench = bench("fish");
    for (line, expect) in [
        ("proclaunch resta", &["restart"][..]),
        ("proclaunch start w", &["web", "web@1", "web@2", "worker"]),
        ("proclaunch --state /x start wo", &["worker"]),
        ("proclaunch signal HU", &["HUP"]),
    ] {
        let script = format!("source ./_proclaunch; complete -C '{line}'");
        let Some(text) = run("fish", bench.path(), &["--no-config", "-c", &script]) else { return };
        let found: Vec<&str> = text.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(found, expect, "{line}");
    }
    let asked = fs::read_to_string(bench.path().join("asked")).unwrap();
    assert!(asked.lines().any(|line| line == "list --state /x"), "{asked}");
}

#[test]
fn zsh_understands_its_script_and_asks_for_names() {
    let bench = bench("zsh");
    // The completion system works in an interactive shell alone: what collects the matches is replaced.
    let script = "fpath=(. $fpath); autoload -U compinit; compinit -u -D; \
                  typeset -A opt_args; opt_args[--state]=/x; \
                  source ./_proclaunch; compadd() { print -l -- ${(P)2} }; _proclaunch_names";
    let Some(text) = run("zsh", bench.path(), &["-f", "-c", script]) else { return };
    assert_eq!(text, "api\nweb\nweb@1\nweb@2\nworker\n");
    let asked = fs::read_to_string(bench.path().join("asked")).unwrap();
    assert_eq!(asked, "list --state /x\n");
}
