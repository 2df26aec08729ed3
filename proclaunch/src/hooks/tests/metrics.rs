//! What hooks count and measure is told when a call ends, checked and bounded.

use proclaunch_core::hook::Hook;

use super::support::{Bench, failure, run};
use crate::hooks::{MetricKind, Told};

/// What one call tells, as text.
fn told(text: &str) -> Vec<String> {
    run(async {
        let bench = Bench::new(&[(Hook::OnExit, text)]).await;
        bench.ask(Hook::OnExit).await;
        let samples = bench.told().into_iter().filter_map(|told| match told {
            Told::Metrics { name, samples } if name.as_str() == "web" => Some(samples),
            _ => None,
        });
        let samples: Vec<_> = samples.collect();
        assert!(samples.len() <= 1, "all at once: {samples:?}");
        let shown = samples.into_iter().flatten().map(|sample| {
            let kind = if sample.kind == MetricKind::Counter { "+" } else { "=" };
            format!("{} {:?} {kind}{}", sample.series.metric, sample.series.labels, sample.value)
        });
        shown.collect()
    })
}

#[test]
fn a_call_tells_all_that_it_counted_when_it_ends() {
    let text = "return function()
        metrics.counter('jobs_total') metrics.counter('jobs_total', 2.5)
        metrics.counter('jobs_total', 4, { queue = 'mail' })
        metrics.gauge('depth', 7) metrics.gauge('depth', -1)
    end";
    assert_eq!(told(text), ["depth {} =-1", "jobs_total {} +3.5", "jobs_total {\"queue\": \"mail\"} +4"]);
    assert_eq!(told("return function() end"), [""; 0]);
    let failed = "return function() metrics.gauge('depth', 7) error('no') end";
    assert_eq!(told(failed), ["depth {} =7"], "what was measured before an error counts");
}

#[test]
fn a_call_that_counts_without_end_is_bounded() {
    let text = "return function() for n = 1, 1000 do metrics.counter('n', 1, { n = tostring(n) }) end end";
    assert_eq!(told(text).len(), 64);
    let why = failure(Hook::OnExit, text);
    assert_eq!(why, "web/on_exit.lua:1: metrics.counter: more than 64 metrics, counted with their labels");
}

#[test]
fn names_and_values_are_those_of_prometheus() {
    for (call, expect) in [
        ("counter('9lives')", "metrics.counter: `name` must be letters, digits, `_` and `:`"),
        ("gauge('a-b', 1)", "metrics.gauge: `name` must be letters, digits, `_` and `:`"),
        ("counter('')", "metrics.counter: `name` must be letters"),
        ("counter(('x'):rep(129))", "metrics.counter: `name` must be letters"),
        ("counter('proclaunch_jobs')", "metrics.counter: `name` must be letters"),
        ("counter(nil)", "metrics.counter: `name` must be a string; got nil"),
        ("counter('x', -1)", "metrics.counter: `amount` must be a number, at least 0; got -1"),
        ("gauge('x')", "metrics.gauge: `value` must be a number; got nil"),
        ("gauge('x', 0/0)", "metrics.gauge: `value` must be a number"),
        ("gauge('x', 1, 'y')", "metrics.gauge: `labels` must be a table; got the string `y`"),
        ("gauge('x', 1, { ['a-b'] = 'c' })", "metrics.gauge: a label's name must be letters"),
        ("gauge('x', 1, { profile = 'c' })", "metrics.gauge: a label's name must be letters"),
        ("gauge('x', 1, { __name__ = 'c' })", "metrics.gauge: a label's name must be letters"),
        ("gauge('x', 1, { 'c' })", "metrics.gauge: a label must have a name; got 1"),
        ("gauge('x', 1, { a = 5 })", "metrics.gauge: the label `a` must be a string of at most 128 bytes"),
        ("gauge('x', 1) metrics.counter('x')", "metrics.counter: `x` is a gauge already"),
    ] {
        let why = failure(Hook::OnExit, &format!("return function() metrics.{call} end"));
        assert!(why.starts_with(&format!("web/on_exit.lua:1: {expect}")), "{call}: {why}");
    }
}
