//! What hooks see of processes, and what they ask for. The processes here are real.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::killpg;
use nix::unistd::Pid;
use proclaunch_core::hook::{Answer, Hook, Outcome, Question, Wish};
use proclaunch_core::ids::ProcId;
use proclaunch_core::signal::Signal;

use super::support::{Bench, LONG, failure, question, run};
use crate::hooks::Told;
use crate::keeper::identify;

/// A shell with a child, ended when dropped.
struct Tree(Child);

impl Tree {
    fn new() -> Self {
        let script = "sleep 600 & sleep 601 & echo ready; wait; wait";
        #[expect(clippy::disallowed_methods, reason = "a test has no keeper")]
        let mut shell = Command::new("/bin/sh")
            .args(["-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self(shell)
    }

    fn id(&self) -> ProcId {
        identify(i32::try_from(self.0.id()).unwrap()).unwrap()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let group = Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        killpg(group, nix::sys::signal::Signal::SIGKILL).unwrap();
        self.0.wait().unwrap();
    }
}

fn about(hook: Hook, process: Option<ProcId>) -> Question {
    let mut question = question(hook, LONG);
    question.service.process = process;
    question
}

#[track_caller]
fn holds(process: ProcId, body: &str) {
    run(async {
        let text = format!("return function(service) {body} end");
        let bench = Bench::new(&[(Hook::Health, &text)]).await;
        let got = bench.host.call(&about(Hook::Health, Some(process))).await;
        assert_eq!(got, Outcome::Answer(Answer::Health(Ok(()))), "{body}");
    });
}

#[test]
fn what_a_process_uses() {
    let tree = Tree::new();
    holds(tree.id(), "local rss = service:rss() return rss > 64 * KB and rss < GB and rss % KB == 0, rss");
    holds(tree.id(), "return service:threads() == 1");
    holds(tree.id(), "return service:fds() >= 2 and service:fds() < 1000");
    holds(tree.id(), "local cpu = service:cpu() return cpu >= 0 and cpu < 10000, cpu");
    holds(tree.id(), "return service:cmdline():sub(1, 19) == '/bin/sh -c sleep 60', service:cmdline()");
}

#[test]
fn a_process_that_is_gone_or_another_one_gives_nil_and_the_reason() {
    let tree = Tree::new();
    let other = ProcId { start: tree.id().start + 1, ..tree.id() };
    for method in ["rss", "cpu", "threads", "fds", "cmdline"] {
        holds(
            other,
            &format!(
                "local value, why = service:{method}() return value == nil and why:find('is gone') ~= nil, why"
            ),
        );
    }
    holds(other, "return #service:children() == 0");
    run(async {
        let bench = Bench::new(&[(
            Hook::Health,
            "return function(service) return false, select(2, service:rss()) end",
        )]);
        let got = bench.await.host.call(&about(Hook::Health, None)).await;
        assert_eq!(got, Outcome::Answer(Answer::Health(Err("there is no process".to_owned()))));
    });
}

#[test]
fn cpu_is_that_of_the_time_since_the_last_call() {
    let me = identify(i32::try_from(std::process::id()).unwrap()).unwrap();
    run(async {
        let text = "return function(service) return false, service:cpu() end";
        let bench = Bench::new(&[(Hook::Health, text)]).await;
        bench.host.call(&about(Hook::Health, Some(me))).await;
        let start = crate::sys::clock::thread_cpu();
        while crate::sys::clock::thread_cpu().saturating_sub(start) < Duration::from_millis(200) {}
        let Outcome::Answer(Answer::Health(Err(percent))) =
            bench.host.call(&about(Hook::Health, Some(me))).await
        else {
            panic!("no answer")
        };
        assert!(percent.parse::<f64>().unwrap() > 1.0, "{percent}");
    });
}

#[test]
fn children_are_handles() {
    let tree = Tree::new();
    holds(
        tree.id(),
        "local list = service:children()
         assert(#list == 2)
         for _, child in ipairs(list) do
             repeat sleep(0.01) until child.cmd:find('^sleep')
             assert(child.cmd == 'sleep 600' or child.cmd == 'sleep 601', child.cmd)
             assert(child.pid > 1 and child.age < 60 and child.rss > 0)
         end
         return true",
    );
    run(async {
        let text = "return function(service)
            local child = service:children()[1]
            local sent, why = child:signal('TERM', 'stuck')
            if not sent then return false, why end
            repeat sleep(0.01) until child.cmd == ''
            return false, #service:children() .. tostring(child.rss) .. tostring(select(2, child:signal('TERM', 'x')))
        end";
        let bench = Bench::new(&[(Hook::Health, text)]).await;
        let got = bench.host.call(&about(Hook::Health, Some(tree.id()))).await;
        let Outcome::Answer(Answer::Health(Err(text))) = got else { panic!("{got:?}") };
        assert!(text.starts_with("10process ") && text.ends_with(" is gone"), "{text}");
        let told = bench.told();
        let said = told
            .iter()
            .any(|one| matches!(one, Told::Said { text, .. } if text.starts_with("sent TERM to process ")));
        assert!(said, "{told:?}");
    });
}

#[test]
fn a_handle_of_another_service_is_not_signalled() {
    let (mine, others) = (Tree::new(), Tree::new());
    run(async {
        let text = "local kept
            return function(service)
                kept = kept or service:children()[1]
                if service.reason == 'keep' then return true end
                return false, select(2, kept:signal('KILL', 'x'))
            end";
        let bench = Bench::new(&[(Hook::Health, text)]).await;
        let mut first = about(Hook::Health, Some(others.id()));
        first.service.reason = "keep".to_owned();
        assert_eq!(bench.host.call(&first).await, Outcome::Answer(Answer::Health(Ok(()))));
        let got = bench.host.call(&about(Hook::Health, Some(mine.id()))).await;
        let Outcome::Answer(Answer::Health(Err(why))) = got else { panic!("{got:?}") };
        assert!(why.contains("is not below process"), "{why}");
    });
}

#[test]
fn wishes_go_to_the_core() {
    run(async {
        let text = "return function(service)
            service:restart('a') service:stop('b') service:signal('USR1', 'c') supervisor.shutdown('d')
        end";
        let bench = Bench::new(&[(Hook::OnTick, text)]).await;
        assert_eq!(bench.ask(Hook::OnTick).await, Outcome::Answer(Answer::Nothing));
        let wishes: Vec<Wish> = bench
            .told()
            .into_iter()
            .filter_map(|told| if let Told::Wished { wish, .. } = told { Some(wish) } else { None })
            .collect();
        let expected = [
            Wish::Restart("a".to_owned()),
            Wish::Stop("b".to_owned()),
            Wish::Signal(Signal::USR1, "c".to_owned()),
            Wish::Shutdown("d".to_owned()),
        ];
        assert_eq!(wishes, expected);
    });
}

#[test]
fn checks_have_limits_and_keep_their_schedule() {
    let tree = Tree::new();
    run(async {
        let text = "return {
            check.rss{ below = 1, every = 30, times = {3, 5} },
            check.rss{ below = GB },
            check.children{ below = 2, grace = 7, timeout = 2 },
            check.fds{ below = 1 },
            check.cpu{ below = 100000 },
        }";
        let bench = Bench::new(&[(Hook::Health, text)]).await;
        assert_eq!(bench.host.hooks().broken, []);
        let first = bench.host.hooks().checks[0];
        assert_eq!((first.every.as_secs(), first.bad, first.of), (30, 3, 5));
        assert_eq!(bench.host.hooks().checks[2].grace.as_secs(), 7);
        let expected = ["rss ", "", "children 2, not below 2", "descriptors ", ""];
        for (check, expected) in expected.into_iter().enumerate() {
            let asked = Question { check, ..about(Hook::Health, Some(tree.id())) };
            let got = bench.host.call(&asked).await;
            match &got {
                Outcome::Answer(Answer::Health(Ok(()))) => assert_eq!(expected, "", "{check}"),
                Outcome::Answer(Answer::Health(Err(why))) => {
                    assert!(!expected.is_empty() && why.starts_with(expected), "{check}: {why}");
                }
                other => panic!("{check}: {other:?}"),
            }
        }
        let gone = bench.host.call(&about(Hook::Health, None)).await;
        assert_eq!(gone, Outcome::Answer(Answer::Nothing));
    });
}

#[test]
fn wrong_arguments_are_named() {
    for (call, expected) in [
        ("service.rss()", "service:rss: call it with a colon, as in service:rss(...)"),
        ("service:restart()", "service:restart: `reason` must be a string; got nil"),
        ("service:stop({})", "service:stop: `reason` must be a string; got a table"),
        (
            "service:signal('TREM', 'x')",
            "service:signal: `name` must be the name of a signal such as \"TERM\"; got the string `TREM`",
        ),
        ("service:signal('TERM')", "service:signal: `reason` must be a string; got nil"),
        ("supervisor.shutdown()", "supervisor.shutdown: `reason` must be a string; got nil"),
        ("check.rss(5)", "check.rss: `options` must be a table; got 5"),
        ("check.rss{ below = 'x' }", "check.rss: `below` must be a number; got the string `x`"),
        ("check.fds{}", "check.fds: `below` must be a number above 0; got nil"),
        ("check.cpu{ bellow = 3 }", "check.cpu: unknown option `bellow`, did you mean `below`?"),
        ("fleet.get()", "fleet.get: `name` must be a string; got nil"),
    ] {
        let why = failure(Hook::Health, &format!("return function(service)\n{call} end"));
        assert_eq!(why, format!("web/health.lua:2: {expected}"));
    }
}
