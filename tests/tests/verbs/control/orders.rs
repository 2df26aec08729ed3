//! Orders: what is sent, what each answer means, and what a connection that breaks means.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use nix::sys::signal::Signal;
use proclaunch::control::api::{Ordered, Profiles};
use proclaunch_tests::processes::Process;
use proclaunch_tests::sandbox::binary;
use serde_json::Value;

use crate::fake::{Answer, Fake, done, down, json, printed, serving, wrong};

#[test]
fn an_order_is_waited_for_and_told_in_a_line() {
    let fake = Fake::of(vec![serving("web")], |asked| match asked.line.as_str() {
        "POST /v1/profiles/web/start?timeout=300"
        | "POST /v1/profiles/web/signal?signal=USR1&timeout=300" => done(serving("web")),
        "POST /v1/profiles/web/start?force=true&timeout=0.500" => {
            wrong(504, "not done within 0.5s", Some("timeout"))
        }
        "POST /v1/profiles/web/stop?wait=false" => {
            Answer::Json(202, "{\"result\":\"taken\",\"profile\":null}".to_owned())
        }
        "POST /v1/profiles/web/restart?timeout=300" => wrong(409, "it ended: exit 1", Some("failed")),
        "POST /v1/profiles/web/reload?timeout=300" => wrong(403, "you may only look", None),
        other => panic!("nobody asks for {other}"),
    });
    assert_eq!(fake.printed(&["start", "web"], 0).0, "web running pid 4242\n");
    let (out, err) = fake.printed(&["start", "web", "--force", "--timeout", "0.5"], 1);
    assert_eq!(
        (out.as_str(), err.as_str()),
        ("", "proclaunch: web start takes longer, and stays in force: not done within 0.5s\n")
    );
    assert_eq!(fake.printed(&["stop", "web", "--no-wait"], 0).0, "web stop was ordered\n");
    assert_eq!(fake.printed(&["restart", "web"], 1).1, "proclaunch: web restart failed: it ended: exit 1\n");
    assert_eq!(fake.printed(&["reload", "web"], 111).1, "proclaunch: web reload: you may only look\n");
    assert_eq!(fake.printed(&["signal", "SIGUSR1", "web"], 0).0, "web signal USR1 sent to pid 4242\n");
    fake.printed(&["signal", "LOUD", "web"], 2);
    fake.printed(&["stop"], 2);
    let (_, err) = fake.printed(&["stop", "web", "--timeout", "-1"], 2);
    assert!(err.contains("'-1'") && err.contains("a number of seconds above 0 is needed"), "{err}");
    fake.printed(&["stop", "web", "--timeout", "1", "--no-wait"], 2);
    let (out, _) = fake.printed(&["restart", "web", "--json"], 1);
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&value["name"], &value["result"]), (&"web".into(), &"failed".into()));
}

#[test]
fn a_name_that_means_nothing_stops_all() {
    let fake = Fake::of(vec![serving("web"), serving("db")], |asked| panic!("nobody asks for {asked:?}"));
    let (out, err) = fake.printed(&["stop", "web", "dbb"], 4);
    assert_eq!(
        (out.as_str(), err.as_str()),
        ("", "proclaunch: there is no profile `dbb`; did you mean `db`?\n")
    );
}

#[test]
fn orders_go_out_at_once_and_the_worst_end_counts() {
    let names = ["a", "b", "c", "d"];
    // Nobody is answered before all are there.
    let barrier = Arc::new(Barrier::new(names.len()));
    let fake = Fake::of(names.iter().map(|name| serving(name)).collect(), move |asked| {
        barrier.wait();
        if asked.line.contains("/c/") {
            wrong(409, "another order came: start", Some("overtaken"))
        } else {
            json(&Ordered { result: "done".to_owned(), profile: Some(down("x", "stopped")) })
        }
    });
    let (out, err) = fake.printed(&["stop", "*"], 1);
    let mut lines: Vec<&str> = out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["a stopped (exit 0)", "b stopped (exit 0)", "d stopped (exit 0)"]);
    assert_eq!(err, "proclaunch: c stop was overtaken: another order came: start\n");
}

