//! What a supervisor that comes later is told, and what a program in the keeper's place takes over.

use std::fs::File;
use std::io::Read;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use proclaunch::keeper::protocol::{HeldEnd, Input, Kind, Output, Program, Report, Request};
use proclaunch::keeper::{Keeper, load_image, store_image};
use proclaunch_core::exit::Exit;
use proclaunch_core::signal::Signal;

use crate::bench::Bench;

/// Puts another keeper into the place of the one there is, as an upgrade does.
fn upgrade(bench: &mut Bench) {
    let mut bytes = Vec::new();
    let image = store_image(&bench.keeper.image()).unwrap();
    File::from(image).read_to_end(&mut bytes).unwrap();
    let mut new = Keeper::new(bench.dir.path(), std::env::vars_os().collect()).unwrap();
    new.restore(load_image(&bytes).unwrap());
    bench.keeper = new;
}

#[test]
fn what_nobody_was_told_is_held_until_it_is_released() {
    let mut bench = Bench::new();
    let (lives, id) = bench.start("exec sleep 86400");
    let (dies, died) = bench.start("exit 7");
    bench.end(dies.ticket);
    let held = bench.keeper.held();
    let of = |ticket| held.iter().find(|held| held.ticket == ticket).unwrap();
    assert_eq!((of(lives.ticket).main, of(lives.ticket).ended), (Some(id), None));
    let HeldEnd { id, exit, .. } = of(dies.ticket).ended.unwrap();
    assert_eq!((id, exit, of(dies.ticket).main), (died, Exit::Code(7), None));
    bench.keeper.request(Request::Release { ticket: dies.ticket });
    assert!(bench.keeper.held().iter().all(|held| held.ticket != dies.ticket));
}

#[test]
fn one_that_was_told_of_an_end_may_adopt_what_ended_and_is_not_told_again() {
    let mut bench = Bench::new();
    let (spec, id) = bench.start("exit 7");
    assert_eq!(bench.end(spec.ticket).0, Exit::Code(7));
    bench.keeper.request(Request::Adopt { name: spec.name.clone(), ticket: spec.ticket, id });
    bench.pump();
    assert!(!bench.reports().iter().any(|report| matches!(report, Report::Exited { .. })));
}

#[test]
fn after_an_upgrade_children_are_children_and_exits_are_exact() {
    let mut bench = Bench::new();
    let (lives, id) = bench.start("trap 'exit 42' TERM; while :; do sleep 0.01; done");
    let (ended, _) = bench.start("exit 7");
    bench.end(ended.ticket);
    let (zombie, _) = bench.start("exit 8");
    upgrade(&mut bench);
    assert_eq!(bench.keeper.main_of(lives.ticket), Some(id));
    let held = bench.keeper.held();
    let ended = held.iter().find(|held| held.ticket == ended.ticket).and_then(|held| held.ended);
    assert_eq!(ended.map(|end| end.exit), Some(Exit::Code(7)));
    // It may have ended before, between or after.
    assert_eq!(bench.end(zombie.ticket).0, Exit::Code(8));
    bench.until("it has set its trap", |bench| {
        let term = Request::Signal {
            ticket: lives.ticket,
            scope: proclaunch::keeper::protocol::Scope::Main,
            signal: Signal::TERM,
        };
        bench.keeper.request(term);
        bench.pump();
        bench.keeper.main_of(lives.ticket).is_none()
    });
}

#[test]
fn after_an_upgrade_what_a_start_has_left_is_still_its_own() {
    let mut bench = Bench::new();
    let (spec, _) = bench.start("(setsid sh -c 'echo $$ > pid; exec sleep 86400' &)\nexit 0");
    let daemon = bench.pid_in(&spec, "pid");
    bench.end(spec.ticket);
    upgrade(&mut bench);
    bench.kill_tree(spec.ticket);
    bench.until("it is gone", |_| proclaunch::keeper::read_stat(daemon).is_none());
}

#[test]
fn bytes_that_are_no_image_are_refused() {
    let bench = Bench::new();
    let mut bytes = Vec::new();
    File::from(store_image(&bench.keeper.image()).unwrap()).read_to_end(&mut bytes).unwrap();
    assert!(load_image(&bytes).is_ok());
    bytes[0] += 1;
    assert_eq!(load_image(&bytes).unwrap_err(), "it has version 2, where 1 is understood");
    for length in 0..bytes.len() {
        assert!(load_image(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn a_fifo_never_loses_its_reader_and_what_is_in_it_stays() {
    let mut bench = Bench::new();
    let path = bench.path("pipe");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    let mut spec = bench.profile("echo one; echo two >&2");
    spec.output = Output::Fifo(path.clone());
    bench.spawn(&spec);
    assert_eq!(bench.end(spec.ticket).0, Exit::Code(0));
    let mut reader = bench.profile("");
    reader.kind = Kind::LogRun;
    reader.program =
        Program::Argv(vec![b"sh".to_vec(), b"-c".to_vec(), b"cat; echo $PROCLAUNCH_KIND".to_vec()]);
    reader.input = Input::Fifo(path);
    bench.spawn(&reader);
    bench.until("it has read", |_| Bench::output(&reader) == "one\ntwo\n");
    bench.keeper.request(Request::ForgetOutput { name: spec.name.clone() });
    assert_eq!(bench.end(reader.ticket).0, Exit::Code(0), "it saw the end when nobody could write any more");
    assert_eq!(Bench::output(&reader), "one\ntwo\nlog_run\n");
}
