//! Each promise about all profiles together: `(inputs, what is done)`, straight through [`Fleet::step`].
//!
//! The keeper of these fleets answers by itself: it starts what it is asked to start, as the pids 101, 102, ...

use std::time::Duration;

use super::*;
use crate::exit::Exit;
use crate::ids::{ProcId, Ticket};
use crate::machine::{Main, Order, Remembered, Rest, Want};
use crate::profile::Backoff;
use crate::signal::Signal;
use crate::testing::{BEGINNING, Settings, name, parsed, say, show};

const ALWAYS: Settings<'_> = &[("restart", "")];

/// Profiles by name, with their files.
type Profiles<'a> = &'a [(&'a str, Settings<'a>)];

struct World {
    fleet: Fleet,
    now: Moment,
    /// What runs, by profile.
    running: BTreeMap<ProfileName, (Ticket, ProcId)>,
    asked: BTreeMap<ProfileName, Ticket>,
    starts: i32,
    /// Whether the keeper answers at once.
    answers: bool,
    done: Vec<String>,
}

impl World {
    fn new(drain_on_term: bool) -> Self {
        Self {
            fleet: Fleet::new(Config { instance: 1, drain_on_term }),
            now: BEGINNING,
            running: BTreeMap::new(),
            asked: BTreeMap::new(),
            starts: 0,
            answers: true,
            done: Vec::new(),
        }
    }

    /// A fleet whose first scan has found these, and what that did.
    fn with(profiles: Profiles<'_>) -> Self {
        let mut world = Self::new(false);
        world.scan(profiles);
        world
    }

    fn step(&mut self, input: Input) {
        let effects = self.fleet.step(self.now, input);
        for effect in effects {
            self.perform(effect);
        }
        while self.answers
            && let Some((name, ticket)) = self.asked.pop_first()
        {
            self.starts += 1;
            let id = ProcId { pid: 100 + self.starts, start: 1 };
            self.running.insert(name.clone(), (ticket, id));
            self.step(Input::Report(Report::Spawned { name, ticket, id }));
        }
    }

    fn perform(&mut self, effect: Effect) {
        let text = match effect {
            Effect::Do(name, action) => {
                let newest = match &action {
                    Action::Spawn { ticket, .. } => {
                        assert!(!self.running.contains_key(&name), "{name} is started twice");
                        assert_eq!(self.asked.insert(name.clone(), *ticket), None, "{name} is started twice");
                        Some(*ticket)
                    }
                    Action::Adopt { ticket, id } => {
                        self.running.insert(name.clone(), (*ticket, *id));
                        Some(*ticket)
                    }
                    _ => self.running.get(&name).map(|(ticket, _)| *ticket),
                };
                show(&action, newest, Backoff::default()).map(|text| format!("{name} {text}"))
            }
            Effect::Log(Entry::Profile(_, Said::Created | Said::Deleting)) => None,
            Effect::Log(entry @ (Entry::Own(_) | Entry::Profile(..))) => Some(words(&entry)),
            Effect::ReopenLog => Some("=> reopen the log".to_owned()),
            Effect::Forget(name) => Some(format!("{name} => forget")),
            Effect::ForgetAll => Some("=> forget all".to_owned()),
        };
        self.done.extend(text);
    }

    fn scan(&mut self, profiles: Profiles<'_>) {
        self.step(Input::Scan(Scan { complete: true, profiles: found(profiles), ..Scan::default() }));
    }

    /// A scan of some directories alone.
    fn look(&mut self, profiles: Profiles<'_>, missing: &[&str]) {
        let missing = missing.iter().map(|text| name(text)).collect();
        self.step(Input::Scan(Scan { profiles: found(profiles), missing, ..Scan::default() }));
    }

    fn order(&mut self, profile: &str, order: Order) {
        self.step(Input::Order(name(profile), order));
    }

    fn exits(&mut self, profile: &str, exit: Exit) {
        let name = name(profile);
        let (ticket, id) = self.running.remove(&name).expect("it runs");
        self.step(Input::Report(Report::Exited { name, ticket, id, exit, remains: Vec::new() }));
    }

    fn waits(&mut self, duration: Duration) {
        let end = self.now.plus(duration);
        while let Some(at) = self.fleet.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.step(Input::Timeout);
        }
        self.now = end;
    }

    fn recall(&mut self, remembered: &[(&str, Remembered, Option<u64>)]) {
        let recalled = remembered.iter().map(|(profile, remembered, up)| {
            let up = up.map(Duration::from_secs);
            (name(profile), Recalled { remembered: *remembered, up })
        });
        self.step(Input::Recall(recalled.collect()));
    }

    /// What was done since this was last asked.
    #[track_caller]
    fn did(&mut self, expect: &[&str]) {
        assert_eq!(std::mem::take(&mut self.done), expect);
    }

    fn machine(&self, profile: &str) -> &Machine {
        self.fleet.machine(&name(profile)).expect("it is kept")
    }
}

