//! What becomes of orders, and who is told.

use super::*;
use crate::hook::{Answer, Gate, Hook, Hooks, Outcome, QuestionId};
use crate::process::{SpawnError, Stage};

const START: Order = Order::Start { force: false };
const DOWN: Settings<'_> = &[("down", "")];
const DAEMON: Settings<'_> = &[("down", ""), ("pid_file", "pid"), ("start_timeout", "5")];
const ONESHOT: Settings<'_> = &[("down", ""), ("oneshot", "")];

impl World {
    fn fails_to_spawn(&mut self, profile: &str) {
        let name = name(profile);
        let ticket = self.asked.remove(&name).expect("it is being started");
        let (stage, error) = (Stage::Exec, SpawnError::Errno(2));
        self.step(Input::Report(Report::SpawnFailed { name, ticket, stage, error }));
    }

    fn loads(&mut self, hooks: Hooks) {
        let machine = self.machine("web");
        let digest = machine.profile().expect("it has settings").policy.hooks.digest;
        self.step(Input::Hook(name("web"), Box::new(Event::HooksLoaded(digest, hooks.into()))));
    }

    /// The question that is open is answered.
    fn hears(&mut self, hook: Hook, answer: Answer) {
        let id: QuestionId = self.machine("web").questions()[0];
        let outcome = Outcome::Answer(answer);
        self.step(Input::Hook(name("web"), Box::new(Event::Decided { id, hook, outcome })));
    }
}

#[test]
fn scenario_02_a_start_is_done_when_it_runs_and_a_stop_when_nothing_lives() {
    let mut world = World::with(&[("web", DOWN)]);
    world.answers = false;
    world.order("web", START);
    world.replied(&["1 taken"]);
    world.answers = true;
    world.step(Input::Timeout);
    world.replied(&["1 done"]);
    world.order("web", Order::Stop);
    world.replied(&["2 taken"]);
    world.exits("web", Exit::Code(0));
    world.replied(&["2 done"]);
    // What is so already is done at once.
    world.order("web", Order::Stop);
    world.replied(&["3 taken", "3 done"]);
    world.order("web", START);
    world.order("web", START);
    world.replied(&["4 taken", "4 done", "5 taken", "5 done"]);
}

#[test]
fn an_order_is_taken_after_its_record_is_written() {
    let mut fleet = World::with(&[("web", DOWN)]).fleet;
    let effects = fleet.step(BEGINNING, Input::Order(OrderId(1), name("web"), START));
    let place = |is: fn(&Effect) -> bool| effects.iter().position(is).expect("it is there");
    let record = place(|effect| matches!(effect, Effect::Do(_, Action::Remember(_))));
    assert_eq!(record, 0);
    assert!(place(|effect| *effect == Effect::Reply(OrderId(1), Reply::Taken)) > record);
}

#[test]
fn scenario_05_a_restart_is_done_when_a_start_made_after_it_runs() {
    let mut world = World::with(&[("web", ALWAYS)]);
    world.answers = false;
    world.order("web", Order::Restart);
    world.replied(&["1 taken"]);
    world.exits("web", Exit::Code(0));
    world.replied(&[]);
    // What is being made when the order comes is not made after it.
    world.order("web", Order::Restart);
    world.replied(&["2 taken"]);
    world.answers = true;
    world.step(Input::Timeout);
    world.replied(&[]);
    world.exits("web", Exit::Code(0));
    world.replied(&["1 done", "2 done"]);
    assert_eq!(world.starts, 3);
    // Of one that is stopped it is a start.
    let mut world = World::with(&[("web", DOWN)]);
    world.order("web", Order::Restart);
    world.replied(&["1 taken", "1 done"]);
}

#[test]
fn scenario_07_a_contradiction_overtakes_and_the_last_word_is_done() {
    let mut world = World::with(&[("web", DOWN)]);
    world.answers = false;
    world.order("web", START);
    world.order("web", Order::Stop);
    world.replied(&["1 taken", "2 taken", "1 overtaken by Stop"]);
    world.order("web", Order::Stop);
    world.replied(&["3 taken"]);
    world.answers = true;
    world.step(Input::Timeout);
    world.exits("web", Exit::Code(0));
    world.replied(&["2 done", "3 done"]);

    let mut world = World::with(&[("web", &[])]);
    world.order("web", Order::Stop);
    world.order("web", START);
    world.replied(&["1 taken", "2 taken", "1 overtaken by Start { force: false }"]);
    world.exits("web", Exit::Code(0));
    world.replied(&["2 done"]);
    assert_eq!(world.starts, 2);
}

