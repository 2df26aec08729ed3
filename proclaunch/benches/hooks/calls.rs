//! What a call of a hook costs, and a VM. `cargo bench -p proclaunch --bench hooks`.
//!
//! For what hooks cost the whole supervisor, see `measure.py` beside this file.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use divan::Bencher;
use proclaunch::hooks::{Clock, Context, Host, Profile, Source, Sources, Vars};
use proclaunch_core::hook::{Hook, Outcome, Past, Question, QuestionId, Service};
use proclaunch_core::ids::{ProcId, ProfileName};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

fn main() {
    divan::main();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}

fn question(hook: Hook) -> Question {
    let past = |why: &str| Past {
        age: Duration::from_secs(60),
        from: "starting".to_owned(),
        to: "running".to_owned(),
        why: why.to_owned(),
    };
    let service = Service {
        state: "running".to_owned(),
        want: "up".to_owned(),
        health: "healthy".to_owned(),
        process: Some(ProcId { pid: 4242, start: 1 }),
        uptime: Duration::from_secs(60),
        history: vec![past("started"), past("running")],
        ..Service::default()
    };
    Question { id: QuestionId(1), hook, check: 0, budget: Duration::from_secs(5), service }
}

async fn host(hook: Hook, text: &str) -> Host {
    let dir = PathBuf::from("/nowhere/web");
    let source = Source { path: dir.join(format!("{hook}.lua")), text: text.as_bytes().to_vec() };
    let sources =
        Sources { profile_dir: dir.clone(), files: BTreeMap::from([(hook, source)]), ..Sources::default() };
    let profile = Profile {
        name: ProfileName::parse("web").expect("letters"),
        dir,
        env: Vec::new(),
        settings: BTreeMap::new(),
    };
    let context = Context::new(profile, Vec::new(), Clock::Real, Rc::new(|_| ()), Vars::default());
    let host = Host::load(context, &sources).await.expect("there is memory");
    assert_eq!(host.hooks().broken, [], "{text}");
    host
}

/// One call of a hook with this text.
fn call(bencher: Bencher<'_, '_>, hook: Hook, text: &str) {
    let (runtime, local, question) = (runtime(), LocalSet::new(), question(hook));
    let host = local.block_on(&runtime, host(hook, text));
    bencher.bench_local(|| {
        let outcome = local.block_on(&runtime, host.call(&question));
        assert!(matches!(outcome, Outcome::Answer(_)), "{outcome:?}");
    });
}

/// Answers each request with 200, until the process ends. Gives its port.
fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut request = [0; 1024];
            if client.read(&mut request).is_ok_and(|length| length > 0) {
                // The client may be gone.
                let _ =
                    client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            }
        }
    });
    port
}

/// Nothing is asked and nothing answered.
#[divan::bench]
fn empty(bencher: Bencher<'_, '_>) {
    call(bencher, Hook::OnReady, "return function() end");
}

/// A check that only computes.
#[divan::bench]
fn pure_check(bencher: Bencher<'_, '_>) {
    call(
        bencher,
        Hook::Health,
        "return function(service) return service.uptime < 3600, 'ran for an hour' end",
    );
}

/// `check.tcp` at a local server.
#[divan::bench]
fn tcp_check(bencher: Bencher<'_, '_>) {
    call(bencher, Hook::Health, &format!("return check.tcp{{ port = {} }}", serve()));
}

/// `check.http` at a local server.
#[divan::bench]
fn http_check(bencher: Bencher<'_, '_>) {
    call(bencher, Hook::Health, &format!("return check.http{{ url = 'http://127.0.0.1:{}/' }}", serve()));
}

/// The interpreter of one profile and its file, made and dropped.
#[divan::bench]
fn load(bencher: Bencher<'_, '_>) {
    let (runtime, local) = (runtime(), LocalSet::new());
    bencher
        .bench_local(|| local.block_on(&runtime, host(Hook::OnReady, "return function() end")).used_memory());
}
