//! The reference in three forms: a page for people, and stubs for two editors.

use std::fmt::Write as _;

use proclaunch_core::hook::Hook;

use super::Item;
use super::kinds::{Kind, asked, kinds};
use super::notation::Type;
use crate::hooks::answer::expected;
use crate::hooks::api::{CONSTANTS, GROUPS};

const PAGE: &str = "# What hooks can use

<!-- Made from the program by its tests (UPDATE=1); do not edit. -->

A hook is a file `NAME.lua` in a profile's directory that returns a function of one argument, the service. The language
is Luau without what reaches outside: there is no `io`, `os`, `debug`, `package`, `coroutine`, `load` or `loadstring`.
`require(\"name\")` reads modules from the profile's directory, from `.hooks/` beside the profiles and from `--hooks DIR`,
in this order. Globals are read-only, and a name that nobody knows is an error. A wrong argument is an error that names
the function, the argument, what was expected and what came.

## Hooks

| hook | asked | answer | time |
|---|---|---|---|
";

/// The page.
pub fn page() -> String {
    let mut page = PAGE.to_owned();
    for hook in Hook::ALL {
        let answer = match expected(hook) {
            "" => "ignored",
            answer => answer,
        };
        let waits = if hook.may_wait() { "" } else { "; may not wait" };
        let seconds = hook.budget().as_secs();
        add(&mut page, format_args!("| `{hook}` | {} | {answer} | {seconds} s{waits} |\n", asked(hook)));
    }
    page.push_str(
        "\n`health.lua` may also return a check, or a list of checks; `should_restart.lua` a policy.\n",
    );
    page.push_str("\n## Constants\n\n");
    for constant in CONSTANTS {
        entry(&mut page, &constant.item);
    }
    let mut last = "";
    for group in GROUPS {
        if group.name != last {
            add(&mut page, format_args!("\n## {}\n\n", group.name));
            last = group.name;
        }
        group.items.iter().for_each(|item| entry(&mut page, item));
    }
    for Kind { name, doc, items } in kinds() {
        add(&mut page, format_args!("\n## {name}\n\n{doc}\n"));
        if !items.is_empty() {
            page.push('\n');
        }
        for item in items {
            entry(&mut page, item);
        }
    }
    page
}

/// One line of the page.
pub(crate) fn entry(page: &mut String, item: &Item) {
    add(page, format_args!("- `{}`  \n  {} *Since {}.*\n", item.signature(), item.doc, item.since));
}

/// The stub for `LuaLS`: definitions that are read and never run.
pub fn luals() -> String {
    let mut stub = "---@meta\n-- Made from the program by its tests (UPDATE=1); do not edit.\n".to_owned();
    for Kind { name, doc, items } in kinds() {
        add(&mut stub, format_args!("\n---{doc}\n---@class {name}\n"));
        for item in items.iter().filter(|item| !item.is_function) {
            let field = item.own_name();
            add(&mut stub, format_args!("---@field {field} {} {}\n", luals_type(item.returns), item.doc));
        }
        if name == "Check" || name == "Policy" {
            stub.push_str("---@field [1] fun(service: Service): any, any\n");
        }
        add(&mut stub, format_args!("local {name} = {{}}\n"));
        for item in items.iter().filter(|item| item.is_function) {
            let method = format!("{name}:{}", item.own_name());
            luals_function(&mut stub, item, &method);
        }
    }
    for constant in CONSTANTS {
        luals_value(&mut stub, &constant.item);
    }
    let mut last = "";
    for group in GROUPS {
        if group.items.iter().any(|item| item.name.contains('.')) && group.name != last {
            add(&mut stub, format_args!("\n{} = {{}}\n", group.name));
        }
        last = group.name;
        for item in group.items {
            if item.is_function {
                luals_function(&mut stub, item, item.name);
            } else {
                luals_value(&mut stub, item);
            }
        }
    }
    stub
}

fn luals_value(stub: &mut String, item: &Item) {
    let zero = if item.returns == "number" { "0" } else { "{}" };
    let kind = luals_type(item.returns);
    add(stub, format_args!("\n---{}\n---@type {kind}\n{} = {zero}\n", item.doc, item.name));
}

/// A function, as `LuaLS` reads it.
pub(crate) fn luals_function(stub: &mut String, item: &Item, name: &str) {
    add(stub, format_args!("\n---{} Since {}.\n", item.doc, item.since));
    for (name, kind) in item.parameters {
        add(stub, format_args!("---@param {name} {}\n", luals_type(kind)));
    }
    if let Some(returns) = Type::parse(item.returns) {
        for value in returns.values() {
            add(stub, format_args!("---@return {value}\n"));
        }
    }
    let names: Vec<&str> = item.parameters.iter().map(|(name, _)| *name).collect();
    add(stub, format_args!("function {name}({}) end\n", names.join(", ")));
}

fn luals_type(kind: &str) -> String {
    Type::parse(kind).map_or_else(|| kind.to_owned(), |kind| kind.to_string())
}

/// The definitions for luau-lsp.
pub fn luau() -> String {
    let mut stub = "-- Made from the program by its tests (UPDATE=1); do not edit.\n".to_owned();
    for Kind { name, doc, items } in kinds() {
        add(&mut stub, format_args!("\n-- {doc}\nexport type {name} = {{\n"));
        if name == "Check" || name == "Policy" {
            stub.push_str("    [number]: any,\n");
        }
        for item in items {
            add(
                &mut stub,
                format_args!("    -- {}\n    {}: {},\n", item.doc, item.own_name(), luau_type(item, name)),
            );
        }
        stub.push_str("}\n");
    }
    for constant in CONSTANTS {
        add(&mut stub, format_args!("\n-- {}\ndeclare {}: number\n", constant.item.doc, constant.item.name));
    }
    let mut last = "";
    let mut is_open = false;
    for group in GROUPS {
        let is_table = group.items.iter().any(|item| item.name.contains('.'));
        if is_open && group.name != last {
            stub.push_str("}\n");
            is_open = false;
        }
        if is_table && !is_open {
            add(&mut stub, format_args!("\ndeclare {}: {{\n", group.name));
            is_open = true;
        }
        last = group.name;
        for item in group.items {
            if is_table {
                add(
                    &mut stub,
                    format_args!("    -- {}\n    {}: {},\n", item.doc, item.own_name(), luau_type(item, "")),
                );
            } else {
                add(
                    &mut stub,
                    format_args!("\n-- {}\ndeclare {}: {}\n", item.doc, item.name, luau_type(item, "")),
                );
            }
        }
    }
    if is_open {
        stub.push_str("}\n");
    }
    stub
}

/// The type of an item; that of a method begins with the type it is of.
pub(crate) fn luau_type(item: &Item, of: &str) -> String {
    if !item.is_function {
        return item.returns.to_owned();
    }
    let this = item.name.contains(':').then(|| format!("self: {of}"));
    let parameters = item.parameters.iter().map(|(name, kind)| match *name {
        "..." => format!("...{kind}"),
        name => format!("{name}: {kind}"),
    });
    let parameters: Vec<String> = this.into_iter().chain(parameters).collect();
    let returns = if item.returns.is_empty() { "()" } else { item.returns };
    format!("({}) -> {returns}", parameters.join(", "))
}

/// Adds to a text.
pub(crate) fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(more);
}
