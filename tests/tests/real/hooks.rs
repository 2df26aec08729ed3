//! Hooks of the example profiles: real checks of real servers, a drain, a start that waits for a database.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::software::{CURL, NGINX, PG_ISREADY, POSTGRES, PSQL, REDIS, REDIS_CLI, ask, installed};
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

fn get(url: &str) -> Option<String> {
    ask("curl", ["--silent", "--show-error", "--fail", "--max-time", "5", url])
}

/// The text up to where a line ends in `end`, as often as something must have been there in this order.
#[track_caller]
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some(at) = rest.find(part) else { panic!("`{part}` is missing, or too early, in:\n{text}") };
        rest = &rest[at + part.len()..];
    }
}

#[track_caller]
fn is_restarted_when_its_health_check_fails(profile: &str) {
    if !installed(&[NGINX, CURL]) {
        return;
    }
    let example = Sandbox::copy("real", &[profile]);
    let url = format!("http://127.0.0.1:{}/healthz", example.free_port(profile));
    let supervisor = example.start();
    supervisor.wait_for_line(profile, "healthy");
    let sick = supervisor.main_process(profile);

    let flag = supervisor.sandbox.profiles().join(profile).join("data/unhealthy");
    std::fs::write(flag, "").unwrap();
    let unhealthy = supervisor.wait_for_line(profile, "unhealthy");
    assert_eq!(unhealthy, format!("unhealthy ({url}: status 500)"));
    supervisor.wait_for("another master", || (supervisor.pids(profile).len() == 2).then_some(()));
    assert!(!sick.is_alive(), "{}", supervisor.log());
    supervisor.wait_for("health of the new one", || supervisor.said(profile, "healthy").get(1).cloned());
    assert_eq!(get(&url).as_deref(), Some("ok"));
    supervisor.drain();
}

#[test]
fn an_nginx_that_answers_500_is_unhealthy_and_healthy_after_its_restart() {
    is_restarted_when_its_health_check_fails("nginx");
}

#[test]
fn a_daemonized_nginx_that_answers_500_is_unhealthy_and_healthy_after_its_restart() {
    is_restarted_when_its_health_check_fails("nginx-daemon");
}

#[test]
fn a_redis_that_hangs_is_found_by_its_ping_and_restarted() {
    if !installed(&[REDIS, REDIS_CLI]) {
        return;
    }
    let example = Sandbox::copy("real", &["redis"]);
    let port = example.free_port("redis").to_string();
    example.data_of("redis", "redis");
    let supervisor = example.start();
    supervisor.wait_for_line("redis", "healthy");
    // It still accepts connections: the kernel does that for it. Only an answer tells.
    supervisor.main_process("redis").signal(Signal::SIGSTOP);
    supervisor.wait_for_line("redis", "unhealthy");
    supervisor.wait_for("another Redis", || (supervisor.pids("redis").len() == 2).then_some(()));
    supervisor.wait_for("health of the new one", || supervisor.said("redis", "healthy").get(1).cloned());
    assert_eq!(ask("redis-cli", ["-p", &port, "ping"]).as_deref(), Some("PONG"));
    supervisor.drain();
}

/// A load balancer and one backend, and their ports.
fn balanced() -> (Supervisor, u16, u16) {
    let example = Sandbox::copy("real", &["balancer", "backend"]);
    let (front, back) = (example.free_port("balancer"), example.free_port("backend"));
    let supervisor = example.start();
    supervisor.wait_for_line("backend", "on_ready: in the load balancer");
    let hello = || (get(&format!("http://127.0.0.1:{front}/"))? == "Hello from the backend").then_some(());
    supervisor.wait_for("an answer through the load balancer", hello);
    (supervisor, front, back)
}

#[test]
fn a_backend_leaves_the_load_balancer_and_serves_what_is_open_before_it_is_told_to_end() {
    if !installed(&[NGINX, CURL]) {
        return;
    }
    let (supervisor, front, back) = balanced();
    let backend = supervisor.main_process("backend");
    // A request that is not complete yet.
    let mut open = TcpStream::connect(("127.0.0.1", back)).unwrap();
    open.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    open.write_all(b"GET / HTTP/1.1\r\nHost: backend\r\n").unwrap();

    // A change that needs another process.
    supervisor.sandbox.replace("backend", "limits", "nofile 8192", "nofile 8000");
    // Until it was started, the load balancer had nobody either, and may remember that.
    supervisor.wait_for_line("backend", "stopping");
    supervisor.wait_for("the load balancer to have nobody", || {
        let status = ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--max-time", "5"];
        let url = format!("http://127.0.0.1:{front}/");
        (ask("curl", status.iter().copied().chain([url.as_str()]))? == "502").then_some(())
    });
    assert!(backend.is_alive(), "it has an open connection:\n{}", supervisor.log());
    open.write_all(b"Connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("Hello from the backend\n"), "{answer}");
    supervisor.wait_for("the next one in the load balancer", || {
        (get(&format!("http://127.0.0.1:{front}/"))? == "Hello from the backend").then_some(())
    });
    let steps =
        ["backend on_stop: drained", "backend stopped (", "backend running pid", "in the load balancer"];
    in_order(&supervisor.log(), &steps);
    assert!(!backend.is_alive(), "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn a_program_is_started_once_its_database_answers() {
    if !installed(&[POSTGRES, PSQL, PG_ISREADY]) {
        return;
    }
    let example = Sandbox::copy("real", &["postgres", "app"]);
    let port = example.free_port("postgres").to_string();
    let data = example.data_of("postgres", "postgres");
    example.set_env("app", "PORT", &port);
    example.set_env("app", "DATABASE_DIR", data.to_str().unwrap());
    example.write("postgres", "down", "");
    let supervisor = example.start();
    let waits = supervisor.wait_for_line("app", "waits to start");
    assert!(waits.contains("PostgreSQL does not answer"), "{waits}");
    assert!(supervisor.pids("app").is_empty(), "{}", supervisor.log());

    std::fs::remove_file(supervisor.sandbox.profiles().join("postgres/down")).unwrap();
    supervisor
        .wait_for("app to connect", || supervisor.output("app").contains("app: connected").then_some(()));
    assert_eq!(
        supervisor.said("app", "died"),
        Vec::<String>::new(),
        "it never had to fail:\n{}",
        supervisor.log()
    );
    in_order(&supervisor.log(), &["app waits to start", "postgres running", "app running"]);
    supervisor.wait_for_line("postgres", "healthy");
    supervisor.drain();
}
