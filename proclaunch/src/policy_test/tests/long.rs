//! Hours pass quickly, take no more memory than minutes, and are the same each time.

use std::time::Duration;

use super::{passes, tested};

const CHECK: (&str, &str) =
    ("web/health.lua", "return check.http{ url = 'http://h/up', every = 1, times = 3, timeout = 1 }");

#[test]
fn an_hour_takes_as_much_memory_as_ten_minutes() {
    let memory = |seconds: u32| {
        let tested = tested(&[CHECK], &format!("world.http('/up', 200) world.advance({seconds})"));
        assert!(tested.failure.is_none(), "{:?}", tested.failure);
        assert!(tested.simulated >= Duration::from_secs(seconds.into()));
        tested.memory
    };
    let (short, long) = (memory(600), memory(3600));
    assert!(short > 10_000, "{short}");
    assert!(long < short + 256 * 1024, "{short} bytes after ten minutes, {long} after an hour");
}

#[test]
fn a_month_of_nothing_takes_no_time() {
    let tested = tested(&[], "world.advance(30 * 24 * HOUR) expect.state('running')");
    assert!(tested.failure.is_none(), "{:?}", tested.failure);
    assert!(tested.real < tested.simulated / 1000, "{:?}", tested.real);
}

#[test]
fn the_same_test_gives_the_same_time_line() {
    let files = [CHECK, ("web/restart", "always"), ("web/on_exit.lua", "return function() sleep(1.5) end")];
    let body = "world.http('/up', 200) world.advance(7) world.runs_for(3, { code = 1 }) world.advance(200)
        world.http('/up', { status = 200, takes = 0.7 }) world.advance(60) world.crash_supervisor()
        world.advance(60) expect.state('gone')";
    let first = tested(&files, body);
    assert!(first.timeline.len() > 20, "{:?}", first.timeline);
    for _ in 0..3 {
        assert_eq!(tested(&files, body).timeline, first.timeline);
    }
}

#[test]
fn variables_survive_a_crash_of_the_supervisor_and_the_process_does_too() {
    let files = [("web/on_tick.lua", "return function(s) s.vars.n = (s.vars.n or 0) + 1 end")];
    let body = "world.advance(11) expect.vars{ n = 2 } world.crash_supervisor() expect.log('adopted')
        expect.starts(1) expect.vars{ n = 2 } world.advance(6) expect.vars{ n = 3 }";
    passes(&files, body);
}

#[test]
fn a_check_in_flight_when_the_process_dies_is_dropped() {
    let files =
        [("web/restart", "always"), ("web/health.lua", "return check.http{ url = 'http://h/', every = 10 }")];
    let body = "world.http('/', { status = 500, takes = 4 }) world.advance(12) world.exits{ code = 1 }
        world.advance(7) expect.health('unknown') expect.state('gone')";
    let timeline = tested(&files, body).timeline.join("\n");
    assert!(timeline.contains("+12s  hook    health is dropped"), "{timeline}");
    assert!(!timeline.contains("health -> "), "{timeline}");
}

#[test]
fn a_hook_that_spins_takes_no_time_of_the_world() {
    let files = [
        ("web/on_tick.lua", "return function() while true do end end"),
        ("web/health.lua", "return { every = 5, times = 1, function() return true end }"),
    ];
    let body = "world.advance(12) expect.health('healthy')
        expect.log('hook on_tick failed (web/on_tick.lua: used up its 100 ms of CPU)', 2)";
    passes(&files, body);
}
