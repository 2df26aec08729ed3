//! Which pid files are believed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::Duration;

use proclaunch::keeper::look_at_pid_file;
use proclaunch::keeper::pid_file::{ContentError, PidFile, Rejection};
use proclaunch::keeper::protocol::{Request, Scope};

use proclaunch_core::signal::Signal;

use crate::bench::{Bench, is_root};

fn own_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

fn pid_file(bench: &Bench, content: &str) -> PathBuf {
    let path = bench.path("pid");
    let _ = fs::remove_file(&path);
    fs::write(&path, content).unwrap();
    path
}

#[track_caller]
fn rejects(path: &std::path::Path, rejection: Rejection) {
    assert_eq!(look_at_pid_file(path, own_uid()), PidFile::Rejected(rejection));
}

#[test]
fn a_live_process_is_believed_with_its_age() {
    let mut bench = Bench::new();
    let (_, id) = bench.start("exec sleep 1000");
    for content in [format!("{}\n", id.pid), format!("{}", id.pid), format!(" {}\r\n\n", id.pid)] {
        let PidFile::Names(found) = look_at_pid_file(&pid_file(&bench, &content), own_uid()) else {
            panic!("{content:?}")
        };
        assert_eq!(found.id, id);
        assert!(found.age < Duration::from_mins(1), "{:?}", found.age);
    }
}

#[test]
fn bug_07_and_08_and_scenario_17_what_is_not_believed() {
    let mut bench = Bench::new();
    let content = |error| Rejection::Content(error);
    assert_eq!(look_at_pid_file(&bench.path("none"), own_uid()), PidFile::Absent);
    rejects(&pid_file(&bench, ""), content(ContentError::Empty));
    rejects(&pid_file(&bench, "\n"), content(ContentError::Empty));
    rejects(&pid_file(&bench, "0"), content(ContentError::OutOfRange));
    rejects(&pid_file(&bench, "-5"), content(ContentError::NotANumber));
    rejects(&pid_file(&bench, "12 13"), content(ContentError::NotANumber));
    rejects(&pid_file(&bench, "99999999999"), content(ContentError::OutOfRange));
    rejects(&pid_file(&bench, &"1".repeat(65)), content(ContentError::TooLong));
    rejects(&pid_file(&bench, "1\n"), Rejection::Init);
    rejects(&pid_file(&bench, &std::process::id().to_string()), Rejection::Ourselves);
    rejects(&pid_file(&bench, "2147483647"), Rejection::NotAlive(i32::MAX));
    rejects(bench.dir.path(), Rejection::NoFile);

    let (spec, id) = bench.start("exec sleep 1000");
    assert_eq!(bench.keeper.owner_of(id), Some(&spec.name));
    let path = pid_file(&bench, &id.pid.to_string());
    let link = bench.path("link");
    symlink(&path, &link).unwrap();
    rejects(&link, Rejection::Link);
    let fifo = bench.path("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    rejects(&fifo, Rejection::NoFile);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    rejects(&path, Rejection::WritableByOthers);

    let path = pid_file(&bench, &id.pid.to_string());
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
    rejects(&path, Rejection::Younger(id.pid));
}

#[test]
fn a_zombie_is_dead() {
    let mut bench = Bench::new();
    let (spec, id) = bench.start("exec sleep 1000");
    let path = pid_file(&bench, &id.pid.to_string());
    let (ticket, signal) = (spec.ticket, Signal::KILL);
    bench.keeper.request(Request::Signal { ticket, scope: Scope::Main, signal });
    loop {
        // Nobody reaps here.
        match look_at_pid_file(&path, own_uid()) {
            PidFile::Names(_) => {}
            PidFile::Rejected(rejection) => break assert_eq!(rejection, Rejection::NotAlive(id.pid)),
            PidFile::Absent => panic!("it is there"),
        }
    }
    bench.end(spec.ticket);
}

#[test]
fn a_kernel_thread_and_another_users_process_are_not_believed() {
    if !is_root() {
        return;
    }
    let mut bench = Bench::new();
    if fs::read_to_string("/proc/2/comm").is_ok_and(|comm| comm.trim() == "kthreadd") {
        rejects(&pid_file(&bench, "2"), Rejection::Kernel(2));
    }
    let mut spec = bench.profile("exec sleep 1000");
    spec.user = Some(proclaunch_core::profile::User { user: "54321".into(), group: None });
    let id = bench.spawn(&spec);
    let path = pid_file(&bench, &id.pid.to_string());
    assert!(matches!(look_at_pid_file(&path, 77), PidFile::Names(_)), "the file is root's");
    std::os::unix::fs::chown(&path, Some(77), None).unwrap();
    let rejection = Rejection::Owner { pid: id.pid, uid: 54321 };
    assert_eq!(look_at_pid_file(&path, 77), PidFile::Rejected(rejection));
}

#[test]
fn reasons_read_as_sentences_about_the_file() {
    for (rejection, text) in [
        (Rejection::NotAlive(12), "names pid 12, which is not alive"),
        (Rejection::Content(ContentError::Empty), "is empty"),
        (Rejection::Unreadable(nix::errno::Errno::EACCES), "cannot be read: Permission denied"),
    ] {
        assert_eq!(rejection.to_string(), text);
    }
}
