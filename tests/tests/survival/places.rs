//! Where ProcLaunch may have to live: on a root file system that cannot be written, and as an ordinary user.

use std::process::Command;

use nix::unistd::geteuid;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

use crate::{SLEEP, say};

/// A user that nobody is.
const NOBODY_AT_ALL: u32 = 1_999_173;

/// Kills all but one, in turns, and sees the services go on.
fn survives(supervisor: &Supervisor) {
    let web = supervisor.main_process("web");
    supervisor.wait_for("its output", || (supervisor.kept("web") == b"hello\n").then_some(()));
    for victim in 0..3 {
        let parts = supervisor.wait_for_parts();
        let killed = parts.each()[victim];
        killed.1.signal(nix::sys::signal::Signal::SIGKILL);
        supervisor.wait_for(&format!("another {}", killed.0), || {
            supervisor.parts().filter(|new| new.each().iter().all(|(_, process)| *process != killed.1))
        });
    }
    assert!(web.is_alive(), "{}", supervisor.log());
    let crashes = supervisor.said("crashes", "died").len();
    supervisor.wait_for("crashes to go on", || supervisor.said("crashes", "died").get(crashes + 1).cloned());
    assert_eq!(supervisor.said("web", "starting").len(), 1, "{}", supervisor.log());
    assert_eq!(supervisor.kept("web"), b"hello\n");
    let keeper = supervisor.keeper().unwrap();
    keeper.signal(nix::sys::signal::Signal::SIGHUP);
    supervisor.wait_for("the end", || (!keeper.is_alive()).then_some(()));
    assert!(supervisor.log().trim_end().ends_with("ProcLaunch all profiles stopped. Exiting."));
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.profile("web", &format!("echo hello; {SLEEP}")).set("restart", "");
    sandbox.profile("crashes", "sleep 0.1; exit 3").set("restart", "").set("backoff", "0.1 0.1");
    sandbox
}

#[test]
fn a_root_file_system_that_cannot_be_written_is_enough() {
    if !geteuid().is_root() {
        return say("SKIPPED: only root can do this");
    }
    let sandbox = sandbox();
    std::fs::create_dir(sandbox.state()).unwrap();
    // The state directory becomes a mount of its own before the file system that it is on is made read-only.
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro / && shift && \
                  ! touch \"$1\"/x 2>/dev/null && shift && exec \"$@\"";
    let supervisor = sandbox.start_with(|command| {
        let mut unshare = Command::new("unshare");
        let dir = command.get_current_dir().expect("it has one").to_owned();
        unshare.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
        unshare.arg(dir.join("state")).arg(dir.join("profiles"));
        unshare.arg(command.get_program()).args(command.get_args()).current_dir(&dir);
        *command = unshare;
    });
    survives(&supervisor);
}

#[test]
fn an_ordinary_user_loses_nothing_either() {
    if !geteuid().is_root() {
        return say("SKIPPED: only root can become another user");
    }
    survives(&sandbox().start_as(NOBODY_AT_ALL, |_| ()));
}
