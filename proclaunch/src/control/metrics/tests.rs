//! The page as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use proclaunch_core::exit::Exit;
use proclaunch_core::hook::{Answer, Happening, Hook, Outcome, QuestionId};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::{Ended, Health, Status};

use super::*;
use crate::control::api::OwnProcess;
use crate::control::bridge::View;
use crate::control::convert::tests::{NOON, name, status, usage};
use crate::control::usage::Usages;
use crate::hooks::{MetricKind, Sample, Series};

fn view() -> View {
    let ended = Ended { exit: Exit::Code(3), ..status().exit.unwrap() };
    let idle = Status { process: None, since: None, health: Health::Unknown, exit: Some(ended), ..status() };
    let profiles = BTreeMap::from([(name("web"), Arc::new(status())), (name("idle"), Arc::new(idle))]);
    View { profiles, ..View::default() }
}

fn recorder() -> Recorder {
    let recorder = Recorder::default();
    let web = name("web");
    let later = |millis| NOON.now.plus(Duration::from_millis(millis));
    for (id, outcome) in [
        (1, Outcome::Answer(Answer::Health(Ok(())))),
        (2, Outcome::Answer(Answer::Nothing)),
        (3, Outcome::Failed("x".to_owned())),
        (4, Outcome::TimedOut),
    ] {
        recorder.asked(&web, QuestionId(id), Hook::Health, NOON.now);
        recorder.answered(QuestionId(id), &outcome, later(id * 20));
        recorder.answered(QuestionId(id), &outcome, later(id * 20));
    }
    recorder.asked(&web, QuestionId(5), Hook::OnStop, NOON.now);
    recorder.all_cancelled();
    let text = |text: &str| text.to_owned();
    let what = Happening {
        kind: text("transition"),
        level: text("info"),
        from: text("stopped"),
        to: text("starting"),
        reason: text("exit 1"),
    };
    recorder.happened(&web, &what);
    let labels = BTreeMap::from([(text("queue"), text("a\"b\\c\nd"))]);
    let series = Series { metric: text("jobs_total"), labels };
    recorder.add(&web, Sample { series, kind: MetricKind::Counter, value: 2.5 }).unwrap();
    recorder
}

fn made(view: &View, usages: &Usages, recorded: &Recorded) -> String {
    let own = OwnProcess {
        role: "keeper".to_owned(),
        pid: 1,
        uptime: 60.5,
        memory_bytes: 4096,
        cpu_seconds: 0.25,
        descriptors: 9,
        wakeups: 77,
    };
    page(&Figures { now: NOON.now, view, usages, own: &[own], recorded })
}

fn whole() -> String {
    let usages = Usages {
        now: BTreeMap::from([(name("web"), usage())]),
        cpu_total: BTreeMap::from([(name("web"), Duration::from_millis(2500))]),
    };
    made(&view(), &usages, &recorder().recorded(&view()))
}

#[test]
fn the_page_is_this() {
    let page = whole();
    assert_eq!(page, whole(), "the same figures give the same text");
    let expected = include_str!("../fixtures/metrics.prom").replace("VERSION", env!("CARGO_PKG_VERSION"));
    assert_eq!(page, expected);
}

#[test]
fn each_family_stands_in_one_place() {
    let mut seen = BTreeSet::new();
    let page = whole();
    let mut family = "";
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap();
            assert!(seen.insert(family), "{family} twice");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert!(rest.starts_with(family), "{line}");
        } else {
            assert!(line.starts_with(family), "{line} is not of {family}");
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
}

#[test]
fn a_profile_that_is_gone_is_not_told_of() {
    let recorder = recorder();
    assert!(recorder.forget(&name("web")));
    let page = made(&View::default(), &Usages::default(), &recorder.recorded(&View::default()));
    assert!(!page.contains("web"), "{page}");
    assert!(page.contains("proclaunch_profiles 0\n"));
}

#[test]
fn many_profiles_are_told_of() {
    let one = Arc::new(status());
    let names = (0..3000).map(|index| ProfileName::parse(&format!("p{index}")).unwrap());
    let view = View { profiles: names.map(|name| (name, Arc::clone(&one))).collect(), ..View::default() };
    let page = made(&view, &Usages::default(), &Recorded::default());
    assert_eq!(page.matches("proclaunch_profile_restarts_total{").count(), 3000);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test has no keeper")]
fn promtool_finds_nothing_wrong() {
    let begun = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = begun else {
        let must = std::env::var_os("PROCLAUNCH_REQUIRE_PROMTOOL").is_some();
        assert!(!must, "promtool is not installed");
        return;
    };
    promtool.stdin.take().unwrap().write_all(whole().as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}
