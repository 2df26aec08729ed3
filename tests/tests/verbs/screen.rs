//! A terminal with the dashboard on it: that of tmux.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use proclaunch_tests::processes::Process;
use proclaunch_tests::sandbox::binary;
use proclaunch_tests::wait;
use tempfile::TempDir;

use super::skipped;

/// A terminal with a shell in it, on a tmux server of its own that ends with this.
pub(crate) struct Screen {
    state: PathBuf,
    dir: TempDir,
}

impl Screen {
    /// One that is wide enough for everything; `None`, said aloud, where tmux is not installed.
    pub(crate) fn open(state: &Path) -> Option<Self> {
        if let Err(error) = Command::new("tmux").arg("-V").output() {
            skipped(&format!("tmux: {error}"));
            return None;
        }
        let screen = Self { state: state.to_owned(), dir: tempfile::tempdir().unwrap() };
        screen.tmux(&["new-session", "-d", "-x", "140", "-y", "30", "env PS1='$ ' sh"]);
        Some(screen)
    }

    fn command(&self, words: &[&str]) -> Output {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.dir.path().join("tmux")).args(["-f", "/dev/null"]).args(words);
        tmux.env_remove("TMUX").env_remove("NO_COLOR").env("LC_ALL", "C.UTF-8").output().unwrap()
    }

    /// What a command to tmux prints.
    #[track_caller]
    pub(crate) fn tmux(&self, words: &[&str]) -> String {
        let output = self.command(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Presses a key, by the name that tmux has for it.
    #[track_caller]
    pub(crate) fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Gives the terminal another size.
    #[track_caller]
    pub(crate) fn resize(&self, columns: usize, rows: usize) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// What can be read on it.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Looks until there is something on it, and gives that.
    #[track_caller]
    pub(crate) fn find<T>(&self, look: impl Fn(&str) -> Option<T>) -> T {
        let found = wait::until(|| look(&self.text()));
        found.unwrap_or_else(|| panic!("the screen shows:\n{}", self.text()))
    }

    /// Looks until it is so.
    #[track_caller]
    pub(crate) fn shows(&self, is: impl Fn(&str) -> bool) {
        self.find(|text| is(text).then_some(()));
    }

    /// Begins the dashboard, with a line before it and the exit code and the terminal's mode after it.
    #[track_caller]
    pub(crate) fn begin(&self) {
        let line = format!(
            "clear; echo before; sh -c 'echo $$ >{dir}/pid; exec {program} top --state {state}'; echo code=$?; stty -a",
            dir = self.dir.path().display(),
            program = binary().display(),
            state = self.state.display()
        );
        self.tmux(&["send-keys", "-l", &line]);
        self.press("Enter");
        self.shows(|text| text.starts_with("ProcLaunch  ") && text.contains("web"));
    }

    /// The dashboard's own process.
    #[track_caller]
    pub(crate) fn process(&self) -> Process {
        let pid = fs::read_to_string(self.dir.path().join("pid")).unwrap();
        Process::of(pid.trim().parse().unwrap()).expect("the dashboard is there")
    }

    /// Expects that the dashboard ended with this code and the terminal is as it was.
    #[track_caller]
    pub(crate) fn is_as_before(&self, code: u8) {
        self.shows(|text| text.contains(&format!("code={code}\n")) && text.contains(" icanon "));
        let text = self.text();
        assert!(text.starts_with("before\n") && text.contains(" echo "), "{text}");
        assert_eq!(self.tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]), "0 1\n");
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.command(&["kill-server"]);
    }
}
