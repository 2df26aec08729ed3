//! Redis: the profiles `redis` and `redis-daemon`.

use crate::software::{REDIS, REDIS_CLI, ask, installed};
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

/// A Redis that answers, and its port.
struct Redis {
    port: String,
    supervisor: Supervisor,
}

impl Redis {
    fn start(profile: &str) -> Option<Self> {
        if !installed(&[REDIS, REDIS_CLI]) {
            return None;
        }
        let example = Sandbox::copy("real", &[profile]);
        let port = example.free_port(profile).to_string();
        let data = example.data_of(profile, "redis");
        if profile == "redis-daemon" {
            example.write(profile, "pid_file", &format!("{}\n", data.join("redis.pid").display()));
        }
        let redis = Self { port, supervisor: example.start() };
        redis.wait_for(&["ping"], "PONG");
        Some(redis)
    }

    #[track_caller]
    fn wait_for(&self, command: &[&str], answer: &str) {
        let what = format!("{command:?} to answer {answer}");
        self.supervisor.wait_for(&what, || (self.ask(command)? == answer).then_some(()));
    }

    fn ask(&self, command: &[&str]) -> Option<String> {
        ask("redis-cli", ["-p", &self.port].iter().chain(command))
    }
}

#[track_caller]
fn comes_back_with_its_data(profile: &str) {
    let Some(redis) = Redis::start(profile) else { return };
    assert_eq!(redis.ask(&["set", "kept", "by the append-only file"]).as_deref(), Some("OK"));
    redis.supervisor.kill_main_process(profile);
    redis.wait_for(&["get", "kept"], "by the append-only file");
    redis.supervisor.drain();
}

#[test]
fn redis_comes_back_after_kill_9_with_its_data() {
    comes_back_with_its_data("redis");
}

#[test]
fn a_daemonized_redis_comes_back_after_kill_9_with_its_data() {
    comes_back_with_its_data("redis-daemon");
}
