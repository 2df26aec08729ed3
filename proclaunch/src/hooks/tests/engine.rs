//! The engine: loading, asking, cancelling, switching off, and never holding anybody up.

use std::path::Path;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use proclaunch_core::hook::{Answer, Hook, Hooks, Outcome, Question, QuestionId};
use proclaunch_core::log::Level;
use std::os::fd::AsFd;

use super::support::{name, question, sources};
use crate::hooks::{Config, Engine, Told};
use crate::sys::clock;

const HEALTHY: Outcome = Outcome::Answer(Answer::Health(Ok(())));

/// An engine, and what it told and nobody has asked for.
struct Bench {
    engine: Engine,
    told: Vec<Told>,
}

impl Bench {
    fn new() -> Self {
        Self { engine: Engine::start(Config::default()).unwrap(), told: Vec::new() }
    }

    /// The first thing told that `pick` takes.
    #[track_caller]
    fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(&Told) -> Option<T>) -> T {
        let deadline = clock::now().plus(Duration::from_secs(20));
        loop {
            if let Some((at, found)) =
                self.told.iter().enumerate().find_map(|(at, told)| pick(told).map(|found| (at, found)))
            {
                self.told.remove(at);
                return found;
            }
            assert!(clock::now() < deadline, "no {what} in {:?}", self.told);
            let mut ready = [PollFd::new(self.engine.as_fd(), PollFlags::POLLIN)];
            poll(&mut ready, PollTimeout::from(1000_u16)).unwrap();
            self.told.extend(self.engine.take());
        }
    }

    #[track_caller]
    fn load(&mut self, profile: &str, files: &[(Hook, &str)]) -> Hooks {
        let generation = clock::now().as_nanos();
        self.engine.load(name(profile), generation, sources(Path::new("/nowhere/web"), files));
        self.wait("load", |told| match told {
            Told::Loaded { name: whose, generation: which, hooks }
                if *whose == name(profile) && *which == generation =>
            {
                Some(hooks.clone())
            }
            _ => None,
        })
    }

    fn ask(&self, profile: &str, id: u64, hook: Hook, budget: Duration) {
        self.engine.ask(name(profile), Question { id: QuestionId(id), ..question(hook, budget) });
    }

    #[track_caller]
    fn decided(&mut self, id: u64) -> Outcome {
        self.wait("decision", |told| match told {
            Told::Decided { id: which, outcome, .. } if *which == QuestionId(id) => Some(outcome.clone()),
            _ => None,
        })
    }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[test]
fn a_question_gets_its_answer() {
    let mut bench = Bench::new();
    assert_eq!(bench.engine.take(), []);
    let hooks = bench.load("web", &[(Hook::Health, "return function() return true end")]);
    assert_eq!(hooks.loaded, [Hook::Health]);
    bench.ask("web", 7, Hook::Health, ms(1000));
    assert_eq!(bench.decided(7), HEALTHY);
    bench.ask("web", 8, Hook::OnStop, ms(1000));
    assert_eq!(bench.decided(8), Outcome::Failed("on_stop: there is no such hook".into()));
    bench.ask("db", 9, Hook::OnStop, ms(1000));
    assert_eq!(bench.decided(9), Outcome::Failed("db has no hooks".into()));
}

#[test]
fn profiles_without_hooks_need_no_thread() {
    let mut bench = Bench::new();
    assert_eq!(bench.load("web", &[]), Hooks::default());
    assert_eq!(bench.engine.take(), []);
}

#[test]
fn a_broken_file_leaves_the_last_good_version_in_force() {
    let mut bench = Bench::new();
    bench.load("web", &[(Hook::Health, "return function() return true end")]);
    let hooks = bench.load(
        "web",
        &[(Hook::Health, "return function("), (Hook::OnStop, "return 1"), (Hook::OnTick, "return print")],
    );
    assert_eq!(hooks.loaded, [Hook::Health, Hook::OnTick]);
    let broken: Vec<Hook> = hooks.broken.iter().map(|(hook, _)| *hook).collect();
    assert_eq!(broken, [Hook::Health, Hook::OnStop]);
    assert!(hooks.broken[0].1.starts_with("web/health.lua:1: "), "{hooks:?}");
    bench.ask("web", 1, Hook::Health, ms(1000));
    assert_eq!(bench.decided(1), HEALTHY);
    let hooks = bench.load("web", &[(Hook::OnTick, "return print")]);
    assert_eq!(
        (hooks.loaded, hooks.broken),
        (vec![Hook::OnTick], vec![]),
        "the file is gone, and so is the hook"
    );
}

#[test]
fn variables_outlive_a_reload_and_are_reported() {
    let mut bench = Bench::new();
    let count = "return function(s) s.vars.n = (s.vars.n or 0) + 1 return false, tostring(s.vars.n) end";
    bench.load("web", &[(Hook::Health, count)]);
    for n in 1..=3_u64 {
        bench.ask("web", n, Hook::Health, ms(1000));
        assert_eq!(bench.decided(n), Outcome::Answer(Answer::Health(Err(n.to_string()))));
        let json = bench.wait("variables", |told| match told {
            Told::Vars { json, .. } => Some(json.clone()),
            _ => None,
        });
        assert_eq!(json, format!("{{\"n\":{n}}}"));
        bench.load("web", &[(Hook::Health, count)]);
    }
}