#[test]
fn scenario_08_two_orders_to_start_are_both_done() {
    let mut world = World::with(&[("web", DOWN)]);
    world.answers = false;
    world.order("web", START);
    world.order("web", START);
    world.answers = true;
    world.step(Input::Timeout);
    world.replied(&["1 taken", "2 taken", "1 done", "2 done"]);
    assert_eq!(world.starts, 1);
}

#[test]
fn scenario_09_a_start_of_what_dies_at_once_is_done_and_its_stop_too() {
    let mut world = World::with(&[("web", ALWAYS)]);
    world.exits("web", Exit::Code(1));
    world.order("web", START);
    world.exits("web", Exit::Code(1));
    world.replied(&["1 taken", "1 done"]);
    world.order("web", Order::Stop);
    world.replied(&["2 taken", "2 done"]);
}

#[test]
fn scenario_13_a_start_of_what_has_given_up_is_an_order_like_any_other() {
    let mut world = World::with(&[("web", &[("restart", ""), ("give_up", "1 60")])]);
    world.exits("web", Exit::Code(1));
    world.order("web", START);
    world.replied(&["1 taken", "1 done"]);
}

#[test]
fn a_start_fails_with_the_first_try_and_says_why() {
    let mut world = World::with(&[("web", &[("down", ""), ("restart", "")])]);
    world.answers = false;
    world.order("web", START);
    world.fails_to_spawn("web");
    world.replied(&["1 taken", "1 failed: could not execute `run`: No such file or directory (os error 2)"]);
    // It is tried again all the same, and whoever orders a start then waits for that one.
    world.order("web", START);
    world.answers = true;
    world.step(Input::Timeout);
    world.replied(&["2 taken", "2 done"]);
}

#[test]
fn a_start_that_is_not_ready_in_time_has_failed() {
    let mut world = World::with(&[("web", DAEMON)]);
    world.order("web", START);
    world.waits(Duration::from_secs(20));
    world.replied(&["1 taken", "1 failed: not ready after 7s: there is no pid file"]);
}

#[test]
fn a_oneshot_is_done_when_it_has_done_its_work() {
    let mut world = World::with(&[("job", ONESHOT)]);
    world.order("job", START);
    world.replied(&["1 taken"]);
    world.exits("job", Exit::Code(0));
    world.replied(&["1 done"]);
    world.order("job", START);
    world.exits("job", Exit::Code(3));
    world.replied(&["2 taken", "2 failed: exit 3"]);
}

#[test]
fn on_start_has_a_start_wait_or_fail_and_force_goes_past_it() {
    const GATED: Settings<'_> = &[("down", ""), ("on_start.lua", "return function() end")];
    let hooks = || Hooks { loaded: vec![Hook::OnStart], ..Hooks::default() };
    let mut world = World::with(&[("web", GATED)]);
    world.loads(hooks());
    world.order("web", START);
    world.hears(Hook::OnStart, Answer::Start(Gate::NotYet("no database".to_owned())));
    world.replied(&["1 taken"]);
    assert_eq!(world.machine("web").status().why, "on_start says: no database");
    world.waits(Duration::from_secs(2));
    world.hears(Hook::OnStart, Answer::Start(Gate::Abort("no licence".to_owned())));
    world.replied(&["1 failed: on_start: no licence"]);
    world.order("web", START);
    world.order("web", Order::Start { force: true });
    world.replied(&["2 taken", "3 taken", "2 done", "3 done"]);
    // The next one is asked again.
    world.order("web", Order::Stop);
    world.exits("web", Exit::Code(0));
    world.replies.clear();
    world.order("web", START);
    assert_eq!((world.machine("web").status().phase, world.starts), ("asking", 1));

    let mut world = World::with(&[("web", GATED)]);
    world.loads(Hooks { broken: vec![(Hook::OnStart, "line 1: no".to_owned())], ..Hooks::default() });
    world.order("web", START);
    world.replied(&["1 taken", "1 failed: on_start.lua: line 1: no"]);
    assert_eq!(world.machine("web").standing(), Standing::Held);
    world.order("web", Order::Start { force: true });
    world.replied(&["2 taken", "2 done"]);
    assert_eq!(world.machine("web").trouble(), None);
}

