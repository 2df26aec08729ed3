//! What test scripts can call, one table for `world` and one for `expect`: functions, manual and stubs are made from
//! these.
//!
//! **Invariant:** a statement that is no good is an error of its line, and never a silent nothing.

mod compare;
mod expect;
mod happen;
mod life;
mod reach;
mod uses;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use mlua::{Error, Lua, MultiValue, Table, Value};
use proclaunch_core::profile::closest;
use tokio::sync::{Mutex, MutexGuard};

use super::stage::Stage;
use super::words;
use super::world::World;
use crate::hooks::api::arguments::{Arguments, text};
use crate::hooks::fault::shown;
use crate::hooks::outside::Soon;
use crate::hooks::reference::Item;

/// What an expectation found instead.
#[derive(Clone, Debug)]
pub(super) struct Mismatch {
    pub(super) expected: String,
    pub(super) was: String,
}

impl Mismatch {
    /// As the error that the script gets.
    pub(super) fn message(&self) -> String {
        format!("expected {}, was {}", self.expected, self.was)
    }
}

/// What the functions of one test share.
pub(super) struct Here {
    pub(super) world: Rc<World>,
    stage: Mutex<Stage>,
    /// A test runs: outside of one there is no world.
    pub(super) is_open: Cell<bool>,
    /// What the last expectation that failed found.
    pub(super) mismatch: RefCell<Option<Mismatch>>,
}

impl Here {
    pub(super) fn new(stage: Stage) -> Rc<Self> {
        Rc::new(Self {
            world: Rc::clone(&stage.world),
            stage: Mutex::new(stage),
            is_open: Cell::new(false),
            mismatch: RefCell::default(),
        })
    }

    /// The driver, once the supervisor has found the profile.
    async fn begun(&self) -> Result<MutexGuard<'_, Stage>, Trouble> {
        let mut stage = self.stage.lock().await;
        stage.begin().await?;
        Ok(stage)
    }

    /// The driver, unless a statement has it.
    pub(super) fn stage_if_free(&self) -> Option<MutexGuard<'_, Stage>> {
        self.stage.try_lock().ok()
    }

    /// The driver as it is.
    pub(super) async fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().await
    }
}

/// Why a statement failed.
#[derive(Debug)]
enum Trouble {
    Lua(Error),
    Why(String),
    Mismatch(Mismatch),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Lua(error)
    }
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Why(why)
    }
}

type Done = Result<(), Trouble>;

/// One function.
pub(super) struct Verb {
    pub(super) item: Item,
    run: fn(Rc<Here>, Arguments) -> Soon<'static, Done>,
}

/// The functions of `world`, by what they are about.
pub(super) static WORLD: [(&str, &[Verb]); 4] = [
    ("Time and processes", life::VERBS),
    ("What processes use", uses::VERBS),
    ("What hooks can reach", reach::VERBS),
    ("What happens to the profile", happen::VERBS),
];

/// The functions of `expect`.
pub(super) static EXPECT: [(&str, &[Verb]); 2] =
    [("What became of the profile", expect::VERBS), ("What hooks did", compare::VERBS)];

/// `world` or `expect` for one VM. To be called where async functions can be made.
pub(super) fn table(
    lua: &Lua,
    here: &Rc<Here>,
    name: &'static str,
    groups: &'static [(&'static str, &'static [Verb])],
) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for verb in groups.iter().flat_map(|(_, verbs)| *verbs) {
        let here = Rc::clone(here);
        let call = move |_: Lua, values: MultiValue| {
            let here = Rc::clone(&here);
            async move { call(here, verb, values).await }
        };
        table.raw_set(verb.item.own_name(), lua.create_async_function(call)?)?;
    }
    let metatable = lua.create_table()?;
    let index = lua.create_function(move |_, (_, key): (Value, Value)| -> mlua::Result<()> {
        let key = text(&key).unwrap_or_else(|| shown(&key));
        let known: Vec<&str> =
            groups.iter().flat_map(|(_, verbs)| *verbs).map(|verb| verb.item.own_name()).collect();
        let meant = closest(&key, &known).map(|meant| format!(", did you mean '{name}.{meant}'?"));
        Err(Error::runtime(format!("unknown name '{name}.{key}'{}", meant.unwrap_or_default())))
    })?;
    metatable.raw_set("__index", index)?;
    metatable.raw_set("__metatable", false)?;
    table.set_metatable(Some(metatable))?;
    table.set_readonly(true);
    Ok(table)
}

async fn call(here: Rc<Here>, verb: &'static Verb, values: MultiValue) -> mlua::Result<()> {
    let name = verb.item.name;
    if !here.is_open.get() {
        return Err(Error::runtime(format!("{name}: there is a world only while a test runs")));
    }
    let statement = words::statement(verb.item.own_name(), &values);
    if name.starts_with("world.") {
        here.world.note("world", statement.clone());
    }
    let done = (verb.run)(Rc::clone(&here), Arguments::new(name, values)).await;
    done.map_err(|trouble| match trouble {
        Trouble::Lua(error) => error,
        Trouble::Why(why) => Error::runtime(format!("{name}: {why}")),
        Trouble::Mismatch(mismatch) => {
            here.world.note("expect", format!("{statement} FAILED: was {}", mismatch.was));
            let message = mismatch.message();
            *here.mismatch.borrow_mut() = Some(mismatch);
            Error::runtime(message)
        }
    })
}
