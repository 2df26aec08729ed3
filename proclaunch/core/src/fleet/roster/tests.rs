//! What directories stand for, reading after reading.

use super::*;
use crate::testing::{Settings, name, parsed};

/// Directories by name, with their files.
type Directories<'a> = &'a [(&'a str, Settings<'a>)];

const ONE: Settings<'_> = &[];
const TWO: Settings<'_> = &[("instances", "2")];
const THREE: Settings<'_> = &[("instances", "3")];
const NONE: Settings<'_> = &[("instances", "0")];
const BAD_COUNT: Settings<'_> = &[("instances", "many")];
const BAD: Settings<'_> = &[("instances", "5"), ("nice", "99")];

fn found(directories: Directories<'_>) -> Vec<(ProfileName, Parsed)> {
    directories.iter().map(|(directory, settings)| (name(directory), parsed(settings))).collect()
}

/// The profiles, `-` before those that are gone, `!` before those whose files are bad, and what is said.
fn take(roster: &mut Roster, complete: bool, directories: Directories<'_>, missing: &[&str]) -> String {
    let missing = missing.iter().map(|one| name(one)).collect();
    let (scan, remarks) = roster.take(Reading { complete, found: found(directories), missing });
    assert_eq!(scan.complete, complete);
    let profiles = scan
        .profiles
        .iter()
        .map(|(name, parsed)| if parsed.profile.is_err() { format!("!{name}") } else { name.to_string() });
    let gone = scan.missing.iter().map(|name| format!("-{name}"));
    let said = remarks.iter().map(|own| format!("({own})"));
    profiles.chain(gone).chain(said).collect::<Vec<_>>().join(" ")
}

fn all(roster: &mut Roster, directories: Directories<'_>) -> String {
    take(roster, true, directories, &[])
}

fn some(roster: &mut Roster, directories: Directories<'_>) -> String {
    take(roster, false, directories, &[])
}

#[test]
fn a_directory_stands_for_itself_or_for_as_many_as_it_says() {
    let mut roster = Roster::default();
    assert_eq!(all(&mut roster, &[("db", ONE), ("web", TWO)]), "db web@1 web@2");
    assert_eq!(some(&mut roster, &[("web", THREE)]), "web@1 web@2 web@3");
    assert_eq!(some(&mut roster, &[("web", NONE)]), "-web@1 -web@2 -web@3");
    assert_eq!(some(&mut roster, &[("web", ONE)]), "web");
    assert_eq!(some(&mut roster, &[("web", TWO)]), "web@1 web@2 -web");
    assert_eq!(some(&mut roster, &[("web", ONE)]), "web -web@1 -web@2");
    assert_eq!(some(&mut roster, &[("web", THREE)]), "web@1 web@2 web@3 -web");
    assert_eq!(take(&mut roster, false, &[], &["web", "x"]), "-web -web@1 -web@2 -web@3 -x");
    assert_eq!(some(&mut roster, &[("web", TWO)]), "web@1 web@2");
}

#[test]
fn bad_files_change_nothing_in_how_many_run() {
    let mut roster = Roster::default();
    assert_eq!(all(&mut roster, &[("web", TWO)]), "web@1 web@2");
    assert_eq!(some(&mut roster, &[("web", BAD_COUNT)]), "!web@1 !web@2");
    assert_eq!(some(&mut roster, &[("web", BAD)]), "!web@1 !web@2");
    assert_eq!(some(&mut roster, &[("web", &[("nice", "99")])]), "!web@1 !web@2");
    assert_eq!(some(&mut roster, &[("web", ONE)]), "web -web@1 -web@2");
    assert_eq!(all(&mut roster, &[("web", BAD)]), "!web");
    assert_eq!(all(&mut roster, &[("web", NONE)]), "-web");
    // Nothing runs, so that somebody has to say what is wrong.
    assert_eq!(all(&mut roster, &[("web", BAD_COUNT)]), "!web");
}

#[test]
fn bad_files_that_were_never_good_stand_for_what_they_say() {
    let mut roster = Roster::default();
    let never: Directories<'_> = &[("db", BAD_COUNT), ("web", &[("instances", "2"), ("nice", "99")])];
    assert_eq!(all(&mut roster, never), "!db !web@1 !web@2");
}

#[test]
fn after_a_supervisors_death_bad_files_stand_for_what_ran() {
    let mut roster = Roster::default();
    roster.recall(["db", "web@10", "web@2", "web@x"].map(name));
    assert_eq!(all(&mut roster, &[("db", BAD), ("web", BAD_COUNT)]), "!db !web@2 !web@10");
    assert_eq!(all(&mut roster, &[("new", BAD_COUNT), ("web", BAD)]), "!new !web@2 !web@10");
}

#[test]
fn a_directory_of_its_own_wins_over_an_instance_and_is_said_once() {
    let said = "(runs no instance web@2 of web: there is a directory of this name, and that is what runs)";
    let mut roster = Roster::default();
    assert_eq!(all(&mut roster, &[("web", THREE), ("web@2", ONE)]), format!("web@1 web@3 web@2 {said}"));
    assert_eq!(all(&mut roster, &[("web", THREE), ("web@2", ONE)]), "web@1 web@3 web@2");
    // Whoever changes it changes what the other one stands for.
    assert_eq!(roster.concerned(&[name("web@2")].into()), [name("web"), name("web@2")].into());
    assert_eq!(roster.concerned(&[name("db@2")].into()), [name("db@2")].into());
    assert_eq!(take(&mut roster, false, &[("web", THREE)], &["web@2"]), "web@1 web@2 web@3");
    assert_eq!(some(&mut roster, &[("web", THREE), ("web@2", ONE)]), format!("web@1 web@3 web@2 {said}"));
    assert_eq!(take(&mut roster, false, &[], &["web"]), "-web -web@1 -web@3");
}

#[test]
fn a_name_that_is_too_long_with_its_number_is_a_bad_number() {
    let long = "x".repeat(126);
    let mut roster = Roster::default();
    let nine: Settings<'_> = &[("instances", "9")];
    assert_eq!(all(&mut roster, &[(&long, nine)]).split(' ').count(), 9);
    assert_eq!(all(&mut roster, &[(&long, &[("instances", "10")])]).matches('!').count(), 9);
    let (scan, _) = Roster::default().take(Reading {
        complete: true,
        found: found(&[(&long, &[("instances", "10")])]),
        missing: Vec::new(),
    });
    let problems = scan.profiles[0].1.profile.clone().unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "`instances` says `10`: with that behind it, the name of the directory is longer than a name can be; write 0, \
         or give the directory a shorter name"
    );
}
