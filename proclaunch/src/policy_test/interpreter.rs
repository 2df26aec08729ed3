//! A test file in an interpreter of its own: the same hardened language that hooks get, and `test`, `world`, `expect`.
//!
//! **Invariant:** each test gets a fresh interpreter and a fresh world: nothing that one test does can be seen by another.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use mlua::chunk::ChunkMode;
use mlua::{Error, Function, MultiValue, Value};
use proclaunch_core::log::Level;

use super::files::ProfileFiles;
use super::outside::Staged;
use super::verbs::{EXPECT, Here, WORLD, table};
use super::watch::Watch;
use crate::hooks::api::arguments::Arguments;
use crate::hooks::reference::Item;
use crate::hooks::vm::{Vm, making};
use crate::hooks::{Context, Profile, Source, Told, Vars, fault, source};

/// What a test file calls for each of its tests.
pub(super) const TEST: Item = Item::function(
    "test",
    &[("name", "string"), ("body", "() -> ()")],
    "",
    "A test: a name that says what must be so, and a function that runs in a fresh world.",
);

/// The tests of a file, by name, in the order of the file.
type Tests = Rc<RefCell<Vec<(String, Function)>>>;

/// A file that was run: its tests are known, and one of them can be.
pub(super) struct Script {
    here: Rc<Here>,
    tests: Tests,
    file: String,
    vm: Vm,
}

impl Script {
    /// Runs the file.
    ///
    /// # Errors
    /// In words that name file and line.
    pub(super) async fn load(
        here: Rc<Here>,
        profile: &ProfileFiles,
        modules: Vec<PathBuf>,
        source: &Source,
    ) -> Result<Self, String> {
        let file = source::shown(&source.path);
        let made = interpreter(&here, profile, modules);
        let (vm, tests) = made.map_err(|error| fault::describe(&error, &file))?;
        let script = Self { here, tests, file, vm };
        let text = source::checked(&source.text).map_err(|why| format!("{} {why}", script.file))?;
        let chunk = script.vm.lua.load(text).set_name(format!("@{}", script.file)).set_mode(ChunkMode::Text);
        let chunk = chunk.set_environment(script.vm.globals.clone()).into_function();
        let chunk = chunk.map_err(|error| fault::describe(&error, &script.file))?;
        script.call(chunk).await?;
        Ok(script)
    }

    /// The names of its tests.
    pub(super) fn names(&self) -> Vec<String> {
        self.tests.borrow().iter().map(|(name, _)| name.clone()).collect()
    }

    /// Runs the test at that place.
    ///
    /// # Errors
    /// Why it failed, in words that name file and line.
    pub(super) async fn run(&self, index: usize) -> Result<(), String> {
        let body = self.tests.borrow().get(index).map(|(_, body)| body.clone());
        let body = body.ok_or_else(|| format!("{}: it has other tests the second time", self.file))?;
        self.here.is_open.set(true);
        let done = self.call(body).await;
        self.here.is_open.set(false);
        done
    }

    async fn call(&self, function: Function) -> Result<(), String> {
        let called = self.vm.guard.call_async::<MultiValue>(function);
        let values = match until_cut(&self.here.world.watch, called).await? {
            Ok(values) => values,
            Err(error) => return Err(fault::describe(&error, &self.file)),
        };
        if values.front() == Some(&Value::Boolean(true)) {
            return Ok(());
        }
        let raised = values.get(1).unwrap_or(&Value::Nil);
        let plain = || format!("{}: raised a table without a message", self.file);
        Err(fault::raised(raised, &self.file).unwrap_or_else(plain))
    }
}

/// Waits for a script, unless it is cut: then it never goes on, and is dropped.
async fn until_cut<F: Future>(watch: &Watch, future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending if watch.is_cut() => Poll::Ready(Err(watch.why())),
        Poll::Pending => Poll::Pending,
    })
    .await
}

fn interpreter(here: &Rc<Here>, files: &ProfileFiles, modules: Vec<PathBuf>) -> mlua::Result<(Vm, Tests)> {
    let profile = Profile {
        name: files.name.clone(),
        dir: files.dir(),
        env: Vec::new(),
        settings: std::collections::BTreeMap::new(),
    };
    let world = Rc::clone(&here.world);
    let tell = Rc::new(move |told| {
        // What a test prints stands in the time line; it asks for nothing else.
        if let Told::Said { level, text, .. } = told {
            let level = if level == Level::Info { String::new() } else { format!("{} ", level.word()) };
            world.note("test", format!("{level}{text}"));
        }
    });
    // As for hooks: the profile's own come first.
    let modules = std::iter::once(files.dir()).chain(modules).collect();
    let context = Context::new(profile, modules, here.world.clock, tell, Vars::default());
    context.surround(Rc::new(Staged(Rc::clone(&here.world))));
    let vm = Vm::new(&context)?;
    let watch = Rc::clone(&here.world.watch);
    vm.lua.set_interrupt(move |_| watch.interrupt());
    let tests = Tests::default();
    let (world, expect) = making(&vm.lua, || {
        Ok((table(&vm.lua, here, "world", &WORLD)?, table(&vm.lua, here, "expect", &EXPECT)?))
    })?;
    let test = test_function(&vm, here, &tests)?;
    vm.globals.set_readonly(false);
    vm.globals.raw_set("world", world)?;
    vm.globals.raw_set("expect", expect)?;
    vm.globals.raw_set("test", test)?;
    vm.globals.set_readonly(true);
    Ok((vm, tests))
}

fn test_function(vm: &Vm, here: &Rc<Here>, tests: &Tests) -> mlua::Result<Function> {
    let (here, tests) = (Rc::clone(here), Rc::clone(tests));
    vm.lua.create_function(move |_, values: MultiValue| {
        let mut arguments = Arguments::new("test", values);
        let name = arguments.text("name")?;
        let body = arguments.value();
        let Value::Function(body) = body else { return Err(arguments.wrong("body", "a function", &body)) };
        if here.is_open.get() {
            return Err(Error::runtime("test: a test cannot be inside another one"));
        }
        if tests.borrow().iter().any(|(other, _)| *other == name) {
            return Err(Error::runtime(format!("test: there are two tests with the name `{name}`")));
        }
        tests.borrow_mut().push((name, body));
        Ok(())
    })
}
