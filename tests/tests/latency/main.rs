//! Hostile hooks delay nothing: what `benches/hooks/measure.py` measures, as far as it can be told on a busy machine.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![expect(clippy::disallowed_methods, reason = "a latency is measured on the real clock")]

use std::fs;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use proclaunch_tests::processes::Process;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;
use proclaunch_tests::wait;

/// What hostile scripts do, by the name of their profile.
const HOSTILE: [(&str, &str); 4] = [
    ("loops", "while true do pcall(function() while true do end end) end"),
    ("sorts", "table.sort(table.create(1000, 1), function() while true do end end)"),
    ("matches", "local s = ('a'):rep(30) s:find(('a?'):rep(30) .. s .. 'b')"),
    ("grows", "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end"),
];

/// Two at least, and more while other work is in the way.
const ROUNDS_MIN: usize = 2;
const ROUNDS_MAX: usize = 30;
const KILLS: usize = 15;

/// A service that tells of each start, and the restarts that were timed.
struct Crashing {
    supervisor: Supervisor,
    starts: BufReader<File>,
    main: Process,
}

impl Crashing {
    fn start() -> Self {
        let sandbox = Sandbox::new();
        for (name, _) in HOSTILE {
            sandbox.profile(name, "exec sleep 1000");
        }
        let crashing = sandbox.profile("crashing", "").set("restart", "").set("backoff", "0 0");
        let fifo = crashing.dir.join("starts");
        mkfifo(&fifo, Mode::from_bits_truncate(0o600)).unwrap();
        // The shell's first command: the pid goes to whoever reads, at once.
        crashing.run("exec 3<>starts\necho $$ >&3\nexec sleep 1000 3>&-");
        // Read and write: it neither waits for a writer nor ends with one.
        let starts = BufReader::new(File::options().read(true).write(true).open(&fifo).unwrap());
        let mut this = Self { supervisor: sandbox.start(), starts, main: Process::of(1).unwrap() };
        this.main = this.next_start();
        this
    }

    fn next_start(&mut self) -> Process {
        let mut line = String::new();
        self.starts.read_line(&mut line).unwrap();
        Process::of(line.trim().parse().unwrap()).expect("a service that has just been started lives")
    }

    /// How long each restart took, from the kill to the first line of the next process, in order.
    fn restarts(&mut self) -> Vec<Duration> {
        let one = |_| {
            // Not in step with anything.
            wait::pass(Duration::from_millis(7));
            let begin = Instant::now();
            self.main.signal(Signal::SIGKILL);
            self.main = self.next_start();
            begin.elapsed()
        };
        let mut took: Vec<Duration> = (0..KILLS).map(one).collect();
        took.sort();
        took
    }

    /// Gives all neighbours their hostile hooks, and waits until each has done its worst once.
    fn provoke(&self) {
        let profiles = self.supervisor.sandbox.profiles();
        let failed = |name| self.supervisor.said(name, "hook on_tick failed").len();
        let before = HOSTILE.map(|(name, _)| failed(name));
        for (name, body) in HOSTILE {
            // Five errors in a row would switch it off: every fourth call passes.
            let hook = format!(
                "local calls = 0\nreturn {{ every = 0.1, function()\n  calls = calls + 1\n  if calls % 4 ~= 0 then {body} \
                 end\nend }}\n"
            );
            fs::write(profiles.join(name).join("on_tick.lua"), hook).unwrap();
        }
        for ((name, _), before) in HOSTILE.into_iter().zip(before) {
            self.supervisor.wait_for(&format!("{name} to fail"), || (failed(name) > before).then_some(()));
        }
    }

    fn calm(&self) {
        for (name, _) in HOSTILE {
            fs::remove_file(self.supervisor.sandbox.profiles().join(name).join("on_tick.lua")).unwrap();
        }
        // Noticed within a fraction of a second, and the last calls are over.
        wait::pass(Duration::from_secs(1));
    }
}

/// The shares of the restarts that are compared, in percent.
const SHARES: [usize; 2] = [25, 75];

/// How long so many percent of the restarts of the quietest round took at most.
fn quietest(rounds: &[Vec<Duration>], share: usize) -> Duration {
    rounds.iter().map(|took| took[(KILLS - 1) * share / 100]).min().unwrap()
}

/// Of the quietest round of each, the lower quartiles are compared strictly: hooks that never rest and hold the reactor up
/// delay nearly every restart, other work on the machine some of them, and more rounds are taken while it is in the way.
/// The upper quartiles are compared loosely: there other work shows first. Hooks that ran on the reactor would hold it up
/// for 20 to 100 ms at a stretch.
#[test]
fn hostile_neighbours_do_not_delay_the_restart_of_another_profile() {
    let mut crashing = Crashing::start();
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let undelayed = (0..ROUNDS_MAX).find_map(|round| {
        alone.push(crashing.restarts());
        crashing.provoke();
        beside.push(crashing.restarts());
        crashing.calm();
        let took = [&alone, &beside].map(|rounds| SHARES.map(|share| quietest(rounds, share)));
        println!("quartiles of the quietest round: alone {:?}, beside hostile hooks {:?}", took[0], took[1]);
        let [[fast, slow], [fast_beside, slow_beside]] = took;
        let is_good =
            fast_beside < fast + Duration::from_millis(1) && slow_beside < slow + Duration::from_millis(20);
        (is_good && round + 1 >= ROUNDS_MIN).then_some(())
    });
    assert!(undelayed.is_some(), "alone {alone:?}, beside {beside:?}");
    for (name, _) in HOSTILE {
        let off = crashing.supervisor.said(name, "does not call");
        assert_eq!(off, Vec::<String>::new(), "it was hostile to the end");
    }
    crashing.supervisor.drain();
}
