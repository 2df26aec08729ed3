//! Does in the made-up world what the fleet decided, and hears what the hooks tell.

use std::io::Write as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use proclaunch_core::exit::Exit;
use proclaunch_core::fleet::{Effect, Input};
use proclaunch_core::hook::{Question, Wish};
use proclaunch_core::ids::{ProcId, Ticket};
use proclaunch_core::log::{Entry, Level, Said};
use proclaunch_core::machine::{Action, Event, Look};
use proclaunch_core::process::{Report, SpawnError, Stage as Step};
use proclaunch_core::profile::Profile;
use proclaunch_core::signal::Signal;

use super::facts::count;
use super::outside::ends;
use super::processes::{End, Role, age};
use super::reply::ExecReply;
use super::stage::{Asked, Stage};
use super::timeline::span;
use super::words;
use crate::hooks::worker::Order;
use crate::hooks::{Ended, Exec, Told};

/// How long `run` takes to make a daemon of itself.
const DAEMONIZES: Duration = Duration::from_millis(100);

/// How much a command can write: what a pipe holds, for nobody reads while it is written.
const OUTPUT_MAX: usize = 64 * 1024;

impl Stage {
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Do(_, action) => self.act(action),
            Effect::Log(entry) => self.log(&entry),
            Effect::ReopenLog
            | Effect::Upgrade
            | Effect::RememberFleet(_)
            | Effect::Reply(..)
            | Effect::Happened { .. } => {}
            Effect::Forget(name) => {
                self.worker.obey(Order::Forget(name));
                self.remembered = None;
                self.world.facts.borrow_mut().vars.clear();
            }
            Effect::ForgetAll => self.remembered = None,
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Spawn { ticket, profile, .. } => self.spawn(ticket, &profile),
            Action::Adopt { ticket, id } => self.world.processes.borrow_mut().adopt(id, ticket),
            Action::Signal { ticket, signal, .. } => self.signal(ticket, signal),
            Action::KillTree { ticket } => {
                self.signal(ticket, Signal::KILL);
                self.watch_for_the_end(ticket);
            }
            Action::Watch { ticket } => self.watch_for_the_end(ticket),
            Action::Release { .. } | Action::Happened(_) => {}
            Action::LookAtPidFile(_) => {
                let named = self.world.processes.borrow().pid_file;
                let look = match named {
                    Some(id) => Look::Names { id, up: age(id, self.world.now()) },
                    None => Look::Absent,
                };
                self.ready.push(Input::PidFile(self.name().clone(), look));
            }
            Action::RemovePidFile(_) => self.world.processes.borrow_mut().pid_file = None,
            Action::LoadHooks(profile) => self.load_hooks(&profile),
            Action::Consult(question) => self.ask(*question),
            Action::Lapse(id) => {
                self.worker.obey(Order::Cancel(self.name().clone(), id));
                if let Some(asked) = self.open.remove(&id) {
                    self.world.note("hook", format!("{} is dropped", asked.label));
                }
            }
            Action::Remember(remembered) => self.remembered = Some(remembered),
            Action::Log(said) => self.log(&Entry::Profile(self.name().clone(), said)),
        }
    }

    fn log(&self, entry: &Entry) {
        let text = match entry {
            Entry::Own(own) => own.to_string(),
            Entry::Profile(_, said) => said.to_string(),
        };
        let own = if matches!(entry, Entry::Own(_)) { "ProcLaunch " } else { "" };
        let level = match entry.level() {
            Level::Info => String::new(),
            level => format!("{} ", level.word()),
        };
        self.world.note("log", format!("{level}{own}{text}"));
        count(&mut self.world.facts.borrow_mut().lines, text);
    }

    fn spawn(&mut self, ticket: Ticket, profile: &Profile) {
        let name = self.name().clone();
        let (fails, runs_for) = {
            let script = self.world.script.borrow();
            (script.start_fails, script.runs_for)
        };
        if let Some(errno) = fails {
            let error = SpawnError::Errno(errno);
            let report = Report::SpawnFailed { name, ticket, stage: Step::Exec, error };
            self.ready.push(Input::Report(report));
            return;
        }
        let now = self.world.now();
        let role = if profile.shape.pid_file.is_some() { Role::Launcher } else { Role::Main };
        let mut processes = self.world.processes.borrow_mut();
        let id = processes.begin(ticket, role, now);
        let due = match role {
            Role::Main => runs_for.map(|(time, end)| (now + time, end)),
            Role::Launcher => Some((now + DAEMONIZES, End { exit: Exit::Code(0), oom: false })),
        };
        processes.set_due(id, due);
        self.world.facts.borrow_mut().starts += 1;
        self.ready.push(Input::Report(Report::Spawned { name, ticket, id }));
    }

    fn signal(&mut self, ticket: Ticket, signal: Signal) {
        let targets = self.world.processes.borrow().of(ticket);
        for id in targets {
            if signal == Signal::CONT {
                continue;
            }
            let is_ignored = self.world.script.borrow().ignored.contains(&signal);
            let ignored = if is_ignored { " (ignored)" } else { "" };
            self.world.note("signal", format!("{signal} to pid {}{ignored}", id.pid));
            count(&mut self.world.facts.borrow_mut().signals, (signal, id.pid));
            if signal == Signal::KILL || (ends(signal) && !is_ignored) {
                self.end(id, End { exit: Exit::Signal { signal, core: false }, oom: false });
            }
        }
    }

    /// Ends a process, and reports it. A launcher leaves a daemon behind.
    pub(super) fn end(&mut self, id: ProcId, end: End) {
        let now = self.world.now();
        let runs_for = self.world.script.borrow().runs_for;
        let mut processes = self.world.processes.borrow_mut();
        let Some(process) = processes.end(id) else { return };
        if process.role == Role::Launcher && end.exit.is_success() {
            let daemon = processes.begin(process.ticket, Role::Main, now);
            processes.set_due(daemon, runs_for.map(|(time, end)| (now + time, end)));
            processes.pid_file = Some(daemon);
        } else {
            self.world.facts.borrow_mut().exits += 1;
            self.last_oom = end.oom;
        }
        let remains = processes.of(process.ticket);
        drop(processes);
        let (name, ticket) = (self.name().clone(), process.ticket);
        let is_gone = remains.is_empty() && self.watched.remove(&ticket);
        let exited = Report::Exited { name: name.clone(), ticket, id, exit: end.exit, remains };
        self.ready.push(Input::Report(exited));
        if is_gone {
            self.ready.push(Input::Report(Report::Gone { name, ticket }));
        }
    }

    fn watch_for_the_end(&mut self, ticket: Ticket) {
        if self.world.processes.borrow().of(ticket).is_empty() {
            self.ready.push(Input::Report(Report::Gone { name: self.name().clone(), ticket }));
        } else {
            self.watched.insert(ticket);
        }
    }

    fn load_hooks(&mut self, profile: &Profile) {
        let generation = self.loading.map_or(1, |(last, _)| last + 1);
        self.loading = Some((generation, profile.policy.hooks.digest));
        let vars = self.world.facts.borrow().vars.clone();
        let sources = self.files.sources(profile, vars);
        self.worker.obey(Order::Load(self.name().clone(), generation, Box::new(sources)));
    }

    fn ask(&mut self, mut question: Question) {
        if let Some(exit) = &mut question.service.exit {
            exit.oom |= self.last_oom;
        }
        let label = words::question(&question);
        if let Some(event) = &question.service.event {
            self.world.facts.borrow_mut().events.push(words::event(event));
        }
        let asked = Asked { hook: question.hook, label, at: self.world.now() };
        self.open.insert(question.id, asked);
        self.worker.obey(Order::Ask(self.name().clone(), Box::new(question)));
    }

    /// Hears what the hooks tell.
    pub(super) fn told(&mut self, told: Told) {
        match told {
            Told::Loaded { name, generation, hooks } => {
                let Some((_, digest)) = self.loading.filter(|(last, _)| *last == generation) else { return };
                if let Some((_, why)) = hooks.broken.first() {
                    self.broken.get_or_insert_with(|| why.clone());
                }
                self.hook(name, Event::HooksLoaded(digest, Arc::new(hooks)));
            }
            Told::Decided { name, id, outcome } => {
                let Some(Asked { hook, label, at }) = self.open.remove(&id) else { return };
                let took = self.world.now().saturating_sub(at);
                let after =
                    if took.as_millis() < 50 { String::new() } else { format!(", after {}", span(took)) };
                self.world.note("hook", format!("{label} -> {}{after}", words::outcome(&outcome)));
                self.hook(name, Event::Decided { id, hook, outcome });
            }
            Told::Wished { name, hook, wish } => {
                if let Wish::Shutdown(reason) = &wish {
                    self.world.facts.borrow_mut().shutdown = Some(reason.clone());
                }
                self.hook(name, Event::Wished { hook, wish });
            }
            Told::Said { name, level, hook, text } => {
                self.log(&Entry::Profile(name, Said::Hook { hook, level, text }));
            }
            Told::Vars { json, .. } => self.world.facts.borrow_mut().vars = json,
            Told::Metrics { samples, .. } => {
                for sample in samples {
                    self.world.note("metric", words::metric(&sample));
                    self.world.facts.borrow_mut().measure(sample);
                }
            }
            Told::Exec(exec) => self.exec(&exec),
            Told::ExecKill(id) => {
                if let Some(exec) = self.execs.remove(&id) {
                    exec.ended(Ended::Exit(Exit::Signal { signal: Signal::KILL, core: false }));
                }
            }
            // Metrics decide nothing.
            Told::Beat => {}
        }
    }

    fn hook(&mut self, name: proclaunch_core::ids::ProfileName, event: Event) {
        self.ready.push(Input::Hook(name, Box::new(event)));
    }

    /// Has a command do what the script says; there is no other command.
    fn exec(&mut self, exec: &Arc<Exec>) {
        if !exec.is_wanted() {
            return;
        }
        let argv: Vec<String> =
            exec.argv.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let command = argv.join(" ");
        count(&mut self.world.facts.borrow_mut().execs, command.clone());
        let scripted = self.world.script.borrow().exec(&argv).cloned();
        let reply = scripted.map(|scripted| {
            scripted.answer(vec![argv.clone()]).unwrap_or_else(|why| {
                self.world.blame(&format!("world.exec: {why}"));
                ExecReply::absent()
            })
        });
        let note = reply.as_ref().map_or("no such command (not scripted)".to_owned(), words::command);
        self.world.note("exec", format!("{command} -> {note}"));
        let Some((exit, reply)) = reply.and_then(|reply| Some((reply.exit?, reply))) else {
            let name = argv.first().map(String::as_str).unwrap_or_default();
            exec.ended(Ended::NotStarted(format!("{name}: no such command")));
            return;
        };
        self.execs.insert(exec.id, Arc::clone(exec));
        let (exec, world) = (Arc::clone(exec), Rc::clone(&self.world));
        tokio::task::spawn_local(async move {
            tokio::time::sleep(reply.takes).await;
            if let Some(pipes) = exec.take_pipes() {
                for (fd, text) in [(pipes.out, &reply.out), (pipes.err, &reply.err)] {
                    let written = std::fs::File::from(fd).write_all(&text[..text.len().min(OUTPUT_MAX)]);
                    if let Err(error) = written {
                        world.note("exec", format!("its output is lost: {error}"));
                    }
                }
            }
            exec.ended(Ended::Exit(exit));
        });
    }
}