/// A line from its tag on.
fn words(entry: &Entry) -> String {
    crate::log::line(0, entry).split_off(31)
}

fn found(profiles: Profiles<'_>) -> Vec<(ProfileName, crate::profile::Parsed)> {
    profiles.iter().map(|(profile, settings)| (name(profile), parsed(settings))).collect()
}

const fn lives(pid: i32) -> Remembered {
    let main = Main { ticket: Ticket { instance: 9, serial: 1 }, id: ProcId { pid, start: 1 } };
    Remembered { order: None, process: Some(main), rest: None }
}

#[test]
fn scenario_02_down_holds_until_an_order_which_the_next_supervisor_remembers() {
    let down: Settings<'_> = &[("down", "")];
    let mut world = World::with(&[("web", down)]);
    world.did(&[]);
    world.order("web", Order::Start);
    world.did(&["web starting", "web => spawn", "web running pid 101"]);
    const UP: Remembered = Remembered { order: Some(Want::Up), process: None, rest: None };
    for (remembered, up, expect) in [
        (
            Remembered { order: Some(Want::Up), ..lives(101) },
            Some(60),
            &["web => adopt pid 101", "web running pid 101 (adopted, up 1m 0s)"][..],
        ),
        (UP, None, &["web starting", "web => spawn", "web running pid 101"]),
    ] {
        let mut next = World::new(false);
        next.recall(&[("web", remembered, up)]);
        next.scan(&[("web", down)]);
        next.did(expect);
    }
    let mut next = World::new(false);
    next.recall(&[("web", Remembered { order: Some(Want::Down), ..Remembered::default() }, None)]);
    next.scan(&[("web", ALWAYS)]);
    next.did(&[]);
}

#[test]
fn scenario_07_a_stop_while_starting_ends_stopped() {
    let mut world = World::new(false);
    world.answers = false;
    world.scan(&[("web", ALWAYS)]);
    world.order("web", Order::Stop);
    world.answers = true;
    world.order("web", Order::Stop);
    world.did(&["web starting", "web => spawn", "web stopping", "web => TERM to main"]);
    world.exits("web", Exit::Code(0));
    world.waits(Duration::from_secs(1_000));
    world.did(&["web stopped (pid 101, exit 0)"]);
    assert_eq!(world.machine("web").state(), StateName::Stopped);
}

#[test]
fn scenario_07_a_start_while_stopping_ends_running_by_one_start() {
    let mut world = World::with(&[("web", &[])]);
    world.order("web", Order::Stop);
    world.order("web", Order::Start);
    world.order("web", Order::Start);
    world.exits("web", Exit::Code(0));
    world.waits(Duration::from_secs(1_000));
    world.did(&[
        "web starting",
        "web => spawn",
        "web running pid 101",
        "web stopping",
        "web => TERM to main",
        "web stopped (pid 101, exit 0)",
        "web starting",
        "web => spawn",
        "web running pid 102",
    ]);
}

#[test]
fn scenario_08_two_orders_to_start_are_one_start() {
    let mut world = World::with(&[("web", &[("down", "")])]);
    world.answers = false;
    world.order("web", Order::Start);
    world.order("web", Order::Start);
    world.answers = true;
    world.order("web", Order::Start);
    world.did(&["web starting", "web => spawn", "web running pid 101"]);
}

#[test]
fn scenario_09_a_crash_loop_is_stopped_by_order_and_never_shown_with_a_pid() {
    let mut world = World::with(&[("web", ALWAYS)]);
    world.exits("web", Exit::Code(1));
    assert_eq!(world.machine("web").process(), None);
    world.order("web", Order::Stop);
    world.waits(Duration::from_secs(1_000));
    assert_eq!((world.machine("web").state(), world.machine("web").process()), (StateName::Stopped, None));
    assert_eq!((world.starts, world.fleet.deadline()), (1, None));
}

