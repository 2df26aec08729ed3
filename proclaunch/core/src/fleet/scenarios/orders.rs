//! Orders of operators.

use super::*;

#[test]
fn scenario_02_down_holds_until_an_order_which_the_next_supervisor_remembers() {
    let down: Settings<'_> = &[("down", "")];
    let mut world = World::with(&[("web", down)]);
    world.did(&[]);
    world.order("web", Order::Start { force: false });
    world.did(&["web starting", "web => spawn", "web running pid 101"]);
    let ordered = Remembered { order: Some(Want::Up), ..Remembered::default() };
    for (remembered, up, expect) in [
        (
            Remembered { order: Some(Want::Up), ..lives(101) },
            Some(60),
            &["web => adopt pid 101", "web running pid 101 (adopted, up 1m 0s)"][..],
        ),
        (ordered, None, &["web starting", "web => spawn", "web running pid 101"]),
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
    world.order("web", Order::Start { force: false });
    world.order("web", Order::Start { force: false });
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
    world.order("web", Order::Start { force: false });
    world.order("web", Order::Start { force: false });
    world.answers = true;
    world.order("web", Order::Start { force: false });
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
    world.order("web", Order::Start { force: false });
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
