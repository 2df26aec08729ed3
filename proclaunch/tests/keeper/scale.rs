//! Costs that must not grow.

use std::fs::File;

use proclaunch::keeper::protocol::{Output, Request};
use proclaunch_core::ids::Ticket;

use crate::bench::{Bench, now_nanos};

/// The median cost of a start in microseconds, over some starts.
fn median_start_us(bench: &mut Bench, count: usize) -> u64 {
    let mut costs: Vec<u64> = (0..count)
        .map(|_| {
            let mut spec = bench.profile("#!/bin/true");
            spec.output = Output::File("/dev/null".into());
            let before = now_nanos();
            bench.keeper.request(Request::Spawn(Box::new(spec.clone())));
            let cost = now_nanos() - before;
            bench.end(spec.ticket);
            bench.keeper.request(Request::Release { ticket: spec.ticket });
            cost / 1_000
        })
        .collect();
    costs.sort_unstable();
    costs[costs.len() / 2]
}

#[test]
fn a_start_costs_the_same_with_much_memory_and_many_descriptors() {
    let mut bench = Bench::new();
    median_start_us(&mut bench, 5);
    let small = median_start_us(&mut bench, 51);
    let memory = vec![1_u8; 200 << 20];
    let large = median_start_us(&mut bench, 51);
    assert_eq!(memory.iter().step_by(4096).map(|b| usize::from(*b)).sum::<usize>(), (200 << 20) / 4096);
    let files: Vec<_> = (0..4_000).map_while(|_| File::open("/dev/null").ok()).collect();
    let many = median_start_us(&mut bench, 51);
    println!("start: {small} us; with 200 MB {large} us; with {} descriptors {many} us", files.len());
    assert!(large < small * 4 + 3_000, "{small} us became {large} us");
    assert!(many < small * 4 + 3_000, "{small} us became {many} us");
}

#[test]
fn a_thousand_profiles_start_and_stop_in_linear_time() {
    let mut bench = Bench::new();
    let spec = bench.profile("exec sleep 1000");
    let tickets: Vec<Ticket> =
        (0..1_000).map(|serial| Ticket { serial: 5_000 + serial, ..spec.ticket }).collect();
    let begin = now_nanos();
    for ticket in &tickets {
        let mut spec = spec.clone();
        spec.ticket = *ticket;
        bench.keeper.request(Request::Spawn(Box::new(spec)));
    }
    bench.pump();
    let started = now_nanos();
    for ticket in &tickets {
        bench.keeper.request(Request::KillTree { ticket: *ticket });
    }
    for ticket in &tickets {
        bench.gone(*ticket);
    }
    let stopped = now_nanos();
    println!(
        "start 1000: {} ms, kill 1000: {} ms",
        (started - begin) / 1_000_000,
        (stopped - started) / 1_000_000
    );
    for ticket in &tickets {
        bench.keeper.request(Request::Release { ticket: *ticket });
    }
    assert!(stopped - started < 10_000_000_000);
}
