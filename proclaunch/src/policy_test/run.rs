//! Runs one file of tests, each test on a virtual clock of its own.
//!
//! **Invariant:** a test that fails in any way, by looping or by an error of ours, is a failed test and ends no other.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime;
use tokio::task::LocalSet;

use super::files::ProfileFiles;
use super::interpreter::Script;
use super::stage::Stage;
use super::verbs::{Here, Mismatch};
use super::watch::Watch;
use super::world::World;
use crate::hooks::Source;
use crate::hooks::worker::Order;
use crate::sys::clock;

/// How many lines of the time line are shown of a test that failed.
const SHOWN: usize = 40;

/// What became of one test.
#[derive(Clone, Debug)]
pub struct Tested {
    /// Of which profile.
    pub profile: String,
    /// What the test says must be so; the file where that could not be run.
    pub name: String,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// How much time has passed in its world.
    pub simulated: Duration,
    /// How long it took.
    pub real: Duration,
    /// How much memory the hooks used at its end, in bytes.
    pub memory: usize,
    /// What happened, as far as it is to be shown.
    pub timeline: Vec<String>,
}

/// Why a test failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// In words that name file and line.
    pub what: String,
    /// What was expected and what was, where that is why.
    pub mismatch: Option<(String, String)>,
}

impl Failure {
    fn new(what: String, mismatch: Option<Mismatch>) -> Self {
        let mismatch = mismatch.filter(|found| what.ends_with(&found.message()));
        Self { what, mismatch: mismatch.map(|found| (found.expected, found.was)) }
    }
}

/// One file of tests.
#[derive(Clone, Debug)]
pub(super) struct TestFile {
    pub(super) profile: ProfileFiles,
    pub(super) source: Source,
    /// Where `require` looks, in this order.
    pub(super) modules: Vec<PathBuf>,
    /// Whether the whole time line is to be shown, also of a test that passes.
    pub(super) is_verbose: bool,
    /// How much CPU each may use.
    pub(super) timeout: Duration,
}

impl TestFile {
    /// Runs those of its tests whose names have `filter` in them.
    pub(super) fn run(&self, filter: &str) -> Vec<Tested> {
        let shown = crate::hooks::source::shown(&self.source.path);
        let names = match self.names() {
            Ok(names) if names.is_empty() => Err(format!("{shown} has no test: it never calls test(...)")),
            other => other,
        };
        match names {
            Ok(names) => {
                let full = |name: &str| format!("{}: {name}", self.profile.directory);
                let chosen = names.iter().enumerate().filter(|(_, name)| full(name).contains(filter));
                chosen.map(|(index, name)| self.run_one(index, name)).collect()
            }
            Err(why) => vec![Tested {
                profile: self.profile.directory.to_string(),
                name: shown,
                failure: Some(Failure::new(why, None)),
                simulated: Duration::ZERO,
                real: Duration::ZERO,
                memory: 0,
                timeline: Vec::new(),
            }],
        }
    }

    fn names(&self) -> Result<Vec<String>, String> {
        virtually(async {
            let here = self.here();
            let script = Script::load(here, &self.profile, self.modules.clone(), &self.source).await?;
            Ok(script.names())
        })
    }

    fn run_one(&self, index: usize, name: &str) -> Tested {
        let began = clock::now();
        virtually(async {
            let here = self.here();
            let loaded =
                Script::load(Rc::clone(&here), &self.profile, self.modules.clone(), &self.source).await;
            let done = match &loaded {
                Ok(script) => script.run(index).await,
                Err(why) => Err(why.clone()),
            };
            let done = match done {
                // A test that only says what the world is like must still see that the profile is sound.
                Ok(()) => here.stage().await.begin().await,
                failed => failed,
            };
            // A statement that was cut in its midst holds it for good.
            let stage = here.stage_if_free();
            let failure = done.err().map(|what| Failure::new(what, here.mismatch.take()));
            let most = if self.is_verbose { usize::MAX } else { SHOWN };
            let is_shown = self.is_verbose || failure.is_some();
            let timeline = here.world.timeline.borrow();
            let tested = Tested {
                profile: self.profile.directory.to_string(),
                name: name.to_owned(),
                failure,
                simulated: here.world.now(),
                real: clock::now().since(began),
                memory: stage.as_ref().map_or(0, |stage| stage.worker.used_memory()),
                timeline: if is_shown { timeline.render(most) } else { Vec::new() },
            };
            if let Some(stage) = stage {
                stage.worker.obey(Order::Forget(self.profile.name.clone()));
            }
            tested
        })
    }

    fn here(&self) -> Rc<Here> {
        let world = World::new(self.profile.dir(), Rc::new(Watch::new(self.timeout)));
        Here::new(Stage::new(world, self.profile.clone(), self.modules.clone()))
    }
}

/// Runs something on a clock that jumps to what is due as soon as nobody can go on.
fn virtually<T>(future: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread().enable_time().enable_io().start_paused(true).build();
    let runtime = runtime.expect("a runtime needs two descriptors, and without these no test means anything");
    LocalSet::new().block_on(&runtime, future)
}
