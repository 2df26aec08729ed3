//! What a start leaves behind is found, named and killed; what is another's is not touched.

use proclaunch::keeper::identify;
use proclaunch::keeper::protocol::{Report, Request, Scope};
use proclaunch_core::exit::Exit;
use proclaunch_core::signal::Signal;

use crate::bench::Bench;

/// A daemon in a session of its own, whose parent is gone.
const DAEMON: &str = "(setsid sh -c 'echo $$ > pid; exec sleep 1000' &)\n";
/// The same without any of our marks in its environment.
const BARE_DAEMON: &str = "(env -i setsid sh -c 'echo $$ > pid; exec sleep 1000' &)\n";

#[test]
fn a_daemon_that_escaped_its_session_is_killed_with_the_tree() {
    let mut bench = Bench::new();
    let (spec, _) = bench.start(&format!("{DAEMON}exec sleep 1000"));
    let daemon = bench.pid_in(&spec, "pid");
    bench.kill_tree(spec.ticket);
    assert_eq!(identify(daemon), None);
    assert_eq!(bench.end(spec.ticket).0, Exit::Signal { signal: Signal::KILL, core: false });
}

#[test]
fn a_daemon_without_marks_is_found_by_its_descent() {
    let mut bench = Bench::new();
    let run = "env -i setsid sh -c 'echo $$ > pid; exec sleep 1000' &\nexec sleep 1000";
    let (spec, _) = bench.start(run);
    let daemon = bench.pid_in(&spec, "pid");
    bench.kill_tree(spec.ticket);
    assert_eq!(identify(daemon), None);
}

#[test]
fn what_outlives_its_main_is_named_and_can_be_watched_to_its_end() {
    let mut bench = Bench::new();
    let (spec, _) = bench.start(&format!("{DAEMON}while [ ! -s pid ]; do sleep 0.01; done; exit 4"));
    let daemon = bench.pid_in(&spec, "pid");
    let (exit, remains) = bench.end(spec.ticket);
    assert_eq!((exit, remains.iter().map(|id| id.pid).collect::<Vec<_>>()), (Exit::Code(4), vec![daemon]));
    bench.keeper.request(Request::Watch { ticket: spec.ticket });
    bench.pump();
    assert_eq!(bench.reports(), []);
    bench.keeper.request(Request::Signal { ticket: spec.ticket, scope: Scope::Tree, signal: Signal::TERM });
    bench.gone(spec.ticket);
    assert_eq!(identify(daemon), None);
}

#[test]
fn a_cleared_environment_does_not_hide_what_stays_in_the_session() {
    let mut bench = Bench::new();
    let run = "(env -i sh -c 'echo $$ > pid; exec sleep 1000' &)\nwhile [ ! -s pid ]; do sleep 0.01; done";
    let (spec, _) = bench.start(run);
    let left = bench.pid_in(&spec, "pid");
    assert_eq!(bench.end(spec.ticket).1.first().map(|id| id.pid), Some(left));
    bench.kill_tree(spec.ticket);
    assert_eq!(identify(left), None);
}

#[test]
fn scenario_22_a_child_of_the_same_group_gets_the_groups_signal() {
    let mut bench = Bench::new();
    let (spec, _) = bench.start("sleep 1000 & echo $! > pid; wait");
    let child = bench.pid_in(&spec, "pid");
    bench.keeper.request(Request::Signal { ticket: spec.ticket, scope: Scope::Group, signal: Signal::TERM });
    assert_eq!(bench.end(spec.ticket).0, Exit::Signal { signal: Signal::TERM, core: false });
    bench.until("the child has ended", |_| identify(child).is_none());
}

#[test]
fn scenario_22_a_child_gets_the_trees_signal_though_its_parent_dies_of_it_first() {
    let mut bench = Bench::new();
    for round in 0..30 {
        let (spec, _) = bench.start("sleep 1000 & echo $! > pid; exec sleep 1000");
        let child = bench.pid_in(&spec, "pid");
        let signal = Signal::TERM;
        bench.keeper.request(Request::Signal { ticket: spec.ticket, scope: Scope::Tree, signal });
        bench.end(spec.ticket);
        bench.until(&format!("the child of round {round} has ended"), |_| identify(child).is_none());
        bench.keeper.request(Request::Release { ticket: spec.ticket });
    }
}

#[test]
fn a_signal_to_the_main_process_is_for_it_alone() {
    let mut bench = Bench::new();
    let (spec, _) = bench.start("sleep 1000 & echo $! > pid; wait");
    let child = bench.pid_in(&spec, "pid");
    bench.keeper.request(Request::Signal { ticket: spec.ticket, scope: Scope::Main, signal: Signal::KILL });
    let (_, remains) = bench.end(spec.ticket);
    assert_eq!(remains.first().map(|id| id.pid), Some(child));
    bench.kill_tree(spec.ticket);
}

