//! Records that are true, stale, torn or hostile.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use nix::unistd::mkfifo;
use proclaunch_core::clock::Moment;
use proclaunch_core::exit::Exit;
use proclaunch_core::hook::{EXITS_COUNTED, Hook};
use proclaunch_core::ids::{ProcId, Ticket};
use proclaunch_core::machine::{
    AttentionThen, By, Cause, Counted, Decision, Ended, Health, HooksThen, Past, Phase, Remembered, Rest,
    Start, StateName, Step, Then, Transition, Want, Why,
};
use proclaunch_core::process::Scope;
use proclaunch_core::signal::Signal;
use tempfile::{TempDir, tempdir};

use super::*;

const BOOT: &str = "5a0e8e6c-6a2d-4d7e-9d3c-1c1f6f0b2a11";
const FIXTURES: [(&str, &[u8]); 6] = [
    ("explained", include_bytes!("fixtures/explained.v2.json")),
    ("full", include_bytes!("fixtures/full.v2.json")),
    ("stopping", include_bytes!("fixtures/stopping.v2.json")),
    ("web", include_bytes!("fixtures/web.v1.json")),
    ("migrate", include_bytes!("fixtures/migrate.v1.json")),
    ("fresh", include_bytes!("fixtures/fresh.v1.json")),
];

fn name(text: &str) -> ProfileName {
    ProfileName::parse(text).unwrap()
}

/// All that version 1 can say of a process that runs.
fn web() -> Record {
    let start = Start { since: None, shape: None, ..start() };
    let phase = Phase::Running { start, id: ID, attention: None };
    record("web", Remembered { order: Some(Want::Up), phase, ..Remembered::default() })
}

const ID: ProcId = ProcId { pid: 4242, start: 123_456 };

const fn at(seconds: u64) -> Moment {
    Moment::from_nanos(1_000_000_000 * seconds)
}

fn start() -> Start {
    let shape = serde_json::from_str("15646227521064568184").unwrap();
    let ticket = Ticket { instance: 0x00ab_cdef, serial: 42 };
    Start { ticket, since: Some(at(86_400)), shape: Some(shape), daemonizes: false }
}

/// A process that runs, and of which everything is remembered that can be; every text so long.
fn full(text: usize) -> Record {
    let reason = "r".repeat(text);
    let counted = Counted { failures: 5, has_results: true, reason: reason.clone() };
    let attention = AttentionThen {
        ready: at(86_401),
        health: Health::Healthy,
        forgiven: true,
        checks: vec![counted; 4],
        is_changing: false,
        is_judged: true,
    };
    let exit = Exit::Signal { signal: Signal::KILL, core: true };
    let ended = Ended { at: at(86_399), id: ID, exit, after: Duration::from_millis(1_500), requested: false };
    let (from, to) = (StateName::Starting, StateName::Running);
    let change = Transition { at: at(86_400), from, to, why: Why::Spawned, reason: "".into() };
    let past = Past {
        starts: 1_000,
        failures: 3,
        deaths: vec![at(86_399); 5],
        exits: vec![ended; 8],
        has_ended: false,
        history: vec![change; 16],
        unasked: vec![at(86_399); EXITS_COUNTED],
        cause: Cause::Died,
        reason: reason.clone(),
        decisions: Vec::new(),
    };
    let phase = Phase::Running { start: start(), id: ID, attention: Some(attention) };
    let strikes = Hook::ALL.map(|hook| (hook, 5, Some(reason.clone()))).to_vec();
    let hooks = Some(HooksThen { files: start().shape, strikes });
    let shape = start().shape;
    record("full", Remembered { order: Some(Want::Up), phase, shape, past, hooks, ..Remembered::default() })
}

/// The same, with why everything was.
fn explained(text: usize) -> Record {
    let Record { mut remembered, .. } = full(text);
    let reason = "r".repeat(text);
    for change in &mut remembered.past.history {
        change.reason = reason.clone().into();
    }
    let decided = |by| Decision {
        at: at(86_399),
        what: "restarts in 0.4s".to_owned(),
        by,
        inputs: "exit 1 after 1.5s".to_owned(),
        reason: reason.clone(),
    };
    let by = [By::Order, By::Setting("restart".to_owned()), By::Hook(Hook::ShouldRestart), By::Default];
    remembered.past.decisions = by.clone().into_iter().chain(by).map(decided).collect();
    record("explained", remembered)
}

