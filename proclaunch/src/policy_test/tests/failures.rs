//! What must fail does, and says why: expectations, scripts, hooks, loops.

use std::time::Duration;

use super::{Bench, failure, tested};
use crate::policy_test::{Options, report, run};

#[test]
fn a_wrong_expectation_says_where_what_and_the_whole_story() {
    let files = [("web/health.lua", "return check.http{ url = 'http://h/up', every = 10, times = 2 }")];
    let body = "  world.http('/up', 500)\n  world.advance(10)\n  expect.health('unhealthy')";
    let tested = tested(&files, body);
    let text = report::lines(&tested);
    let told: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        told.join("\n"),
        r#"      web/web_test.lua:4
      expected  health unhealthy
      was       unknown

           +0s  world   http("/up", 500)
           +0s  world   advance(10)
           +0s  log     DEBUG creating
           +0s  log     starting
           +0s  log     running pid 1001
          +10s  http    GET http://h/up -> 500
          +10s  hook    health -> unhealthy: http://h/up: status 500
          +10s  expect  health("unhealthy") FAILED: was unknown
"#
    );
    assert!(text.starts_with("FAIL  web: t (simulated 10s, "), "{text}");
    assert!(report::summary(&[tested]).starts_with("0 tests passed, 1 failed (simulated 10s in "));
}

#[test]
fn every_expectation_can_fail() {
    let should_restart =
        ("web/should_restart.lua", "return function(s) s.vars.n = 1 return { after = 9 } end");
    let on_tick = ("web/on_tick.lua", "return function(s) s:signal('HUP', 'x') end");
    let on_event = ("web/on_event.lua", "return function() exec{ 'page', 'me' } end");
    let on_exit = ("web/on_exit.lua", "return function() supervisor.shutdown('it died') end");
    for (body, expected) in [
        ("expect.state('stopped')", "expected state stopped, was running"),
        ("expect.state('up')", "expect.state: it is never \"up\""),
        ("expect.health('healthy')", "expected health healthy, was unknown"),
        ("expect.starts(2)", "expected starts 2, was 1"),
        ("expect.restarts(1)", "expected restarts 1, was 0"),
        ("expect.exits(1)", "expected exits 1, was 0"),
        ("expect.next_try(1)", "expected next try in 1s, was no wait: it is running"),
        ("expect.log('nothing')", "expected a line with \"nothing\" in the log, was not there"),
        ("expect.log('running', 2)", "expected a line with \"running\" in the log, exactly 2, was 1"),
        ("expect.no_log('running')", "expected a line with \"running\" in the log, exactly 0, was 1"),
        ("expect.exec('lbctl')", "expected exec \"lbctl\", was only: page me"),
        ("expect.no_exec('page')", "expected exec \"page\", exactly 0, was 2"),
        ("expect.no_exec()", "expected no command at all, was only: page me"),
        ("expect.signal('TERM')", "expected signal TERM, was no signal was sent"),
        ("world.advance(5) expect.no_signal('HUP')", "expected signal HUP, exactly 0, was 1"),
        (
            "expect.event('gave_up')",
            "expected an event with \"gave_up\", was only: transition: stopped -> starting",
        ),
        ("world.exits() expect.vars{ n = 2 }", "expected service.vars.n 2, was 1"),
        ("expect.metric('jobs', 1)", "expected metric jobs 1, was none"),
        ("expect.shutdown()", "expected a shutdown, was none"),
        ("world.exits() expect.shutdown('x')", "expected a shutdown with \"x\", was one: it died"),
        ("world.exits() expect.no_shutdown()", "expected no shutdown, was one: it died"),
        ("expect.equal({ 1, a = 2 }, 3)", "value` has both a list and other keys"),
        ("expect.equal({ 1 }, { 2 })", "expected {1}, was {2}"),
        ("expect.that(nil, 'it holds')", "expected it holds, was nil"),
    ] {
        let why = failure(&[should_restart, on_tick, on_event, on_exit], body);
        assert!(why.starts_with("web/web_test.lua:2: ") && why.contains(expected), "{body}: {why}");
    }
    let why = failure(&[should_restart], "world.exits() expect.next_try(5)");
    assert!(why.contains("expected next try in 5s, was in 9s"), "{why}");
}

