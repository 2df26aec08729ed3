//! `restart --rolling`: one after the other, and no further than the first failure.

use std::collections::BTreeMap;
use std::sync::Mutex;

use proclaunch::control::api::Profile;

use crate::fake::{Fake, done, json, serving, wrong};

fn names(fake: &Fake) -> Vec<String> {
    let lines = fake.seen().into_iter().filter(|line| line.starts_with("POST "));
    lines.map(|line| line.split('/').nth(3).unwrap().to_owned()).collect()
}

/// Four profiles, one of which does not come back.
fn fleet(bad: &'static str) -> Fake {
    Fake::of(["a", "b", "c", "d"].map(serving).to_vec(), move |asked| {
        let name = asked.line.split('/').nth(3).unwrap();
        if name == bad { wrong(409, "it ended: exit 1", Some("failed")) } else { done(serving(name)) }
    })
}

#[test]
fn the_next_comes_when_the_last_is_ready() {
    let fake = fleet("none");
    let (out, _) = fake.printed(&["restart", "--rolling", "*"], 0);
    assert_eq!(out, "a running pid 4242\nb running pid 4242\nc running pid 4242\nd running pid 4242\n");
    assert_eq!(names(&fake), ["a", "b", "c", "d"]);
}

#[test]
fn it_stops_at_the_first_failure_and_says_where() {
    let fake = fleet("b");
    let (out, err) = fake.printed(&["restart", "--rolling", "*"], 1);
    assert_eq!(out, "a running pid 4242\n");
    assert_eq!(
        err,
        "proclaunch: b restart failed: it ended: exit 1\n\
         proclaunch: the rolling restart has stopped; done: a; failed: b; not touched: c d\n"
    );
    assert_eq!(names(&fake), ["a", "b"]);
}

#[test]
fn a_batch_is_restarted_at_once_and_finished() {
    let fake = fleet("a");
    let (_, err) = fake.printed(&["restart", "*", "--rolling", "--batch", "2"], 1);
    assert!(err.ends_with("has stopped; done: b; failed: a; not touched: c d\n"), "{err}");
    let mut asked = names(&fake);
    asked.sort();
    assert_eq!(asked, ["a", "b"]);
    fake.printed(&["restart", "*", "--rolling", "--batch", "0"], 2);
    fake.printed(&["restart", "*", "--batch", "2"], 2);
    fake.printed(&["restart", "*", "--rolling", "--no-wait"], 2);
}

fn checked(name: &str, standing: &str, health: &str) -> Profile {
    let health = health.to_owned();
    Profile { standing: standing.to_owned(), health, has_checks: true, ..serving(name) }
}

/// Two profiles with checks, whose first opinion comes at the third look.
fn with_checks(standing: &'static str, health: &'static str) -> Fake {
    let looks = Mutex::new(BTreeMap::<String, u32>::new());
    Fake::of(["a", "b"].map(serving).to_vec(), move |asked| {
        let name = asked.line.split('/').nth(3).unwrap();
        if asked.line.starts_with("POST ") {
            return done(checked(name, "serving", "unknown"));
        }
        let mut looks = looks.lock().unwrap();
        let count = looks.entry(name.to_owned()).or_default();
        *count += 1;
        let profile =
            if *count < 3 { checked(name, "serving", "unknown") } else { checked(name, standing, health) };
        json(&profile)
    })
}

#[test]
fn where_there_are_checks_their_first_opinion_is_waited_for() {
    let fake = with_checks("serving", "healthy");
    fake.printed(&["restart", "*", "--rolling"], 0);
    let looks = fake.seen().iter().filter(|line| line.starts_with("GET ")).count();
    assert_eq!((names(&fake), looks), (vec!["a".to_owned(), "b".to_owned()], 6));

    let fake = with_checks("unhealthy", "unhealthy");
    let (_, err) = fake.printed(&["restart", "*", "--rolling"], 1);
    assert!(err.starts_with("proclaunch: a restart failed: it is unhealthy ["), "{err}");
    assert!(err.ends_with("done: none; failed: a; not touched: b\n"), "{err}");

    let fake = with_checks("serving", "unknown");
    let (_, err) = fake.printed(&["restart", "*", "--rolling", "--timeout", "0.5"], 1);
    assert!(err.starts_with("proclaunch: a restart failed: its checks have said nothing yet ["), "{err}");
}
