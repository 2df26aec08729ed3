//! `proclaunch help --man DIR`: manual pages of the program and of every verb.

use std::fs;
use std::process::Command;

use super::{printed, run, skipped};

#[test]
fn every_verb_has_a_page_that_formats_without_warnings() {
    let temp = tempfile::tempdir().unwrap();
    assert_eq!(printed(temp.path(), &["help", "--man", "."], 0), "");
    let pages: Vec<String> = fs::read_dir(temp.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for page in ["proclaunch.1", "proclaunch-check.1", "proclaunch-status.1", "proclaunch-top.1"] {
        assert!(pages.iter().any(|one| one == page), "{page}: {pages:?}");
    }
    let text = fs::read_to_string(temp.path().join("proclaunch-new.1")).unwrap();
    assert!(text.contains(".TH proclaunch-new 1") && text.contains("Exit codes:"), "{text}");
    for (page, heading) in
        [("restart", ".SH \"EXIT STATUS\""), ("scale", ".SH NOTES"), ("completions", ".SH NOTES")]
    {
        let text = fs::read_to_string(temp.path().join(format!("proclaunch-{page}.1"))).unwrap();
        assert!(text.contains(heading) && !text.contains("EXTRA"), "{page}: {text}");
    }
    for page in pages {
        let mut groff = Command::new("groff");
        groff.args(["-man", "-Tutf8", "-ww", "-z", &page]).current_dir(temp.path());
        match groff.output() {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success() && said.is_empty(), "{page}: {said}");
            }
            Err(error) => skipped(&format!("groff: {error}")),
        }
    }
}

#[test]
fn a_directory_that_is_not_there_is_said() {
    let output = run(&std::env::temp_dir(), &["help", "--man", "nowhere/at/all"]);
    assert_eq!(output.status.code(), Some(111), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("proclaunch: failed to write manual pages into `nowhere/at/all`: "), "{said}");
}
