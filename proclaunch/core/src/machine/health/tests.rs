//! Checks that pass, fail, hang or have no opinion, and what comes of them.

use super::*;

fn watch(bad: u32, of: u32, grace: u64) -> Watch {
    let schedule = Schedule { bad, of, grace: Duration::from_secs(grace), ..Schedule::default() };
    let hooks = Hooks { checks: vec![schedule], ..Hooks::default() };
    Watch::new(Some(&hooks), Moment::default())
}

/// What the health is after these results, one every ten seconds; `x` is a failure.
#[track_caller]
fn check(bad: u32, of: u32, grace: u64, results: &str, expect: Health) {
    let mut watch = watch(bad, of, grace);
    for (n, result) in (1_u64..).zip(results.chars()) {
        let now = Moment::default().plus(Duration::from_secs(10 * n));
        let id = QuestionId(n);
        assert!(matches!(watch.due(now, Moment::default()), Some(Due::Check(0, _))), "{results}: {n}");
        watch.asked(0, id, now);
        assert_eq!(watch.due(now, Moment::default()), None, "a check overlaps itself");
        let outcome = match result {
            'x' => Outcome::Answer(Answer::Health(Err("bad".to_owned()))),
            'o' => Outcome::Answer(Answer::Health(Ok(()))),
            'e' => Outcome::Failed("error".to_owned()),
            _ => Outcome::Answer(Answer::Nothing),
        };
        assert!(watch.answered(id, &outcome, now, Moment::default()));
        watch.judge();
    }
    assert_eq!(watch.health(), expect, "{results}");
}

#[test]
fn scenario_20_n_of_m_and_n_in_a_row() {
    check(3, 3, 0, "", Health::Unknown);
    check(3, 3, 0, "o", Health::Healthy);
    check(3, 3, 0, "xx", Health::Unknown);
    check(3, 3, 0, "xxx", Health::Unhealthy);
    check(3, 3, 0, "xxoxx", Health::Healthy);
    check(3, 5, 0, "xoxox", Health::Unhealthy);
    check(3, 5, 0, "xooxoxoo", Health::Healthy);
    check(3, 3, 0, "xxxo", Health::Healthy);
}

#[test]
fn no_opinion_and_errors_are_not_counted() {
    check(3, 3, 0, "xx--ex", Health::Unhealthy);
    check(3, 3, 0, "eeeeee------", Health::Unknown);
}

#[test]
fn failures_in_the_grace_time_do_not_count() {
    check(3, 3, 35, "xxxx", Health::Unknown);
    check(3, 3, 35, "xxxxxx", Health::Unhealthy);
}

#[test]
fn a_check_that_hangs_has_failed_at_its_timeout() {
    let mut watch = watch(1, 1, 0);
    let at = |seconds| Moment::default().plus(Duration::from_secs(seconds));
    assert!(matches!(watch.due(at(10), at(0)), Some(Due::Check(0, _))));
    watch.asked(0, QuestionId(1), at(10));
    assert_eq!(watch.deadline(), Some(at(15)));
    assert_eq!(watch.due(at(14), at(0)), None);
    assert_eq!(watch.due(at(15), at(0)), Some(Due::Lapsed(QuestionId(1))));
    assert_eq!(watch.judge(), Some(Health::Unhealthy));
    assert_eq!(watch.reason(), "no answer within 5s");
    assert!(!watch.answered(QuestionId(1), &Outcome::Answer(Answer::Health(Ok(()))), at(16), at(0)));
}
#[test]
fn schedules_share_their_points_of_time() {
    let at = |millis| Moment::default().plus(Duration::from_millis(millis));
    assert_eq!(due_after(at(1_003), Duration::from_secs(1)), at(2_000));
    assert_eq!(due_after(at(1_003), Duration::from_millis(50)), at(1_053), "too fine for it");
    assert_eq!(next_after(at(2_000), Duration::from_secs(1), at(2_001)), at(3_000));
    assert_eq!(next_after(at(2_000), Duration::from_secs(1), at(9_999)), at(10_990), "never again at once");
}

#[test]
fn a_tick_is_asked_again_only_after_its_answer() {
    let hooks = Hooks { loaded: vec![Hook::OnTick], tick: Some(Duration::from_secs(1)), ..Hooks::default() };
    let at = |seconds| Moment::default().plus(Duration::from_secs(seconds));
    let mut watch = Watch::new(Some(&hooks), at(0));
    assert_eq!(watch.due(at(1), at(0)), Some(Due::Tick));
    watch.ticked(QuestionId(1), at(6));
    assert_eq!((watch.due(at(3), at(0)), watch.deadline()), (None, Some(at(6))));
    watch.answered(QuestionId(1), &Outcome::Answer(Answer::Nothing), at(3), at(0));
    assert_eq!(watch.due(at(3), at(0)), Some(Due::Tick));
}
