//! Requests: understood, or refused with what would be right; and clients that are none.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::{fs, thread};

use proclaunch::control::api::{Done, History, Own, Profiles};
use proclaunch_tests::control::{Reply, request};
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

use crate::{SLEEP, curled};

fn three() -> Supervisor {
    let sandbox = Sandbox::new();
    for name in ["foo", "foobar", "web@1"] {
        sandbox.profile(name, SLEEP);
    }
    let supervisor = sandbox.start();
    for name in ["foo", "foobar", "web@1"] {
        supervisor.main_process(name);
    }
    supervisor
}

#[test]
fn what_is_looked_at_is_answered() {
    let supervisor = three();
    let control = supervisor.control();
    let mode = fs::metadata(control.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let all: Profiles = control.get("/v1/profiles").json();
    assert_eq!(all.mode, "supervising");
    let names: Vec<&str> = all.profiles.iter().map(|profile| &*profile.name).collect();
    assert_eq!(names, ["foo", "foobar", "web@1"]);
    let foo = control.profile("foo");
    assert_eq!(
        (&*foo.state, &*foo.standing, foo.pid),
        ("running", "serving", Some(supervisor.pids("foo")[0]))
    );
    let history: History = control.get("/v1/profiles/foo/history").json();
    assert_eq!(history.transitions.last().unwrap().to, "running");
    let own: Own = control.get("/v1/self").json();
    assert_eq!((own.profiles, own.processes.len()), (3, 3));
    assert_eq!(control.get("/v1/profiles/foo/explain").status, 200);
    assert_eq!(control.get("/livez").body, "ok\n");
    assert_eq!(control.get("/readyz").body, "ok\n");
    assert!(control.get("/metrics").body.contains("proclaunch_build_info"));
    supervisor.drain();
}

#[test]
fn a_probe_that_asks_by_head_gets_the_head_of_the_answer_alone() {
    let supervisor = three();
    let control = supervisor.control();
    for target in ["/livez", "/readyz?profile=foo", "/metrics", "/v1/profiles/foo"] {
        let mut stream = control.connect();
        stream.write_all(request("HEAD", target, &["Connection: close"]).as_bytes()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{target}: {said}");
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-length: ") && body.is_empty(), "{target}: {said}");
    }
    let refused = control.send("DELETE", "/livez", &[]).all();
    refused.error(405);
    assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    supervisor.drain();
}

#[test]
fn scenario_36_a_name_is_exact_and_a_pattern_is_one() {
    let supervisor = three();
    let control = supervisor.control();
    let named = |query: &str| -> Vec<String> {
        let found: Profiles = control.get(&format!("/v1/profiles?{query}")).json();
        found.profiles.into_iter().map(|profile| profile.name).collect()
    };
    assert_eq!(named("name=foo"), ["foo"]);
    assert_eq!(named("name=foo*"), ["foo", "foobar"]);
    assert_eq!(named("name=fo"), Vec::<String>::new());
    assert_eq!(named("name=web%40%5B0-9%5D&name=foo"), ["foo", "web@1"]);
    supervisor.drain();
}

#[test]
fn scenario_37_what_is_wrong_is_refused_and_says_what_would_be_right() {
    let supervisor = three();
    let control = supervisor.control();
    for name in ["..%2Fx", ".x", "a%0Ab", &"x".repeat(300), "%C3%A9"] {
        let error = control.get(&format!("/v1/profiles/{name}")).error(400);
        assert!(error.hint.unwrap().contains("a profile's name begins with"), "{name}");
        control.post(&format!("/v1/profiles/{name}/stop")).error(400);
    }
    let error = control.get("/v1/profiles/fooba").error(404);
    assert_eq!(error.hint.as_deref(), Some("did you mean `foobar`?"));
    assert_eq!(
        control.post("/v1/profiles/fooba/start").error(404).hint.as_deref(),
        Some("did you mean `foobar`?")
    );
    let error = control.get("/v1/profile").error(404);
    assert!(error.hint.unwrap().contains("GET /v1/profiles,"));
    let answer = control.send("PUT", "/v1/profiles/foo/stop", &[]).all();
    answer.error(405);
    assert_eq!(answer.header("allow"), Some("POST"));
    control.get("/v1/profiles?nmae=foo").error(400);
    control.post("/v1/profiles/foo/stop?wait=perhaps").error(400);
    control.get("/v1/events?after=a%20b").error(400);
    let large = control.send("POST", "/v1/rescan", &["Content-Length: 100000"]).all();
    assert_eq!((large.status, large.header("connection")), (413, Some("close")));
    supervisor.drain();
}

#[test]
fn scenario_35_clients_that_are_none_disturb_nobody() {
    let supervisor = three();
    let control = supervisor.control();
    let silent = control.connect();
    let mut half = control.connect();
    half.write_all(b"GET /v1/prof").unwrap();
    for garbage in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"\r\n\r\n\r\n", &[0; 4096], b"GET  HTTP/9\r\n\r\n"]
    {
        let mut stream = control.connect();
        // It may be closed before all of it is written.
        let _ = stream.write_all(garbage);
        let _ = stream.shutdown(Shutdown::Write);
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 400"), "{:?}", String::from_utf8_lossy(&said));
    }
    let mut endless = control.connect();
    let mut sent = 0;
    while endless.write_all(&[b'x'; 4096]).is_ok() {
        sent += 4096;
        assert!(sent < 4 << 20, "a head without end is not read for ever");
    }
    for _ in 0..50 {
        let mut leaver = control.connect();
        leaver.write_all(request("GET", "/v1/profiles", &[]).as_bytes()).unwrap();
    }
    assert_eq!(control.get("/v1/profiles/foo").status, 200);
    // What was half is as good as any when it is whole.
    half.write_all(b"iles HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(Reply::read(half).unwrap().status, 200);
    drop(silent);
    supervisor.drain();
}

#[test]
fn scenario_35_whoever_takes_too_long_to_ask_is_dropped() {
    let supervisor = three();
    let control = supervisor.control();
    let silent = control.connect();
    let mut half = control.connect();
    half.write_all(b"GET /v1/prof").unwrap();
    let mut rest = Vec::new();
    // Ten seconds: the end comes by itself.
    half.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
    let mut silent = silent;
    silent.write_all(request("GET", "/livez", &[]).as_bytes()).unwrap();
    assert_eq!(Reply::read(silent).unwrap().status, 200, "whoever is silent for as long may ask at last");
    supervisor.drain();
}

#[test]
fn a_connection_is_used_again_and_the_oldest_idle_one_goes() {
    let supervisor = three();
    let control = supervisor.control();
    let mut stream = control.connect();
    for _ in 0..3 {
        stream.write_all(request("GET", "/v1/profiles/foo", &[]).as_bytes()).unwrap();
        let (answer, again) = Reply::read(stream).unwrap().rest().unwrap();
        assert_eq!(answer.status, 200);
        stream = again;
    }
    let mut others: Vec<_> = (0..300).map(|_| control.connect()).collect();
    let mut end = Vec::new();
    stream.read_to_end(&mut end).unwrap();
    assert_eq!(end, b"", "it was idle for the longest time");
    let last = others.last_mut().unwrap();
    last.write_all(request("GET", "/livez", &[]).as_bytes()).unwrap();
    assert_eq!(Reply::read(others.pop().unwrap()).unwrap().status, 200);
    supervisor.drain();
}

#[test]
fn many_ask_at_once_and_each_has_its_answer() {
    let supervisor = three();
    let control = supervisor.control();
    let asking = (0..8).map(|_| {
        let control = control.clone();
        thread::spawn(move || (0..50).all(|_| control.profile("foo").name == "foo"))
    });
    let asking: Vec<_> = asking.collect();
    assert!(asking.into_iter().all(|thread| thread.join().unwrap()));
    supervisor.drain();
}

#[test]
fn curl_is_as_good_a_client() {
    let supervisor = three();
    let control = supervisor.control();
    let (body, status) = curled(&[], &control, &["http://proclaunch/v1/profiles?name=foo"]);
    assert_eq!(status, "200");
    assert!(body.starts_with("{\"profiles\":[{\"name\":\"foo\""), "{body}");
    let (body, status) = curled(&[], &control, &["--request", "POST", "http://proclaunch/v1/rescan"]);
    assert_eq!((body.trim(), &*status), ("{\"result\":\"the profiles were read\"}", "200"));
    let (_, status) = curled(&[], &control, &["--data", "x=1", "http://proclaunch/v1/rescan"]);
    assert_eq!(status, "200", "a small body says nothing");
    supervisor.drain();
}

#[test]
fn a_rescan_is_answered_when_its_findings_are_in_force() {
    let supervisor = three();
    let control = supervisor.control();
    supervisor.sandbox.profile("new", SLEEP);
    let done: Done = control.post("/v1/rescan").json();
    assert_eq!(done.result, "the profiles were read");
    assert_eq!(control.get("/v1/profiles/new").status, 200);
    supervisor.drain();
}

#[test]
fn readiness_is_that_of_what_should_serve() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    sandbox.profile("down", SLEEP).set("down", "");
    sandbox.profile("done", "exit 0").set("oneshot", "");
    sandbox.profile("dead", "exit 1");
    sandbox.profile("slow", SLEEP).set("ready.lua", "return function() return file.exists('serves') end");
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    supervisor.wait_for_line("done", "finished");
    supervisor.wait_for_line("dead", "died");
    let control = supervisor.control();
    assert_eq!(control.get("/readyz").error(503).error, "slow is starting");
    assert_eq!(control.get("/readyz?profile=web").status, 200);
    control.get("/readyz?profile=slow").error(503);
    control.get("/readyz?profile=none").error(404);
    fs::write(supervisor.sandbox.profiles().join("slow/serves"), "").unwrap();
    supervisor.wait_for("all to be ready", || (control.get("/readyz").status == 200).then_some(()));
    assert_eq!(control.get("/livez").status, 200);
    supervisor.drain();
}
