//! The reference says what there is, and memory stays what it was.

use std::collections::BTreeSet;

use proclaunch_core::hook::{Answer, Hook, Outcome};

use super::support::{Bench, outcome, run};
use crate::hooks::api::{CONSTANTS, GROUPS, METHODS};
use crate::hooks::reference::{Item, items};

/// The names in a global table, or its type.
fn names_in(global: &str) -> String {
    let text = format!(
        "return function() local t, names = {global}, {{}}
        if type(t) ~= 'table' then return false, type(t) end
        for name in pairs(t) do table.insert(names, '{global}.' .. name) end
        table.sort(names) return false, table.concat(names, ' ') end"
    );
    match outcome(Hook::Health, &text) {
        Outcome::Answer(Answer::Health(Err(names))) => names,
        other => panic!("{global}: {other:?}"),
    }
}

#[test]
fn what_can_be_called_is_in_the_reference_and_the_other_way_round() {
    for group in GROUPS {
        // Several groups may fill one table.
        let same = GROUPS.iter().filter(|other| other.name == group.name);
        let mut listed: Vec<&str> = same.flat_map(|one| one.items).map(|item| item.name).collect();
        listed.sort_unstable();
        if listed == [group.name] {
            let kind = if group.items[0].is_function { "function" } else { "" };
            assert_eq!(names_in(group.name), kind, "{}", group.name);
        } else {
            assert_eq!(names_in(group.name), listed.join(" "), "{}", group.name);
        }
    }
    for constant in CONSTANTS {
        assert_eq!(names_in(constant.item.name), "number");
    }
    for method in METHODS {
        let text = format!("return function(s) return type(s.{}) == 'function' end", method.name());
        assert_eq!(
            outcome(Hook::Health, &text),
            Outcome::Answer(Answer::Health(Ok(()))),
            "{}",
            method.name()
        );
    }
}

#[test]
fn the_reference_names_everything_once_and_says_what_it_is() {
    let mut names = BTreeSet::new();
    for item in items() {
        assert!(names.insert(item.name), "{} is there twice", item.name);
        assert!(item.doc.ends_with('.'), "{}: a sentence", item.name);
        assert!(item.signature().starts_with(item.name));
    }
    let signature = |name: &str| items().find(|item| item.name == name).map(Item::signature).unwrap();
    assert_eq!(signature("clock.between"), "clock.between(from: string, to: string): boolean");
    assert_eq!(signature("log.info"), "log.info(text: string)");
    assert_eq!(signature("clock.now"), "clock.now(): number");
    assert_eq!(signature("MB"), "MB: number");
}

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Whether this is a process for that test alone; if not, has it run in one. What other tests of this process take is
/// not to be counted.
fn is_alone(test: &str) -> bool {
    if std::env::var_os("TEST_ALONE").is_some() {
        return true;
    }
    let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
    let output = alone.args(["--exact", test]).env("TEST_ALONE", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

#[test]
fn a_thousand_cycles_of_load_call_and_reload_leave_memory_flat() {
    let name = "hooks::tests::reference::a_thousand_cycles_of_load_call_and_reload_leave_memory_flat";
    if !is_alone(name) {
        return;
    }
    run(async {
        let text = "local t = {} return function(s) t[#t + 1] = s.name s.vars.n = (s.vars.n or 0) + 1 return true end";
        let files = [(Hook::Health, text), (Hook::OnStop, "return function() sleep(0) return 1 end")];
        let cycle = async || {
            let bench = Bench::new(&files).await;
            assert_eq!(bench.ask(Hook::Health).await, Outcome::Answer(Answer::Health(Ok(()))));
            assert!(matches!(bench.ask(Hook::OnStop).await, Outcome::Answer(_)));
        };
        for _ in 0..100 {
            cycle().await;
        }
        let before = resident();
        for _ in 0..1000 {
            cycle().await;
        }
        let after = resident();
        // A leak of a whole interpreter for each cycle would be 170 MB.
        assert!(after < before + 20_000, "{before} KiB before, {after} KiB after");
    });
}

#[test]
fn a_thousand_calls_leave_the_memory_of_an_interpreter_flat() {
    run(async {
        let text = "return function(s) local t = {} for i = 1, 100 do t[i] = { s.uptime, i } end \
                    s.vars.n = #t return true end";
        let bench = Bench::new(&[(Hook::Health, text)]).await;
        for _ in 0..1000 {
            bench.ask(Hook::Health).await;
        }
        let before = bench.host.used_memory();
        for _ in 0..5000 {
            bench.ask(Hook::Health).await;
        }
        let after = bench.host.used_memory();
        assert!(after < before + 512 * 1024, "{before} before, {after} after");
    });
}
