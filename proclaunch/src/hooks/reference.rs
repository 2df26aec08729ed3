//! The reference of everything that hooks can use: one table, which functions, editor stubs and the manual are checked
//! against or made from.
//!
//! The lines stand beside the functions, in `api/`; this is their form, and the list of all.

use super::api::{CONSTANTS, GROUPS, METHODS};
use super::service::FIELDS;

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

/// All of them, group by group.
pub fn items() -> impl Iterator<Item = &'static Item> {
    CONSTANTS
        .iter()
        .map(|constant| &constant.item)
        .chain(GROUPS.iter().flat_map(|group| group.items))
        .chain(FIELDS)
        .chain(METHODS.iter().map(|method| &method.item))
}