#[test]
fn bad_settings_fail_a_start() {
    let mut world = World::with(&[("web", &[("umask", "no")])]);
    world.order("web", START);
    let why = world.machine("web").status().why;
    world.replied(&["1 taken", &format!("1 failed: {why}")]);
    assert!(why.contains("umask"), "{why}");
}

#[test]
fn signals_are_sent_at_once_or_refused() {
    let mut world = World::with(&[("web", ALWAYS)]);
    world.order("web", Order::Reload);
    world.order("web", Order::Signal(Signal::USR1));
    world.replied(&["1 taken", "1 done", "2 taken", "2 done"]);
    world.order("web", Order::Stop);
    world.order("web", Order::Reload);
    world.order("web", Order::Signal(Signal::KILL));
    world.replied(&["3 taken", "4 refused: it is being stopped", "5 taken", "5 done"]);
    world.exits("web", Exit::Code(0));
    world.order("web", Order::Signal(Signal::USR1));
    world.order("we", START);
    world.replied(&["3 done", "6 refused: it is not running", "7 refused: there is no such profile"]);
}

#[test]
fn a_removal_fails_what_was_to_run_and_does_what_was_to_stop() {
    let mut world = World::with(&[("web", DOWN), ("old", &[])]);
    world.answers = false;
    world.order("web", START);
    world.order("old", Order::Stop);
    world.scan(&[]);
    world.order("web", START);
    world.replied(&[
        "1 taken",
        "2 taken",
        "1 failed: its directory is gone",
        "3 refused: its directory is gone",
    ]);
    world.exits("old", Exit::Code(0));
    world.replied(&["2 done"]);
}

#[test]
fn a_drain_fails_what_was_to_run_and_refuses_what_comes() {
    let mut world = World::with(&[("web", DOWN), ("old", &[])]);
    world.answers = false;
    world.order("web", START);
    world.order("old", Order::Stop);
    world.done.clear();
    world.step(Input::Shutdown("maintenance".to_owned()));
    assert_eq!(
        &world.done[..2],
        [
            "=> remember the drain, with 0",
            "ProcLaunch told to shut down (maintenance). Stopping all profiles."
        ]
    );
    world.order("old", START);
    world.replied(&[
        "1 taken",
        "2 taken",
        "1 failed: all profiles are being stopped",
        "3 refused: all profiles are being stopped",
    ]);
    world.step(Input::Signal(Signal::HUP));
    world.replied(&["2 failed: ProcLaunch ends, and leaves it as it is"]);
    assert_eq!(world.fleet.ended(), Some(111));
}

#[test]
fn an_order_during_the_loading_of_hooks_is_taken_once_it_is_written_down() {
    const TICKS: Settings<'_> = &[("on_tick.lua", "return function() end")];
    let mut world = World::new(false);
    world.recall(&[("web", lives(101), Some(60))]);
    world.scan(&[("web", TICKS)]);
    world.order("web", Order::Restart);
    world.order("web", START);
    world.replied(&[]);
    world.loads(Hooks { loaded: vec![Hook::OnTick], ..Hooks::default() });
    world.replied(&["1 taken", "2 taken"]);
    world.exits("web", Exit::Code(0));
    world.replied(&["1 done", "2 done"]);
    assert_eq!(world.starts, 1);
}

#[test]
fn others_are_told_of_everything_that_happens() {
    let mut world = World::with(&[("web", &[("restart", ""), ("give_up", "1 60")])]);
    world.exits("web", Exit::Code(1));
    world.scan(&[]);
    assert_eq!(
        world.happened,
        [
            "web profile_new  -> : its directory is there",
            "web transition stopped -> starting: no `down` file holds it",
            "web transition starting -> running: pid 101 runs pid 101",
            "web transition running -> stopped: exit 1 (exit 1)",
            "web gave_up running -> stopped: died once within 1m 0s (exit 1)",
            "web profile_gone  -> : its directory is gone, and nothing of it lives",
        ]
    );
}
