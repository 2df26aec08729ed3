//! A state directory and profiles of a test's own, and the supervisor's binary.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::processes::{Process, of_directory};
use crate::supervisor::Supervisor;
use crate::wait;

/// A directory with `profiles` and `state`. Dropped, it is gone, and with it every process that works in it or was
/// started from it.
#[derive(Debug)]
pub struct Sandbox {
    /// Before the directory that they are in.
    mounts: Vec<Mount>,
    temp: TempDir,
}

/// A file system of the sandbox's own, unmounted when it is dropped.
#[derive(Debug)]
struct Mount(PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a process that was killed a moment ago may still have a file open.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// One without profiles.
    pub fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        // Services run as other users: they must reach their directories.
        fs::set_permissions(temp.path(), Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(temp.path().join("profiles")).unwrap();
        Self { mounts: Vec::new(), temp }
    }

    /// Makes a profile whose `run` is this shell script, without the `#!` line.
    pub fn profile(&self, name: &str, run: &str) -> Profile {
        let profile = Profile { dir: self.profiles().join(name) };
        fs::create_dir_all(&profile.dir).unwrap();
        profile.run(run)
    }

    /// Copies these profiles of `profiles-examples/FAMILY`.
    pub fn copy(family: &str, profiles: &[&str]) -> Self {
        let example = Self::new();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles-examples").join(family);
        for profile in profiles {
            copy_files(&from.join(profile), &example.profiles().join(profile));
        }
        example
    }

    /// Puts another value for `key` into the profile's `env`.
    pub fn set_env(&self, profile: &str, key: &str, value: &str) {
        let text = fs::read_to_string(self.profiles().join(profile).join("env")).unwrap();
        let prefix = format!("{key}=");
        assert!(text.lines().any(|line| line.starts_with(&prefix)), "{profile}/env sets {key}: {text}");
        let line = |line: &str| match line.strip_prefix(&prefix) {
            Some(_) => format!("{prefix}{value}\n"),
            None => format!("{line}\n"),
        };
        self.write(profile, "env", &text.lines().map(line).collect::<String>());
    }

    /// Has the profile listen on a port that is free, and tells which.
    pub fn free_port(&self, profile: &str) -> u16 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        self.set_env(profile, "PORT", &port.to_string());
        port
    }

    /// Has the profile keep its data in a directory below one that belongs to `user`.
    pub fn data_of(&self, profile: &str, user: &str) -> PathBuf {
        let home = self.temp.path().join(user);
        fs::create_dir_all(&home).unwrap();
        if geteuid().is_root() {
            let user = User::from_name(user).unwrap().expect("the package made its user");
            chown(&home, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        }
        let data = home.join("data");
        self.set_env(profile, "DATA_DIR", data.to_str().unwrap());
        data
    }

    /// Replaces text that must be there in a file of a profile.
    pub fn replace(&self, profile: &str, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.profiles().join(profile).join(file)).unwrap();
        assert!(text.contains(from), "{profile}/{file} holds {from:?}: {text}");
        self.write(profile, file, &text.replace(from, to));
    }

    /// Writes a file as an editor does: whole, or not at all.
    pub fn write(&self, profile: &str, file: &str, text: &str) {
        let new = self.temp.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, self.profiles().join(profile).join(file)).unwrap();
    }

    /// Makes a directory and mounts a file system in memory there, as root alone can.
    pub fn mount(&mut self, dir: &Path, options: &str) {
        fs::create_dir_all(dir).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(dir);
        assert!(mount.status().unwrap().success(), "root can mount a file system");
        self.mounts.push(Mount(dir.to_owned()));
    }

    /// Gives everything to a user and lets the supervisor run as that one, which only root can do.
    pub fn start_as(self, uid: u32, change: impl FnOnce(&mut Command)) -> Supervisor {
        // The user may not reach the place where it was built.
        let program = self.path().join("proclaunch");
        fs::copy(binary(), &program).unwrap();
        for entry in walkdir::WalkDir::new(self.path()) {
            lchown(entry.unwrap().path(), Some(uid), Some(uid)).unwrap();
        }
        self.start_with(|command| {
            let mut own = Command::new(program);
            own.args(command.get_args()).current_dir(command.get_current_dir().unwrap()).uid(uid).gid(uid);
            *command = own;
            change(command);
        })
    }

    /// Starts the supervisor in the foreground, and waits until it says so.
    pub fn start(self) -> Supervisor {
        self.start_with(|_| ())
    }

    /// The same, with a command line or an environment of the test's own.
    pub fn start_with(self, change: impl FnOnce(&mut Command)) -> Supervisor {
        let mut command = self.command();
        command.arg("--foreground");
        change(&mut command);
        Supervisor::start(self, command)
    }

    /// The same with another standard error; there is no log to look at.
    pub fn start_to(self, stderr: impl Into<Stdio>) -> Supervisor {
        let mut command = self.command();
        command.arg("--foreground");
        Supervisor::start_to(self, command, stderr)
    }

    /// The same below a program that sets something up and then becomes the supervisor.
    pub fn start_under(self, words: &[&str]) -> Supervisor {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(binary()).arg("--foreground");
        let command = self.equip(command);
        Supervisor::start(self, command)
    }

    /// Starts the supervisor as a daemon that logs to `PROFILES_DIR/error.log`, and waits until it is up.
    #[track_caller]
    pub fn daemonize(self) -> Daemon {
        let (command, log) = (self.command(), self.profiles().join("error.log"));
        Daemon::start(self, command, log)
    }

    /// The same, with another log.
    #[track_caller]
    pub fn daemonize_to(self, log: PathBuf) -> Daemon {
        let mut command = self.command();
        command.arg("--log-path").arg(&log);
        Daemon::start(self, command, log)
    }

    /// The same with a program of the sandbox's own, which a test may replace, and with more words.
    #[track_caller]
    pub fn daemonize_own(self, words: &[&str]) -> Daemon {
        let (program, log) = (self.own_program(), self.profiles().join("error.log"));
        let built = binary();
        // A link, where it can be one: the file is large.
        fs::hard_link(built, &program).or_else(|_| fs::copy(built, &program).map(drop)).unwrap();
        let mut command = self.equip(Command::new(program));
        command.args(words);
        Daemon::start(self, command, log)
    }

    /// The same with another program.
    #[track_caller]
    pub fn daemonize_as(self, program: &Path, change: impl FnOnce(&mut Command)) -> Daemon {
        let log = self.profiles().join("error.log");
        let mut command = self.equip(Command::new(program));
        change(&mut command);
        Daemon::start(self, command, log)
    }

    /// Where [`Sandbox::daemonize_own`] puts the program.
    pub fn own_program(&self) -> PathBuf {
        self.path().join("proclaunch")
    }

    /// The process that `proclaunch.pid` names, if it lives.
    pub fn instance(&self) -> Option<Process> {
        let text = fs::read_to_string(self.state().join("proclaunch.pid")).ok()?;
        Process::of(text.trim_end().parse().ok()?)
    }

    /// The supervisor's command line, not in the foreground, for [`Command::output`].
    pub fn command(&self) -> Command {
        self.equip(Command::new(binary()))
    }

    fn equip(&self, mut command: Command) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .args([self.state(), self.profiles()])
            .current_dir(self.path())
            // Servers are there, and it is not in everybody's PATH.
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            // By this every process is found that descends from it.
            .env("TEST_SANDBOX", self.path())
            .stdin(Stdio::null());
        command
    }

    /// Where everything is.
    pub fn path(&self) -> &Path {
        self.temp.path()
    }

    /// The profiles directory.
    pub fn profiles(&self) -> PathBuf {
        self.temp.path().join("profiles")
    }

    /// The state directory; the supervisor makes it.
    pub fn state(&self) -> PathBuf {
        self.temp.path().join("state")
    }

    /// Where the supervisor's standard error goes.
    pub fn log(&self) -> PathBuf {
        self.temp.path().join("log")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Again and again: one that was seen late may have started another.
        wait::until(|| {
            let left = of_directory(self.path());
            for process in &left {
                process.signal(Signal::SIGKILL);
            }
            left.is_empty().then_some(())
        });
    }
}