#[test]
fn a_script_that_is_no_good_is_a_failed_test_that_names_its_line() {
    for (text, expected) in [
        ("test('t', function(\n", "web/web_test.lua:2: "),
        ("local x = nil\nx.y = 1", "web/web_test.lua:2: attempt to index nil with 'y'"),
        ("world.advance(1)", "web/web_test.lua:1: world.advance: there is a world only while a test runs"),
        ("return 1", "web/web_test.lua has no test: it never calls test(...)"),
        ("test('t', 3)", "web/web_test.lua:1: test: `body` must be a function; got 3"),
        ("local function f() end test('t', f) test('t', f)", "test: there are two tests with the name `t`"),
    ] {
        let why = Bench::new(&[("web/web_test.lua", text)]).only().failure.unwrap().what;
        assert!(why.contains(expected), "{text}: {why}");
    }
    for (body, expected) in [
        ("error('boom')", "web/web_test.lua:2: boom"),
        ("error({ code = 3 })", "web/web_test.lua: raised a table without a message"),
        ("world.advence(1)", "unknown name 'world.advence', did you mean 'world.advance'?"),
        ("world.advance('x')", "world.advance: `seconds` must be a number of seconds; got the string `x`"),
        ("world.advance_to('25:00')", "`time` must be a time of day such as \"02:30\"; got `25:00`"),
        ("world.http('/x', 'y')", "world.http: the reply must be a status from 100 to 599"),
        ("world.exec('x', { cod = 1 })", "world.exec: unknown option `cod`, did you mean `code`?"),
        ("world.exits{ code = 1, signal = 'TERM' }", "there can be a `code` or a `signal`, not both"),
        ("world.setting('restrt', 'x')", "`restrt` is no setting or hook file, did you mean `restart`?"),
        ("world.order('halt')", "`order` must be \"start\", \"stop\", \"restart\" or \"reload\"; got `halt`"),
        ("world.order('stop') world.exits()", "there is no process that could end: web is stopped"),
        ("world.ignores('KILL')", "nothing survives KILL"),
        ("world.start_fails('EBOGUS')", "`errno` must be one of ENOENT, EACCES"),
        ("test('inner', function() end)", "test: a test cannot be inside another one"),
        ("exec{ 'true' }", "exec: nothing may wait while the files are loaded"),
    ] {
        let why = failure(&[], body);
        assert!(why.contains(expected), "{body}: {why}");
    }
}

#[test]
fn hooks_and_settings_that_do_not_load_fail_every_test() {
    for (file, text, expected) in [
        ("web/health.lua", "return function(\n", "web/health.lua:2: "),
        ("web/on_tick.lua", "return tikc", "web/on_tick.lua:1: unknown name 'tikc'"),
        ("web/restart", "sometimes", "`restart`"),
        (".defaults/backoff", "fast", ".defaults/backoff"),
    ] {
        let why = failure(&[(file, text)], "world.rss(1)");
        assert!(why.contains(expected), "{file}: {why}");
    }
}

#[test]
fn an_error_in_a_hook_stands_in_the_log_and_the_default_applies() {
    let files =
        [("web/should_restart.lua", "return function(s) return s.bogus end"), ("web/restart", "always")];
    let body = "world.advance(20) world.exits{ code = 1 } expect.restarts(1) \
                expect.log(\"hook should_restart failed (web/should_restart.lua:1: unknown field\")";
    super::passes(&files, body);
}

#[test]
fn a_test_that_never_ends_is_cut() {
    for body in ["while true do end", "while true do pcall(function() while true do end end) end"] {
        let test = format!("test('t', function() {body} end) test('u', function() end)");
        let bench = Bench::new(&[("web/web_test.lua", &test)]);
        let paths = vec![bench.path().to_owned()];
        let all = run(&Options { paths, timeout: Duration::from_millis(200), ..Options::default() }, |_| {})
            .unwrap();
        let why = &all[0].failure.as_ref().unwrap().what;
        assert!(why.contains("computed for 0.2 s without an end"), "{body}: {why}");
        assert!(all[1].failure.is_none(), "the next one runs: {:?}", all[1]);
    }
}

