//! Who may do what: scenario 39, with real users.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use nix::unistd::geteuid;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;
use proclaunch_tests::wait;

use crate::{SLEEP, curl, curled};

/// Users and groups need no names.
const CONTROLLERS: &str = "54321";
const READERS: &str = "54322";

fn user(uid: &'static str, groups: &'static str) -> Vec<&'static str> {
    assert!(geteuid().is_root(), "these tests change to other users, as root alone can");
    vec!["setpriv", "--reuid", uid, "--regid", uid, "--groups", groups]
}

fn started(words: &[&str]) -> Supervisor {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let supervisor = sandbox.start_with(|command| {
        command.args(words);
    });
    supervisor.main_process("web");
    supervisor
}

#[test]
fn scenario_39_without_groups_others_do_not_even_connect() {
    let supervisor = started(&[]);
    let control = supervisor.control();
    let output = curl(&user("65534", "65534"), &control, &["http://x/v1/profiles"]);
    assert!(!output.status.success(), "{output:?}");
    assert_eq!(
        curled(&["setpriv", "--regid", "65534", "--clear-groups"], &control, &["http://x/livez"]).1,
        "200"
    );
    supervisor.drain();
}

#[test]
fn scenario_39_each_may_what_its_groups_may_and_refusals_are_logged() {
    let supervisor = started(&["--control-group", CONTROLLERS, "--status-group", READERS]);
    let control = supervisor.control();
    let asks = |under: &[&str], words: &[&str]| curled(under, &control, words);
    let (stranger, reader, controller) =
        (user("65534", "65534"), user("65533", READERS), user("65532", CONTROLLERS));
    let (list, stop) = (["http://x/v1/profiles"], ["-XPOST", "http://x/v1/profiles/web/stop"]);
    let (body, status) = asks(&stranger, &list);
    assert_eq!(status, "403", "{body}");
    assert!(body.contains("you may not see this") && body.contains(READERS), "{body}");
    assert_eq!(asks(&stranger, &["http://x/v1/no-such"]).1, "403", "it is not told what there is");
    assert_eq!(asks(&reader, &list).1, "200");
    let (body, status) = asks(&reader, &stop);
    assert_eq!(status, "403", "{body}");
    assert!(body.contains("you may not give orders") && body.contains(CONTROLLERS), "{body}");
    assert_eq!(control.profile("web").state, "running");
    assert_eq!(asks(&controller, &list).1, "200");
    assert_eq!(asks(&controller, &stop).1, "200");
    assert_eq!(control.profile("web").state, "stopped");
    let refused = supervisor.said("ProcLaunch", "refused");
    assert_eq!(refused.len(), 2, "one line for each of two users: {refused:?}");
    assert!(
        refused[0].starts_with("refused `GET /v1/profiles` to ") && refused[0].contains(", pid "),
        "{refused:?}"
    );
    assert!(refused[1].starts_with("refused `POST /v1/profiles/web/stop` to uid 65533, pid "), "{refused:?}");
    supervisor.drain();
}

#[test]
fn scenario_39_one_group_is_the_group_of_the_socket() {
    let supervisor = started(&["--status-group", READERS]);
    let control = supervisor.control();
    let mode = fs::metadata(control.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    assert_eq!(curled(&user("65533", READERS), &control, &["http://x/readyz"]).1, "200");
    let output = curl(&user("65534", "65534"), &control, &["http://x/readyz"]);
    assert!(!output.status.success(), "{output:?}");
    supervisor.drain();
}

#[test]
fn a_group_or_a_token_that_is_not_there_is_said_at_once() {
    let sandbox = Sandbox::new();
    let token = sandbox.path().join("token");
    fs::write(&token, "secret").unwrap();
    fs::set_permissions(&token, Permissions::from_mode(0o644)).unwrap();
    let token = token.to_str().unwrap();
    for (words, expect) in [
        (&["--control-group", "no-such-group"][..], "there is no group `no-such-group`"),
        (
            &["--listen", "127.0.0.1:0", "--token-file", token],
            "its mode 644 lets others read it; make it 600",
        ),
        (&["--listen", "127.0.0.1:0", "--token-file", "/none"], "read token file `/none`: "),
    ] {
        let output = sandbox.command().arg("--foreground").args(words).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(100), "{said}");
        assert!(said.contains(expect), "{said}");
    }
    let output = sandbox.command().args(["--token-file", token]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "a token is for --listen");
}

/// An answer over TCP: its status, and everything.
fn over_tcp(port: u16, method: &str, path: &str, header: &str) -> (u16, String) {
    let mut stream = wait::until(|| TcpStream::connect(("127.0.0.1", port)).ok()).unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

#[test]
fn tcp_is_for_reading_and_with_the_token_for_orders() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let token = sandbox.path().join("token");
    fs::write(&token, "some secret".replace(' ', "-")).unwrap();
    fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    let listen = format!("127.0.0.1:{port}");
    let mut supervisor = sandbox.start_with(|command| {
        command.args(["--listen", &listen]);
    });
    supervisor.main_process("web");
    let stop = "/v1/profiles/web/stop";
    assert_eq!(over_tcp(port, "GET", "/v1/profiles", "").0, 200);
    let (status, answer) = over_tcp(port, "POST", stop, "Authorization: Bearer some-secret\r\n");
    assert_eq!(status, 403);
    assert!(answer.contains("nobody may give orders over TCP"), "{answer}");
    supervisor.end(nix::sys::signal::Signal::SIGTERM);
    supervisor.start_again_with(|command| {
        command.arg("--token-file").arg(&token);
    });
    for header in ["", "Authorization: Bearer other\r\n", "Authorization: Basic some-secret\r\n"] {
        let (status, answer) = over_tcp(port, "POST", stop, header);
        assert_eq!(status, 403);
        assert!(answer.contains("orders need the token"), "{answer}");
    }
    assert_eq!(over_tcp(port, "POST", stop, "Authorization: Bearer some-secret\r\n").0, 200);
    assert_eq!(supervisor.control().profile("web").state, "stopped");
    supervisor.wait_for_line("ProcLaunch", "refused `POST /v1/profiles/web/stop` to 127.0.0.1:");
    supervisor.drain();
}
