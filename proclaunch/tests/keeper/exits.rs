//! Exits are reported exactly, and none is lost.

use proclaunch::keeper::protocol::{Report, Request, Scope};
use proclaunch_core::exit::Exit;
use proclaunch_core::profile::{Limit, Resource};
use proclaunch_core::signal::Signal;

use crate::bench::Bench;

#[test]
fn scenario_26_every_exit_code_is_reported_exactly() {
    let mut bench = Bench::new();
    let specs: Vec<_> = (0..=255_u8).map(|code| (code, bench.start(&format!("exit {code}")).0)).collect();
    for (code, spec) in specs {
        assert_eq!(bench.end(spec.ticket), (Exit::Code(code), Vec::new()));
    }
}

#[test]
fn scenario_26_signals_are_reported_exactly() {
    let mut bench = Bench::new();
    for number in [1, 2, 3, 6, 9, 10, 11, 13, 14, 15, 24, 31, 34, 37, 64] {
        let mut spec = bench.profile("exec sleep 1000");
        spec.limits = vec![Limit { resource: Resource::Core, soft: 0, hard: 0 }];
        bench.spawn(&spec);
        let signal = Signal::from_number(number).unwrap();
        bench.keeper.request(Request::Signal { ticket: spec.ticket, scope: Scope::Main, signal });
        assert_eq!(bench.end(spec.ticket).0, Exit::Signal { signal, core: false }, "{number}");
    }
}

#[test]
fn a_start_has_one_exit() {
    let mut bench = Bench::new();
    let (spec, _) = bench.start("exit 3");
    bench.end(spec.ticket);
    for _ in 0..20 {
        bench.pump();
    }
    assert_eq!(bench.reports(), []);
}

#[test]
fn scenario_25_a_thousand_orphans_are_reaped_and_exits_are_not_confused() {
    let mut bench = Bench::new();
    let (quiet, _) = bench.start("exec sleep 1000");
    let (spec, _) =
        bench.start("i=0; while [ $i -lt 1000 ]; do (exit $((i % 200)) &) ; i=$((i + 1)); done; exit 77");
    assert_eq!(bench.end(spec.ticket).0, Exit::Code(77));
    bench.keeper.request(Request::Watch { ticket: spec.ticket });
    bench.gone(spec.ticket);
    let me = std::process::id();
    bench.until("no zombies", |_| {
        let children = std::fs::read_to_string(format!("/proc/{me}/task/{me}/children")).unwrap_or_default();
        children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .all(|pid: i32| proclaunch::keeper::read_stat(pid).is_none_or(|stat| !stat.is_dead()))
    });
    assert!(bench.keeper.main_of(quiet.ticket).is_some());
    let is_exit = |report: &&Report| matches!(report, Report::Exited { .. });
    assert_eq!(bench.reports().iter().find(is_exit), None);
}

#[test]
fn an_order_for_an_unknown_start_is_nothing() {
    let mut bench = Bench::new();
    let ticket = bench.profile("").ticket;
    for request in [
        Request::KillTree { ticket },
        Request::Watch { ticket },
        Request::Release { ticket },
        Request::Signal { ticket, scope: Scope::Tree, signal: Signal::KILL },
    ] {
        bench.keeper.request(request);
    }
    bench.pump();
    assert_eq!(bench.reports(), []);
}
