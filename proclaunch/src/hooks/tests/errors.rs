//! Errors name the file and the line of the hook's own code, in one bounded line.

use proclaunch_core::hook::Hook;

use super::support::failure;

#[test]
fn an_error_names_its_line() {
    for (body, expected) in [
        ("error('boom')", "web/health.lua:2: boom"),
        ("error('boom', 0)", "web/health.lua: boom"),
        ("error{ msg = 'from a table' }", "web/health.lua: from a table"),
        ("error{ message = 'from a table' }", "web/health.lua: from a table"),
        (
            "error(setmetatable({}, { __tostring = function() return 'own words' end }))",
            "web/health.lua: own words",
        ),
        (
            "error(setmetatable({}, { __tostring = function() while true do end end }))",
            "web/health.lua: raised a table without a message",
        ),
        (
            "error(setmetatable({}, { __tostring = error }))",
            "web/health.lua: raised a table without a message",
        ),
        ("error({})", "web/health.lua: raised a table without a message"),
        ("error()", "web/health.lua: raised nil"),
        ("error(12)", "web/health.lua:2: 12"),
        ("error(print)", "web/health.lua: raised a function"),
        ("local x; return x.y", "web/health.lua:2: attempt to index nil with 'y'"),
        ("sleep('x')", "web/health.lua:2: sleep: `seconds` must be a number of seconds; got the string `x`"),
        ("sleep(-1)", "web/health.lua:2: sleep: `seconds` must be a number of seconds; got -1"),
        ("log.info({})", "web/health.lua:2: log.info: `text` must be a string; got a table"),
        (
            "local function deep() log.info(1) end deep()",
            "web/health.lua:2: log.info: `text` must be a string; got 1",
        ),
        (
            "clock.between('1', '2')",
            "web/health.lua:2: clock.between: `from` must be a time of day such as \"02:30\"; got `1`",
        ),
        ("json.decode('{')", "web/health.lua:2: json.decode: EOF while parsing an object at line 1 column 1"),
        (
            "service.exits(60)",
            "web/health.lua:2: service:exits: call it with a colon, as in service:exits(60)",
        ),
        ("service.name = 'x'", "web/health.lua:2: attempt to modify a readonly table"),
        ("service.nme = 'x'", "web/health.lua:2: service.nme is read-only; keep values in service.vars"),
        (
            "return service.uptme",
            "web/health.lua:2: unknown field 'service.uptme', did you mean 'service.uptime'?",
        ),
        ("nett.tcp()", "web/health.lua:2: unknown name 'nett'"),
        ("check.htp{}", "web/health.lua:2: unknown name 'check.htp', did you mean 'check.http'?"),
        ("net.ping()", "web/health.lua:2: unknown name 'net.ping'; there is net.tcp, net.unix, net.resolve"),
        (
            "assert(env.MISSING == nil) slep(1)",
            "web/health.lua:2: unknown name 'slep', did you mean 'sleep'?",
        ),
        ("slep(1)", "web/health.lua:2: unknown name 'slep', did you mean 'sleep'?"),
        ("jsno.encode({})", "web/health.lua:2: unknown name 'jsno', did you mean 'json'?"),
        (
            "count = 1",
            "web/health.lua:2: 'count' is assigned without `local`: write `local count = ...`, or service.vars.count to keep it",
        ),
        ("MB = 1", "web/health.lua:2: attempt to modify a readonly table"),
    ] {
        let why = failure(Hook::Health, &format!("return function(service)\n{body}\nend"));
        let matches = if body.starts_with("nett") { why.starts_with(expected) } else { why == expected };
        assert!(matches, "{body}\n  got      {why}\n  expected {expected}");
    }
}

#[test]
fn who_decides_may_not_wait() {
    for hook in [Hook::ShouldRestart, Hook::OnChange] {
        let why = failure(hook, "return function() sleep(1) end");
        assert!(why.contains(&format!("sleep: {hook} decides and may not wait")), "{why}");
    }
    let why = failure(Hook::Health, "sleep(1) return print");
    assert!(why.starts_with("web/health.lua:1: sleep: nothing may wait while the files are loaded"), "{why}");
}

#[test]
fn a_long_error_is_cut() {
    let why = failure(Hook::Health, "return function() error(('x'):rep(100000)) end");
    assert!(why.len() < 600 && why.ends_with("..."), "{}", why.len());
    let why = failure(Hook::Health, "return function() error(('line\\n'):rep(1000)) end");
    assert_eq!(why, "web/health.lua:1: line");
}
