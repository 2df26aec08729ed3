//! What scripts cannot reach, and what they cannot change.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use proclaunch_core::hook::{Answer, Hook, Outcome};

use super::support::{Bench, failure, outcome, run, sources};
use crate::hooks::{Clock, Vars};

/// The outcome of the body of a health hook: what it returns is compared with true.
fn holds(body: &str) {
    let text = format!("return function(service) {body} end");
    assert_eq!(outcome(Hook::Health, &text), Outcome::Answer(Answer::Health(Ok(()))), "{body}");
}

#[test]
fn forbidden_names_are_nowhere() {
    for name in [
        "collectgarbage",
        "coroutine",
        "debug",
        "dofile",
        "ffi",
        "gcinfo",
        "getfenv",
        "io",
        "jit",
        "load",
        "loadfile",
        "loadstring",
        "newproxy",
        "os",
        "package",
        "setfenv",
        "vector",
        "module",
    ] {
        holds(&format!("return rawget(_G, '{name}') == nil"));
        holds(&format!("return not pcall(function() return {name} end)"));
        holds(&format!("return not pcall(function() return _G.{name} end)"));
        holds(&format!("return not pcall(function() return {name}.yield() end)"));
        let why = failure(Hook::Health, &format!("local x = {name}\nreturn print"));
        assert!(why.starts_with(&format!("web/health.lua:1: unknown name '{name}'")), "{why}");
    }
    for (library, name) in [("string", "dump"), ("table", "foreachi_"), ("math", "seed")] {
        holds(&format!("return rawget({library}, '{name}') == nil"));
    }
}

#[test]
fn coroutines_stay_hidden_after_async_functions_were_made() {
    holds(
        "pcall(sleep, 0) pcall(require, 'nothing') return not pcall(function() return coroutine.yield end)",
    );
    holds("local s = sleep return rawget(_G, 'coroutine') == nil");
    let text =
        "local s, c = sleep, rawget(_G, 'coroutine') return function() return s ~= nil and c == nil end";
    assert_eq!(outcome(Hook::Health, text), Outcome::Answer(Answer::Health(Ok(()))));
}

#[test]
fn what_is_shared_cannot_be_changed() {
    for change in [
        "string.find = print",
        "table.insert = nil",
        "math.pi = 3",
        "_G.print = nil",
        "_G.x = 1",
        "rawset(_G, 'x', 1)",
        "rawset(string, 'x', 1)",
        "rawset(log, 'x', 1)",
        "log.info = nil",
        "clock.now = nil",
        "json.encode = nil",
        "env.PATH = 'x'",
        "rawset(env, 'PATH', 'x')",
        "setmetatable(_G, {})",
        "setmetatable(string, {})",
        "setmetatable(log, {})",
        "getmetatable('').__index = nil",
        "getmetatable('').__index.upper = nil",
        "rawset(getmetatable('').__index, 'upper', 1)",
        "setmetatable('', {})",
        "setmetatable(service, {})",
        "rawset(service, 'state', 'x')",
        "service.state = 'x'",
        "service.exits = nil",
        "table.insert(service.history, 1)",
        "table.clear(_G)",
        "table.freeze(_G).x = 1",
        "table.sort(string)  string.x = 1",
        "table.move({1}, 1, 1, 1, _G)",
        "next(_G) _G[next(_G)] = nil",
        "for k in pairs(_G) do _G[k] = 1 end",
    ] {
        holds(&format!("return not pcall(function() {change} end)"));
    }
    holds("return getmetatable(_G) == false and getmetatable(service) == false");
    holds("return not pcall(table.clone, _G)");
}

#[test]
fn one_hook_cannot_change_what_another_sees() {
    run(async {
        let bench = Bench::new(&[
            (Hook::OnTick, "return function(s) pcall(rawset, string, 'find', nil) s.vars.x = 1 end"),
            (Hook::Health, "return function(s) return ('abc'):find('b') == 2 and s.vars.x == 1 end"),
        ])
        .await;
        bench.ask(Hook::OnTick).await;
        assert_eq!(bench.ask(Hook::Health).await, Outcome::Answer(Answer::Health(Ok(()))));
    });
}

