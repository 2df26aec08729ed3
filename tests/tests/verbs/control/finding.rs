//! Which supervisor is asked, and what is said if there is none.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::geteuid;
use proclaunch_tests::sandbox::binary;
use tempfile::tempdir;

use crate::fake::{Fake, printed, serving};

fn nobody_listens(command: &mut Command) -> String {
    let (out, err) = printed(&command.output().unwrap(), 111);
    assert_eq!(out, "");
    err
}

#[test]
fn without_a_supervisor_it_is_said_where_it_was_looked_for_and_how_to_start_one() {
    let temp = tempdir().unwrap();
    let dir = temp.path().display().to_string();
    let said = nobody_listens(Command::new(binary()).args(["--state", &dir, "status"]));
    assert_eq!(
        said,
        format!(
            "proclaunch: no supervisor runs with state directory `{dir}` (as --state says); `proclaunch {dir} \
             PROFILES_DIR` starts one\n"
        )
    );
    let said = nobody_listens(Command::new(binary()).arg("list").env("PROCLAUNCH_STATE_DIR", &dir));
    assert!(said.contains("(as PROCLAUNCH_STATE_DIR says; --state DIR is stronger)"), "{said}");
    for (name, expect) in
        [("file", "; it is no directory\n"), ("none", "; there is no such directory, and `proclaunch ")]
    {
        fs::write(temp.path().join("file"), "").unwrap();
        let said =
            nobody_listens(Command::new(binary()).arg("list").arg("--state").arg(temp.path().join(name)));
        assert!(said.contains(expect), "{said}");
    }
    // A socket that nobody listens on any more.
    drop(UnixListener::bind(temp.path().join("proclaunch.sock")).unwrap());
    let said = nobody_listens(Command::new(binary()).args(["stop", "web", "--state", &dir]));
    assert!(said.contains("no supervisor runs"), "{said}");
}

#[test]
fn a_user_who_may_not_is_told_who_may() {
    let temp = tempdir().unwrap();
    // The user may not reach the place where it was built.
    let program = temp.path().join("proclaunch");
    fs::copy(binary(), &program).unwrap();
    fs::set_permissions(temp.path(), Permissions::from_mode(0o755)).unwrap();
    let state = temp.path().join("state");
    fs::create_dir(&state).unwrap();
    let _listener = UnixListener::bind(state.join("proclaunch.sock")).unwrap();
    let locked = if geteuid().is_root() { 0o700 } else { 0o000 };
    fs::set_permissions(&state, Permissions::from_mode(locked)).unwrap();
    let mut command = Command::new(program);
    command.arg("status").arg("--state").arg(&state);
    if geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let said = nobody_listens(&mut command);
    fs::set_permissions(&state, Permissions::from_mode(0o700)).unwrap();
    assert!(said.contains("permission denied; root and the user of the supervisor may"), "{said}");
}

#[test]
fn a_state_directory_with_a_long_path_is_reached() {
    let fake = Fake::of(vec![serving("web")], |asked| panic!("{asked:?}"));
    let mut long = fake.state().to_owned();
    for _ in 0..10 {
        long = long.join("a-directory-that-has-a-long-name");
    }
    fs::create_dir_all(long.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(fake.state(), &long).unwrap();
    let output = Command::new(binary()).arg("list").arg("--state").arg(&long).output().unwrap();
    assert_eq!(printed(&output, 0).0, "web\n");
}

#[test]
fn what_is_no_supervisor_is_not_believed() {
    let fake = Fake::new(|_| crate::fake::Answer::Json(200, "{\"not\": \"what was asked for\"}".to_owned()));
    let (_, err) = fake.printed(&["status"], 111);
    assert!(err.contains("failed to understand the supervisor's answer: missing field `profiles`"), "{err}");
}

#[test]
fn where_the_instance_lives_its_next_supervisor_is_waited_for() {
    let temp = tempdir().unwrap();
    let state = temp.path();
    // This test's own process stands for a keeper.
    fs::write(state.join("proclaunch.pid"), format!("{}\n", std::process::id())).unwrap();
    let fake = Fake::of(vec![serving("web")], |asked| panic!("{asked:?}"));
    std::thread::scope(|scope| {
        let listed =
            scope.spawn(|| Command::new(binary()).arg("list").arg("--state").arg(state).output().unwrap());
        // However late this comes, the answer is the same.
        link(&fake.state().join("proclaunch.sock"), state);
        assert_eq!(printed(&listed.join().unwrap(), 0).0, "web\n");
    });
}

fn link(socket: &Path, state: &Path) {
    std::os::unix::fs::symlink(socket, state.join("proclaunch.sock")).unwrap();
}
