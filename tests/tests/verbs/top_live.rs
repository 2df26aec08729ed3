//! `proclaunch top` on a real terminal, against the real supervisor.

use nix::sys::signal::Signal;
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::sandbox::Sandbox;

use super::live::{verb, wait_for_state};
use super::screen::Screen;

/// Says what it counts to, ten times a second.
const COUNT: &str = "i=0; while :; do i=$((i+1)); echo \"count $i\"; sleep 0.1; done";

/// The dashboard on what four profiles are like: one that counts, one that is down, one that ends at once, one that
/// nothing can start.
fn begun() -> Option<(Daemon, Screen)> {
    let sandbox = Sandbox::new();
    sandbox.profile("web", COUNT);
    sandbox.profile("cron", "exec sleep 1000").set("down", "");
    sandbox.profile("broken", "exit 3").set("ready.lua", "return function() return false end");
    sandbox.profile("held", "exec sleep 1000").set("stop_signal", "LOUD");
    let daemon = sandbox.daemonize();
    wait_for_state(&daemon, "web", "running");
    wait_for_state(&daemon, "broken", "stopped");
    let screen = Screen::open(&daemon.sandbox.state())?;
    screen.begin();
    Some((daemon, screen))
}

/// The line of a profile in the table, as words.
fn row<'a>(text: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.skip(1).find(|words| words.iter().take(3).any(|word| *word == name))
}

/// Whether a row has this word.
fn is(text: &str, name: &str, word: &str) -> bool {
    row(text, name).is_some_and(|words| words.contains(&word))
}

/// Moves the selection to a profile: rows are sorted by name.
fn select(screen: &Screen, place: usize) {
    screen.press("g");
    for _ in 0..place {
        screen.press("Down");
    }
}

/// The number that the service has counted to, as far as the screen shows it.
fn counted(text: &str) -> Option<u32> {
    let numbers = text.split("count ").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    });
    numbers.max()
}

#[test]
fn orders_are_done_by_the_real_supervisor_and_a_failure_is_shown() {
    let Some((daemon, screen)) = begun() else { return };
    let pid = |name: &str| daemon.control().profile(name).pid;
    let first = pid("web").unwrap();
    screen.shows(|text| {
        text.starts_with("ProcLaunch  4 profiles, 1 serving") && is(text, "web", &first.to_string())
    });
    // broken, cron, held, web.
    select(&screen, 1);
    screen.press("s");
    screen.shows(|text| text.contains("start cron?  y: yes  n: no"));
    screen.press("y");
    screen.shows(|text| text.contains("start cron: done"));
    let cron = pid("cron").expect("it was started");
    screen.shows(|text| is(text, "cron", &cron.to_string()));

    select(&screen, 3);
    screen.press("r");
    screen.shows(|text| text.contains("restart web?"));
    assert_eq!(pid("web"), Some(first), "nothing is done before the yes");
    screen.press("y");
    screen.shows(|text| text.contains("restart web: done"));
    let second = pid("web").unwrap();
    assert_ne!(second, first);
    screen.shows(|text| is(text, "web", &second.to_string()) && !is(text, "web", &first.to_string()));

    screen.press("x");
    screen.press("n");
    screen.press("x");
    screen.shows(|text| text.contains("stop web?"));
    screen.press("y");
    screen.shows(|text| text.contains("stop web: done") && is(text, "web", "stopped"));
    assert_eq!(daemon.control().profile("web").standing, "stopped");

    for (place, why) in [(0, "start broken: broken: "), (2, "start held: held: ")] {
        select(&screen, place);
        screen.press("s");
        screen.shows(|text| text.contains(why.split(':').next().unwrap()) && text.contains("y: yes"));
        screen.press("y");
        screen.shows(|text| text.lines().last().is_some_and(|line| line.starts_with(why)));
    }
    assert!(screen.text().contains("LOUD"), "{}", screen.text());
    screen.press("q");
    screen.is_as_before(0);
    verb(&daemon, &["status", "cron"], 0);
    verb(&daemon, &["shutdown"], 0);
}

#[test]
fn details_are_live_and_go_on_after_the_supervisor_and_then_all_of_it_is_killed() {
    let Some((daemon, screen)) = begun() else { return };
    select(&screen, 3);
    screen.press("Enter");
    let is_whole = |text: &str| {
        text.contains("history, UTC") && text.contains("stopped → starting") && text.contains("pid ")
    };
    let grows_from = |from: u32| screen.find(|text| counted(text).filter(|to| *to > from && is_whole(text)));
    let seen = grows_from(3);
    let seen = grows_from(seen + 3);

    let parts = daemon.wait_for_parts();
    let pid = daemon.control().profile("web").pid;
    parts.supervisor.signal(Signal::SIGKILL);
    daemon.wait_for("another supervisor", || (daemon.supervisor()? != parts.supervisor).then_some(()));
    let seen = grows_from(seen + 20);
    daemon.wait_for_parts().keeper.signal(Signal::SIGKILL);
    daemon.wait_for("another keeper", || (daemon.keeper()? != parts.keeper).then_some(()));
    grows_from(seen + 20);
    screen.shows(|text| !text.contains("connecting again"));
    assert_eq!(daemon.control().profile("web").pid, pid, "the service ran on");
    // An order is taken by whoever is the supervisor now.
    screen.press("r");
    screen.press("y");
    screen.shows(|text| text.contains("restart web: done"));
    let next = daemon.control().profile("web").pid;
    assert_ne!(next, pid);
    screen.shows(|text| text.contains(&format!(", pid {} and", next.unwrap())));
    // Away with the notice: the keys are to be seen again.
    screen.press("Escape");
    for (columns, rows) in [(70, 20), (40, 10), (20, 4), (200, 50), (140, 30)] {
        screen.resize(columns, rows);
        screen.shows(|text| {
            let fits =
                text.lines().count() <= rows && text.lines().all(|line| line.chars().count() <= columns);
            fits && text.starts_with("ProcLaunch")
                && text.lines().last().is_some_and(|line| line.starts_with("q quit"))
        });
    }
    screen.press("q");
    screen.is_as_before(0);
    verb(&daemon, &["shutdown"], 0);
}

#[test]
fn while_all_of_proclaunch_is_away_it_says_so_and_what_starts_later_is_found() {
    let Some((mut daemon, screen)) = begun() else { return };
    daemon.end(Signal::SIGTERM);
    screen
        .shows(|text| text.contains("connecting again ...") && text.contains("not connected: no supervisor"));
    select(&screen, 3);
    screen.press("x");
    screen.shows(|text| text.contains("not connected"));
    screen.press("y");
    daemon.start_again();
    screen.shows(|text| !text.contains("connecting again ...") && is(text, "web", "serving"));
    assert_eq!(
        daemon.control().profile("web").want,
        "up",
        "what was asked for without connection is not done later"
    );
    screen.process().signal(Signal::SIGHUP);
    screen.is_as_before(129);
    verb(&daemon, &["shutdown"], 0);
}
