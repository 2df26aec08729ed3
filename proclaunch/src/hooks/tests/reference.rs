//! The reference is what is there, and the committed pages are made from it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use proclaunch_core::hook::Hook;

use super::support::{failure, outcome};
use crate::hooks::api::{GROUPS, METHODS};
use crate::hooks::reference::{Item, luals, luau, page};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks-examples")
}

#[test]
fn the_committed_pages_are_those_of_the_program() {
    for (file, text) in
        [("REFERENCE.md", page()), ("meta/proclaunch.lua", luals()), ("meta/proclaunch.d.luau", luau())]
    {
        let path = examples().join(file);
        if env::var_os("UPDATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "hooks-examples/{file} is out of date: run the tests with UPDATE=1");
    }
}

#[test]
fn the_stub_for_luals_is_lua() {
    let stub = format!("local function _()\n{}\nend\nreturn function() end", luals());
    outcome(Hook::OnTick, &stub);
}

/// Everything that the groups make is in the reference, and everything in the reference is made.
#[test]
fn what_is_made_is_what_is_said() {
    let names: BTreeSet<&str> = GROUPS.iter().map(|group| group.name).collect();
    for name in names {
        let items = GROUPS.iter().filter(|group| group.name == name).flat_map(|group| group.items);
        let (fields, whole): (Vec<&Item>, Vec<&Item>) =
            items.partition(|item| item.name.starts_with(&format!("{name}.")));
        let expected: BTreeSet<&str> = fields.iter().map(|item| item.own_name()).collect();
        assert!(whole.len() == usize::from(fields.is_empty()), "{name}: a table or a function, not both");
        let text = if let Some(item) = whole.first() {
            let kind = if item.is_function { "function" } else { "table" };
            format!("return function() error('=' .. tostring(type({name}) == '{kind}'), 0) end")
        } else {
            format!(
                "return function()
                    local names = {{}}
                    for name, value in pairs({name}) do
                        assert(type(value) == 'function', name)
                        table.insert(names, name)
                    end
                    table.sort(names)
                    error('=' .. table.concat(names, ' '), 0)
                end"
            )
        };
        let got = failure(Hook::OnTick, &text);
        let expected: Vec<&str> = expected.into_iter().collect();
        let expected = if fields.is_empty() { "true".to_owned() } else { expected.join(" ") };
        assert_eq!(got, format!("web/on_tick.lua: ={expected}"), "{name}");
    }
}

#[test]
fn every_method_is_one() {
    for method in METHODS {
        let name = method.name();
        let text = format!("return function(service) error(type(service.{name}), 0) end");
        assert_eq!(failure(Hook::OnTick, &text), "web/on_tick.lua: function", "{name}");
    }
}
