//! What the functions of the API know: whose VM they are in, and which call they were made from.
//!
//! **Invariant:** a context holds no Lua value but the open variables, and those weakly: dropping the VM frees all.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use mlua::VmState;
use proclaunch_core::hook::{Hook, Question, Wish};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::log::Level;
use proclaunch_core::profile::Variable;

use super::budget::Meter;
use super::fault::bounded;
use super::fleet::Fleet;
use super::metrics::Samples;
use super::outside::{Outside, Real};

use super::time::Clock;
use super::told::Told;
use super::vars::Vars;

/// The most lines that one call may write to the log.
const LINES_MAX: u32 = 100;

/// The most wishes that one call may have.
const WISHES_MAX: u32 = 16;

/// Where a context puts what it has to tell.
pub type Tell = Rc<dyn Fn(Told)>;

/// The profile, as far as hooks are told of its files.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name.
    pub name: ProfileName,
    /// Its directory.
    pub dir: PathBuf,
    /// What its service would be given as environment.
    pub env: Vec<Variable>,
    /// The text of its setting files.
    pub settings: BTreeMap<String, String>,
}

/// One call of a hook, or the loading of the files.
#[derive(Debug)]
pub struct Call {
    /// What is asked; none while the files are loaded.
    pub question: Option<Question>,
    pub(super) meter: Meter,
    lines: Cell<u32>,
    wishes: Cell<u32>,
}

impl Call {
    pub(super) fn new(question: Option<Question>) -> Rc<Self> {
        Rc::new(Self { question, meter: Meter::default(), lines: Cell::new(0), wishes: Cell::new(0) })
    }

    /// The hook that is called.
    pub fn hook(&self) -> Option<Hook> {
        self.question.as_ref().map(|question| question.hook)
    }
}

/// What the functions of one VM share.
pub struct Context {
    profile: Profile,
    clock: Clock,
    tell: Tell,
    modules: Vec<PathBuf>,
    call: RefCell<Option<Rc<Call>>>,
    unknown: RefCell<Vec<String>>,
    fleet: OnceCell<Fleet>,
    outside: OnceCell<Rc<dyn Outside>>,
    pub(super) metrics: RefCell<Samples>,
    pub(super) vars: Vars,
}

impl Context {
    /// The context of a VM of `profile`, whose modules are looked for in `modules`, in this order.
    pub fn new(profile: Profile, modules: Vec<PathBuf>, clock: Clock, tell: Tell, vars: Vars) -> Rc<Self> {
        Rc::new(Self {
            profile,
            clock,
            tell,
            modules,
            call: RefCell::default(),
            unknown: RefCell::default(),
            fleet: OnceCell::new(),
            outside: OnceCell::new(),
            metrics: RefCell::default(),
            vars,
        })
    }

    /// Whose hooks these are.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The time.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Where `require` looks, in this order.
    pub fn modules(&self) -> &[PathBuf] {
        &self.modules
    }

    /// Says where the states of the other profiles are published. To be called once, before a script runs.
    pub fn connect(&self, fleet: Fleet) {
        // What is connected already stays.
        let _ = self.fleet.set(fleet);
    }

    /// What the other profiles do; of nobody if nothing is connected.
    pub fn fleet(&self) -> &Fleet {
        self.fleet.get_or_init(Fleet::default)
    }

    /// Says what there is to be reached. To be called once, before a script runs.
    pub(crate) fn surround(&self, outside: Rc<dyn Outside>) {
        // What is there already stays.
        let _ = self.outside.set(outside);
    }

    /// What there is to be reached: the machine as it is, unless something else is said.
    pub(crate) fn outside(&self) -> &dyn Outside {
        &**self.outside.get_or_init(|| Rc::new(Real))
    }

    /// The call that is running; none only between calls.
    pub fn call(&self) -> Option<Rc<Call>> {
        self.call.borrow().clone()
    }

