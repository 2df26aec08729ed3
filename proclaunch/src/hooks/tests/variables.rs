//! `service.vars` and `json`: plain data there and back.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use proclaunch_core::exit::Exit;
use proclaunch_core::hook::{Answer, Happening, Hook, LastExit, Outcome, Past, Service};
use proclaunch_core::ids::ProcId;
use proclaunch_core::profile::Variable;
use proclaunch_core::signal::Signal;

use super::support::{Bench, LONG, failure, outcome, question, run, sources};
use crate::hooks::{Clock, Told, Vars};

const HEALTHY: Outcome = Outcome::Answer(Answer::Health(Ok(())));

/// What is kept after a call of this body, beginning with `kept`.
fn kept_after(kept: &str, body: &str) -> (Outcome, String) {
    run(async {
        let store = Rc::new(RefCell::new(kept.to_owned()));
        let text = format!("return function(service) {body} end");
        let sources = sources(Path::new("/nowhere/web"), &[(Hook::Health, &text)]);
        let bench = Bench::with(&sources, Vars::new(Rc::clone(&store)), Clock::Real).await;
        let outcome = bench.ask(Hook::Health).await;
        let kept = store.borrow().clone();
        let told = bench.told().into_iter().filter(|told| matches!(told, Told::Vars { .. })).count();
        assert!(told <= 1, "told once");
        (outcome, kept)
    })
}

#[test]
fn variables_are_kept_as_they_were_left() {
    for (before, body, after) in [
        ("", "return true", ""),
        ("", "return service.vars.x == nil", ""),
        ("{\"x\":1}", "return service.vars.x == 1", "{\"x\":1}"),
        (
            "",
            "service.vars.a = { 1, 'two', true, { b = 0.5 } } return true",
            "{\"a\":[1,\"two\",true,{\"b\":0.5}]}",
        ),
        ("{\"x\":1}", "service.vars.x = nil return true", "{}"),
        ("{\"x\":1}", "service.vars = { y = 2 } return service.vars.y == 2", "{\"y\":2}"),
        ("{\"l\":[1,2,3]}", "table.remove(service.vars.l, 1) return #service.vars.l == 2", "{\"l\":[2,3]}"),
        ("", "service.vars.n = 2^53 return true", "{\"n\":9007199254740992}"),
        ("", "service.vars.t = {} return true", "{\"t\":{}}"),
        ("not json", "return next(service.vars) == nil", "{}"),
        ("", "service.vars.s = 'a\\nb\\0c' return true", "{\"s\":\"a\\nb\\u0000c\"}"),
    ] {
        assert_eq!(kept_after(before, body), (HEALTHY, after.to_owned()), "{body}");
    }
}

#[test]
fn what_cannot_be_kept_is_named_and_the_old_stays() {
    for (body, part) in [
        ("service.vars.f = print", "`service.vars.f` is a function, which is not plain data"),
        ("service.vars.a = { b = { c = print } }", "`service.vars.a.b.c` is a function"),
        ("service.vars.list = { 1, print }", "`service.vars.list[2]` is a function"),
        ("local t = {} t.t = t service.vars.t = t", "`service.vars.t.t` contains itself"),
        ("service.vars.n = 0/0", "`service.vars.n` is no finite number"),
        ("service.vars.n = 1/0", "`service.vars.n` is no finite number"),
        ("service.vars.t = { [1] = 1, [3] = 3, x = 1 }", "`service.vars.t` has"),
        ("service.vars.t = { [5] = 1 }", "has the key 5"),
        ("service.vars.t = { [true] = 1 }", "has the key true"),
        ("service.vars[1] = 1", "`service.vars` has both a list and other keys"),
        ("service.vars = { 1 }", "`service.vars` is a list"),
        ("service.vars.s = '\\255'", "`service.vars.s` is not valid UTF-8"),
        ("service.vars.s = ('x'):rep(70000)", "`service.vars` is more than 65536 bytes"),
        ("local t = {} for i = 1, 1e5 do t[i] = i end service.vars.t = t", "more than 65536 bytes"),
        (
            "local t = {} for i = 1, 100 do t = { t } end service.vars.t = t",
            "nested more than 32 tables deep",
        ),
        ("service.vars = 5", "service.vars must be a table; got 5"),
        (
            "service.vars = setmetatable({}, { __index = error, __iter = error, __len = error }) service.vars.f = print",
            "is a function",
        ),
    ] {
        let (outcome, kept) = kept_after("{\"x\":1}", &format!("{body} return true"));
        let Outcome::Failed(why) = outcome else { panic!("{body}: {outcome:?}") };
        assert!(why.starts_with("web/health.lua") && why.contains(part), "{body}: {why}");
        assert_eq!(kept, "{\"x\":1}", "{body}");
    }
}

#[test]
fn variables_are_read_back_also_after_an_error() {
    let (outcome, kept) = kept_after("", "service.vars.x = 1 error('no')");
    assert_eq!(outcome, Outcome::Failed("web/health.lua:1: no".into()));
    assert_eq!(kept, "{\"x\":1}");
}

