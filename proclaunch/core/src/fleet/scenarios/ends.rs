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
            &format!("=> remember the drain, with {code}"),
            &format!("ProcLaunch received {signal}. Stopping all profiles."),
            "a stopping",
            "a => TERM to main",
            "b stopping",
            "b => TERM to main",
        ]);
        // The last order: nothing begins any more.
        world.order("c", Order::Start { force: false });
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
        world.did(&["=> remember no drain", says]);
        assert_eq!(world.fleet.ended(), Some(111));
    }
}

#[test]
fn a_drain_of_nothing_ends_at_once() {
    let mut world = World::with(&[("a", &[("down", "")])]);
    world.step(Input::Signal(Signal::HUP));
    world.did(&[
        "=> remember the drain, with 111",
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
    world.did(&[
        "=> remember the drain, with 111",
        "ProcLaunch received HUP. Stopping all profiles.",
        "b stopping",
    ]);
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
        ("done", Remembered { phase: Phase::Rest(Rest::Done), ..Remembered::default() }, None),
        ("gone", lives(203), Some(5)),
        ("forgotten", Remembered::default(), None),
        ("lives", lives(201), Some(60)),
        ("died", lives(202), None),
    ]);
    world.did(&[]);
    let done: Settings<'_> = &[("oneshot", "")];
    world.scan(&[("died", ALWAYS), ("done", done), ("lives", ALWAYS), ("new", ALWAYS)]);
    world.did(&[
        "died => adopt pid 202",
        "died died (pid 202, exit unknown, while no supervisor ran, restart in 0.2s)",
        "died => kill tree",
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
    world.gone("died");
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
        "=> remember the drain, with 111",
        "ProcLaunch received HUP. Stopping all profiles.",
        "dead => adopt pid 202",
        "dead died (pid 202, exit unknown, while no supervisor ran, ending)",
        "dead => kill tree",
        "web => adopt pid 201",
        "web running pid 201 (adopted, up 1m 0s)",
        "web stopping",
        "web => TERM to main",
    ]);
    world.gone("dead");
    world.exits("web", Exit::Code(0));
    assert_eq!(world.fleet.ended(), Some(111));
}

#[test]
fn usr1_reopens_the_log_and_usr2_upgrades() {
    let mut world = World::with(&[]);
    world.step(Input::Signal(Signal::USR1));
    world.step(Input::Signal(Signal::USR2));
    world.did(&["=> reopen the log", "=> upgrade"]);
}

#[test]
fn a_process_that_comes_after_its_profile_has_gone_is_killed() {
    let mut world = World::with(&[]);
    let ticket = Ticket { instance: 1, serial: 77 };
    let id = ProcId { pid: 300, start: 1 };
    world.step(Input::Report(Report::Spawned { name: name("web"), ticket, id }));
    world.did(&["web => kill tree of another start"]);
}

/// A supervisor that was draining, of which the next one knows.
fn drain() -> Memo {
    Memo { draining: Some(Draining { code: 111, why: "received HUP".to_owned() }) }
}

#[test]
fn a_drain_goes_on_under_the_next_supervisor_by_the_settings_that_its_scan_shows() {
    let mut world = World::new(false);
    let waits = Remembered { phase: Phase::Backoff { until: BEGINNING }, ..Remembered::default() };
    world.recall_with(drain(), &[("waits", waits, None), ("web", lives(201), Some(60))]);
    world.did(&["ProcLaunch goes on stopping all profiles (received HUP)"]);
    assert_eq!(world.fleet.ended(), None);
    world.scan(&[("waits", ALWAYS), ("web", &[("stop_signal", "INT")]), ("new", ALWAYS)]);
    world.did(&[
        "waits => forget",
        "web => adopt pid 201",
        "web running pid 201 (adopted, up 1m 0s)",
        "web stopping",
        "web => INT to main",
    ]);
    world.exits("web", Exit::Code(0));
    world.did(&[
        "web stopped (pid 201, exit 0)",
        "ProcLaunch all profiles stopped. Exiting.",
        "=> forget all",
    ]);
    assert_eq!(world.fleet.ended(), Some(111));
}

#[test]
fn a_drain_goes_on_without_a_scan_that_works() {
    let mut world = World::new(false);
    world.recall_with(drain(), &[("web", lives(201), Some(60))]);
    world.step(Input::ScanFailed("read it".to_owned()));
    world.exits("web", Exit::Code(0));
    assert_eq!(world.fleet.ended(), Some(111));
    let mut world = World::new(false);
    world.recall_with(drain(), &[]);
    assert_eq!(world.fleet.ended(), Some(111), "all was stopped, and only the end is left");
}

/// A fleet that ends with `job`, and has `web` besides.
fn ending_with_job(job: Settings<'_>) -> World {
    let mut world = World::new(false);
    world.fleet = Fleet::new(Config { instance: 1, drain_on_term: false, exit_with: Some(name("job")) });
    world.scan(&[("job", job), ("web", ALWAYS)]);
    world.done.clear();
    world
}

#[test]
fn the_fleet_ends_with_the_exit_code_of_the_profile_that_it_was_told_of() {
    let kill = Exit::Signal { signal: Signal::KILL, core: false };
    for (settings, exit, code, how) in [
        (&[("oneshot", "")][..], Exit::Code(0), 0, "exit 0"),
        (&[], Exit::Code(3), 3, "exit 3"),
        (&[], kill, 137, "signal KILL"),
        (&[], Exit::OutOfMemory, 137, "signal KILL, out of memory"),
        (&[], Exit::Unknown, 111, "exit unknown"),
        (&[("restart", ""), ("give_up", "1 9")], Exit::Code(4), 4, "exit 4"),
    ] {
        let mut world = ending_with_job(settings);
        world.exits("job", exit);
        let says = format!("ProcLaunch exits with job ({how}). Stopping all profiles.");
        let done = std::mem::take(&mut world.done);
        let at = done.iter().position(|done| *done == says).unwrap_or_else(|| panic!("{says}: {done:?}"));
        assert_eq!(done[at - 1], format!("=> remember the drain, with {code}"));
        assert_eq!(done[at + 1..], ["web stopping", "web => TERM to main"]);
        world.exits("web", Exit::Code(0));
        assert_eq!(world.fleet.ended(), Some(code));
    }
}

#[test]
fn what_is_restarted_or_stopped_by_order_is_no_end_that_the_fleet_ends_with() {
    let mut world = ending_with_job(ALWAYS);
    world.exits("job", Exit::Code(3));
    world.waits(Duration::from_secs(1));
    world.order("job", Order::Stop);
    world.exits("job", Exit::Code(0));
    world.exits("web", Exit::Code(0));
    assert_eq!(world.fleet.ended(), None);
    assert!(!world.done.iter().any(|done| done.contains("exits with")), "{:?}", world.done);
}

#[test]
fn what_ends_before_a_scan_has_shown_its_settings_is_not_overlooked() {
    let mut world = World::new(false);
    world.recall(&[("web", lives(201), Some(60))]);
    let (ticket, id) = (Ticket { instance: 9, serial: 1 }, ProcId { pid: 201, start: 1 });
    let exited = Report::Exited { name: name("web"), ticket, id, exit: Exit::Code(3), remains: Vec::new() };
    world.step(Input::Report(exited));
    world.did(&[]);
    world.scan(&[("web", &[])]);
    let died = world.done.iter().filter(|line| line.starts_with("web died (pid 201, exit 3, ")).count();
    assert_eq!(died, 1, "{:?}", world.done);
}
