//! The quickstart, as its README has it tried.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;
use proclaunch_tests::wait;

const ALL: [&str; 6] = [".defaults", "web", "worker", "setup", "reloader", "daemon"];

fn get(port: u16) -> Option<String> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).ok()?;
    server.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    server.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

#[track_caller]
fn wait_for_output(supervisor: &Supervisor, profile: &str, text: &str) {
    let look = || supervisor.output(profile).contains(text).then_some(());
    supervisor.wait_for(&format!("{profile} to print `{text}`"), look);
}

#[test]
fn the_quickstart_does_what_its_readme_says() {
    let example = Sandbox::copy("quickstart", &ALL);
    let port = example.free_port("web");
    example.set_env("worker", "LIFETIME", "2");
    let supervisor = example.start();
    for profile in ["web", "worker", "reloader", "daemon"] {
        supervisor.main_process(profile);
    }

    supervisor.wait_for("setup to be done", || supervisor.said("setup", "finished").pop());
    supervisor.wait_for("web to answer", || get(port).filter(|body| body.starts_with("Hello from pid")));

    let web = supervisor.kill_main_process("web");
    let hello = format!("Hello from pid {}\n", web.pid);
    supervisor.wait_for("web to answer again", || (get(port)? == hello).then_some(()));

    let reloader = supervisor.main_process("reloader");
    wait_for_output(&supervisor, "reloader", "says good morning");
    supervisor.sandbox.set_env("reloader", "GREETING", "good evening");
    wait_for_output(&supervisor, "reloader", &format!("pid {} reloaded and says good evening", reloader.pid));
    assert_eq!(supervisor.pids("reloader"), [reloader.pid]);

    supervisor.kill_main_process("daemon");

    supervisor.wait_for("worker to crash twice", || supervisor.said("worker", "died").get(1).cloned());
    supervisor.wait_for("worker to come back", || supervisor.pids("worker").get(2).copied());
    // Whether it was killed or failed, `should_restart` or `backoff` said when.
    let waits = supervisor.wait_for_line("worker", "restarts in 5s");
    assert!(waits.contains("killed, which may happen again"), "{waits}");

    // Its work is done: what happened to the others has not started it again.
    assert_eq!(supervisor.said("setup", "starting").len(), 1, "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn a_changed_port_moves_the_web_service() {
    let example = Sandbox::copy("quickstart", &["web"]);
    let first = example.free_port("web");
    example.replace("web", "health.lua", "every = 5", "every = 0.5");
    let supervisor = example.start();
    supervisor.wait_for("web to answer", || get(first));
    supervisor.wait_for_line("web", "healthy");
    let second = supervisor.sandbox.free_port("web");
    supervisor.wait_for("web to answer there", || get(second));
    // Its health check asks at the new port: at the old one it would find nobody.
    supervisor.wait_for("health there", || supervisor.said("web", "healthy").get(1).cloned());
    wait::pass(Duration::from_secs(2));
    assert_eq!(supervisor.said("web", "unhealthy"), Vec::<String>::new(), "{}", supervisor.log());
    assert_eq!(supervisor.said("web", "on_stop: served for").len(), 1, "{}", supervisor.log());
    assert_eq!(supervisor.pids("web").len(), 2, "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn a_port_that_is_taken_is_a_clear_message() {
    let example = Sandbox::copy("quickstart", &["web"]);
    let port = example.free_port("web");
    let other = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let supervisor = example.start();
    wait_for_output(
        &supervisor,
        "web",
        &format!("cannot listen on 127.0.0.1:{port}: Address already in use"),
    );
    drop(other);
    supervisor.wait_for("web to answer when the port is free", || get(port));
    supervisor.drain();
}
