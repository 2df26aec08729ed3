//! The manual of test scripts, and the stubs for two editors: made from the table of what they can call.

use super::interpreter::TEST;
use super::verbs::{EXPECT, Verb, WORLD};
use crate::hooks::reference::{Item, add, entry, luals_function, luau_type};

const HEAD: &str = include_str!("testing.md");

fn items(groups: &'static [(&'static str, &'static [Verb])]) -> impl Iterator<Item = &'static Item> {
    groups.iter().flat_map(|(_, verbs)| *verbs).map(|verb| &verb.item)
}

/// The page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## test\n\n");
    entry(&mut page, &TEST);
    for (name, groups) in [("world", &WORLD[..]), ("expect", &EXPECT[..])] {
        for (title, verbs) in groups {
            add(&mut page, format_args!("\n## {name}: {}\n\n", title.to_lowercase()));
            for verb in *verbs {
                entry(&mut page, &verb.item);
            }
        }
    }
    page
}

/// The stub for `LuaLS`.
pub fn luals() -> String {
    let mut stub = "---@meta\n-- Made from the program by its tests (UPDATE=1); do not edit.\n".to_owned();
    luals_function(&mut stub, &TEST, TEST.name);
    for (name, groups) in [("world", &WORLD[..]), ("expect", &EXPECT[..])] {
        add(&mut stub, format_args!("\n{name} = {{}}\n"));
        for item in items(groups) {
            luals_function(&mut stub, item, item.name);
        }
    }
    stub
}

/// The definitions for luau-lsp.
pub fn luau() -> String {
    let mut stub = "-- Made from the program by its tests (UPDATE=1); do not edit.\n".to_owned();
    add(&mut stub, format_args!("\n-- {}\ndeclare test: {}\n", TEST.doc, luau_type(&TEST, "")));
    for (name, groups) in [("world", &WORLD[..]), ("expect", &EXPECT[..])] {
        add(&mut stub, format_args!("\ndeclare {name}: {{\n"));
        for item in items(groups) {
            add(
                &mut stub,
                format_args!("    -- {}\n    {}: {},\n", item.doc, item.own_name(), luau_type(item, "")),
            );
        }
        stub.push_str("}\n");
    }
    stub
}
