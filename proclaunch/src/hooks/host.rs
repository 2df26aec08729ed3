//! The hooks of one profile, ready to be called: an interpreter, and the functions that its files returned.
//!
//! A host needs no thread of its own. It runs wherever a current-thread runtime of tokio drives it: on the thread of
//! the hooks, or in `proclaunch check` and `proclaunch test`.
//!
//! **Invariant:** every call ends within its budget, with an outcome, and leaves the interpreter usable.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use mlua::chunk::ChunkMode;
use mlua::{Function, MultiValue, Table, Value};
use proclaunch_core::hook::{Answer, Hook, Hooks, Outcome, Question};
use proclaunch_core::log::Level;

use super::budget::{self, Spent, run};
use super::context::{Call, Context};
use super::declared::Declared;
use super::fault;
use super::source::{self, Source, Sources};
use super::told::Told;
use super::vm::{MEMORY, Vm};
use super::{answer, service};

/// How long running a file may take; it computes and does not wait.
const LOADING: Duration = Duration::from_secs(1);

/// How often at most memory is given back bit by bit after a call: enough for two whole rounds.
const COLLECTIONS_MAX: u32 = 4096;

/// An interpreter that holds so much after whole rounds has no room to work in.
const FULL: usize = MEMORY / 4 * 3;

/// A function, and the file that it comes from.
#[derive(Clone, Debug)]
struct Callable {
    file: String,
    function: Function,
}

/// The hooks of one profile.
pub struct Host {
    context: Rc<Context>,
    vm: Vm,
    /// Makes the service argument.
    service: Function,
    functions: BTreeMap<Hook, Vec<Callable>>,
    hooks: Hooks,
}

impl Host {
    /// Runs the files. Those that cannot be loaded are listed as broken; the others can be called.
    ///
    /// # Errors
    /// No interpreter can be made, in words.
    pub async fn load(context: Rc<Context>, sources: &Sources) -> Result<Self, String> {
        let made =
            Vm::new(&context).and_then(|vm| service::maker(&vm.lua, &context).map(|maker| (vm, maker)));
        let (vm, service) = made.map_err(|error| fault::describe(&error, "the interpreter"))?;
        let mut host = Self { context, vm, service, functions: BTreeMap::new(), hooks: Hooks::default() };
        for (hook, source) in sources.all() {
            match host.declare(hook, source).await {
                Ok(()) => {}
                Err(why) => host.hooks.broken.push((hook, why)),
            }
        }
        host.hooks.loaded = host.functions.keys().copied().collect();
        // Files that left much behind are given their time; what is left then is little, and collected in one go.
        host.tidy().await;
        host.vm.collect_all().map_err(|error| fault::describe(&error, "the interpreter"))?;
        Ok(host)
    }

    /// What the files turned out to be.
    pub fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// The global names that the files use and nothing knows, as far as the compiler saw them.
    pub fn unknown_names(&self) -> Vec<String> {
        self.context.unknown_names()
    }

    /// How much memory the interpreter uses, in bytes.
    pub fn used_memory(&self) -> usize {
        self.vm.lua.used_memory()
    }

    async fn declare(&mut self, hook: Hook, source: &Source) -> Result<(), String> {
        let file = source::shown(&source.path);
        let value = self.evaluate(&file, source).await?;
        let declared = Declared::read(hook, &value).map_err(|why| format!("{file}: {why}"))?;
        let callable = |function| Callable { file: file.clone(), function };
        let functions = self.functions.entry(hook).or_default();
        match declared {
            Declared::Plain(function) => functions.push(callable(function)),
            Declared::Tick(every, function) => {
                functions.push(callable(function));
                self.hooks.tick = Some(every);
            }
            Declared::Checks(checks) => {
                self.hooks.checks = checks.iter().map(|(schedule, _)| *schedule).collect();
                functions.extend(checks.into_iter().map(|(_, function)| callable(function)));
            }
        }
        Ok(())
    }

