//! The thirty profiles, and what may become of each.

use std::path::Path;

use proclaunch_tests::sandbox::{Profile, Sandbox};

/// What the checks may expect of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Lives from the first moment to the last, whatever happens.
    Steady,
    /// Ends by itself, and is started again.
    Crashes,
    /// Does its work once.
    Once,
    /// The test changes its files: it is stopped and started.
    Changes,
}

/// One of the profiles.
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) fate: Fate,
    /// Whether it prints lines.
    pub(crate) chatty: bool,
}

const READY: &str = "return function() return file.exists('READY') end\n";
const HEALTH: &str = "return { every = 0.3, times = 2, function() return true end }\n";

/// Makes the profiles, and tells which there are.
pub(crate) fn make(sandbox: &Sandbox, ledgers: &Path) -> Vec<Service> {
    let maker = Maker { sandbox, ledgers };
    let mut services = Vec::new();
    let mut add = |name: &str, fate, options: &str, settings: &[(&str, &str)]| {
        maker.make(name, options, settings);
        services.push(Service { name: name.to_owned(), fate, chatty: options.contains("rate=") });
    };
    add("steady1", Fate::Steady, "", &[]);
    add("steady2", Fate::Steady, "", &[("stop_signal", "INT 1 TERM\n")]);
    add("steady3", Fate::Steady, "", &[("kill", "tree\n")]);
    add("deaf1", Fate::Steady, "deaf", &[("stop_timeout", "1\n")]);
    add("healthy1", Fate::Steady, "", &[("health.lua", HEALTH)]);
    add("healthy2", Fate::Steady, "late=200 ready=READY", &[("health.lua", HEALTH), ("ready.lua", READY)]);
    add("slow1", Fate::Steady, "late=700 ready=READY", &[("ready.lua", READY)]);
    add("slow2", Fate::Steady, "late=1500 ready=READY", &[("ready.lua", READY)]);
    add("daemon1", Fate::Steady, "pid=PID", &[("pid_file", "PID\n")]);
    add("daemon2", Fate::Steady, "late=800 pid=PID", &[("pid_file", "PID\n")]);
    add("double1", Fate::Steady, "late=300 pid=PID", &[("pid_file", "PID\n")]);
    add("chatty1", Fate::Steady, "rate=2000", &[]);
    add("chatty2", Fate::Steady, "rate=1000 burst=500", &[]);
    add("chatty3", Fate::Steady, "rate=200 wide", &[]);
    add("crash1", Fate::Crashes, "life=0-20 code=1 rate=100", &[("backoff", "0.1 0.4\n")]);
    add("crash2", Fate::Crashes, "life=0-300 code=2", &[("backoff", "0.05 0.2\n")]);
    add("crash3", Fate::Crashes, "life=100-900 code=3 rate=1000", &[("backoff", "0.05 0.3\n")]);
    add("crash4", Fate::Crashes, "life=900-1500 code=4 rate=100", &[("backoff", "0.5 1\n")]);
    add("crash5", Fate::Crashes, "life=1100-2500 code=5", &[]);
    add("crash6", Fate::Crashes, "life=200-400 rate=500 burst=50", &[("backoff", "0.01 0.02\n")]);
    add(
        "daemon3",
        Fate::Crashes,
        "life=600-1600 late=50 pid=PID code=6",
        &[("pid_file", "PID\n"), ("backoff", "0.1 0.3\n")],
    );
    add(
        "double2",
        Fate::Crashes,
        "life=1100-1900 late=20 pid=PID rate=100 code=7",
        &[("pid_file", "PID\n"), ("backoff", "0.1 0.3\n")],
    );
    add("once1", Fate::Once, "life=100-300 rate=100", &[("oneshot", "")]);
    add("once2", Fate::Once, "life=3000-6000 rate=50", &[("oneshot", "")]);
    add("change1", Fate::Changes, "", &[]);
    add("change2", Fate::Changes, "rate=500", &[]);
    add("change3", Fate::Changes, "deaf rate=20", &[("stop_timeout", "0.5\n")]);
    add("change4", Fate::Changes, "late=300 ready=READY", &[("ready.lua", READY)]);
    add("change5", Fate::Changes, "late=100 pid=PID", &[("pid_file", "PID\n")]);
    add(
        "change6",
        Fate::Changes,
        "deaf life=1000-3000 rate=50",
        &[("stop_timeout", "1\n"), ("backoff", "0.1 0.3\n")],
    );
    assert_eq!(services.len(), 30);
    services
}

struct Maker<'a> {
    sandbox: &'a Sandbox,
    ledgers: &'a Path,
}

impl Maker<'_> {
    /// `READY` and `PID` stand for files outside of the profile, which the profile is not read again for.
    fn make(&self, name: &str, options: &str, settings: &[(&str, &str)]) {
        let place = |text: &str| {
            let file = |kind: &str| self.ledgers.join(format!("{name}.{kind}")).display().to_string();
            text.replace("READY", &file("ready")).replace("PID", &file("pid"))
        };
        let program = env!("CARGO_BIN_EXE_chaos-service");
        let command = place(&format!("{program} {} {name} {options}", self.ledgers.display()));
        let run = if name.starts_with("daemon") || name == "change5" {
            format!("setsid {command} </dev/null &\nexit 0")
        } else if name.starts_with("double") {
            format!("setsid sh -c 'setsid {command} </dev/null &' &\nexit 0")
        } else {
            format!("{}exec {command}", place("rm -f READY\n"))
        };
        let mut profile = self.sandbox.profile(name, &run).set("log", "256K 1000\n");
        if !settings.iter().any(|(file, _)| *file == "oneshot") {
            profile = profile.set("restart", "");
        }
        for (file, value) in settings {
            profile = profile.set(file, place(value));
        }
        drop::<Profile>(profile);
    }
}