#[test]
fn of_very_many_all_are_told_before_any_is_waited_for() {
    let names: Vec<String> = (0..100).map(|number| format!("web-{number:02}")).collect();
    let told = Arc::new(AtomicUsize::new(0));
    let fake = Fake::of(names.iter().map(|name| serving(name)).collect(), move |asked| {
        if asked.line.ends_with("wait=false") {
            told.fetch_add(1, Ordering::SeqCst);
            return json(&Ordered { result: "taken".to_owned(), profile: None });
        }
        assert!(told.load(Ordering::SeqCst) >= 50, "the others were told: {asked:?}");
        done(down("x", "stopped"))
    });
    let (out, _) = fake.printed(&["stop", "web-*"], 0);
    assert_eq!(out.lines().count(), 100);
}

/// A supervisor that breaks so many connections with orders before it answers.
fn breaking(times: usize) -> Fake {
    let left = AtomicUsize::new(times);
    Fake::of(vec![serving("web")], move |_| {
        let breaks =
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if breaks { Answer::Break } else { done(serving("web")) }
    })
}

#[test]
fn start_and_stop_are_ordered_again_when_the_supervisor_is_killed() {
    for verb in ["start", "stop"] {
        let fake = breaking(3);
        fake.printed(&[verb, "web"], 0);
        assert_eq!(fake.seen().len(), 4, "{verb}");
    }
    let fake = breaking(usize::MAX);
    fake.printed(&["start", "web"], 111);
}

#[test]
fn reading_goes_on_over_supervisors_that_are_killed_one_after_the_other() {
    let reading = |breaks| {
        let left = AtomicUsize::new(breaks);
        Fake::new(move |_| {
            let profiles = vec![serving("web")];
            match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
                Ok(_) => Answer::Break,
                Err(_) => json(&Profiles { profiles, mode: "supervising".to_owned() }),
            }
        })
    };
    let fake = reading(9);
    assert!(fake.printed(&["status"], 0).0.contains("web"));
    assert_eq!(fake.asked().len(), 10);
    let (_, said) = reading(usize::MAX).printed(&["stop", "web"], 111);
    assert_eq!(said, "proclaunch: the connection broke before the supervisor had answered\n");
}

#[test]
fn what_would_be_done_twice_is_not_ordered_again() {
    for words in [&["restart", "web"][..], &["reload", "web"], &["signal", "HUP", "web"]] {
        let fake = breaking(1);
        let (out, err) = fake.printed(words, 111);
        let said = format!(
            "proclaunch: web {}: the connection broke before the supervisor had answered; what was asked for may have \
             been taken: `proclaunch history web` tells\n",
            words[0]
        );
        assert_eq!((out.as_str(), err), ("", said));
        assert_eq!(fake.seen().len(), 1);
    }
}

#[test]
fn ctrl_c_leaves_the_order_in_force_and_says_so() {
    let fake = Fake::of(vec![serving("web"), serving("db")], |asked| {
        if asked.line.contains("/db/") { done(down("db", "stopped")) } else { Answer::Silence }
    });
    let child = fake.spawn(&["stop", "web", "db"]);
    fake.wait_for(2);
    let mut child = child;
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line)
        .unwrap();
    assert_eq!(line, "db stopped (exit 0)\n");
    Process::of(i32::try_from(child.id()).unwrap()).unwrap().signal(Signal::SIGINT);
    let (_, err) = printed(&child.wait_with_output().unwrap(), 130);
    assert_eq!(err, "proclaunch: interrupted; the order to web stays in force\n");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a program of the test has no keeper above it")]
fn scale_shows_on_a_terminal_how_far_it_is_and_ctrl_c_leaves_it_in_force() {
    let mut other = serving("web@2");
    other.standing = "starting".to_owned();
    let fake = Fake::of(vec![serving("web@1"), other], |_| Answer::Silence);
    // A terminal of its own.
    let line = format!("{} scale web 3", binary().display());
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).env("PROCLAUNCH_STATE_DIR", fake.state());
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut seen = String::new();
    let mut until = |words: &str| {
        let mut buffer = [0; 512];
        while !seen.contains(words) {
            let got = out.read(&mut buffer).unwrap();
            assert!(got > 0, "{words}: {seen:?}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..got]));
        }
    };
    until("scale: waiting for 3 of web, 1 run (");
    assert_eq!(fake.seen(), ["POST /v1/profiles/web/scale?count=3&timeout=300"]);
    child.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    until("\r\x1b[Kproclaunch: interrupted; the order to web stays in force");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
