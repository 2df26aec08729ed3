//! Taking over processes that were started by others.

use proclaunch::keeper::identify;
use proclaunch::keeper::protocol::{Report, Request, Scope};
use proclaunch_core::exit::Exit;
use proclaunch_core::ids::{ProcId, Ticket};
use proclaunch_core::signal::Signal;

use crate::bench::Bench;

fn another(ticket: Ticket) -> Ticket {
    Ticket { serial: ticket.serial + 1_000, ..ticket }
}

#[test]
fn a_daemon_is_adopted_under_the_ticket_of_its_launcher() {
    let mut bench = Bench::new();
    let run = "(setsid sh -c 'echo $$ > pid; trap \"exit 42\" TERM; while :; do sleep 0.05; done' &)\n\
               while [ ! -s pid ]; do sleep 0.01; done";
    let (spec, _) = bench.start(run);
    let daemon = identify(bench.pid_in(&spec, "pid")).unwrap();
    assert_eq!(bench.end(spec.ticket), (Exit::Code(0), vec![daemon]));
    bench.keeper.request(Request::Adopt { name: spec.name.clone(), ticket: spec.ticket, id: daemon });
    assert_eq!(bench.keeper.main_of(spec.ticket), Some(daemon));
    // The shell may not have set its trap yet.
    let script = format!("/proc/{}/status", daemon.pid);
    bench.until("the trap is set", |_| {
        let status = std::fs::read_to_string(&script).unwrap();
        status.lines().any(|line| line.starts_with("SigCgt") && !line.ends_with("0000000000000000"))
    });
    bench.until("it ends", |bench| {
        bench.keeper.request(Request::Signal {
            ticket: spec.ticket,
            scope: Scope::Main,
            signal: Signal::TERM,
        });
        bench.pump();
        bench.keeper.main_of(spec.ticket).is_none()
    });
    assert_eq!(bench.end(spec.ticket).0, Exit::Code(42));
    bench.keeper.request(Request::KillTree { ticket: spec.ticket });
    bench.gone(spec.ticket);
}

/// A process whose parent is alive and not us, and which exits as asked.
const CHILD_OF_ANOTHER: &str =
    "sh -c 'echo $$ > pid; while [ ! -e go ]; do sleep 0.02; done; exit 23' & wait; sleep 1000";

#[test]
fn the_exit_of_a_process_that_is_not_our_child_is_known() {
    let mut bench = Bench::new();
    let (parent, _) = bench.start(CHILD_OF_ANOTHER);
    let child = identify(bench.pid_in(&parent, "pid")).unwrap();
    let ticket = another(parent.ticket);
    bench.keeper.request(Request::Adopt { name: parent.name.clone(), ticket, id: child });
    bench.pump();
    assert_eq!(bench.reports(), []);
    std::fs::write(parent.profile_dir.join("go"), "").unwrap();
    assert_eq!(bench.end(ticket).0, Exit::Code(23));
    bench.keeper.request(Request::Release { ticket });
}

#[test]
fn a_foreign_process_that_becomes_our_child_ends_once() {
    let mut bench = Bench::new();
    let (parent, _) = bench.start(CHILD_OF_ANOTHER);
    let child = identify(bench.pid_in(&parent, "pid")).unwrap();
    let ticket = another(parent.ticket);
    bench.keeper.request(Request::Adopt { name: parent.name.clone(), ticket, id: child });
    bench.keeper.request(Request::KillTree { ticket: parent.ticket });
    bench.gone(parent.ticket);
    assert_eq!(identify(child.pid), Some(child), "a main process is not killed with another's tree");
    std::fs::write(parent.profile_dir.join("go"), "").unwrap();
    assert_eq!(bench.end(ticket).0, Exit::Code(23));
    for _ in 0..20 {
        bench.pump();
    }
    let ends = |report: &&Report| matches!(report, Report::Exited { ticket: of, .. } if *of == ticket);
    assert_eq!(bench.reports().iter().find(ends), None);
}

#[test]
fn a_foreign_tree_is_killed_with_what_it_has_and_nothing_of_its_parent() {
    let mut bench = Bench::new();
    let run =
        "setsid sh -c 'echo $$ > pid; sleep 1000 & echo $! > inner; exec sleep 1000' & wait; sleep 1000";
    let (parent, parent_id) = bench.start(run);
    let child = identify(bench.pid_in(&parent, "pid")).unwrap();
    let inner = bench.pid_in(&parent, "inner");
    let ticket = another(parent.ticket);
    bench.keeper.request(Request::Adopt { name: parent.name.clone(), ticket, id: child });
    bench.kill_tree(ticket);
    assert_eq!(identify(inner), None);
    assert_eq!(identify(parent_id.pid), Some(parent_id));
}

#[test]
fn a_daemon_that_has_just_died_is_adopted_with_its_true_exit() {
    let mut bench = Bench::new();
    let (spec, _) = bench.start("(setsid sh -c 'echo $$ > pid; exit 9' &)\nexec sleep 1000");
    let pid = bench.pid_in(&spec, "pid");
    bench.until("it was reaped", |_| proclaunch::keeper::read_stat(pid).is_none());
    let ticket = another(spec.ticket);
    bench.keeper.request(Request::Adopt { name: spec.name.clone(), ticket, id: ProcId { pid, start: 1 } });
    assert_eq!(bench.end(ticket), (Exit::Code(9), Vec::new()));
}

#[test]
fn a_reused_pid_is_not_adopted_and_not_signalled() {
    let mut bench = Bench::new();
    let (spec, id) = bench.start("exec sleep 1000");
    let ticket = another(spec.ticket);
    let stale = ProcId { pid: id.pid, start: id.start - 1 };
    bench.keeper.request(Request::Adopt { name: spec.name.clone(), ticket, id: stale });
    bench.keeper.request(Request::Signal { ticket, scope: Scope::Tree, signal: Signal::KILL });
    bench.keeper.request(Request::KillTree { ticket });
    assert_eq!(bench.end(ticket).0, Exit::Unknown);
    bench.gone(ticket);
    assert_eq!(identify(id.pid), Some(id));
}

#[test]
fn what_one_has_left_that_died_before_it_was_adopted_is_found_by_its_ticket() {
    let mut bench = Bench::new();
    let run = "(setsid sh -c 'echo $$ > pid; exec sleep 86400' &)\nwhile [ ! -s pid ]; do sleep 0.01; done";
    let (spec, id) = bench.start(run);
    let daemon = bench.pid_in(&spec, "pid");
    bench.end(spec.ticket);
    // Another keeper, which knows nothing.
    bench.keeper = proclaunch::keeper::Keeper::new(bench.dir.path(), std::env::vars_os().collect()).unwrap();
    bench.keeper.request(Request::Adopt { name: spec.name.clone(), ticket: spec.ticket, id });
    bench.end(spec.ticket);
    bench.kill_tree(spec.ticket);
    bench.until("it is gone", |_| proclaunch::keeper::read_stat(daemon).is_none_or(|stat| stat.is_dead()));
}
