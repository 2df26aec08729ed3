//! What is found in Lua files.

use super::{RUN, printed, tree, web};

#[test]
fn a_name_that_nothing_knows_with_its_line() {
    web(
        &[(
            "web/health.lua",
            "-- nett is said here\nreturn function(service)\n  return nett.tcp('localhost:80') and foo() end\n",
        )],
        &[
            "web/health.lua:3: error: unknown name 'nett', did you mean 'net'?",
            "web/health.lua:3: error: unknown name 'foo'",
        ],
    );
}

#[test]
fn a_file_that_is_no_lua_or_not_what_is_expected() {
    web(
        &[
            ("web/on_start.lua", "return function()\n  if true the\nend\n"),
            ("web/on_tick.lua", "return { every = 'often', function() end }"),
            ("web/health.lua", "return { evry = 1, function() end }"),
            ("web/should_restart.lua", "local x = nil\nreturn x.y"),
            ("web/on_stop.lua", "sleep(1)\nreturn function() end"),
            ("web/on_exit.lua", "return 3"),
        ],
        &[
            "web/on_start.lua:2: error: Expected 'then' when parsing if statement, got 'the'",
            "web/health.lua: error: health: unknown key `evry`, did you mean `every`?",
            "web/on_tick.lua: error: on_tick: `every` must be a number of seconds, at least 0.1; got the string `often`",
            "web/should_restart.lua:2: error: attempt to index nil with 'y'",
            "web/on_stop.lua:1: error: sleep: nothing may wait while the files are loaded; do this inside the function \
             that the file returns",
            "web/on_exit.lua: error: the file must return a function; got 3",
        ],
    );
}

#[test]
fn the_hooks_are_looked_at_even_if_the_settings_are_bad() {
    web(
        &[("web/nice", "much"), ("web/ready.lua", "return nett")],
        &[
            "web/nice: error: says `much`: not a nice value; write a number from -20 to 19",
            "web/ready.lua:1: error: unknown name 'nett', did you mean 'net'?",
        ],
    );
}

#[test]
fn modules_and_tests_are_compiled_where_they_stand() {
    let hook = (
        "web/ready.lua",
        "local util = require('util')\nreturn function() return util.ok, require('deep/er') end",
    );
    let module = (".hooks/util.lua", "return { ok = true }");
    web(&[hook, module], &[]);
    web(
        &[
            hook,
            module,
            (".hooks/deep/er.lua", "return {\n  nett,\n}\n"),
            (".hooks/util_test.lua", "test('x', function() expect(1 end)"),
            ("web/own.lua", "return +"),
            ("web/own_test.lua", "test('x', function() expect(world) end)"),
        ],
        &[
            ".hooks/deep/er.lua:2: error: unknown name 'nett', did you mean 'net'?",
            ".hooks/util_test.lua:1: error: Expected ')' (to close '(' at column 28), got 'end'",
            "web/own.lua:1: warning: Expected identifier when parsing expression, got '+'",
        ],
    );
    // Without hooks they are the service's own affair.
    web(&[("web/own.lua", "goto = 1")], &[]);
}

#[test]
fn an_error_in_a_module_is_said_where_it_is() {
    web(
        &[("web/ready.lua", "return require('util')"), (".hooks/util.lua", "\nreturn function( end")],
        &[".hooks/util.lua:2: error: Expected identifier when parsing variable name, got 'end'"],
    );
    web(
        &[("web/ready.lua", "return require('util')")],
        &["web/ready.lua:1: error: require: there is no module `util` in ..."],
    );
}

#[test]
fn modules_are_found_where_the_supervisor_would_find_them() {
    let temp = tree(&[
        RUN,
        ("web/ready.lua", "return require('util')"),
        ("lib/sub/util.lua", "return function() end"),
    ]);
    let profile = temp.path().join("web");
    let text = printed(&profile, &["check", "--hooks", "../lib/sub"], 0);
    assert_eq!(text, "1 profile checked: 0 errors, 0 warnings\n");
    let text = printed(&profile, &["check"], 1);
    assert!(text.starts_with("ready.lua:1: error: require: there is no module `util` in "), "{text}");
}

#[test]
fn a_hook_of_the_defaults_is_said_once_where_it_is() {
    let hooks = [
        (".defaults/on_event.lua", "return function() nett() end"),
        (".defaults/ready.lua", "return function() return nett end"),
    ];
    let temp = tree(&[&hooks[..], &[RUN, ("db/run", "#!/bin/sh\n")]].concat());
    let text = printed(temp.path(), &["check"], 1);
    assert_eq!(
        text,
        ".defaults/ready.lua:1: error: unknown name 'nett', did you mean 'net'?\n\
         .defaults/on_event.lua:1: error: unknown name 'nett', did you mean 'net'?\n\
         2 profiles checked: 2 errors, 0 warnings\n"
    );
}
