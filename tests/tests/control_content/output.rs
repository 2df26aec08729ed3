//! A profile's output, over rotations and the deaths of those who keep it.

use nix::sys::signal::Signal;
use proclaunch_tests::control::{Control, Reply};
use proclaunch_tests::sandbox::Sandbox;

use super::SLEEP;

/// Numbered lines until the file `enough` is there, and then one more, which says so.
const COUNT: &str = "i=0\nuntil [ -e enough ]; do i=$((i+1)); echo \"line $i\"; \
                     [ $((i % 20)) = 0 ] && sleep 0.01; done\necho end\nexec sleep 1000";

/// Reads a stream until it has all up to the line `end`.
fn until_end(mut reply: Reply) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\nend\n") {
        text.extend(reply.piece().expect("the stream goes on"));
    }
    String::from_utf8(text).unwrap()
}

/// The numbers of the lines, checked to go up by one.
#[track_caller]
fn numbered(text: &str) -> Vec<u32> {
    let numbers: Vec<u32> =
        text.lines().filter_map(|line| line.strip_prefix("line ")?.parse().ok()).collect();
    assert!(numbers.is_sorted_by(|one, next| one + 1 == *next), "{numbers:?}");
    numbers
}

#[test]
fn a_follower_gets_every_line_once_although_files_rotate_and_the_logger_is_killed() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", COUNT).set("log", "4K 1000");
    let supervisor = sandbox.start();
    let control = supervisor.control();
    supervisor.wait_for_profile("web", |profile| profile.state == "running");
    let reply = control.send("GET", "/v1/profiles/web/log?follow=true", &[]);
    let reader = std::thread::spawn(move || until_end(reply));
    for _ in 0..3 {
        let files = supervisor.output_files("web").len();
        let has_rotated = || (supervisor.output_files("web").len() > files + 2).then_some(());
        supervisor.wait_for("rotations", has_rotated);
        supervisor.wait_for_parts().logger.signal(Signal::SIGKILL);
    }
    supervisor.wait_for_parts();
    supervisor.sandbox.write("web", "enough", "");
    let text = reader.join().unwrap();
    let numbers = numbered(&text);
    assert_eq!(numbers[0], 1, "from the first line on");
    let whole = control.get("/v1/profiles/web/log").body;
    assert!(whole == text, "{} bytes followed, {} are kept", text.len(), whole.len());
    let last = control.get("/v1/profiles/web/log?lines=500").body;
    assert_eq!(last.lines().count(), 500);
    assert!(whole.ends_with(&last));
    supervisor.drain();
}

#[test]
fn after_the_supervisors_death_output_is_read_on_where_it_is() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", COUNT);
    let supervisor = sandbox.start();
    let control = supervisor.control();
    supervisor.wait_for_profile("web", |profile| profile.state == "running");
    let mut reply = control.send("GET", "/v1/profiles/web/log?follow=true", &[]);
    assert!(reply.piece().is_some());
    supervisor.wait_for_parts().supervisor.signal(Signal::SIGKILL);
    while reply.piece().is_some() {}
    supervisor.wait_for_parts();
    supervisor.sandbox.write("web", "enough", "");
    let numbers = numbered(&until_end(control.send("GET", "/v1/profiles/web/log?follow=true", &[])));
    assert_eq!(numbers[0], 1);
    supervisor.drain();
}

#[test]
fn part_of_the_output_by_lines_and_by_time() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", &format!("echo one; echo two; echo three; {SLEEP}")).set("log", "1M 5 timestamps");
    sandbox.profile("db", SLEEP);
    let supervisor = sandbox.start();
    let control = supervisor.control();
    let log = |query: &str| control.get(&format!("/v1/profiles/web/log?{query}")).body;
    supervisor.wait_for("the output", || log("").ends_with("three\n").then_some(()));
    let words = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(' ').next_back().unwrap().to_owned()).collect()
    };
    assert_eq!(words(&log("lines=2")), ["two", "three"]);
    assert_eq!(words(&log("since=3600")), ["one", "two", "three"]);
    assert_eq!(words(&log("lines=0")), [""; 0]);
    assert_eq!(words(&log("since=0")), [""; 0]);
    let none = control.get("/v1/profiles/db/log");
    assert_eq!((none.status, none.body.as_str()), (200, ""), "nothing was written");
    assert_eq!(control.get("/v1/profiles/nobody/log").error(404).result, None);
    supervisor.drain();
}

#[test]
fn a_reader_who_leaves_costs_nothing_more() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", COUNT);
    let supervisor = sandbox.start();
    let control: Control = supervisor.control();
    supervisor.wait_for_profile("web", |profile| profile.state == "running");
    let process = supervisor.wait_for_parts().supervisor;
    let files = |process: proclaunch_tests::processes::Process| {
        process.open_files().into_iter().filter(|file| file.contains("/log/web/current")).count()
    };
    for _ in 0..20 {
        let mut reply = control.send("GET", "/v1/profiles/web/log?follow=true", &[]);
        assert!(reply.piece().is_some());
    }
    supervisor.wait_for("the files to be closed", || (files(process) == 0).then_some(()));
    supervisor.drain();
}
