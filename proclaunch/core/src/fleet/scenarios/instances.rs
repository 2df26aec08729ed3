//! Directories that stand for several profiles: which of them a change touches.

use super::*;

/// Reads the directory `web` and nothing else.
fn read(world: &mut World, roster: &mut Roster, settings: Settings<'_>) {
    let found = vec![(name("web"), parsed(settings))];
    let (scan, remarks) = roster.take(Reading { complete: false, found, missing: Vec::new() });
    assert_eq!(remarks, []);
    world.step(Input::Scan(scan));
}

const TWO: Settings<'_> = &[("restart", ""), ("instances", "2")];
const THREE: Settings<'_> = &[("restart", ""), ("instances", "3")];

#[test]
fn more_are_started_and_the_highest_are_stopped_and_the_others_are_not_touched() {
    let (mut world, mut roster) = (World::new(false), Roster::default());
    read(&mut world, &mut roster, TWO);
    world.did(&[
        "web@1 starting",
        "web@1 => spawn",
        "web@2 starting",
        "web@2 => spawn",
        "web@1 running pid 101",
        "web@2 running pid 102",
    ]);
    read(&mut world, &mut roster, THREE);
    world.did(&["web@3 starting", "web@3 => spawn", "web@3 running pid 103"]);
    read(&mut world, &mut roster, &[("restart", ""), ("instances", "many")]);
    let bad = "keeps its last good settings: `instances` says `many`: not a number of instances; \
               write how many run, a whole number from 0 to 1000";
    let bad: Vec<String> = (1..=3).map(|number| format!("web@{number} {bad}")).collect();
    assert_eq!(std::mem::take(&mut world.done), bad);
    read(&mut world, &mut roster, TWO);
    world.did(&[
        "web@3 disappeared. Stopping and not restarting.",
        "web@3 stopping",
        "web@3 => TERM to main",
    ]);
    world.exits("web@3", Exit::Code(0));
    world.did(&["web@3 stopped (pid 103, exit 0)", "web@3 => forget"]);
    read(&mut world, &mut roster, &[("restart", ""), ("instances", "2"), ("run", "other")]);
    world.did(&[
        "web@1 changed",
        "web@1 stopping",
        "web@1 => TERM to main",
        "web@2 changed",
        "web@2 stopping",
        "web@2 => TERM to main",
    ]);
}

#[test]
fn the_profile_of_the_directorys_own_name_gives_way_to_its_instances_and_comes_back() {
    let (mut world, mut roster) = (World::new(false), Roster::default());
    read(&mut world, &mut roster, ALWAYS);
    world.done.clear();
    read(&mut world, &mut roster, &[("restart", ""), ("instances", "1")]);
    world.did(&[
        "web disappeared. Stopping and not restarting.",
        "web stopping",
        "web => TERM to main",
        "web@1 starting",
        "web@1 => spawn",
        "web@1 running pid 102",
    ]);
    world.exits("web", Exit::Code(0));
    world.done.clear();
    read(&mut world, &mut roster, ALWAYS);
    world.did(&[
        "web@1 disappeared. Stopping and not restarting.",
        "web@1 stopping",
        "web@1 => TERM to main",
        "web starting",
        "web => spawn",
        "web running pid 103",
    ]);
}
