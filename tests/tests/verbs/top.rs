//! `proclaunch top` on a real terminal: that of tmux.

use std::fs;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::Signal;
use proclaunch::control::api::{History, Transition};
use proclaunch_tests::processes::Process;
use proclaunch_tests::sandbox::binary;
use proclaunch_tests::wait;

use super::fake::{Answer, Fake, done, down, json, serving};
use super::{printed, run, skipped};

/// What the fake supervisor is like at the moment.
#[derive(Debug, Default)]
struct Mood {
    is_stopped: AtomicBool,
    is_away: AtomicBool,
}

/// A supervisor of `api` and `web`, of which `web` can be stopped.
fn supervisor(mood: &Arc<Mood>) -> Fake {
    let mood = Arc::clone(mood);
    Fake::new(move |asked| {
        if mood.is_away.load(Ordering::SeqCst) {
            return Answer::Break;
        }
        let web =
            || if mood.is_stopped.load(Ordering::SeqCst) { down("web", "stopped") } else { serving("web") };
        let path = asked.line.split('?').next().unwrap();
        match path {
            "GET /v1/profiles" => json(&proclaunch::control::api::Profiles {
                profiles: vec![serving("api"), web()],
                mode: "supervising".to_owned(),
            }),
            "GET /v1/profiles/web/log" => {
                Answer::Held("text/plain", vec![b"a line ".to_vec(), b"of \x1b[31moutput\n".to_vec()])
            }
            "GET /v1/profiles/web/history" => json(&History {
                transitions: vec![Transition {
                    at: "2026-11-23T14:31:05.123Z".to_owned(),
                    from: "starting".to_owned(),
                    to: "running".to_owned(),
                    event: "ready".to_owned(),
                    reason: "it said so".to_owned(),
                }],
                exits: Vec::new(),
            }),
            "POST /v1/profiles/web/stop" => {
                mood.is_stopped.store(true, Ordering::SeqCst);
                done(web())
            }
            _ => Answer::Break,
        }
    })
}

/// A terminal with a shell in it, on a tmux server of its own that ends with this.
struct Screen<'a> {
    fake: &'a Fake,
}

impl<'a> Screen<'a> {
    /// One that is wide enough for everything; `None`, said aloud, where tmux is not installed.
    fn open(fake: &'a Fake) -> Option<Self> {
        if let Err(error) = Command::new("tmux").arg("-V").output() {
            skipped(&format!("tmux: {error}"));
            return None;
        }
        let screen = Self { fake };
        screen.tmux(&["new-session", "-d", "-x", "140", "-y", "30", "env PS1='$ ' sh"]);
        Some(screen)
    }

    fn command(&self, words: &[&str]) -> Output {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.fake.state().join("tmux")).args(["-f", "/dev/null"]).args(words);
        tmux.env_remove("TMUX").env_remove("NO_COLOR").env("LC_ALL", "C.UTF-8").output().unwrap()
    }

    fn tmux(&self, words: &[&str]) -> String {
        let output = self.command(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn press(&self, keys: &str) {
        self.tmux(&["send-keys", keys]);
    }

    fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    #[track_caller]
    fn shows(&self, is: impl Fn(&str) -> bool) {
        let found = wait::until(|| is(&self.text()).then_some(()));
        assert!(found.is_some(), "the screen shows:\n{}", self.text());
    }

    /// Begins the dashboard, with a line before it and the exit code and the terminal's mode after it.
    fn begin(&self) {
        let line = format!(
            "clear; echo before; sh -c 'echo $$ >{dir}/pid; exec {program} top --state {dir}'; echo code=$?; stty -a",
            dir = self.fake.state().display(),
            program = binary().display()
        );
        self.tmux(&["send-keys", "-l", &line]);
        self.press("Enter");
        self.shows(|text| text.starts_with("ProcLaunch  2 profiles") && text.contains("web"));
    }

    /// Expects that the dashboard ended with this code and the terminal is as it was.
    #[track_caller]
    fn is_as_before(&self, code: u8) {
        self.shows(|text| text.contains(&format!("code={code}\n")) && text.contains(" icanon "));
        let text = self.text();
        assert!(text.starts_with("before\n") && text.contains(" echo "), "{text}");
        assert_eq!(self.tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]), "0 1\n");
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        self.command(&["kill-server"]);
    }
}

#[test]
fn a_profile_is_looked_at_and_stopped_and_the_terminal_is_as_it_was() {
    let mood = Arc::new(Mood::default());
    let fake = supervisor(&mood);
    let Some(screen) = Screen::open(&fake) else { return };
    screen.begin();
    screen.press("Down");
    screen.press("x");
    screen.shows(|text| text.contains("stop web?  y: yes  n: no"));
    screen.press("n");
    screen.shows(|text| !text.contains("stop web?"));
    assert!(!fake.seen().iter().any(|line| line.starts_with("POST")), "{:?}", fake.seen());
    screen.press("x");
    screen.press("y");
    screen.shows(|text| text.contains("stop web: done") && text.contains("1 down or done"));
    let orders = fake.seen().iter().filter(|line| line.starts_with("POST /v1/profiles/web/stop")).count();
    assert_eq!(orders, 1);
    screen.press("Enter");
    screen.shows(|text| text.contains("a line of output") && text.contains("starting → running  it said so"));
    screen.tmux(&["resize-window", "-x", "70", "-y", "20"]);
    screen.shows(|text| text.contains("output, Tab: history") && text.lines().count() <= 20);
    screen.press("q");
    screen.is_as_before(0);
}

#[test]
fn it_survives_the_supervisor_and_is_ended_by_a_signal() {
    let mood = Arc::new(Mood::default());
    let fake = supervisor(&mood);
    let Some(screen) = Screen::open(&fake) else { return };
    screen.begin();
    mood.is_away.store(true, Ordering::SeqCst);
    screen.shows(|text| text.contains("connecting again ...") && text.contains("web"));
    mood.is_away.store(false, Ordering::SeqCst);
    screen.shows(|text| !text.contains("connecting again ...") && text.contains("web"));
    let pid: i32 = fs::read_to_string(fake.state().join("pid")).unwrap().trim().parse().unwrap();
    Process::of(pid).unwrap().signal(Signal::SIGTERM);
    screen.is_as_before(143);
}

#[test]
fn without_terminal_or_supervisor_it_says_so() {
    let temp = tempfile::tempdir().unwrap();
    let output = run(temp.path(), &["top", "--state", "nowhere"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(111), "{said}");
    assert!(said.starts_with("proclaunch: failed to ask the supervisor: no supervisor runs"), "{said}");
    let fake = supervisor(&Arc::default());
    let state = fake.state().to_str().unwrap();
    let output = run(temp.path(), &["top", "--state", state]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(111), "{said}");
    assert!(said.contains("must be a terminal"), "{said}");
    assert!(printed(temp.path(), &["top", "--help"], 0).contains("the arrows"));
}