#[test]
fn a_cancelled_question_is_never_decided_and_the_next_has_its_turn() {
    let mut bench = Bench::new();
    let text = "return function() sleep(3600) end";
    bench.load("web", &[(Hook::OnStop, text), (Hook::Health, "return function() return true end")]);
    bench.ask("web", 1, Hook::OnStop, Duration::from_secs(7200));
    bench.ask("web", 2, Hook::Health, ms(10_000));
    bench.engine.cancel(&name("web"), QuestionId(1));
    assert_eq!(bench.decided(2), HEALTHY);
    bench.ask("web", 3, Hook::OnStop, Duration::from_secs(7200));
    bench.ask("web", 4, Hook::OnStop, ms(50));
    assert_eq!(bench.decided(4), Outcome::TimedOut, "the newer question takes the place of the older");
    let decided = |told: &Told| matches!(told, Told::Decided { id, .. } if [1, 3].contains(&id.0));
    assert!(!bench.told.iter().any(decided), "{:?}", bench.told);
}

#[test]
fn who_decides_waits_for_nobody() {
    let mut bench = Bench::new();
    let sleeper = "return function() sleep(3600) end";
    let files = [
        (Hook::OnExit, sleeper),
        (Hook::OnEvent, sleeper),
        (Hook::ShouldRestart, "return function() return nil end"),
    ];
    bench.load("web", &files);
    bench.ask("web", 1, Hook::OnExit, Duration::from_secs(7200));
    bench.ask("web", 2, Hook::OnEvent, Duration::from_secs(7200));
    bench.ask("web", 3, Hook::ShouldRestart, ms(1000));
    assert_eq!(bench.decided(3), Outcome::Answer(Answer::Nothing));
}

#[test]
fn a_stop_does_not_wait_for_a_check() {
    let mut bench = Bench::new();
    let files = [
        (Hook::Health, "return function() sleep(3600) end"),
        (Hook::OnStop, "return function() return 3 end"),
    ];
    bench.load("web", &files);
    bench.ask("web", 1, Hook::Health, Duration::from_secs(7200));
    bench.ask("web", 2, Hook::OnStop, ms(10_000));
    assert!(matches!(bench.decided(2), Outcome::Answer(Answer::Stop(_))));
    assert_eq!(bench.decided(1), Outcome::Answer(Answer::Nothing), "left out, and not counted as failed");
}

#[test]
fn the_thread_beats_while_a_call_is_in_flight_and_then_no_more() {
    let mut bench = Bench::new();
    bench.load("web", &[(Hook::OnStop, "return function() sleep(3600) end")]);
    bench.ask("web", 1, Hook::OnStop, ms(600));
    bench.wait("beat", |told| (*told == Told::Beat).then_some(()));
    assert_eq!(bench.decided(1), Outcome::TimedOut);
    let slow = bench.wait("warning", |told| match told {
        Told::Said { hook: Some(Hook::OnStop), text, .. } => Some(text.clone()),
        _ => None,
    });
    assert_eq!(slow, "on_stop took 0.6 s of its 0.6 s");
    let mut ready = [PollFd::new(bench.engine.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut ready, PollTimeout::from(900_u16)), Ok(0), "an idle thread tells nothing");
}

#[test]
fn dropping_an_engine_with_a_busy_thread_does_not_wait() {
    let mut bench = Bench::new();
    bench.load("web", &[(Hook::OnStop, "return function() sleep(3600) end")]);
    bench.ask("web", 1, Hook::OnStop, Duration::from_secs(7200));
    let began = clock::now();
    drop(bench.engine);
    assert!(clock::now().since(began) < ms(500));
}

#[test]
fn a_hook_says_and_wishes_in_its_profiles_name() {
    let mut bench = Bench::new();
    bench.load(
        "web",
        &[(Hook::OnExit, "return function(s) log.warn('hello from ' .. s.name) print('x', 1, {}) end")],
    );
    bench.ask("web", 1, Hook::OnExit, ms(1000));
    for (level, words) in [(Level::Warn, "hello from web"), (Level::Info, "x 1 a table")] {
        let said = Told::Said { name: name("web"), level, hook: Some(Hook::OnExit), text: words.into() };
        bench.wait(words, |told| (*told == said).then_some(()));
    }
}

#[test]
fn the_last_of_many_loads_counts() {
    let mut bench = Bench::new();
    for generation in 1..=20 {
        let text = format!("return function() return false, '{generation}' end");
        bench.engine.load(
            name("web"),
            generation,
            sources(Path::new("/nowhere/web"), &[(Hook::Health, &text)]),
        );
    }
    bench.ask("web", 1, Hook::Health, ms(5000));
    assert_eq!(bench.decided(1), Outcome::Answer(Answer::Health(Err("20".into()))));
}

#[test]
fn an_interpreter_that_scripts_fill_is_made_anew_and_said_once() {
    let mut bench = Bench::new();
    let hoard = "local held = {}
        return function(service)
            service.vars.calls = (service.vars.calls or 0) + 1
            table.insert(held, buffer.create(9 * 1024 * 1024))
            return false, #held .. ' of ' .. service.vars.calls
        end";
    bench.load("web", &[(Hook::Health, hoard)]);
    let mut held = Vec::new();
    for id in 1.. {
        bench.ask("web", id, Hook::Health, ms(5000));
        match bench.decided(id) {
            Outcome::Answer(Answer::Health(Err(why))) => held.push(why),
            // Asked before the next interpreter is there.
            Outcome::Failed(why) => assert!(why.contains("not enough memory"), "{why}"),
            other => panic!("{other:?}"),
        }
        if held.iter().filter(|held: &&String| held.starts_with("1 of ")).count() == 3 {
            break;
        }
        assert!(id < 200, "{held:?}");
    }
    assert!(!held.iter().any(|held| held.starts_with("4 of ")), "there is no room for it: {held:?}");
    assert!(!held[1..].iter().any(|held| held.ends_with(" of 1")), "the variables stay: {held:?}");
    let is_warning = |told: &&Told| matches!(told, Told::Said { text, .. } if text.contains("loaded anew"));
    assert_eq!(bench.told.iter().filter(is_warning).count(), 1, "{:?}", bench.told);
}