/// One profile's directory.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The directory.
    pub dir: PathBuf,
}

impl Profile {
    /// Gives it this shell script as `run`.
    #[expect(clippy::return_self_not_must_use, reason = "the file is what it is called for")]
    pub fn run(self, script: &str) -> Self {
        let new = self.dir.join(".run.new");
        fs::write(&new, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&new, Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, self.dir.join("run")).unwrap();
        self
    }

    /// Gives it a setting file with this content, written whole as an editor does.
    #[expect(clippy::return_self_not_must_use, reason = "the file is what it is called for")]
    pub fn set(self, file: &str, content: impl AsRef<[u8]>) -> Self {
        let new = self.dir.join(".new");
        fs::write(&new, content).unwrap();
        fs::rename(new, self.dir.join(file)).unwrap();
        self
    }
}

/// The supervisor's binary, built from the sources of this moment.
///
/// Cargo builds no other package's binary for an integration test, and one that lies around may be old.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| build(&[]))
}

/// The same, with the points at which it kills itself for a test.
///
/// It is built in the same place, so that nothing else is compiled twice, and copied from there. Whoever executes what
/// is in that place meanwhile sees no difference: a point that is not armed does nothing.
pub fn killpoints_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let plain = binary();
        let copy = plain.with_file_name("proclaunch-with-killpoints");
        // A copy that is being executed cannot be written to.
        drop(fs::remove_file(&copy));
        fs::copy(build(&["--features", "killpoints"]), &copy).unwrap();
        build(&[]);
        copy
    })
}

/// Builds the program where and as the tests are built.
fn build(words: &[&str]) -> PathBuf {
    // target/PROFILE/deps/real-HASH
    let test = std::env::current_exe().unwrap();
    let dir = test.parent().and_then(Path::parent).expect("a test binary is in target/PROFILE/deps");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--package", "proclaunch", "--bin", "proclaunch"]).args(words);
    build.arg("--target-dir").arg(dir.parent().expect("target/PROFILE is in a directory"));
    if dir.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().unwrap().success(), "cargo builds the program");
    dir.join("proclaunch")
}

/// Copies the files of a directory, not what is in directories below: a service may have left its data there.
fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let is_left = entry.path().extension().is_some_and(|extension| extension == "pid");
        if entry.file_type().unwrap().is_file() && !is_left {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