    /// The hook that is running; none while the files are loaded.
    pub fn hook(&self) -> Option<Hook> {
        self.call.borrow().as_ref().and_then(|call| call.hook())
    }

    /// Asks for leave to wait, for the function of this name. To be the first thing in everything that waits.
    ///
    /// # Errors
    /// The hook decides while something stands still, or the files are being loaded.
    pub fn may_wait(&self, function: &str) -> mlua::Result<()> {
        match self.hook() {
            Some(hook) if hook.may_wait() => Ok(()),
            Some(hook) => {
                let instead = match hook {
                    Hook::OnChange => "on_ready or on_tick",
                    Hook::OnStart
                    | Hook::Ready
                    | Hook::OnReady
                    | Hook::Health
                    | Hook::OnTick
                    | Hook::ShouldRestart
                    | Hook::OnStop
                    | Hook::OnExit
                    | Hook::OnEvent => "on_exit or on_start",
                };
                Err(mlua::Error::runtime(format!(
                    "{function}: {hook} decides and may not wait; do this in {instead} and keep the result in \
                     service.vars"
                )))
            }
            None => Err(mlua::Error::runtime(format!(
                "{function}: nothing may wait while the files are loaded; do this inside the function that the file \
                 returns"
            ))),
        }
    }

    /// Has a line written to the log; past a number of lines, one that says so, and none after it.
    pub fn say(&self, level: Level, text: &str) {
        let lines = self.call.borrow().as_ref().map_or(0, |call| call.lines.replace(call.lines.get() + 1));
        let text = match lines.cmp(&LINES_MAX) {
            std::cmp::Ordering::Less => bounded(text),
            std::cmp::Ordering::Equal => {
                format!("more than {LINES_MAX} lines in one call; the rest is left out")
            }
            std::cmp::Ordering::Greater => return,
        };
        self.tell(Told::Said { name: self.profile.name.clone(), level, hook: self.hook(), text });
    }

    /// Asks the core for something.
    ///
    /// # Errors
    /// No hook is running, or it has asked for too much.
    pub fn wish(&self, function: &str, wish: Wish) -> mlua::Result<()> {
        let call = self.call();
        let Some((call, hook)) = call.and_then(|call| call.hook().map(|hook| (call, hook))) else {
            return Err(mlua::Error::runtime(format!("{function}: only a hook can ask for this")));
        };
        if call.wishes.replace(call.wishes.get() + 1) >= WISHES_MAX {
            return Err(mlua::Error::runtime(format!(
                "{function}: more than {WISHES_MAX} requests in one call"
            )));
        }
        self.tell(Told::Wished { name: self.profile.name.clone(), hook, wish });
        Ok(())
    }

    /// Tells the reactor something.
    pub(super) fn tell(&self, told: Told) {
        (self.tell)(told);
    }

    /// Makes `call` the one that is running; to be undone by [`Self::leave`].
    pub(super) fn enter(&self, call: &Rc<Call>) -> Option<Rc<Call>> {
        self.call.borrow_mut().replace(Rc::clone(call))
    }

    pub(super) fn leave(&self, outer: Option<Rc<Call>>) {
        *self.call.borrow_mut() = outer;
    }

    /// What the interpreter is to do, asked in the middle of a script.
    pub(super) fn interrupt(&self) -> mlua::Result<VmState> {
        self.call.borrow().as_ref().map_or(Ok(VmState::Continue), |call| call.meter.interrupt())
    }

    /// Notes a global name that nothing knows.
    pub(super) fn note_unknown(&self, name: &str) {
        let mut unknown = self.unknown.borrow_mut();
        if unknown.len() < 32 && !unknown.iter().any(|known| known == name) {
            unknown.push(bounded(name));
        }
    }

    /// The global names that the files use and nothing knows, as far as the compiler saw them.
    pub fn unknown_names(&self) -> Vec<String> {
        self.unknown.borrow().clone()
    }
}
