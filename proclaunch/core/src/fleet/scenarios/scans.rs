//! What a reading of the directories changes, and what is said of it.

use super::*;

#[test]
fn scenario_10_a_scan_touches_only_what_differs() {
    let mut world = World::with(&[("a", ALWAYS), ("b", ALWAYS)]);
    world.done.clear();
    world.scan(&[("a", ALWAYS), ("b", ALWAYS)]);
    world.did(&[]);
    world.scan(&[("a", ALWAYS), ("b", &[("restart", ""), ("run", "other")]), ("c", ALWAYS)]);
    world.did(&[
        "b changed",
        "b stopping",
        "b => TERM to main",
        "c starting",
        "c => spawn",
        "c running pid 103",
    ]);
    world.exits("b", Exit::Code(0));
    world.done.clear();
    // Renamed: gone under one name and new under another.
    world.scan(&[("b", &[("restart", ""), ("run", "other")]), ("c", ALWAYS), ("z", ALWAYS)]);
    world.did(&[
        "a disappeared. Stopping and not restarting.",
        "a stopping",
        "a => TERM to main",
        "z starting",
        "z => spawn",
        "z running pid 105",
    ]);
    world.exits("a", Exit::Code(0));
    world.did(&["a stopped (pid 101, exit 0)", "a => forget"]);
}

#[test]
fn a_look_at_one_directory_says_nothing_of_the_others() {
    let mut world = World::with(&[("a", ALWAYS), ("b", ALWAYS)]);
    world.done.clear();
    world.look(&[("b", ALWAYS)], &[]);
    world.did(&[]);
    world.look(&[("b", ALWAYS)], &["a", "never-was"]);
    world.look(&[], &["a"]);
    world.did(&["a disappeared. Stopping and not restarting.", "a stopping", "a => TERM to main"]);
    // Back before it is stopped: the same machine goes on.
    world.look(&[("a", ALWAYS)], &[]);
    world.exits("a", Exit::Code(0));
    world.did(&["a stopped (pid 101, exit 0)", "a starting", "a => spawn", "a running pid 103"]);
}

#[test]
fn scenario_38_a_problem_is_said_once_until_it_is_gone() {
    const BAD: Settings<'_> = &[("stop_signal", "TREM"), ("nice", "99")];
    const SAID: [&str; 2] = [
        "`stop_signal` says `TREM`: not a signal; write a name such as TERM, a number from 1 to 64, or a \
         sequence such as `QUIT 30 TERM 5 KILL`",
        "`nice` says `99`: not a nice value; write a number from -20 to 19",
    ];
    let said = |words: &str, which: &[usize]| -> Vec<String> {
        which.iter().map(|one| format!("web {words}: {}", SAID[*one])).collect()
    };
    let mut world = World::with(&[("web", BAD), ("other", ALWAYS)]);
    let mut lines = std::mem::take(&mut world.done);
    lines.retain(|line| line.starts_with("web"));
    lines.sort();
    let mut expect = said("is not started", &[0, 1]);
    expect.sort();
    assert_eq!(lines, expect);
    world.scan(&[("web", BAD), ("other", ALWAYS)]);
    world.did(&[]);
    // One is mended, the other is no news.
    world.scan(&[("web", &[("stop_signal", "TREM")]), ("other", ALWAYS)]);
    world.did(&[]);
    world.scan(&[("web", &[]), ("other", ALWAYS)]);
    world.did(&["web starting", "web => spawn", "web running pid 102"]);
    // Broken again while it runs: said again, and nothing happens to it.
    world.scan(&[("web", BAD), ("other", ALWAYS)]);
    let mut lines = std::mem::take(&mut world.done);
    lines.sort();
    let mut expect = said("keeps its last good settings", &[0, 1]);
    expect.sort();
    assert_eq!(lines, expect);
    assert_eq!(world.machine("web").state(), StateName::Running);
    world.order("web", Order::Stop);
    world.did(&["web stopping", "web => TERM to main"]);
}

#[test]
fn scenario_11_a_half_written_profile_is_said_once_and_starts_when_it_is_complete() {
    let mut unfinished = parsed(ALWAYS);
    let missing = crate::profile::Fault::Missing;
    unfinished.profile = Err(vec![Problem { file: "run".to_owned(), line: None, fault: missing }]);
    let mut world = World::new(false);
    for _ in 0..3 {
        let profiles = vec![(name("web"), unfinished.clone())];
        world.step(Input::Scan(Scan { complete: true, profiles, ..Scan::default() }));
    }
    world.did(&["web is not started: has no `run`"]);
    world.scan(&[("web", ALWAYS)]);
    world.did(&["web starting", "web => spawn", "web running pid 101"]);
}

#[test]
fn warnings_and_remarks_are_said_once_until_they_are_gone() {
    const NEAR: Settings<'_> = &[("restart", ""), ("stop_singal", "INT")];
    const WARNING: &str = "web warning: `stop_singal` is not a setting; did you mean `stop_signal`?";
    let bad_name = Own::BadDirectoryName { name: "b\u{e4}d".to_owned() };
    let scan = |settings, remarks: &[Own]| {
        let profiles = found(&[("web", settings)]);
        Input::Scan(Scan { complete: true, profiles, remarks: remarks.to_vec(), ..Scan::default() })
    };
    let mut world = World::with(&[("web", ALWAYS)]);
    world.done.clear();
    let remark = words(&Entry::Own(bad_name.clone()));
    for _ in 0..2 {
        for _ in 0..3 {
            world.step(scan(NEAR, std::slice::from_ref(&bad_name)));
        }
        world.did(&[WARNING, &remark]);
        world.step(scan(ALWAYS, &[]));
        world.did(&[]);
    }
}

#[test]
fn a_scan_that_fails_is_said_once_and_changes_nothing() {
    let mut world = World::with(&[("web", ALWAYS)]);
    world.done.clear();
    let failed = || Input::ScanFailed("read profiles directory `/p`: Permission denied".to_owned());
    for _ in 0..3 {
        world.step(failed());
    }
    world.did(&[
        "ProcLaunch failed to read profiles directory `/p`: Permission denied; every profile stays as it is until \
         it is back",
    ]);
    world.exits("web", Exit::Code(1));
    world.waits(Duration::from_secs(1));
    assert_eq!(world.machine("web").state(), StateName::Running);
    world.done.clear();
    world.scan(&[("web", ALWAYS)]);
    world.did(&["ProcLaunch profiles directory is back"]);
    world.step(failed());
    assert_eq!(world.done.len(), 1, "it is said again after it was back");
}