#[test]
fn scenario_13_given_up_and_started_again_by_order_with_a_count_of_nought() {
    const SETTINGS: Settings<'_> = &[("restart", ""), ("give_up", "3 60"), ("backoff", "0.2 60")];
    let mut world = World::with(&[("web", SETTINGS)]);
    for _ in 0..2 {
        world.exits("web", Exit::Code(1));
        world.waits(Duration::from_secs(1));
    }
    world.done.clear();
    world.exits("web", Exit::Code(1));
    world.waits(Duration::from_secs(1_000));
    world.did(&[
        "web died (pid 103, exit 1, after 0.5s, given up)",
        "web gave up (died 3 times within 1m 0s)",
    ]);
    world.order("web", Order::Start);
    world.did(&["web starting", "web => spawn", "web running pid 104"]);
    for _ in 0..2 {
        world.exits("web", Exit::Code(1));
        world.waits(Duration::from_secs(1));
    }
    assert_eq!(world.starts, 6, "both deaths were followed by a start");
}

#[test]
fn scenario_36_an_order_reaches_the_profile_of_exactly_that_name() {
    let mut world = World::with(&[("foo", ALWAYS), ("foobar", ALWAYS)]);
    world.done.clear();
    world.order("foo", Order::Stop);
    world.order("fo", Order::Stop);
    world.did(&["foo stopping", "foo => TERM to main"]);
}

#[test]
fn scenario_10_a_scan_touches_only_what_differs() {
    let mut world = World::with(&[("a", ALWAYS), ("b", ALWAYS)]);
    world.done.clear();
    world.scan(&[("a", ALWAYS), ("b", ALWAYS)]);
    world.did(&[]);
    world.scan(&[("a", ALWAYS), ("b", &[("restart", ""), ("run", "other")]), ("c", ALWAYS)]);
    world.did(&[
        "b changed",
        "b stopping",
        "b => TERM to main",
        "c starting",
        "c => spawn",
        "c running pid 103",
    ]);
    world.exits("b", Exit::Code(0));
    world.done.clear();
    // Renamed: gone under one name and new under another.
    world.scan(&[("b", &[("restart", ""), ("run", "other")]), ("c", ALWAYS), ("z", ALWAYS)]);
    world.did(&[
        "a disappeared. Stopping and not restarting.",
        "a stopping",
        "a => TERM to main",
        "z starting",
        "z => spawn",
        "z running pid 105",
    ]);
    world.exits("a", Exit::Code(0));
    world.did(&["a stopped (pid 101, exit 0)", "a => forget"]);
}

#[test]
fn a_look_at_one_directory_says_nothing_of_the_others() {
    let mut world = World::with(&[("a", ALWAYS), ("b", ALWAYS)]);
    world.done.clear();
    world.look(&[("b", ALWAYS)], &[]);
    world.did(&[]);
    world.look(&[("b", ALWAYS)], &["a", "never-was"]);
    world.look(&[], &["a"]);
    world.did(&["a disappeared. Stopping and not restarting.", "a stopping", "a => TERM to main"]);
    // Back before it is stopped: the same machine goes on.
    world.look(&[("a", ALWAYS)], &[]);
    world.exits("a", Exit::Code(0));
    world.did(&["a stopped (pid 101, exit 0)", "a starting", "a => spawn", "a running pid 103"]);
}

#[test]
fn scenario_38_a_problem_is_said_once_until_it_is_gone() {
    const BAD: Settings<'_> = &[("stop_signal", "TREM"), ("nice", "99")];
    const SAID: [&str; 2] = [
        "`stop_signal` says `TREM`: not a signal; write a name such as TERM, a number from 1 to 64, or a \
         sequence such as `QUIT 30 TERM 5 KILL`",
        "`nice` says `99`: not a nice value; write a number from -20 to 19",
    ];
    let said = |words: &str, which: &[usize]| -> Vec<String> {
        which.iter().map(|one| format!("web {words}: {}", SAID[*one])).collect()
    };
    let mut world = World::with(&[("web", BAD), ("other", ALWAYS)]);
    let mut lines = std::mem::take(&mut world.done);
    lines.retain(|line| line.starts_with("web"));
    lines.sort();
    let mut expect = said("is not started", &[0, 1]);
    expect.sort();
    assert_eq!(lines, expect);
    world.scan(&[("web", BAD), ("other", ALWAYS)]);
    world.did(&[]);
    // One is mended, the other is no news.
    world.scan(&[("web", &[("stop_signal", "TREM")]), ("other", ALWAYS)]);
    world.did(&[]);
    world.scan(&[("web", &[]), ("other", ALWAYS)]);
    world.did(&["web starting", "web => spawn", "web running pid 102"]);
    // Broken again while it runs: said again, and nothing happens to it.
    world.scan(&[("web", BAD), ("other", ALWAYS)]);
    let mut lines = std::mem::take(&mut world.done);
    lines.sort();
    let mut expect = said("keeps its last good settings", &[0, 1]);
    expect.sort();
    assert_eq!(lines, expect);
    assert_eq!(world.machine("web").state(), StateName::Running);
    world.order("web", Order::Stop);
    world.did(&["web stopping", "web => TERM to main"]);
}