    /// Compiles a file without running it, and says what is wrong with it: a module or a test, on its own.
    ///
    /// # Errors
    /// What is wrong, in words that begin with file and line.
    pub fn compile(&self, source: &Source) -> Result<(), String> {
        self.compiled(&source::shown(&source.path), source).map(drop)
    }

    fn compiled(&self, file: &str, source: &Source) -> Result<Function, String> {
        let text = source::checked(&source.text).map_err(|why| format!("{file} {why}"))?;
        let chunk = self.vm.lua.load(text).set_name(format!("@{file}")).set_mode(ChunkMode::Text);
        let chunk = chunk.set_environment(self.vm.globals.clone()).into_function();
        chunk.map_err(|error| fault::describe(&error, file))
    }

    async fn evaluate(&self, file: &str, source: &Source) -> Result<Value, String> {
        let chunk = self.compiled(file, source)?;
        let call = Call::new(None);
        match self.guarded(&call, file, LOADING, chunk).await {
            Ok(values) => Ok(values.front().cloned().unwrap_or(Value::Nil)),
            Err(Trouble::Failed(why)) => Err(why),
            Err(Trouble::Late) => Err(format!("{file}: took longer than {} s to load", LOADING.as_secs())),
        }
    }

    /// Asks a hook.
    pub async fn call(&self, question: &Question) -> Outcome {
        let callables = self.functions.get(&question.hook).map_or(&[][..], Vec::as_slice);
        let chosen = match question.hook {
            Hook::Health => callables.get(question.check..).and_then(|rest| rest.get(..1)).unwrap_or(&[]),
            _ => callables,
        };
        if chosen.is_empty() {
            if question.hook == Hook::Health && !callables.is_empty() {
                // Asked before the file changed, and with it the number of checks.
                return Outcome::Answer(Answer::Nothing);
            }
            return Outcome::Failed(format!("{}: there is no such hook", question.hook));
        }
        let began = self.context.clock().monotonic();
        let call = Call::new(Some(question.clone()));
        let mut vars = OpenVars::begin(&self.context);
        let mut outcome = Outcome::Answer(Answer::Nothing);
        for callable in chosen {
            let left = question.budget.saturating_sub(self.context.clock().monotonic().saturating_sub(began));
            let each = self.ask(&call, callable, question, left).await;
            // The worst of several is the outcome: there are several only where the answer is ignored.
            if matches!(outcome, Outcome::Answer(_)) {
                outcome = each;
            }
        }
        if let (Err(why), Outcome::Answer(_)) = (vars.end(), &outcome) {
            outcome = Outcome::Failed(fault::bounded(&format!("{}: {why}", chosen[0].file)));
        }
        self.warn_if_slow(question, self.context.clock().monotonic().saturating_sub(began));
        outcome
    }

    async fn ask(
        &self,
        call: &Rc<Call>,
        callable: &Callable,
        question: &Question,
        left: Duration,
    ) -> Outcome {
        let Callable { file, function } = callable;
        let arguments = service::argument(&self.context, &self.service, question).and_then(|service| {
            let asked = &question.service;
            let event =
                asked.event.as_ref().map(|event| service::event(&self.vm.lua, &self.context, asked, event));
            Ok((function, service, event.transpose()?))
        });
        let arguments = match arguments {
            Ok(arguments) => arguments,
            Err(error) => return Outcome::Failed(fault::describe(&error, file)),
        };
        match self.guarded(call, file, left, arguments).await {
            Ok(values) => match answer::read(question.hook, &values) {
                Ok(answer) => Outcome::Answer(answer),
                Err(why) => Outcome::Failed(fault::bounded(&format!("{file}: {why}"))),
            },
            Err(Trouble::Failed(why)) => Outcome::Failed(why),
            Err(Trouble::Late) => Outcome::TimedOut,
        }
    }

