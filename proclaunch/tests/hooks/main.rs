//! Memory stays flat over many loads and calls. In a process of its own: nobody else may use memory meanwhile.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use proclaunch::hooks::{Clock, Config, Context, Engine, Host, Profile, Source, Sources, Told, Vars};
use proclaunch_core::hook::{Answer, Hook, Outcome, Question, QuestionId, Service};
use proclaunch_core::ids::ProfileName;

/// One test at a time.
static ALONE: Mutex<()> = Mutex::new(());

const HEALTHY: Outcome = Outcome::Answer(Answer::Health(Ok(())));

/// Uses globals, modules of the library, variables, an error that is caught, and what waits.
const SCRIPT: &str = "
local seen = {}
return function(service)
  service.vars.n = (service.vars.n or 0) + 1
  seen[service.vars.n % 10] = { service.name, json.encode({ service.state, env }), service.history }
  pcall(error, { 'caught' })
  local text = ('%s %d'):format(service.dir, service.uptime):gsub('a', 'b')
  sleep(0)
  return net.unix('/nowhere/socket', { timeout = 1 }) == false and #text > 0
end";

fn name() -> ProfileName {
    ProfileName::parse("web").unwrap()
}

fn sources() -> Sources {
    let dir = PathBuf::from("/nowhere/web");
    let source = |hook: Hook, text: &str| {
        (hook, Source { path: dir.join(format!("{hook}.lua")), text: text.as_bytes().to_vec() })
    };
    let policy = "return policy.backoff{ base = 1, cap = 60 }";
    let files = BTreeMap::from([source(Hook::Health, SCRIPT), source(Hook::ShouldRestart, policy)]);
    Sources { profile_dir: dir, files, ..Sources::default() }
}

fn question(id: u64) -> Question {
    let budget = Duration::from_secs(20);
    Question { id: QuestionId(id), hook: Hook::Health, check: 0, budget, service: Service::default() }
}

/// Bytes of this process in RAM.
fn rss() -> usize {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[track_caller]
fn wait<T>(engine: &Engine, mut pick: impl FnMut(Told) -> Option<T>) -> T {
    loop {
        if let Some(found) = engine.take().into_iter().find_map(&mut pick) {
            return found;
        }
        let mut ready = [PollFd::new(engine.as_fd(), PollFlags::POLLIN)];
        let count = poll(&mut ready, PollTimeout::from(60_000_u16)).unwrap();
        assert_eq!(count, 1, "the engine owes an answer");
    }
}

#[test]
fn a_thousand_cycles_of_load_and_call_leave_memory_flat() {
    let _alone = ALONE.lock().unwrap();
    let engine = Engine::start(Config::default()).unwrap();
    let mut after_hundred = 0;
    for cycle in 1..=1000_u64 {
        engine.load(name(), cycle, sources());
        wait(&engine, |told| match told {
            Told::Loaded { generation, hooks, .. } if generation == cycle => {
                assert_eq!(hooks.broken, []);
                Some(())
            }
            _ => None,
        });
        engine.ask(name(), question(cycle));
        let outcome = wait(&engine, |told| match told {
            Told::Decided { outcome, .. } => Some(outcome),
            _ => None,
        });
        assert_eq!(outcome, HEALTHY);
        if cycle == 100 {
            after_hundred = rss();
        }
    }
    let after_thousand = rss();
    println!("{after_hundred} bytes in RAM after 100 cycles, {after_thousand} after 1000");
    // One interpreter is 200 KiB: a leak of one object in ten cycles would be more than this.
    assert!(
        after_thousand < after_hundred + 2 * 1024 * 1024,
        "{after_hundred} became {after_thousand} bytes"
    );
}

#[test]
fn a_thousand_calls_leave_the_interpreter_as_large_as_a_hundred() {
    let _alone = ALONE.lock().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let profile = Profile {
        name: name(),
        dir: PathBuf::from("/nowhere/web"),
        env: Vec::new(),
        settings: BTreeMap::new(),
    };
    let context = Context::new(profile, Vec::new(), Clock::Real, Rc::new(drop), Vars::default());
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let host = Host::load(context, &sources()).await.unwrap();
        let mut most = [0, 0];
        for call in 0..1000_u64 {
            assert_eq!(host.call(&question(call)).await, HEALTHY);
            // Between two rounds of the collector it grows: the most that it was is compared.
            let part = &mut most[usize::from(call >= 100)];
            *part = host.used_memory().max(*part);
        }
        println!("at most {} bytes in the first 100 calls, {} in the next 900", most[0], most[1]);
        assert!(most[1] < most[0] + most[0] / 5, "{most:?}");
    });
}