#[test]
fn scenario_11_a_half_written_profile_is_said_once_and_starts_when_it_is_complete() {
    let mut unfinished = parsed(ALWAYS);
    let missing = crate::profile::Fault::Missing;
    unfinished.profile = Err(vec![Problem { file: "run".to_owned(), line: None, fault: missing }]);
    let mut world = World::new(false);
    for _ in 0..3 {
        let profiles = vec![(name("web"), unfinished.clone())];
        world.step(Input::Scan(Scan { complete: true, profiles, ..Scan::default() }));
    }
    world.did(&["web is not started: has no `run`"]);
    world.scan(&[("web", ALWAYS)]);
    world.did(&["web starting", "web => spawn", "web running pid 101"]);
}

#[test]
fn warnings_and_remarks_are_said_once_until_they_are_gone() {
    const NEAR: Settings<'_> = &[("restart", ""), ("stop_singal", "INT")];
    const WARNING: &str = "web warning: `stop_singal` is not a setting; did you mean `stop_signal`?";
    let bad_name = Own::BadDirectoryName { name: "b\u{e4}d".to_owned() };
    let scan = |settings, remarks: &[Own]| {
        let profiles = found(&[("web", settings)]);
        Input::Scan(Scan { complete: true, profiles, remarks: remarks.to_vec(), ..Scan::default() })
    };
    let mut world = World::with(&[("web", ALWAYS)]);
    world.done.clear();
    let remark = words(&Entry::Own(bad_name.clone()));
    for _ in 0..2 {
        for _ in 0..3 {
            world.step(scan(NEAR, std::slice::from_ref(&bad_name)));
        }
        world.did(&[WARNING, &remark]);
        world.step(scan(ALWAYS, &[]));
        world.did(&[]);
    }
}

#[test]
fn a_scan_that_fails_is_said_once_and_changes_nothing() {
    let mut world = World::with(&[("web", ALWAYS)]);
    world.done.clear();
    let failed = || Input::ScanFailed("read profiles directory `/p`: Permission denied".to_owned());
    for _ in 0..3 {
        world.step(failed());
    }
    world.did(&[
        "ProcLaunch failed to read profiles directory `/p`: Permission denied; every profile stays as it is until \
         it is back",
    ]);
    world.exits("web", Exit::Code(1));
    world.waits(Duration::from_secs(1));
    assert_eq!(world.machine("web").state(), StateName::Running);
    world.done.clear();
    world.scan(&[("web", ALWAYS)]);
    world.did(&["ProcLaunch profiles directory is back"]);
    world.step(failed());
    assert_eq!(world.done.len(), 1, "it is said again after it was back");
}

#[test]
fn scenario_24_a_leave_ends_at_once_and_touches_nothing() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut world = World::with(&[("a", ALWAYS), ("b", ALWAYS)]);
        world.done.clear();
        world.step(Input::Signal(signal));
        world.did(&["ProcLaunch exiting"]);
        assert_eq!(world.fleet.ended(), Some(0));
    }
}

#[test]
fn scenario_23_a_drain_stops_all_and_ends_when_the_last_is_gone() {
    for (signal, on_term, code) in
        [(Signal::HUP, false, 111), (Signal::HUP, true, 111), (Signal::TERM, true, 0), (Signal::INT, true, 0)]
    {
        let mut world = World::new(on_term);
        world.scan(&[("a", ALWAYS), ("b", ALWAYS), ("c", &[("down", "")])]);
        world.done.clear();
        world.step(Input::Signal(signal));
        world.did(&[
            &format!("ProcLaunch received {signal}. Stopping all profiles."),
            "a stopping",
            "a => TERM to main",
            "b stopping",
            "b => TERM to main",
        ]);
        // The last order: nothing begins any more.
        world.order("c", Order::Start);
        world.scan(&[("a", ALWAYS), ("d", ALWAYS)]);
        world.exits("b", Exit::Code(1));
        assert_eq!(world.fleet.ended(), None);
        world.exits("a", Exit::Code(0));
        world.did(&[
            "b stopped (pid 102, exit 1)",
            "a stopped (pid 101, exit 0)",
            "ProcLaunch all profiles stopped. Exiting.",
            "=> forget all",
        ]);
        assert_eq!(world.fleet.ended(), Some(code));
    }
}

