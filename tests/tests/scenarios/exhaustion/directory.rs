//! The profiles directory is gone or closed: everything stays as it is until it is back.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::unistd::geteuid;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

use super::{count, sleepers};

/// A user to whom rights mean something.
const USER: u32 = 1_999_172;

/// Takes the profiles directory away and gives it back, twice.
#[track_caller]
fn stays(supervisor: Supervisor, why: &str, take: impl Fn(&Path), give: impl Fn(&Path)) {
    let profiles = supervisor.sandbox.profiles();
    let names = ["a", "b", "c"];
    let processes = names.map(|name| supervisor.main_process(name));
    for round in 1..=2 {
        take(&profiles);
        let said = supervisor.wait_for(&format!("WARN number {round}"), || {
            supervisor.said("ProcLaunch", "failed to read profiles directory").get(round - 1).cloned()
        });
        assert!(
            said.contains(why) && said.ends_with("; every profile stays as it is until it is back"),
            "{said}"
        );
        give(&profiles);
        supervisor.wait_for("the directory to be back", || {
            (count(&supervisor, "profiles directory is back") == round).then_some(())
        });
        assert_eq!(count(&supervisor, "failed to read"), round, "{}", supervisor.log());
    }
    for (name, process) in names.iter().zip(processes) {
        assert_eq!(supervisor.pids(name), [process.pid], "{}", supervisor.log());
        assert!(process.is_alive());
    }
    // It is read and watched as before.
    fs::remove_dir_all(profiles.join("c")).unwrap();
    supervisor.wait_for_line("c", "stopped");
    supervisor.kill_main_process("a");
    supervisor.drain();
}

/// Sleepers whose shell takes its time before it opens its `run`, as one does on a busy machine.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let shell = sandbox.path().join("slow-shell");
    write_executable(&shell, "#!/bin/sh\nsleep 0.2\nexec sh \"$@\"\n");
    let names = ["a", "b", "c"];
    sleepers(&sandbox, names.map(str::to_owned));
    for name in names {
        let run = sandbox.profiles().join(name).join("run");
        write_executable(&run, &format!("#!{}\n{}\n", shell.display(), crate::SLEEP));
    }
    sandbox
}

fn write_executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn when_the_profiles_directory_is_renamed_away_everything_stays() {
    let away = |profiles: &Path| profiles.with_extension("away");
    stays(
        sandbox().start(),
        "No such file or directory",
        |profiles| fs::rename(profiles, away(profiles)).unwrap(),
        |profiles| fs::rename(away(profiles), profiles).unwrap(),
    );
}

#[test]
fn when_the_profiles_directory_is_closed_everything_stays() {
    let supervisor = if geteuid().is_root() { sandbox().start_as(USER, |_| ()) } else { sandbox().start() };
    let mode = |profiles: &Path, mode| fs::set_permissions(profiles, Permissions::from_mode(mode)).unwrap();
    stays(supervisor, "Permission denied", |profiles| mode(profiles, 0), |profiles| mode(profiles, 0o755));
}

#[test]
fn when_the_symlink_leads_nowhere_everything_stays() {
    let sandbox = sandbox();
    let (profiles, release) = (sandbox.profiles(), sandbox.path().join("release"));
    fs::rename(&profiles, &release).unwrap();
    std::os::unix::fs::symlink(&release, &profiles).unwrap();
    let switch = |to: &Path| {
        let new = to.with_extension("link");
        std::os::unix::fs::symlink(to, &new).unwrap();
        fs::rename(new, &profiles).unwrap();
    };
    let nowhere = sandbox.path().join("nowhere");
    stays(sandbox.start(), "No such file or directory", |_| switch(&nowhere), |_| switch(&release));
}

#[test]
fn what_dies_while_the_directory_is_away_is_tried_until_it_is_back() {
    let supervisor = sandbox().start();
    let profiles = supervisor.sandbox.profiles();
    let a = supervisor.main_process("a");
    let b = supervisor.main_process("b");
    fs::rename(&profiles, profiles.with_extension("away")).unwrap();
    supervisor.wait_for_line("ProcLaunch", "failed to read profiles directory");
    a.signal(nix::sys::signal::Signal::SIGKILL);
    supervisor.wait_for("two failures", || supervisor.said("a", "failed to start").get(1).cloned());
    fs::rename(profiles.with_extension("away"), &profiles).unwrap();
    supervisor.wait_for("a to come back", || supervisor.pids("a").get(1).copied());
    assert!(b.is_alive());
    supervisor.drain();
}