#[test]
fn a_test_that_is_cut_in_the_midst_of_a_statement_ends() {
    let files = [
        ("web/on_ready.lua", "return function() exec{ 'x' } end"),
        (
            "web/web_test.lua",
            "test('t', function() world.exec('x', function() while true do end end) world.advance(9) end)",
        ),
    ];
    let bench = Bench::new(&files);
    let options = Options {
        paths: vec![bench.path().to_owned()],
        timeout: Duration::from_millis(200),
        ..Options::default()
    };
    let all = run(&options, |_| {}).unwrap();
    let why = &all[0].failure.as_ref().unwrap().what;
    assert!(why.contains("computed for 0.2 s without an end"), "{why}");
}

#[test]
fn a_world_that_goes_nowhere_is_told() {
    let files = [("web/on_ready.lua", "return function(s) s:restart('again') end")];
    let why = failure(&files, "world.advance(1)");
    assert!(why.contains("the world goes nowhere") || why.contains("without an end"), "{why}");
}

#[test]
fn a_function_of_the_script_that_fails_fails_the_test() {
    let files = [("web/on_ready.lua", "return function() exec{ 'x' } http.get('http://h/') end")];
    let why = failure(&files, "world.exec('x', function() error('boom') end)\nworld.advance(1)");
    assert!(why.contains("world.exec: web/web_test.lua:2: boom"), "{why}");
    let why = failure(&files, "world.http('/', function() return 'no' end)\nworld.advance(1)");
    assert!(why.contains("world.http: the reply must be a status"), "{why}");
}

#[test]
fn paths_are_profiles_directories_of_profiles_and_files() {
    let test = "test('a', function() end) test('b', function() end)";
    let bench = Bench::new(&[
        ("web/web_test.lua", test),
        ("web/other_test.lua", test),
        ("db/db_test.lua", test),
        ("db/restart", ""),
        ("cache/restart", ""),
        (".hooks/x_test.lua", test),
        ("note.txt", ""),
    ]);
    let names = |path: &str, filter: &str| {
        let paths = vec![bench.path().join(path)];
        let options = Options { paths, filter: filter.to_owned(), ..Options::default() };
        let all = run(&options, |_| {}).map_err(|error| error.to_string())?;
        Ok::<_, String>(
            all.iter().map(|tested| format!("{} {}", tested.profile, tested.name)).collect::<Vec<_>>(),
        )
    };
    assert_eq!(names("", "").unwrap(), ["db a", "db b", "web a", "web b", "web a", "web b"]);
    assert_eq!(names("db", "").unwrap(), ["db a", "db b"]);
    assert_eq!(names("web/web_test.lua", "").unwrap(), ["web a", "web b"]);
    assert_eq!(names("", "db: b").unwrap(), ["db b"]);
    assert_eq!(names("cache", "").unwrap(), [""; 0]);
    let refused = names("note.txt", "").unwrap_err();
    assert!(refused.contains("neither a directory nor a file whose name ends in `_test.lua`"), "{refused}");
    let missing = names("nowhere", "").unwrap_err();
    assert!(missing.starts_with("read `") && missing.contains("No such file"), "{missing}");
}

#[test]
fn json_has_everything() {
    let tested = tested(&[], "expect.starts(2)");
    let json: serde_json::Value = serde_json::from_str(&report::json(&[tested])).unwrap();
    assert_eq!(json["passed"], 0);
    assert_eq!(json["failed"], 1);
    let test = &json["tests"][0];
    assert_eq!(test["profile"], "web");
    assert_eq!(test["expected"], "starts 2");
    assert_eq!(test["was"], "1");
    assert_eq!(test["error"], "web/web_test.lua:2: expected starts 2, was 1");
    assert!(test["timeline"].as_array().unwrap().len() > 3);
}
