//! How a supervisor ends, and what the next one makes of what it left.

use super::*;

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
