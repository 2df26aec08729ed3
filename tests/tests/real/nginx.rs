//! nginx: the profiles `nginx` and `nginx-daemon`.

use crate::software::{CURL, NGINX, ask, installed};
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

/// An nginx that serves, and its address.
struct Nginx {
    profile: &'static str,
    url: String,
    supervisor: Supervisor,
}

impl Nginx {
    fn start(profile: &'static str) -> Option<Self> {
        if !installed(&[NGINX, CURL]) {
            return None;
        }
        let example = Sandbox::copy("real", &[profile]);
        let url = format!("http://127.0.0.1:{}/", example.free_port(profile));
        let nginx = Self { profile, url, supervisor: example.start() };
        nginx.wait_for_release(1);
        Some(nginx)
    }

    #[track_caller]
    fn wait_for_release(&self, release: u32) {
        let expect = format!("Hello from {}, release {release}", self.profile);
        self.supervisor.wait_for(&expect, || (self.get()? == expect).then_some(()));
    }

    fn get(&self) -> Option<String> {
        ask("curl", ["--silent", "--show-error", "--fail", "--max-time", "5", &self.url])
    }
}

#[track_caller]
fn comes_back_after_kill(profile: &'static str) {
    let Some(nginx) = Nginx::start(profile) else { return };
    nginx.supervisor.kill_main_process(profile);
    nginx.wait_for_release(1);
    nginx.supervisor.drain();
}

#[track_caller]
fn reloads_with_the_same_master(profile: &'static str) {
    let Some(nginx) = Nginx::start(profile) else { return };
    let Nginx { supervisor, .. } = &nginx;
    let master = supervisor.main_process(profile);
    supervisor.sandbox.replace(profile, "nginx.conf", "release 1", "release 2");
    supervisor.sandbox.set_env(profile, "RELEASE", "2");
    nginx.wait_for_release(2);
    assert!(master.is_alive());
    assert_eq!(supervisor.pids(profile), [master.pid], "{}", supervisor.log());
    assert_eq!(supervisor.said(profile, "reloading").len(), 1, "{}", supervisor.log());
    nginx.supervisor.drain();
}

#[test]
fn nginx_comes_back_after_kill_9_of_its_master() {
    comes_back_after_kill("nginx");
}

#[test]
fn a_daemonized_nginx_comes_back_after_kill_9_of_its_master() {
    comes_back_after_kill("nginx-daemon");
}

#[test]
fn nginx_reloads_by_signal_and_keeps_its_master() {
    reloads_with_the_same_master("nginx");
}

#[test]
fn a_daemonized_nginx_reloads_by_signal_and_keeps_its_master() {
    reloads_with_the_same_master("nginx-daemon");
}
