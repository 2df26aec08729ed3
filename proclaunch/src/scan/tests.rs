//! Scans of real directories.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use proclaunch_core::profile::{Defaults, Fingerprint, Run, parse};
use tempfile::TempDir;

use super::*;

fn name(text: &str) -> ProfileName {
    ProfileName::parse(text).unwrap()
}

/// Writes files below a directory, and the directories they need; a `run` is executable.
fn write(dir: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        if path.ends_with("run") {
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        }
    }
}

fn profiles(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), files);
    dir
}

fn bytes(text: &str) -> File {
    File::Bytes(text.as_bytes().to_vec())
}

fn names(scan: &Scan) -> Vec<&str> {
    scan.profiles.keys().map(ProfileName::as_str).collect()
}

#[test]
fn a_scan_reads_what_means_something() {
    let dir = profiles(&[
        ("web/run", "#!/bin/sh\n"),
        ("web/restart", ""),
        ("web/stop_singal", "INT"),
        ("web/data.db", "x"),
        ("web/env/A", "1\n"),
        ("web/env/.hidden", "x"),
        ("web/logs/today", "x"),
        (".defaults/nice", "5\n"),
        (".defaults/run", "x"),
        (".git/config", "x"),
        ("error.log", "x"),
    ]);
    let scan = scan_all(dir.path()).unwrap();
    let env = File::Directory([("A".to_owned(), bytes("1\n"))].into());
    let web = Files {
        run: Run::Executable(Fingerprint::of(b"#!/bin/sh\n")),
        entries: [
            ("env".to_owned(), env),
            ("restart".to_owned(), bytes("")),
            ("stop_singal".to_owned(), File::Other),
        ]
        .into(),
    };
    let defaults = [("nice".to_owned(), bytes("5\n")), ("run".to_owned(), File::Other)].into();
    let expect = Scan { defaults, profiles: [(name("web"), web.clone())].into(), bad_names: Vec::new() };
    assert_eq!(scan, expect);
    assert_eq!(scan_one(dir.path(), &name("web")), Ok(Some(web)));
    assert_eq!(scan_one(dir.path(), &name("gone")), Ok(None));
    assert_eq!(scan_one(dir.path(), &name("error.log")), Ok(None));
}

#[test]
fn scenario_37_directories_with_illegal_names_are_told_and_not_scanned() {
    let long = "x".repeat(129);
    let dir = profiles(&[
        ("good/run", ""),
        ("\u{e9}t\u{e9}/run", ""),
        ("a\nb/run", ""),
        (".x/run", ""),
        ("a b", "file"),
    ]);
    fs::create_dir(dir.path().join(&long)).unwrap();
    symlink("good", dir.path().join("linked dir")).unwrap();
    let scan = scan_all(dir.path()).unwrap();
    assert_eq!(names(&scan), ["good"]);
    assert_eq!(scan.bad_names, ["a\nb", "linked dir", &long, "\u{e9}t\u{e9}"].map(OsString::from));
}

#[test]
fn a_symlink_to_a_directory_is_a_profile_and_one_to_a_file_is_not() {
    let dir = profiles(&[("web/run", "x"), ("error.log", "")]);
    symlink("web", dir.path().join("alias")).unwrap();
    symlink("error.log", dir.path().join("latest")).unwrap();
    let scan = scan_all(dir.path()).unwrap();
    assert_eq!(names(&scan), ["alias", "web"]);
    assert_eq!(scan.profiles[&name("alias")], scan.profiles[&name("web")]);
}

#[test]
fn scenario_11_a_half_written_directory_says_what_it_lacks() {
    let dir = profiles(&[("web/restart", "")]);
    let run = || scan_one(dir.path(), &name("web")).unwrap().unwrap().run;
    assert_eq!(run(), Run::Missing);
    let path = dir.path().join("web/run");
    fs::write(&path, "x").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(run(), Run::NotExecutable);
    fs::set_permissions(&path, Permissions::from_mode(0o744)).unwrap();
    assert_eq!(run(), Run::Executable(Fingerprint::of(b"x")));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(run(), Run::NotExecutable);
    fs::remove_dir(&path).unwrap();
    symlink("nowhere", &path).unwrap();
    assert_eq!(run(), Run::Unreadable("the symlink leads nowhere".to_owned()));
}

#[test]
fn a_log_run_is_asked_whether_it_may_be_executed_and_may_be_large() {
    let dir = profiles(&[("web/run", "x"), ("web/log_run", "y")]);
    let path = dir.path().join("web/log_run");
    let log_run = || scan_one(dir.path(), &name("web")).unwrap().unwrap().entries["log_run"].clone();
    assert_eq!(log_run(), File::NotExecutable);
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    assert_eq!(log_run(), bytes("y"));
    fs::File::options().write(true).open(&path).unwrap().set_len(65_537).unwrap();
    assert_eq!(log_run(), File::TooLarge(65_537));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(log_run(), File::Directory(BTreeMap::new()));
}

#[test]
fn a_fifo_or_a_device_is_never_waited_for() {
    let dir = profiles(&[("web/run", "x"), ("fifo/restart", "")]);
    let web = dir.path().join("web");
    mkfifo(&web.join("nice"), Mode::S_IRWXU).unwrap();
    mkfifo(&dir.path().join("fifo/run"), Mode::S_IRWXU).unwrap();
    mkfifo(&dir.path().join("pipe"), Mode::S_IRWXU).unwrap();
    symlink("/dev/zero", web.join("umask")).unwrap();
    symlink("nice", web.join("kill")).unwrap();
    let scan = scan_all(dir.path()).unwrap();
    let files = &scan.profiles[&name("web")];
    for special in ["nice", "umask", "kill"] {
        assert_eq!(files.entries[special], File::Other, "{special}");
    }
    assert_eq!(scan.profiles[&name("fifo")].run, Run::NotExecutable);
    assert_eq!(names(&scan), ["fifo", "web"]);
}