    /// Calls a function, the first of `arguments`, within a budget.
    async fn guarded(
        &self,
        call: &Rc<Call>,
        file: &str,
        budget: Duration,
        arguments: impl mlua::IntoLuaMulti,
    ) -> Result<MultiValue, Trouble> {
        let called = self.vm.guard.call_async::<MultiValue>(arguments);
        let mut values = match run(&self.context, call, budget, called).await {
            Ok(Ok(values)) => values,
            Ok(Err(error)) => return Err(Trouble::Failed(fault::describe(&error, file))),
            Err(spent) => return Err(Trouble::spent(spent, file)),
        };
        if matches!(values.pop_front(), Some(Value::Boolean(true))) {
            return Ok(values);
        }
        let raised = values.pop_front().unwrap_or(Value::Nil);
        Err(Trouble::Failed(match fault::raised(&raised, file) {
            Some(text) => text,
            None => self.rendered(call, file, raised).await,
        }))
    }

    /// The text of an error that is a table, by its own `__tostring` where it has one: code of the script.
    async fn rendered(&self, call: &Rc<Call>, file: &str, raised: Value) -> String {
        let plain = format!("{file}: raised a table without a message");
        if !raised.as_table().is_some_and(Table::has_metatable) {
            return plain;
        }
        let called = self.vm.guard.call_async::<MultiValue>((&self.vm.tostring, raised));
        match run(&self.context, call, LOADING, called).await {
            Ok(Ok(values)) => match values.get(1) {
                Some(text @ Value::String(_)) if values.front() == Some(&Value::Boolean(true)) => {
                    fault::raised(text, file).unwrap_or(plain)
                }
                _ => plain,
            },
            _ => plain,
        }
    }

    fn warn_if_slow(&self, question: &Question, took: Duration) {
        if took > question.budget / 2 {
            let text = format!(
                "{} took {:.1} s of its {:.1} s",
                question.hook,
                took.as_secs_f64(),
                question.budget.as_secs_f64()
            );
            self.context.tell(Told::Said {
                name: self.context.profile().name.clone(),
                level: Level::Warn,
                hook: Some(question.hook),
                text,
            });
        }
    }

    /// Gives memory back after a call that used much, bit by bit, so that nobody else waits for it. Whether the
    /// interpreter is full nevertheless: what the scripts themselves hold does not leave them room to work in.
    pub async fn tidy(&self) -> bool {
        let mut rounds = 0;
        for _ in 0..COLLECTIONS_MAX {
            if self.used_memory() < MEMORY / 2 {
                return false;
            }
            if self.vm.collect().unwrap_or(true) {
                rounds += 1;
                // A round that began before something was let go of leaves it: only the next one is a whole one.
                if rounds == 2 || self.used_memory() <= FULL {
                    break;
                }
            }
            tokio::task::yield_now().await;
        }
        self.used_memory() > FULL
    }
}

/// Why a call gave nothing back.
enum Trouble {
    Failed(String),
    Late,
}

impl Trouble {
    fn spent(spent: Spent, file: &str) -> Self {
        match spent {
            Spent::Time => Self::Late,
            Spent::Cpu => Self::Failed(format!("{file}: used up its {} ms of CPU", budget::CPU.as_millis())),
            Spent::Stuck => Self::Failed(format!(
                "{file}: computed for too long in one go, in a sort, a pattern or a metamethod"
            )),
        }
    }
}

/// What one call leaves: its variables are read back and its metrics told when it ends, also where it is dropped.
struct OpenVars<'a> {
    context: &'a Context,
    ended: bool,
}

impl<'a> OpenVars<'a> {
    fn begin(context: &'a Context) -> Self {
        context.vars.begin();
        Self { context, ended: false }
    }

    fn end(&mut self) -> Result<(), String> {
        self.ended = true;
        let samples = self.context.metrics.borrow_mut().take();
        if !samples.is_empty() {
            self.context.tell(Told::Metrics { name: self.context.profile().name.clone(), samples });
        }
        if let Some(json) = self.context.vars.end()? {
            self.context.tell(Told::Vars { name: self.context.profile().name.clone(), json });
        }
        Ok(())
    }
}

impl Drop for OpenVars<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // The call is cancelled: nobody waits for what was wrong with its variables.
            let _ = self.end();
        }
    }
}
