//! A supervisor that only answers: on a socket of its own, with what a test gives it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use proclaunch::control::api::{Error, Exit, Ordered, Profile, Profiles};
use proclaunch_tests::sandbox::binary;
use proclaunch_tests::wait;
use serde::Serialize;
use tempfile::TempDir;

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Method and target: `GET /v1/profiles?name=web`.
    pub(crate) line: String,
    /// The header `Last-Event-ID`.
    pub(crate) last: Option<String>,
}

/// What is answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// JSON, with this status.
    Json(u16, String),
    /// This type of content, these pieces, and the end.
    Whole(&'static str, Vec<Vec<u8>>),
    /// The same, and then the connection breaks.
    Torn(&'static str, Vec<Vec<u8>>),
    /// The same, and then nothing comes for as long as the client waits.
    Held(&'static str, Vec<Vec<u8>>),
    /// The connection breaks at once.
    Break,
    /// Nothing comes for as long as the client waits.
    Silence,
}

/// A good answer.
pub(crate) fn json(value: &impl Serialize) -> Answer {
    Answer::Json(200, serde_json::to_string(value).unwrap())
}

/// An answer that something is wrong.
pub(crate) fn wrong(status: u16, error: &str, result: Option<&str>) -> Answer {
    let error =
        Error { error: error.to_owned(), hint: None, result: result.map(str::to_owned), profile: None };
    Answer::Json(status, serde_json::to_string(&error).unwrap())
}

/// The listener. It ends with the test's process.
#[derive(Debug)]
pub(crate) struct Fake {
    dir: TempDir,
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// One that answers so.
    pub(crate) fn new(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("proclaunch.sock")).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, all) = (Arc::new(answer), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, answer, all) = (stream.unwrap(), Arc::clone(&answer), Arc::clone(&all));
                thread::spawn(move || serve(stream, &*answer, &all));
            }
        });
        Self { dir, seen }
    }

    /// One of these profiles, that answers everything else so.
    pub(crate) fn of(
        profiles: Vec<Profile>,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::new(move |asked| {
            let Some(query) = asked.line.strip_prefix("GET /v1/profiles?").or(match asked.line.as_str() {
                "GET /v1/profiles" => Some(""),
                _ => None,
            }) else {
                return answer(asked);
            };
            let names: Vec<&str> = query.split('&').filter_map(|pair| pair.strip_prefix("name=")).collect();
            // The client's own globs sort out what else is told here.
            let is_asked = |profile: &&Profile| {
                names.is_empty() || names.iter().any(|name| name.contains('%') || *name == profile.name)
            };
            let profiles = profiles.iter().filter(is_asked).cloned().collect();
            json(&Profiles { profiles, mode: "supervising".to_owned() })
        })
    }

    /// Its state directory.
    pub(crate) fn state(&self) -> &Path {
        self.dir.path()
    }

    /// What was asked for, in order, without the questions for profiles.
    pub(crate) fn seen(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let lines = seen.iter().map(|asked| asked.line.clone());
        lines.filter(|line| !line.starts_with("GET /v1/profiles?") && line != "GET /v1/profiles").collect()
    }

    /// The same with headers, and all of it.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until so many of [`Fake::seen`] are there.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) {
        wait::until(|| (self.seen().len() >= count).then_some(())).expect("it is asked for");
    }

    /// The program with these words and its state directory.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(words).env("PROCLAUNCH_STATE_DIR", self.state()).stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What it printed and said, after it ended with this exit code.
    #[track_caller]
    pub(crate) fn printed(&self, words: &[&str], code: i32) -> (String, String) {
        printed(&self.run(words), code)
    }

    /// Starts it with pipes.
    #[expect(clippy::disallowed_methods, reason = "a program of the test has no keeper above it")]
    pub(crate) fn spawn(&self, words: &[&str]) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// What was printed and said by what ended with this exit code.
#[track_caller]
pub(crate) fn printed(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "out: {out}\nerr: {err}");
    (out, err)
}

fn serve(stream: UnixStream, answer: &dyn Fn(&Asked) -> Answer, seen: &Mutex<Vec<Asked>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        // A client that only looks whether somebody listens sends nothing.
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let line = lines[0].strip_suffix(" HTTP/1.1").unwrap().to_owned();
    let last = lines.iter().find_map(|line| line.strip_prefix("Last-Event-ID: ")).map(str::to_owned);
    let asked = Asked { line, last };
    seen.lock().unwrap().push(asked.clone());
    // A client that has gone is no failure of the test.
    let _ = send(stream, answer(&asked));
}

fn send(mut stream: UnixStream, answer: Answer) -> std::io::Result<()> {
    match answer {
        Answer::Json(status, body) => write!(
            stream,
            "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
        Answer::Whole(kind, pieces) => {
            chunks(&mut stream, kind, &pieces)?;
            stream.write_all(b"0\r\n\r\n")
        }
        Answer::Torn(kind, pieces) => chunks(&mut stream, kind, &pieces),
        Answer::Held(kind, pieces) => {
            chunks(&mut stream, kind, &pieces)?;
            hold(stream)
        }
        Answer::Break => Ok(()),
        Answer::Silence => hold(stream),
    }
}

fn chunks(stream: &mut UnixStream, kind: &str, pieces: &[Vec<u8>]) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    for piece in pieces {
        write!(stream, "{:x}\r\n", piece.len())?;
        stream.write_all(piece)?;
        stream.write_all(b"\r\n")?;
    }
    Ok(())
}

/// Waits for the end of a client, which sends nothing more.
fn hold(stream: UnixStream) -> std::io::Result<()> {
    BufReader::new(stream).read_until(b'\n', &mut Vec::new()).map(drop)
}

/// A profile that runs and is well.
pub(crate) fn serving(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        state: "running".to_owned(),
        phase: "running".to_owned(),
        want: "up".to_owned(),
        standing: "serving".to_owned(),
        health: "unknown".to_owned(),
        has_checks: false,
        pid: Some(4242),
        uptime: Some(8.0),
        ready_for: Some(8.0),
        started_at: None,
        state_for: Some(8.0),
        restarts: 0,
        failures: 0,
        cpu_seconds: None,
        cpu_percent: None,
        memory_bytes: None,
        processes: None,
        exit: None,
        cause: String::new(),
        reason: String::new(),
        why: String::new(),
        next: None,
        changed: false,
        trouble: None,
        hooks_off: Vec::new(),
    }
}

/// A profile that is down, in this standing.
pub(crate) fn down(name: &str, standing: &str) -> Profile {
    let exit = Exit {
        at: "2026-11-23T14:31:05.123Z".to_owned(),
        pid: 4242,
        code: Some(0),
        signal: None,
        core: false,
        oom: false,
        requested: true,
        uptime: 8.0,
    };
    Profile {
        state: "stopped".to_owned(),
        phase: "idle".to_owned(),
        want: "down".to_owned(),
        standing: standing.to_owned(),
        pid: None,
        uptime: None,
        ready_for: None,
        exit: Some(exit),
        ..serving(name)
    }
}

/// The answer to an order that is done.
pub(crate) fn done(profile: Profile) -> Answer {
    json(&Ordered { result: "done".to_owned(), profile: Some(profile) })
}
