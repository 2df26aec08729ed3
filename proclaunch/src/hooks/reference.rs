//! The reference of everything that hooks can use: one table, which functions, editor stubs and the manual are checked
//! against or made from.
//!
//! The lines stand beside the functions, in `api/`; this is their form, and the list of all.

mod kinds;
mod notation;
mod render;

use super::api::{CONSTANTS, GROUPS};

pub(crate) use render::{add, entry, luals_function, luau_type};
pub use render::{luals, luau, page};

/// One function, constant or field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// As hooks write it: `clock.between`, `sleep`, `MB`, `service.name`, `service:exits`.
    pub name: &'static str,
    /// Name and type of each parameter, in Luau's notation; a type that ends in `?` may be left out.
    pub parameters: &'static [(&'static str, &'static str)],
    /// The type of what comes back or stands there; empty for nothing.
    pub returns: &'static str,
    /// What it is or does, in sentences.
    pub doc: &'static str,
    /// The first version that has it.
    pub since: &'static str,
    /// Whether it is called.
    pub is_function: bool,
}

impl Item {
    /// A function of version 2.0.
    pub const fn function(
        name: &'static str,
        parameters: &'static [(&'static str, &'static str)],
        returns: &'static str,
        doc: &'static str,
    ) -> Self {
        Self { name, parameters, returns, doc, since: "2.0", is_function: true }
    }

    /// A constant or a field of version 2.0.
    pub const fn value(name: &'static str, kind: &'static str, doc: &'static str) -> Self {
        Self { name, parameters: &[], returns: kind, doc, since: "2.0", is_function: false }
    }

    /// The name alone, without what stands before the last dot or colon.
    pub fn own_name(&self) -> &'static str {
        self.name.rsplit(['.', ':']).next().unwrap_or(self.name)
    }

    /// As one would write a call: `clock.between(from: string, to: string): boolean`.
    pub fn signature(&self) -> String {
        if !self.is_function {
            return format!("{}: {}", self.name, self.returns);
        }
        let parameters: Vec<String> =
            self.parameters.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
        let call = format!("{}({})", self.name, parameters.join(", "));
        if self.returns.is_empty() { call } else { format!("{call}: {}", self.returns) }
    }
}

/// All of them, group by group, and then what the types have that have a name.
pub fn items() -> impl Iterator<Item = &'static Item> {
    CONSTANTS
        .iter()
        .map(|constant| &constant.item)
        .chain(GROUPS.iter().flat_map(|group| group.items))
        .chain(kinds::kinds().into_iter().flat_map(|kind| kind.items))
}

#[cfg(test)]
mod tests {
    use super::notation::Type;
    use super::*;

    #[test]
    fn every_type_can_be_read_and_every_name_in_it_is_known() {
        const BASIC: [&str; 5] = ["any", "boolean", "nil", "number", "string"];
        let kinds: Vec<&str> = kinds::kinds().iter().map(|kind| kind.name).collect();
        for item in items() {
            let parameters = item.parameters.iter().map(|(_, kind)| *kind);
            for text in parameters.chain([item.returns]).filter(|text| !text.is_empty()) {
                let kind = Type::parse(text).unwrap_or_else(|| panic!("{}: `{text}` is no type", item.name));
                for name in kind.names() {
                    assert!(BASIC.contains(&name) || kinds.contains(&name), "{}: `{name}`", item.name);
                }
            }
        }
    }

    #[test]
    fn every_line_says_what_it_is_and_since_when() {
        for item in items() {
            let doc = item.doc;
            let is_sentence =
                doc.ends_with('.') && !doc.contains('\n') && doc.starts_with(|c: char| !c.is_lowercase());
            assert!(is_sentence || doc.starts_with('`'), "{}: {doc}", item.name);
            assert_eq!(item.since, "2.0", "{}", item.name);
        }
    }
}
