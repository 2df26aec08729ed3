//! What hooks know of all profiles: the hook that hears of every event, and the states of the others.

use std::fs;

use nix::sys::signal::Signal;
use proclaunch_tests::sandbox::Sandbox;

use crate::SLEEP;

#[test]
fn on_event_of_the_defaults_hears_of_every_profile_after_its_own() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set(
        "on_event.lua",
        "return function(service, event) log.info('own ' .. service.name .. ' ' .. event.to) end\n",
    );
    // Now and then something happens to it, but not so often that it is not told.
    sandbox.profile("db", "exec sleep 2").set("restart", "");
    let defaults = sandbox.profiles().join(".defaults");
    fs::create_dir(&defaults).unwrap();
    let every = |word: &str| {
        let text = format!(
            "return function(service, event) log.info('{word} ' .. service.name .. ' ' .. event.to) end\n"
        );
        fs::write(defaults.join("on_event.lua"), text).unwrap();
    };
    every("all");
    let supervisor = sandbox.start();
    supervisor.wait_for_line("web", "on_event: all web running");
    supervisor.wait_for_line("db", "on_event: all db running");
    let log = supervisor.log();
    assert!(log.find("own web running").unwrap() < log.find("on_event: all web running").unwrap(), "{log}");
    assert!(!log.contains("own db"), "{log}");
    every("each");
    supervisor.wait_for_line("db", "on_event: each db");
    supervisor.drain();
}

#[test]
fn a_hook_sees_what_the_other_profiles_do() {
    let sandbox = Sandbox::new();
    sandbox.profile("db", SLEEP);
    sandbox.profile("held", SLEEP).set("down", "");
    sandbox.profile("web", SLEEP).set(
        "on_tick.lua",
        "return { every = 0.1, function(service)\n  local db = fleet.get('db')\n  \
         local seen = table.concat(fleet.names(), '+') .. ' ' .. (db and db.state .. ' ' .. tostring(db.pid) or 'gone')\n  \
         if seen ~= service.vars.seen then log.info('sees ' .. seen .. ' ' .. fleet.get('held').state) end\n  \
         service.vars.seen = seen\nend }\n",
    );
    let supervisor = sandbox.start();
    let pid = supervisor.main_process("db").pid;
    supervisor.wait_for_line("web", &format!("on_tick: sees db+held+web running {pid} stopped"));
    fs::remove_dir_all(supervisor.sandbox.profiles().join("db")).unwrap();
    supervisor.wait_for_line("web", "on_tick: sees held+web gone stopped");
    supervisor.drain();
}

#[test]
fn hook_timeout_cuts_a_call_and_takes_force_at_once() {
    let sandbox = Sandbox::new();
    let hold = "return function() sleep(1000) end\n";
    sandbox.profile("web", SLEEP).set("on_start.lua", hold).set("hook_timeout", "on_start 0.3\n");
    let supervisor = sandbox.start();
    supervisor.wait_for_line("web", "waits to start (on_start: no answer in time");
    let rest = "return function() sleep(0.1) end\n";
    supervisor.sandbox.write("web", "on_start.lua", rest);
    supervisor.sandbox.write("web", "hook_timeout", "on_start 600\n");
    supervisor.main_process("web");
    supervisor.sandbox.write("web", "hook_timeout", "on_strat 600\n");
    let line = supervisor.wait_for_line("web", "keeps its last good settings: `hook_timeout` line 1");
    assert!(line.contains("says `on_strat 600`: not the name of a hook"), "{line}");
    assert_eq!(supervisor.pids("web").len(), 1, "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn what_hooks_count_is_written_for_monitoring_and_outlives_a_reload() {
    let sandbox = Sandbox::new();
    let starts = "return function() metrics.counter('starts_total', 1, { by = 'hook' }) end\n";
    sandbox.profile("web", SLEEP).set("restart", "").set("backoff", "0 0").set("on_ready.lua", starts);
    let file = sandbox.state().join("metrics.prom");
    fs::create_dir_all(sandbox.state()).unwrap();
    fs::write(&file, "stale 1\n").unwrap();
    let mut supervisor = sandbox.start();
    let is = |count: u32| {
        let head = "# HELP starts_total What hooks have told.\n# TYPE starts_total counter\n";
        let text = format!("{head}starts_total{{profile=\"web\",by=\"hook\"}} {count}\n");
        fs::read_to_string(&file).ok().filter(|found| *found == text)
    };
    supervisor.wait_for("the metrics", || is(1));
    supervisor.sandbox.write("web", "on_ready.lua", &format!("{starts}\n-- another version\n"));
    supervisor.kill_main_process("web");
    supervisor.wait_for("the next version of the file", || is(2));
    supervisor.sandbox.write("web", "on_ready.lua", "return function() end\n");
    supervisor.end(Signal::SIGTERM);
    supervisor.start_again();
    supervisor.wait_for("the old numbers to be gone", || (!file.exists()).then_some(()));
    supervisor.drain();
}

#[test]
fn a_module_that_changes_has_the_hooks_that_require_it_loaded_anew_and_nothing_else() {
    let sandbox = Sandbox::new();
    let says = |word: &str| format!("return {{ word = '{word}' }}\n");
    let shared = sandbox.path().join("shared");
    fs::create_dir(&shared).unwrap();
    let own = sandbox.profiles().join(".hooks");
    fs::create_dir_all(own.join("lib")).unwrap();
    fs::write(own.join("lib/own.lua"), says("one")).unwrap();
    fs::write(shared.join("far.lua"), says("near")).unwrap();
    let tick = "local own, far = require('lib/own'), require('far')\n\
                return { every = 0.1, function(service)\n  local seen = own.word .. ' ' .. far.word\n  \
                if seen ~= service.vars.seen then log.info('says ' .. seen) end\n  service.vars.seen = seen\nend }\n";
    sandbox.profile("web", SLEEP).set("on_tick.lua", tick);
    sandbox.profile("plain", SLEEP);
    let supervisor = sandbox.start_with(|command| {
        command.arg("--hooks").arg(&shared);
    });
    supervisor.wait_for_line("web", "on_tick: says one near");
    fs::write(own.join("lib/own.lua"), says("two")).unwrap();
    supervisor.wait_for_line("web", "on_tick: says two near");
    fs::write(shared.join("far.lua"), says("far")).unwrap();
    supervisor.wait_for_line("web", "on_tick: says two far");
    // One that cannot be loaded leaves the hook of before in force.
    fs::write(own.join("lib/own.lua"), "return {\n").unwrap();
    supervisor.wait_for_line("web", "keeps its last good on_tick.lua (");
    fs::write(own.join("lib/own.lua"), says("three")).unwrap();
    supervisor.wait_for_line("web", "on_tick: says three far");
    for profile in ["web", "plain"] {
        assert_eq!(supervisor.pids(profile).len(), 1, "{}", supervisor.log());
    }
    supervisor.drain();
}