/// A stop whose signal may not have been sent.
fn stopping() -> Record {
    let step = Step::Signalled { scope: Scope::Tree, step: 1, since: at(86_500), until: at(86_510) };
    let phase = Phase::Stopping {
        start: start(),
        main: Some(ID),
        exit: None,
        asked: true,
        then: Then::StartAt(at(86_500)),
        deciding: false,
        step,
    };
    let owed = vec![(Scope::Tree, Signal::TERM)];
    record("stopping", Remembered { order: Some(Want::Down), phase, owed, ..Remembered::default() })
}

fn record(profile: &str, remembered: Remembered) -> Record {
    Record::new(name(profile), BOOT.to_owned(), remembered)
}

fn store() -> (TempDir, Store) {
    let temp = tempdir().unwrap();
    let store = Store::open(temp.path()).unwrap();
    (temp, store)
}

#[test]
fn a_record_reads_back_as_it_was_saved() {
    let (temp, store) = store();
    let migrate = record("migrate", Remembered { phase: Phase::Rest(Rest::Done), ..Remembered::default() });
    store.save(&migrate.written()).unwrap();
    store.save(&record("web", Remembered::default()).written()).unwrap();
    store.save(&web().written()).unwrap();
    let loaded = Store::open(temp.path()).unwrap().load_all(BOOT).unwrap();
    assert_eq!(loaded.refused, []);
    assert_eq!(loaded.records, [(name("migrate"), migrate), (name("web"), web())].into());
    let mode = fs::metadata(temp.path().join("records")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn the_fixtures_of_every_version_still_load() {
    let (_temp, store) = store();
    for (file, bytes) in FIXTURES {
        fs::write(store.path.join(format!("{file}.json")), bytes).unwrap();
    }
    let loaded = store.load_all(BOOT).unwrap();
    assert_eq!(loaded.refused, []);
    for (version_2, n) in [(explained(8), 0), (full(8), 1), (stopping(), 2)] {
        assert_eq!(loaded.records[&version_2.name], version_2);
        let is_same = version_2.written().encode() == FIXTURES[n].1;
        assert!(is_same, "what is written has changed: is that another version?");
    }
    assert_eq!(loaded.records[&name("web")], web());
    assert_eq!(loaded.records[&name("migrate")].remembered.phase, Phase::Rest(Rest::Done));
    assert_eq!(loaded.records[&name("fresh")].remembered, Remembered::default());
}

#[test]
fn what_hooks_keep_fits_into_a_record_that_is_full() {
    let (_temp, store) = store();
    let full = Record { vars: Some("\"".repeat(64 * 1024)), ..explained(512) };
    store.save(&full.written()).unwrap();
    assert_eq!(store.load_all(BOOT).unwrap().records, [(name("explained"), full)].into());
}

#[test]
fn a_record_without_hooks_takes_a_few_kibibytes() {
    let Record { remembered, .. } = explained(24);
    let usual = record("usual", Remembered { hooks: None, ..remembered });
    assert!(usual.written().encode().len() < 8 * 1024, "{} bytes", usual.written().encode().len());
}

#[test]
fn scenario_29_records_of_another_boot_are_dropped_whole() {
    let (_temp, store) = store();
    store.save(&web().written()).unwrap();
    assert_eq!(store.load_all("another boot").unwrap(), Loaded::default());
    assert_eq!(store.list().unwrap(), [""; 0]);
}

#[test]
fn hostile_files_are_refused_by_name_and_the_rest_loads() {
    let (temp, store) = store();
    store.save(&web().written()).unwrap();
    let path = |file: &str| store.path.join(file);
    let good = FIXTURES[3].1;
    let text = String::from_utf8(good.to_owned()).unwrap();
    fs::write(path("empty.json"), "").unwrap();
    fs::write(path("garbage.json"), [0, 255, 10]).unwrap();
    fs::write(path("torn.json"), &good[..good.len() / 2]).unwrap();
    fs::write(path("huge.json"), vec![b' '; RECORD_BYTES_MAX + 1]).unwrap();
    fs::write(path("deep.json"), "[".repeat(RECORD_BYTES_MAX)).unwrap();
    fs::write(path("later.json"), r#"{"version":3,"name":7}"#).unwrap();
    fs::write(path("copy.json"), good).unwrap();
    fs::write(path("zero.json"), text.replace("4242", "0").replace("\"web\"", "\"zero\"")).unwrap();
    fs::write(path("init.json"), text.replace("4242", "1").replace("\"web\"", "\"init\"")).unwrap();
    fs::write(path("group.json"), text.replace("4242", "-7").replace("\"web\"", "\"group\"")).unwrap();
    fs::write(path("README"), "").unwrap();
    fs::write(path(".spare"), "left by a killed writer").unwrap();
    fs::create_dir(path("dir.json")).unwrap();
    fs::write(temp.path().join("elsewhere"), text.replace("\"web\"", "\"link\"")).unwrap();
    symlink(temp.path().join("elsewhere"), path("link.json")).unwrap();
    mkfifo(&path("fifo.json"), Mode::S_IRWXU).unwrap();

    let loaded = store.load_all(BOOT).unwrap();
    assert_eq!(loaded.records, [(name("web"), web())].into());
    let found: Vec<_> = loaded.refused.iter().map(|refused| refused.file.as_str()).collect();
    assert_eq!(
        found,
        [
            "README",
            "copy.json",
            "deep.json",
            "dir.json",
            "empty.json",
            "fifo.json",
            "garbage.json",
            "group.json",
            "huge.json",
            "init.json",
            "later.json",
            "link.json",
            "torn.json",
            "zero.json"
        ]
    );
    let why = |file: &str| &loaded.refused.iter().find(|refused| refused.file == file).unwrap().why;
    assert_eq!(why("copy.json"), "it is the record of `web`");
    assert_eq!(why("later.json"), "it has version 3, where at most 2 is understood");
    assert_eq!(why("group.json"), "it names pid -7, which no service has");
}

#[test]
fn any_bytes_give_a_record_or_a_named_error() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    let mut accepted = 0;
    for round in 0..10_000 {
        let mut bytes = FIXTURES[random(FIXTURES.len())].1.to_owned();
        if round % 4 == 0 {
            bytes = (0..random(300)).map(|_| u8::try_from(random(256)).unwrap()).collect();
        }
        for _ in 0..random(4) {
            if bytes.is_empty() {
                break;
            }
            let place = random(bytes.len());
            match random(4) {
                0 => bytes[place] = u8::try_from(random(256)).unwrap(),
                1 => bytes.truncate(place),
                2 => drop(bytes.remove(place)),
                _ => bytes.insert(place, b"{}[]\",:0-9e."[random(12)]),
            }
        }
        if let Ok(record) = Record::decode(&bytes) {
            accepted += 1;
            assert_eq!(Record::decode(&record.written().encode()).unwrap(), record, "round {round}");
        }
    }
    assert!((100..9_000).contains(&accepted), "the inputs are neither all good nor all bad: {accepted}");
}

#[test]
fn removing_and_clearing_leave_nothing() {
    let (_temp, store) = store();
    store.save(&web().written()).unwrap();
    store.remove(&name("web")).unwrap();
    store.remove(&name("web")).unwrap();
    assert_eq!(store.list().unwrap(), [""; 0]);
    store.save(&web().written()).unwrap();
    fs::write(store.path.join("garbage"), "").unwrap();
    fs::write(store.path.join(".spare"), "").unwrap();
    store.clear().unwrap();
    assert_eq!(store.list().unwrap(), [""; 0]);
}

#[test]
fn clearing_goes_on_after_what_cannot_be_removed() {
    let (_temp, store) = store();
    fs::create_dir(store.path.join("a.json")).unwrap();
    store.save(&web().written()).unwrap();
    assert!(
        matches!(store.clear(), Err(StoreError::Remove { path, .. }) if path.ends_with("records/a.json"))
    );
    assert_eq!(store.list().unwrap(), ["a.json"]);
}

#[test]
fn errors_are_values_that_name_the_path() {
    let temp = tempdir().unwrap();
    assert!(matches!(Store::open(&temp.path().join("no")), Err(StoreError::Open { .. })));
    let store = Store::open(temp.path()).unwrap();
    fs::remove_dir(&store.path).unwrap();
    let error = store.save(&web().written()).unwrap_err().to_string();
    assert!(error.starts_with("write record `") && error.contains("records/web.json`"), "{error}");
}
