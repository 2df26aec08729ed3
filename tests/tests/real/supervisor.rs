//! A copy of an example, and the real supervisor that runs it.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};
use tempfile::TempDir;

use crate::processes::{Process, descendants, of_directory};
use crate::wait;

/// A copy of example profiles in a directory of its own, to be changed by a test.
pub(crate) struct Example {
    temp: TempDir,
}

impl Example {
    /// Copies these profiles of `profiles-examples/FAMILY`.
    pub(crate) fn copy(family: &str, profiles: &[&str]) -> Self {
        let temp = tempfile::tempdir().unwrap();
        // Services run as other users: they must reach their directories.
        fs::set_permissions(temp.path(), Permissions::from_mode(0o755)).unwrap();
        let example = Self { temp };
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles-examples").join(family);
        for profile in profiles {
            copy_files(&from.join(profile), &example.profiles().join(profile));
        }
        example
    }

    /// Puts another value for `key` into the profile's `env`.
    pub(crate) fn set_env(&self, profile: &str, key: &str, value: &str) {
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
    pub(crate) fn free_port(&self, profile: &str) -> u16 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        self.set_env(profile, "PORT", &port.to_string());
        port
    }

    /// Has the profile keep its data in a directory below one that belongs to `user`.
    pub(crate) fn data_of(&self, profile: &str, user: &str) -> PathBuf {
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
    pub(crate) fn replace(&self, profile: &str, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.profiles().join(profile).join(file)).unwrap();
        assert!(text.contains(from), "{profile}/{file} holds {from:?}: {text}");
        self.write(profile, file, &text.replace(from, to));
    }

    /// Writes a file as an editor does: whole, or not at all.
    pub(crate) fn write(&self, profile: &str, file: &str, text: &str) {
        let new = self.temp.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, self.profiles().join(profile).join(file)).unwrap();
    }

    pub(crate) fn start(self) -> Supervisor {
        Supervisor::start(self)
    }

    fn profiles(&self) -> PathBuf {
        self.temp.path().join("profiles")
    }

    fn state(&self) -> PathBuf {
        self.temp.path().join("state")
    }

    fn log(&self) -> PathBuf {
        self.temp.path().join("log")
    }
}

/// A supervisor in the foreground. Dropped, it takes everything that it started with it.
pub(crate) struct Supervisor {
    pub(crate) example: Example,
    child: Child,
}

impl Supervisor {
    #[expect(clippy::disallowed_methods, reason = "the supervisor itself has no keeper above it")]
    fn start(example: Example) -> Self {
        let log = File::create(example.log()).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let child = Command::new(binary())
            .arg("--foreground")
            .args([example.state(), example.profiles()])
            // Servers are there, and it is not in everybody's PATH.
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { example, child }
    }

    /// Everything it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.example.log()).unwrap_or_default()
    }

    /// What the profile has printed.
    pub(crate) fn output(&self, profile: &str) -> String {
        let path = self.example.state().join("log").join(profile).join("current");
        String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
    }

    /// The messages about a profile that begin with these words.
    pub(crate) fn said(&self, profile: &str, words: &str) -> Vec<String> {
        let log = self.log();
        let messages = log.lines().filter_map(|line| {
            let (tag, message) = line.get(31..)?.split_once(' ')?;
            (tag == profile && message.starts_with(words)).then(|| message.to_owned())
        });
        messages.collect()
    }

    /// The pids that a profile ran as, in order.
    pub(crate) fn pids(&self, profile: &str) -> Vec<i32> {
        let pid = |message: String| message.strip_prefix("running pid ")?.split(' ').next()?.parse().ok();
        self.said(profile, "running pid ").into_iter().filter_map(pid).collect()
    }

    /// The main process of a profile, as soon as one runs.
    pub(crate) fn main_process(&self, profile: &str) -> Process {
        self.wait_for(&format!("{profile} to run"), || Process::of(*self.pids(profile).last()?))
    }

    /// Looks until there is something.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        match wait::until(look) {
            Some(found) => found,
            None => panic!("waited in vain for {what}; the log:\n{}{}", self.log(), self.outputs()),
        }
    }

    /// Kills a profile's main process, sees another one take its place, and the old one's whole tree gone.
    #[track_caller]
    pub(crate) fn kill_main_process(&self, profile: &str) -> Process {
        let old = self.main_process(profile);
        let runs = self.pids(profile).len();
        let tree = descendants(old.pid);
        old.signal(Signal::SIGKILL);
        self.wait_for(&format!("{profile} to come back"), || (self.pids(profile).len() > runs).then_some(()));
        self.wait_for("what was below the old process to be gone", || {
            (!tree.iter().any(|process| process.is_alive())).then_some(())
        });
        assert_eq!(self.said(profile, "died").len(), 1, "{}", self.log());
        let new = self.main_process(profile);
        assert_ne!(old, new);
        new
    }

    /// Stops everything by HUP, and checks the exit code and that no process is left.
    #[track_caller]
    pub(crate) fn drain(mut self) {
        let supervisor = self.process();
        let seen = descendants(supervisor.pid);
        assert!(!seen.is_empty(), "something runs that can be stopped:\n{}", self.log());
        supervisor.signal(Signal::SIGHUP);
        let exit = wait::until(|| self.child.try_wait().unwrap());
        let log = self.log();
        let exit = exit.unwrap_or_else(|| panic!("waited in vain for the supervisor's end; the log:\n{log}"));
        assert_eq!(exit.code(), Some(111), "{log}");
        assert!(log.trim_end().ends_with("ProcLaunch all profiles stopped. Exiting."), "{log}");
        let left: Vec<Process> = seen.into_iter().filter(|process| process.is_alive()).collect();
        assert_eq!(left, [], "processes that were seen are gone:\n{log}");
        assert_eq!(of_directory(self.example.temp.path()), BTreeSet::new(), "nobody is left behind:\n{log}");
    }

    fn process(&self) -> Process {
        let pid = i32::try_from(self.child.id()).unwrap();
        Process::of(pid).unwrap_or_else(|| panic!("the supervisor runs:\n{}", self.log()))
    }

    fn outputs(&self) -> String {
        let dirs = fs::read_dir(self.example.state().join("log")).into_iter().flatten().flatten();
        let names = dirs.map(|dir| dir.file_name().to_string_lossy().into_owned());
        let printed = |name: String| [format!("\n{name} printed:\n"), self.output(&name)];
        names.flat_map(printed).collect()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let seen = i32::try_from(self.child.id()).map(descendants).unwrap_or_default();
        if matches!(self.child.try_wait(), Ok(None)) {
            // Killed, not asked: a test that fails must not hang on what it found to be broken.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        for process in seen.into_iter().chain(of_directory(self.example.temp.path())) {
            process.signal(Signal::SIGKILL);
        }
    }
}

/// The supervisor's binary, built from the sources of this moment.
///
/// Cargo builds no other package's binary for an integration test, and one that lies around may be old.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // target/PROFILE/deps/real-HASH
        let test = std::env::current_exe().unwrap();
        let dir = test.parent().and_then(Path::parent).expect("a test binary is in target/PROFILE/deps");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "proclaunch", "--bin", "proclaunch"]);
        build.arg("--target-dir").arg(dir.parent().expect("target/PROFILE is in a directory"));
        if dir.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "cargo builds the supervisor");
        dir.join("proclaunch")
    })
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