#[test]
fn the_library_made_anew_keeps_its_meaning() {
    for body in [
        "return ('hello'):find('l') == 3",
        "local a, b = ('hello'):find('l+') return a == 3 and b == 4",
        "local a, b, c = ('key=val'):find('(%w+)=') return a == 1 and b == 4 and c == 'key'",
        "return select('#', ('hello'):find('x')) == 1 and ('hello'):find('x') == nil",
        "return ('a.b'):find('.', 1, true) == 2",
        "return ('hello'):find('l', 4) == 4",
        "return ('hello'):find('l', -2) == 4",
        "return ('hello'):find('') == 1 and ('hello'):find('', 6) == 6 and ('hello'):find('', 7) == nil",
        "local a, b = ('x'):find('') return a == 1 and b == 0",
        "return ('hello'):find('h', -100) == 1",
        "return (12345):rep(2) == '1234512345'",
        "return ('ab'):rep(3) == 'ababab' and ('x'):rep(-1) == '' and ('x'):rep(0) == ''",
        "local t = ('a,b,,c'):split() return #t == 4 and t[3] == '' and t[4] == 'c'",
        "local t = ('a--b'):split('--') return #t == 2 and t[2] == 'b'",
        "local t = ('abc'):split('') return #t == 3 and t[1] == 'a'",
        "local t = (''):split(',') return #t == 1 and t[1] == ''",
        "local t = table.move({1, 2, 3}, 1, 3, 2) return t[2] == 1 and t[4] == 3",
        "local t = table.move({1, 2}, 1, 2, 1, {}) return #t == 2",
        "return ('%d of %s'):format(3, 'x') == '3 of x'",
        "return ('x y'):gsub(' ', '_') == 'x_y'",
    ] {
        let body = body.replace("(12345):rep(2)", "string.rep(12345, 2)");
        holds(&body);
    }
}

#[test]
fn require_finds_modules_in_their_places_and_nowhere_else() {
    let temp = tempfile::tempdir().unwrap();
    let (web, shared, outside) =
        (temp.path().join("web"), temp.path().join(".hooks"), temp.path().join("secret.lua"));
    fs::create_dir_all(web.join("lib")).unwrap();
    fs::create_dir_all(&shared).unwrap();
    let write = |path: &Path, text: &str| fs::write(path, text).unwrap();
    write(
        &web.join("own.lua"),
        "local count = 0 return { next = function() count = count + 1 return count end }",
    );
    write(&web.join("lib/deep.lua"), "return 'deep'");
    write(&web.join("nothing.lua"), "local x = 1");
    write(&web.join("loop_a.lua"), "return require('loop_b')");
    write(&web.join("loop_b.lua"), "return require('loop_a')");
    write(&web.join("bad.lua"), "return nill");
    write(&web.join("bytes.lua"), "\x1bLuaQ");
    write(&web.join("spin.lua"), "while true do end");
    write(&web.join("big.lua"), &" ".repeat(300_000));
    write(&outside, "return 'secret'");
    symlink(&outside, web.join("link.lua")).unwrap();
    symlink("own.lua", web.join("inner.lua")).unwrap();
    symlink(temp.path(), web.join("up")).unwrap();
    fs::create_dir(web.join("dir.lua")).unwrap();

    for (body, expected) in [
        ("return require('own').next() == 1 and require('own').next() == 2", Ok(())),
        ("return require('lib/deep') == 'deep' and require('lib.deep') == 'deep'", Ok(())),
        ("return require('nothing') == true", Ok(())),
        ("return require('inner').next() == 1", Ok(())),
        ("require('loop_a')", Err("a circle of modules: loop_a requires loop_b requires loop_a")),
        ("require('bad')", Err("web/bad.lua:1: unknown name 'nill'")),
        ("require('bytes')", Err("web/bytes.lua is compiled code; only source text is accepted")),
        ("require('big')", Err("web/big.lua is longer than 262144 bytes")),
        ("require('link')", Err("web/link.lua leads out of its directory")),
        ("require('up/secret')", Err("up/secret.lua leads out of its directory")),
        ("require('dir')", Err("web/dir.lua is no regular file")),
        ("require('../secret')", Err("is no module name")),
        ("require('lib/../own')", Err("is no module name")),
        ("require('/etc/passwd')", Err("is no module name")),
        ("require('')", Err("is no module name")),
        ("require('a b')", Err("is no module name")),
        ("require('own\\0')", Err("is no module name")),
        ("require('absent')", Err("there is no module `absent` in ")),
        ("require(5)", Err("require: `name` must be a string; got 5")),
        ("require('spin')", Err("used up its 100 ms of CPU")),
    ] {
        let text = format!("return function() {body} end");
        let outcome = run(async {
            let sources = sources(&web, &[(Hook::Health, &text)]);
            Bench::with(&sources, Vars::default(), Clock::Real).await.ask(Hook::Health).await
        });
        match (expected, outcome) {
            (Ok(()), Outcome::Answer(Answer::Health(Ok(())))) => {}
            (Err(part), Outcome::Failed(why)) if why.contains(part) => {}
            (expected, outcome) => panic!("{body}: {expected:?}, but {outcome:?}"),
        }
    }
}

#[test]
fn the_compiler_sees_unknown_names_before_they_are_used() {
    run(async {
        let text = "return function(s) if s.changed then nett.tcp() slep(1) print(MB, sleep, nett) end end";
        let bench = Bench::new(&[(Hook::Health, text)]).await;
        let mut names = bench.host.unknown_names();
        names.sort();
        assert_eq!(names, ["nett", "slep"]);
    });
}
