//! `proclaunch top` on a real terminal, with a supervisor that only answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::Signal;
use proclaunch::control::api::{History, Transition};

use super::fake::{Answer, Fake, done, down, json, serving};
use super::screen::Screen;
use super::{printed, run};

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

#[test]
fn a_profile_is_looked_at_and_stopped_and_the_terminal_is_as_it_was() {
    let mood = Arc::new(Mood::default());
    let fake = supervisor(&mood);
    let Some(screen) = Screen::open(fake.state()) else { return };
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
    screen.resize(70, 20);
    screen.shows(|text| text.contains("output, Tab: history") && text.lines().count() <= 20);
    screen.press("q");
    screen.is_as_before(0);
}

#[test]
fn it_survives_the_supervisor_and_is_ended_by_a_signal() {
    let mood = Arc::new(Mood::default());
    let fake = supervisor(&mood);
    let Some(screen) = Screen::open(fake.state()) else { return };
    screen.begin();
    mood.is_away.store(true, Ordering::SeqCst);
    screen.shows(|text| text.contains("connecting again ...") && text.contains("web"));
    mood.is_away.store(false, Ordering::SeqCst);
    screen.shows(|text| !text.contains("connecting again ...") && text.contains("web"));
    screen.process().signal(Signal::SIGTERM);
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
