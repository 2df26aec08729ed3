//! PostgreSQL: the profile `postgres`.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;

use crate::software::{POSTGRES, PSQL, ask, installed};
use proclaunch_tests::processes::Process;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

const PROFILE: &str = "postgres";

/// A PostgreSQL that answers, and where.
struct Postgres {
    socket_dir: PathBuf,
    port: String,
    supervisor: Supervisor,
}

impl Postgres {
    fn start() -> Option<Self> {
        if !installed(&[POSTGRES, PSQL]) {
            return None;
        }
        let example = Sandbox::copy("real", &[PROFILE]);
        let port = example.free_port(PROFILE).to_string();
        let socket_dir = example.data_of(PROFILE, "postgres");
        let postgres = Self { socket_dir, port, supervisor: example.start() };
        postgres.wait_for("select 1", "1");
        Some(postgres)
    }

    #[track_caller]
    fn wait_for(&self, query: &str, answer: &str) {
        let look = || (self.ask(query)? == answer).then_some(());
        self.supervisor.wait_for(&format!("`{query}` to answer {answer}"), look);
    }

    fn ask(&self, query: &str) -> Option<String> {
        ask("psql", self.client().iter().map(String::as_str).chain(["-c", query]))
    }

    /// No settings of the user's, rows alone, the socket of this server.
    fn client(&self) -> [String; 8] {
        let dir = self.socket_dir.display().to_string();
        ["-XAt", "-h", &dir, "-p", &self.port, "-U", "postgres", "postgres"].map(str::to_owned)
    }
}

/// A session that stays open until it is dropped.
struct Session(Child);

impl Session {
    #[expect(clippy::disallowed_methods, reason = "a client of the test's own")]
    fn open(postgres: &Postgres) -> (Self, Process) {
        let mut psql = Command::new("psql")
            .args(postgres.client())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut answer = String::new();
        writeln!(psql.stdin.as_mut().unwrap(), "select pg_backend_pid();").unwrap();
        BufReader::new(psql.stdout.as_mut().unwrap()).read_line(&mut answer).unwrap();
        let backend = Process::of(answer.trim().parse().unwrap()).expect("a session has a backend");
        (Self(psql), backend)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn postgres_comes_back_after_kill_9_of_its_postmaster_with_its_data() {
    let Some(postgres) = Postgres::start() else { return };
    postgres.ask("create table kept as select 42 as answer").expect("a table can be made");
    postgres.supervisor.kill_main_process(PROFILE);
    postgres.wait_for("select answer from kept", "42");
    postgres.supervisor.drain();
}

#[test]
fn the_end_of_a_backend_is_the_business_of_postgres() {
    let Some(postgres) = Postgres::start() else { return };
    let Postgres { supervisor, .. } = &postgres;
    let main = supervisor.main_process(PROFILE);
    let (session, backend) = Session::open(&postgres);
    backend.signal(Signal::SIGKILL);
    supervisor.wait_for("the backend to be gone", || (!backend.is_alive()).then_some(()));
    drop(session);
    // PostgreSQL ends every session and recovers on such an occasion; its main process stays.
    supervisor.wait_for("the recovery", || {
        supervisor.output(PROFILE).contains("all server processes terminated; reinitializing").then_some(())
    });
    postgres.wait_for("select 1", "1");
    assert!(main.is_alive());
    assert_eq!(supervisor.pids(PROFILE), [main.pid], "{}", supervisor.log());
    assert_eq!(supervisor.said(PROFILE, "died"), Vec::<String>::new());
    postgres.supervisor.drain();
}

#[test]
fn an_open_session_does_not_hold_up_the_stop() {
    let Some(postgres) = Postgres::start() else { return };
    let (_session, _) = Session::open(&postgres);
    postgres.supervisor.drain();
}