#[test]
fn a_setting_is_at_most_64_kib_and_the_content_of_a_run_counts_up_to_4_mib() {
    let dir = profiles(&[("web/run", "x"), ("web/env/BIG", &"x".repeat(65_537)), ("web/kill/x", "")]);
    let web = dir.path().join("web");
    fs::write(web.join("user"), vec![b'x'; 65_536]).unwrap();
    fs::write(web.join("nice"), vec![b'x'; 65_537]).unwrap();
    symlink("nowhere", web.join("umask")).unwrap();
    let scan = || scan_one(dir.path(), &name("web")).unwrap().unwrap();
    let files = scan();
    assert_eq!(files.entries["user"], File::Bytes(vec![b'x'; 65_536]));
    assert_eq!(files.entries["nice"], File::TooLarge(65_537));
    assert_eq!(files.entries["env"], File::Directory([("BIG".to_owned(), File::TooLarge(65_537))].into()));
    assert_eq!(files.entries["kill"], File::Directory(BTreeMap::new()));
    assert_eq!(files.entries["umask"], File::Unreadable("the symlink leads nowhere".to_owned()));

    let run = fs::File::options().write(true).open(web.join("run")).unwrap();
    run.set_len(5 * 1024 * 1024).unwrap();
    let large = scan().run;
    assert_eq!(scan().run, large);
    run.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_ne!(scan().run, large, "of a large `run` the time of change counts");
}

#[test]
fn a_touch_and_a_copy_are_no_change() {
    let files = [("web/run", "x"), ("web/restart", ""), ("web/env/A", "1")];
    let (old, new) = (profiles(&files), profiles(&files));
    let before = scan_all(old.path()).unwrap();
    let run = fs::File::options().write(true).open(old.path().join("web/run")).unwrap();
    run.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(scan_all(old.path()).unwrap(), before);
    assert_eq!(scan_all(new.path()).unwrap(), before);
}

#[test]
fn a_profiles_directory_that_cannot_be_read_is_not_an_empty_one() {
    let dir = profiles(&[("v1/web/run", "x"), ("file", "")]);
    let link = dir.path().join("current");
    let failed = |result: Result<Scan, ScanError>| result.unwrap_err().to_string();
    symlink("v1", &link).unwrap();
    assert_eq!(names(&scan_all(&link).unwrap()), ["web"]);
    fs::remove_file(&link).unwrap();
    symlink("v2", &link).unwrap();
    let message = format!("read profiles directory `{}`: No such file or directory", link.display());
    assert_eq!(failed(scan_all(&link)), message);
    assert_eq!(scan_one(&link, &name("web")).unwrap_err().to_string(), message);
    assert!(failed(scan_all(&dir.path().join("file"))).ends_with("Not a directory"));
}

#[test]
fn a_profile_or_defaults_that_lead_nowhere_are_not_gone() {
    let dir = profiles(&[("web/run", "x")]);
    symlink("nowhere", dir.path().join("lost")).unwrap();
    let scan = scan_all(dir.path()).unwrap();
    let problems = parse(&scan.profiles[&name("lost")], &Defaults::default()).profile.unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "`run` cannot be read: the profile directory: the symlink leads nowhere"
    );
    symlink("nowhere", dir.path().join(".defaults")).unwrap();
    assert!(matches!(scan_all(dir.path()), Err(ScanError::Defaults { .. })));
}

#[test]
fn scenario_38_one_bad_profile_leaves_the_others_alone() {
    let dir = profiles(&[("bad/run", ""), ("bad/limits", "\nnofile x\n"), ("good/run", "")]);
    let scan = scan_all(dir.path()).unwrap();
    let parsed = |profile: &str| parse(&scan.profiles[&name(profile)], &Defaults::default()).profile;
    assert!(parsed("good").is_ok());
    let problem = parsed("bad").unwrap_err()[0].to_string();
    assert!(problem.starts_with("`limits` line 2 says `nofile x`"), "{problem}");
}

#[test]
fn a_switch_during_a_scan_starts_it_again() {
    let dir = profiles(&[("v1/old/run", "x"), ("v2/new/run", "x")]);
    let link = dir.path().join("current");
    let lead_to = |target: &str| {
        let _ = fs::remove_file(&link);
        symlink(target, &link).unwrap();
    };
    lead_to("v1");
    let mut tries = 0;
    let scan = settled(&link, |root| {
        tries += 1;
        lead_to("v2");
        root.scan()
    });
    assert_eq!((names(&scan.unwrap()), tries), (vec!["new"], 2));

    let gone = settled(&link, |root| {
        lead_to("nowhere");
        root.scan()
    });
    assert!(matches!(gone, Err(ScanError::Directory { errno: Errno::ENOENT, .. })), "{gone:?}");

    lead_to("v1");
    let mut turn = 0;
    let restless = settled(&link, |root| {
        turn += 1;
        lead_to(["v1", "v2"][turn % 2]);
        root.scan()
    });
    assert_eq!(restless, Err(ScanError::Restless { path: link.clone() }));
}
