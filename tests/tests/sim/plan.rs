//! What is drawn from the seed: the settings of profiles, and how the processes behave that are started by them.

use std::mem;
use std::time::Duration;

use proclaunch_core::exit::Exit;
use proclaunch_core::profile::{
    Backoff, Fingerprint, GiveUp, HookFiles, Kill, LogSettings, Policy, Profile, Restart, Shape, StopStep,
};
use proclaunch_core::signal::Signal;

use crate::rng::Rng;

/// How one process behaves.
#[derive(Clone, Debug)]
pub(crate) struct Nature {
    /// It ends by itself after so long.
    pub(crate) life: Option<(Duration, Exit)>,
    /// How long it takes to act on a stop signal; `None` if it ignores them.
    pub(crate) obeys: Option<Duration>,
    /// How long SIGKILL takes: long for a process that hangs in the kernel.
    pub(crate) dying: Duration,
    /// What it starts besides: each with its delay.
    pub(crate) children: Vec<(Duration, Child)>,
}

/// A process that a process starts.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    pub(crate) kin: Kin,
    pub(crate) nature: Nature,
    /// It writes the profile's pid file: when, and what.
    pub(crate) pid_file: Option<(Duration, Written)>,
}

/// How a process can be told to belong to a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kin {
    /// It is in the process group of the main process.
    Group,
    /// It left the group and the session; its ticket still names its start.
    Escaped,
    /// Nothing tells whose it is.
    Untold,
}

/// What stands in a pid file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// The writer's pid.
    Right,
    /// No number.
    Garbage,
    /// The pid of a process that is not there.
    Nobody,
    /// The pid of somebody else's process.
    Stranger,
}

impl Nature {
    /// Runs for ever, and ends soon when told to.
    pub(crate) const fn healthy() -> Self {
        Self {
            life: None,
            obeys: Some(Duration::from_millis(50)),
            dying: Duration::ZERO,
            children: Vec::new(),
        }
    }
}

/// A process of a profile, drawn. A healthy one does what its profile is for.
pub(crate) fn nature(rng: &mut Rng, daemonizes: bool, healthy: bool) -> Nature {
    let mut nature = if healthy { Nature::healthy() } else { troubled(rng) };
    if !healthy && rng.one_in(4) {
        for _ in 0..=rng.below(3) {
            let kin = *rng.pick(&[Kin::Group, Kin::Group, Kin::Escaped]);
            let child = Child { kin, nature: troubled(rng), pid_file: None };
            nature.children.push((rng.duration(Duration::from_millis(500)), child));
        }
    }
    if daemonizes {
        daemonize(rng, &mut nature, healthy);
    }
    nature
}

fn troubled(rng: &mut Rng) -> Nature {
    let exit = match rng.below(4) {
        0 | 1 => Exit::Code(0),
        2 => Exit::Code(3),
        _ => Exit::Signal { signal: Signal::from_number(11).expect("SEGV"), core: rng.one_in(2) },
    };
    let life = match rng.below(6) {
        0 => Some(Duration::from_millis(1) + rng.duration(Duration::from_millis(20))),
        1 => Some(rng.duration(Duration::from_secs(3))),
        2 => Some(rng.duration(Duration::from_secs(30))),
        _ => None,
    };
    Nature {
        life: life.map(|life| (life, exit)),
        obeys: match rng.below(5) {
            0 => None,
            1 => Some(rng.duration(Duration::from_secs(8))),
            2 => Some(Duration::ZERO),
            _ => Some(rng.duration(Duration::from_millis(30))),
        },
        dying: match rng.below(40) {
            0 => Duration::from_secs(20),
            1..10 => Duration::ZERO,
            _ => rng.duration(Duration::from_millis(3)),
        },
        children: Vec::new(),
    }
}

