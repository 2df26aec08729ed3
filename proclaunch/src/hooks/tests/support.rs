//! A host to run scripts in, and questions to ask it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use proclaunch_core::hook::{Hook, Outcome, Question, QuestionId, Service};
use proclaunch_core::ids::ProfileName;
use tokio::runtime;

use crate::hooks::{Clock, Context, Host, Profile, Source, Sources, Told, Vars};

/// Long enough that only what is meant to run out does.
pub(super) const LONG: Duration = Duration::from_secs(5);

pub(super) fn name(text: &str) -> ProfileName {
    ProfileName::parse(text).unwrap()
}

pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, future)
}

pub(super) fn sources(dir: &Path, files: &[(Hook, &str)]) -> Sources {
    let source = |(hook, text): &(Hook, &str)| {
        let path = dir.join(format!("{hook}.lua"));
        (*hook, Source { path, text: text.as_bytes().to_vec() })
    };
    Sources { profile_dir: dir.to_owned(), files: files.iter().map(source).collect(), ..Sources::default() }
}

pub(super) fn question(hook: Hook, budget: Duration) -> Question {
    Question { id: QuestionId(1), hook, check: 0, budget, service: Service::default() }
}

/// A host, and what it tells.
pub(super) struct Bench {
    pub(super) host: Host,
    pub(super) context: Rc<Context>,
    told: Rc<RefCell<Vec<Told>>>,
}

impl Bench {
    pub(super) async fn with(sources: &Sources, vars: Vars, clock: Clock) -> Self {
        let told = Rc::new(RefCell::new(Vec::new()));
        let sink = Rc::clone(&told);
        let profile = Profile {
            name: name("web"),
            dir: sources.profile_dir.clone(),
            env: sources.env.clone(),
            settings: BTreeMap::new(),
        };
        let dir = &sources.profile_dir;
        let modules =
            std::iter::once(dir.clone()).chain(dir.parent().map(|dir| dir.join(".hooks"))).collect();
        let context =
            Context::new(profile, modules, clock, Rc::new(move |one| sink.borrow_mut().push(one)), vars);
        Self { host: Host::load(Rc::clone(&context), sources).await.unwrap(), context, told }
    }

    pub(super) async fn new(files: &[(Hook, &str)]) -> Self {
        Self::with(&sources(Path::new("/nowhere/web"), files), Vars::default(), Clock::Real).await
    }

    pub(super) async fn ask(&self, hook: Hook) -> Outcome {
        self.host.call(&question(hook, LONG)).await
    }

    pub(super) fn told(&self) -> Vec<Told> {
        self.told.take()
    }
}

/// The outcome of one call of one hook with this text.
pub(super) fn outcome(hook: Hook, text: &str) -> Outcome {
    run(async {
        let bench = Bench::new(&[(hook, text)]).await;
        assert_eq!(bench.host.hooks().broken, [], "{text}");
        bench.ask(hook).await
    })
}

/// Why this text failed, when loaded or when called.
pub(super) fn failure(hook: Hook, text: &str) -> String {
    run(async {
        let bench = Bench::new(&[(hook, text)]).await;
        if let Some((_, why)) = bench.host.hooks().broken.first() {
            return why.clone();
        }
        match bench.ask(hook).await {
            Outcome::Failed(why) => why,
            other => format!("{other:?}"),
        }
    })
}
