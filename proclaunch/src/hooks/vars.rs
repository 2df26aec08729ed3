//! `service.vars`: plain data of the profile's own, which outlives calls, reloads and the supervisor.
//!
//! Between calls it is JSON text. The first use in a call makes a table of it, which is read back when the call ends,
//! however it ended.
//!
//! **Invariant:** data that cannot be kept is an error of the hook that left it, and what was kept before stays.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use mlua::{Lua, Table, Value};

use super::plain;

/// The most that is kept, in bytes of JSON.
pub(super) const LARGEST: usize = 64 * 1024;

/// The kept text, shared by all VMs of a profile.
pub type Kept = Rc<RefCell<String>>;

/// The variables as one VM sees them.
#[derive(Clone, Debug, Default)]
pub struct Vars {
    kept: Kept,
    open: Rc<RefCell<Option<Table>>>,
    calls: Rc<Cell<usize>>,
}

impl Vars {
    /// The variables in this text, which is JSON, or empty for none.
    pub fn new(kept: Kept) -> Self {
        Self { kept, ..Self::default() }
    }

    /// The table of the calls in flight.
    pub(super) fn table(&self, lua: &Lua) -> mlua::Result<Table> {
        if let Some(table) = &*self.open.borrow() {
            return Ok(table.clone());
        }
        let data = serde_json::from_str(&self.kept.borrow()).unwrap_or_default();
        let table = match plain::to_lua(lua, &data)? {
            Value::Table(table) => table,
            _ => lua.create_table()?,
        };
        *self.open.borrow_mut() = Some(table.clone());
        Ok(table)
    }

    /// Puts another table in its place: `service.vars = { ... }`.
    pub(super) fn replace(&self, table: Table) {
        *self.open.borrow_mut() = Some(table);
    }

    pub(super) fn begin(&self) {
        self.calls.set(self.calls.get() + 1);
    }

    /// Reads back what a call left: the new text if it is another one.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn end(&self) -> Result<Option<String>, String> {
        self.calls.set(self.calls.get().saturating_sub(1));
        let open = if self.calls.get() == 0 { self.open.take() } else { self.open.borrow().clone() };
        let Some(table) = open else { return Ok(None) };
        let data = plain::to_json("service.vars", &Value::Table(table), LARGEST)
            .map_err(|unfit| unfit.to_string())?;
        if data.is_array() {
            return Err("`service.vars` is a list; give its values names".to_owned());
        }
        let text = data.to_string();
        if text.len() > LARGEST {
            return Err(format!("`service.vars` is more than {LARGEST} bytes"));
        }
        let is_same = *self.kept.borrow() == text || (self.kept.borrow().is_empty() && text == "{}");
        if is_same {
            return Ok(None);
        }
        self.kept.borrow_mut().clone_from(&text);
        Ok(Some(text))
    }
}