/// Makes it a launcher that leaves a daemon behind, or does not.
fn daemonize(rng: &mut Rng, launcher: &mut Nature, healthy: bool) {
    let soon = Duration::from_millis(200);
    let (code, kin, daemon, pid_file);
    if healthy {
        code = Some(0);
        kin = *rng.pick(&[Kin::Group, Kin::Escaped, Kin::Untold]);
        daemon = Nature::healthy();
        pid_file = Some((rng.duration(Duration::from_millis(800)), Written::Right));
    } else {
        code = *rng.pick(&[Some(0), Some(0), Some(0), Some(1), None]);
        kin = *rng.pick(&[Kin::Group, Kin::Escaped, Kin::Escaped, Kin::Untold]);
        daemon = troubled(rng);
        let what = *rng.pick(&[
            Written::Right,
            Written::Right,
            Written::Right,
            Written::Right,
            Written::Garbage,
            Written::Nobody,
            Written::Stranger,
        ]);
        pid_file = (!rng.one_in(5)).then(|| (rng.delay(), what));
    }
    let born = rng.duration(soon);
    // The parent stays until its child is there.
    launcher.life = code.map(|code| (born + rng.duration(soon), Exit::Code(code)));
    launcher.children.push((born, Child { kin, nature: daemon, pid_file }));
}

/// The settings of a profile, drawn.
pub(crate) fn profile(rng: &mut Rng) -> Profile {
    Profile {
        shape: Shape {
            run: Fingerprint(u128::from(rng.below(1000))),
            pid_file: rng.one_in(3).then(|| pid_file(rng)),
            oneshot: rng.one_in(8),
            user: None,
            env: Box::default(),
            directory: None,
            umask: 0o022,
            nice: None,
            limits: Box::default(),
            instance: None,
        },
        policy: policy(rng),
    }
}

fn pid_file(rng: &mut Rng) -> Box<str> {
    (*rng.pick(&["pid", "run/pid"])).into()
}

/// The policy of a profile, drawn.
pub(crate) fn policy(rng: &mut Rng) -> Policy {
    let seconds = Duration::from_secs;
    let base = *rng.pick(&[0, 50, 200, 1000]);
    Policy {
        restart: *rng.pick(&[Restart::Always, Restart::Always, Restart::OnFailure, Restart::Never]),
        backoff: Backoff { base: Duration::from_millis(base), cap: seconds(1 + rng.below(8)) },
        give_up: rng.one_in(4).then(|| GiveUp {
            deaths: 1 + u32::try_from(rng.below(5)).expect("below 5"),
            within: seconds(1 + rng.below(30)),
        }),
        stop: stop(rng),
        start_timeout: *rng.pick(&[seconds(20), seconds(20), seconds(3), Duration::from_millis(30)]),
        kill: *rng.pick(&[Kill::Mixed, Kill::Mixed, Kill::Group, Kill::Tree, Kill::Process]),
        reload: rng.one_in(4).then_some(Signal::HUP),
        down: rng.one_in(8),
        hook_timeouts: Box::default(),
        log: LogSettings::default(),
        log_run: false,
        hooks: HookFiles::default(),
    }
}

fn stop(rng: &mut Rng) -> Box<[StopStep]> {
    if rng.one_in(12) {
        return Box::new([StopStep { signal: Signal::KILL, wait: Duration::ZERO }]);
    }
    (0..=rng.below(3))
        .map(|_| StopStep {
            signal: *rng.pick(&[Signal::TERM, Signal::INT]),
            wait: Duration::from_millis(*rng.pick(&[0, 0, 10, 1000, 5000])),
        })
        .collect()
}

/// One change of a profile's files.
pub(crate) fn change(rng: &mut Rng, profile: &mut Profile) {
    match rng.below(8) {
        0 | 1 => profile.shape.run = Fingerprint(u128::from(rng.below(1000))),
        2 => {
            let hooks = mem::take(&mut profile.policy.hooks);
            profile.policy = Policy { hooks, ..policy(rng) };
        }
        3 => {
            profile.shape.pid_file = match profile.shape.pid_file {
                None => Some(pid_file(rng)),
                Some(_) => None,
            }
        }
        4 => profile.policy.stop = stop(rng),
        5 => profile.shape.oneshot = !profile.shape.oneshot,
        _ => profile.policy.down = !profile.policy.down,
    }
}