#[test]
fn json_goes_there_and_back() {
    for body in [
        "return json.encode({ a = { 1, 2 }, b = 'x' }) == '{\"a\":[1,2],\"b\":\"x\"}'",
        "local t = json.decode('{\"a\":[1,2.5,null],\"b\":{\"c\":\"d\"},\"e\":true}') \
         return t.a[2] == 2.5 and #t.a == 2 and t.b.c == 'd' and t.e == true",
        "return json.decode('null') == nil and json.decode('3') == 3",
        "return json.encode('\"') == '\"\\\\\"\"' and json.encode({}) == '{}' and json.encode(1.5) == '1.5'",
    ] {
        assert_eq!(outcome(Hook::Health, &format!("return function() {body} end")), HEALTHY, "{body}");
    }
    let deep = "return function() json.decode(('['):rep(200) .. (']'):rep(200)) end";
    assert!(failure(Hook::Health, deep).contains("json.decode: recursion limit exceeded"));
    let long = "return function() local s = ('x'):rep(1024 * 1024) json.decode('\"' .. s .. '\"') end";
    assert!(failure(Hook::Health, long).contains("json.decode: the text is longer than 1048576 bytes"));
}

#[test]
fn the_service_argument_tells_what_the_core_says() {
    let service = Service {
        state: "running".into(),
        want: "up".into(),
        health: "healthy".into(),
        process: Some(ProcId { pid: 4242, start: 1 }),
        uptime: Duration::from_millis(90_700),
        ready_for: Duration::from_secs(80),
        restarts: 2,
        exit: Some(LastExit {
            exit: Exit::Signal { signal: Signal::KILL, core: true },
            oom: true,
            requested: false,
            uptime: Duration::from_secs(5),
        }),
        cause: "died".into(),
        reason: "signal KILL".into(),
        exit_ages: [300, 50, 10].map(Duration::from_secs).to_vec(),
        history: vec![Past {
            age: Duration::from_secs(9),
            from: "starting".into(),
            to: "running".into(),
            why: "ready".into(),
        }],
        changed: true,
        event: Some(Happening {
            kind: "transition".into(),
            level: "error".into(),
            from: "running".into(),
            to: "stopped".into(),
            reason: "died".into(),
        }),
    };
    let text = "return function(s, e)
        assert(s.name == 'web' and s.dir == '/nowhere/web' and s.state == 'running' and s.want == 'up')
        assert(s.health == 'healthy' and s.pid == 4242 and s.uptime == 90 and s.ready_for == 80 and s.restarts == 2)
        assert(s.started_at == 1000 - 91 and s.changed == true and s.cause == 'died' and s.reason == 'signal KILL')
        assert(s.exit.code == nil and s.exit.signal == 'KILL' and s.exit.core and s.exit.oom)
        assert(s.exit.requested == false and s.exit.uptime == 5)
        assert(s:exits(60) == 2 and s:exits(5) == 0 and s:exits(1000) == 3)
        assert(#s.history == 1 and s.history[1].to == 'running' and s.history[1].age == 9)
        assert(s.env.A == 'b' and env.A == 'b' and s.env.B == nil)
        assert(s.settings.restart == nil)
        assert(e.time == 1000 and e.profile == 'web' and e.kind == 'transition' and e.level == 'error')
        assert(e.from == 'running' and e.to == 'stopped' and e.reason == 'died' and e.exit.signal == 'KILL')
        assert(clock.now() == 1000 and clock.monotonic() < 10000060)
        assert(MB == 1024 * KB and GB == 1024 * MB and HOUR == 60 * MINUTE and SECOND == 1)
        local d = clock.date() assert(d.year == 1970 and d.month == 1)
        assert(clock.between('00:00', '24:00') and not clock.between('05:00', '05:00'))
        log.error('all is well')
    end";
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut sources = sources(Path::new("/nowhere/web"), &[(Hook::OnEvent, text)]);
        sources.env = vec![Variable { name: "A".into(), value: b"b".as_slice().into() }];
        let bench = Bench::with(&sources, Vars::default(), Clock::paused_at(1_000_000)).await;
        assert_eq!(bench.host.hooks().broken, []);
        let mut question = question(Hook::OnEvent, LONG);
        question.service = service;
        assert_eq!(bench.host.call(&question).await, Outcome::Answer(Answer::Nothing));
        let said = bench
            .told()
            .into_iter()
            .any(|told| matches!(told, Told::Said { text, .. } if text == "all is well"));
        assert!(said);
    });
}

#[test]
fn hours_pass_in_no_time_on_a_virtual_clock() {
    let began = crate::sys::clock::now();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let text = "return function() local t = clock.now() for i = 1, 10 do sleep(600) end return clock.now() - t end";
        let sources = sources(Path::new("/nowhere/web"), &[(Hook::OnStop, text)]);
        let bench = Bench::with(&sources, Vars::default(), Clock::paused_at(0)).await;
        let outcome = bench.host.call(&question(Hook::OnStop, Duration::from_secs(7000))).await;
        let waited = proclaunch_core::hook::Farewell::Wait(Duration::from_secs(6000));
        assert_eq!(outcome, Outcome::Answer(Answer::Stop(waited)));
        assert_eq!(bench.host.call(&question(Hook::OnStop, Duration::from_secs(599))).await, Outcome::TimedOut);
    });
    assert!(crate::sys::clock::now().since(began) < Duration::from_secs(5));
}