#[test]
fn scenario_23_a_further_signal_during_a_drain_ends_at_once_with_111() {
    for (second, says) in [
        (Signal::HUP, "ProcLaunch received HUP again. Exiting immediately."),
        (Signal::TERM, "ProcLaunch received TERM while stopping. Exiting immediately."),
        (Signal::INT, "ProcLaunch received INT while stopping. Exiting immediately."),
    ] {
        let mut world = World::with(&[("a", ALWAYS)]);
        world.step(Input::Signal(Signal::HUP));
        world.done.clear();
        world.step(Input::Signal(second));
        world.did(&[says]);
        assert_eq!(world.fleet.ended(), Some(111));
    }
}

#[test]
fn a_drain_of_nothing_ends_at_once() {
    let mut world = World::with(&[("a", &[("down", "")])]);
    world.step(Input::Signal(Signal::HUP));
    world.did(&[
        "ProcLaunch received HUP. Stopping all profiles.",
        "ProcLaunch all profiles stopped. Exiting.",
        "=> forget all",
    ]);
    assert_eq!(world.fleet.ended(), Some(111));
}

#[test]
fn a_drain_catches_a_start_that_is_under_way_and_one_in_backoff() {
    let mut world = World::with(&[("a", ALWAYS)]);
    world.exits("a", Exit::Code(1));
    world.answers = false;
    world.scan(&[("a", ALWAYS), ("b", ALWAYS)]);
    world.done.clear();
    world.step(Input::Signal(Signal::HUP));
    world.did(&["ProcLaunch received HUP. Stopping all profiles.", "b stopping"]);
    world.answers = true;
    world.step(Input::Timeout);
    world.exits("b", Exit::Code(0));
    assert_eq!(world.fleet.ended(), Some(111));
    assert_eq!(world.starts, 2);
}

#[test]
fn scenario_24_what_an_earlier_supervisor_left_is_adopted_and_the_rest_is_as_it_was() {
    let mut world = World::new(false);
    world.recall(&[
        ("done", Remembered { rest: Some(Rest::Done), ..Remembered::default() }, None),
        ("gone", lives(203), Some(5)),
        ("forgotten", Remembered::default(), None),
        ("lives", lives(201), Some(60)),
        ("died", lives(202), None),
    ]);
    world.did(&[]);
    let done: Settings<'_> = &[("oneshot", "")];
    world.scan(&[("died", ALWAYS), ("done", done), ("lives", ALWAYS), ("new", ALWAYS)]);
    world.did(&[
        "died died (pid 202, exit unknown, while no supervisor ran, restart in 0.2s)",
        "lives => adopt pid 201",
        "lives running pid 201 (adopted, up 1m 0s)",
        "new starting",
        "new => spawn",
        "forgotten => forget",
        "gone => adopt pid 203",
        "gone running pid 203 (adopted, up 5s)",
        "gone disappeared. Stopping and not restarting.",
        "gone stopping",
        "gone => TERM to main",
        "new running pid 101",
    ]);
    world.waits(Duration::from_millis(220));
    world.did(&["died starting", "died => spawn", "died running pid 102"]);
    assert_eq!(world.machine("done").idle(), Some(Idle::Rest(Rest::Done)));
}

#[test]
fn what_was_recalled_waits_for_a_scan_that_works_and_is_drained_without_one() {
    let mut world = World::new(false);
    world.recall(&[("web", lives(201), Some(60)), ("dead", lives(202), None)]);
    world.step(Input::ScanFailed("read it".to_owned()));
    world.done.clear();
    world.step(Input::Signal(Signal::HUP));
    world.did(&[
        "ProcLaunch received HUP. Stopping all profiles.",
        "dead => forget",
        "web => adopt pid 201",
        "web running pid 201 (adopted, up 1m 0s)",
        "web stopping",
        "web => TERM to main",
    ]);
    world.exits("web", Exit::Code(0));
    assert_eq!(world.fleet.ended(), Some(111));
}

#[test]
fn usr1_reopens_the_log_and_usr2_is_answered() {
    let mut world = World::with(&[]);
    world.step(Input::Signal(Signal::USR1));
    world.step(Input::Signal(Signal::USR2));
    world.did(&[
        "=> reopen the log",
        "ProcLaunch received USR2. This version cannot upgrade in place; nothing is done.",
    ]);
}

#[test]
fn a_process_that_comes_after_its_profile_has_gone_is_killed() {
    let mut world = World::with(&[]);
    let ticket = Ticket { instance: 1, serial: 77 };
    let id = ProcId { pid: 300, start: 1 };
    world.step(Input::Report(Report::Spawned { name: name("web"), ticket, id }));
    world.did(&["web => kill tree of another start"]);
}