#[test]
fn after_the_tree_is_gone_a_further_order_is_answered_at_once() {
    let mut bench = Bench::new();
    let (spec, _) = bench.start("exit 0");
    bench.end(spec.ticket);
    for request in [Request::KillTree { ticket: spec.ticket }, Request::Watch { ticket: spec.ticket }] {
        bench.keeper.request(request);
        assert_eq!(bench.keeper.take_reports().len(), 1);
    }
}

#[test]
fn a_tree_that_branches_is_killed_whole() {
    let mut bench = Bench::new();
    let run = "echo x >> born; [ $1 ] || set 6; [ $1 -gt 0 ] || exec sleep 1000\n\
               setsid $0 $(($1 - 1)) & setsid $0 $(($1 - 1)) & wait";
    let (spec, _) = bench.start(run);
    let born = spec.profile_dir.join("born");
    bench.until("all are born", |_| std::fs::read(&born).unwrap_or_default().len() == 2 * 127);
    bench.kill_tree(spec.ticket);
    assert_eq!(carriers(&spec.ticket.to_string()), Vec::<i32>::new());
}

#[test]
fn a_bounded_fork_bomb_is_killed_while_it_grows() {
    let mut bench = Bench::new();
    let run = "[ $1 ] || set 9; [ $1 -gt 0 ] || exec sleep 1000\n$0 $(($1 - 1)) & $0 $(($1 - 1)) & wait";
    let (spec, id) = bench.start(run);
    bench.until("it grows", |_| {
        let children = format!("/proc/{0}/task/{0}/children", id.pid);
        !std::fs::read_to_string(children).unwrap_or_default().is_empty()
    });
    bench.kill_tree(spec.ticket);
    assert_eq!(carriers(&spec.ticket.to_string()), Vec::<i32>::new());
}

/// Each of its processes lives only long enough to make the next; it ends by itself after ten seconds.
#[test]
fn a_comet_is_caught() {
    let mut bench = Bench::new();
    let run = "exec perl -e '$end = time + 10; while (time < $end) { fork and exit }'";
    let (spec, _) = bench.start(run);
    bench.end(spec.ticket);
    let before = crate::bench::now_nanos();
    bench.kill_tree(spec.ticket);
    let took_ms = (crate::bench::now_nanos() - before) / 1_000_000;
    println!("caught after {took_ms} ms");
    assert!(took_ms < 8_000, "it ended by itself");
}

#[test]
fn a_tree_is_killed_and_its_neighbours_are_not() {
    let mut bench = Bench::new();
    let (neighbour, neighbour_id) = bench.start(&format!("{DAEMON}exec sleep 1000"));
    let neighbours_daemon = bench.pid_in(&neighbour, "pid");
    let (spec, _) = bench.start(&format!("{DAEMON}exec sleep 1000"));
    bench.pid_in(&spec, "pid");
    bench.kill_tree(spec.ticket);
    assert_eq!(identify(neighbour_id.pid), Some(neighbour_id));
    assert!(identify(neighbours_daemon).is_some());
}

#[test]
fn released_means_left_alone() {
    let mut bench = Bench::new();
    let (spec, id) = bench.start(&format!("{DAEMON}exec sleep 1000"));
    let daemon = identify(bench.pid_in(&spec, "pid")).unwrap();
    bench.keeper.request(Request::Release { ticket: spec.ticket });
    bench.keeper.request(Request::KillTree { ticket: spec.ticket });
    bench.pump();
    assert_eq!((identify(id.pid), identify(daemon.pid)), (Some(id), Some(daemon)));
    for (number, id) in [id, daemon].into_iter().enumerate() {
        let mut other = spec.ticket;
        other.serial += 1_000 + u64::try_from(number).unwrap();
        bench.keeper.request(Request::Adopt { name: spec.name.clone(), ticket: other, id });
        bench.kill_tree(other);
    }
    assert!(
        !bench
            .reports()
            .iter()
            .any(|report| matches!(report, Report::Exited { ticket, .. } if *ticket == spec.ticket))
    );
}

#[test]
fn what_hides_completely_is_at_least_reaped() {
    let mut bench = Bench::new();
    let (spec, _) = bench.start(&format!("{BARE_DAEMON}while [ ! -s pid ]; do sleep 0.01; done"));
    let daemon = identify(bench.pid_in(&spec, "pid")).unwrap();
    bench.end(spec.ticket);
    let mut other = spec.ticket;
    other.serial += 1_000;
    bench.keeper.request(Request::Adopt { name: spec.name, ticket: other, id: daemon });
    bench.kill_tree(other);
    assert_eq!(identify(daemon.pid), None);
}

/// The live processes that carry a ticket.
fn carriers(ticket: &str) -> Vec<i32> {
    let mark = format!("PROCLAUNCH_TICKET={ticket}");
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| identify(*pid).is_some())
        .filter(|pid| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|b| *b == 0).any(|entry| entry == mark.as_bytes())
        })
        .collect()
}
