//! The last resort against a tree that grows as fast as it is killed: a cgroup, and `cgroup.kill`.
//!
//! Services do not live in cgroups of ours from their start. Measured on Linux 6.18 after a second of idleness, which
//! is when a service crashes: `clone3` with `CLONE_INTO_CGROUP` adds 1.0 ms to a start of 0.17 ms, and a child that
//! writes itself into `cgroup.procs` adds 7.8 ms, as both wait for a grace period of the kernel's; a restart is to
//! take 0.7 ms altogether. So the cgroup is made when a hunt has found something new three times over: everything
//! found is moved in, children are born inside, and the whole of it is killed at once.
//!
//! **Invariant:** where cgroups do not work, nothing else changes: the hunt goes on by pidfd.

use std::cell::OnceCell;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use proclaunch_core::ids::{ProcId, Ticket};

use super::stat::read_stat;

/// The cgroups of hunts.
pub(crate) struct Cgroups {
    /// Tells this keeper's cgroups from another's.
    instance: u64,
    /// Our own cgroup's directory: not looked for until needed.
    base: OnceCell<Option<PathBuf>>,
    made: Vec<(Ticket, PathBuf)>,
}

impl Cgroups {
    pub(crate) fn new(instance: &Path) -> Self {
        let mut hasher = DefaultHasher::new();
        instance.hash(&mut hasher);
        Self { instance: hasher.finish(), base: OnceCell::new(), made: Vec::new() }
    }

    /// Moves the processes into the start's cgroup and kills all that is in it; nothing is killed if one of the pids
    /// has come to mean another process by then.
    pub(crate) fn kill(&mut self, ticket: Ticket, prey: &[ProcId]) {
        let Some(directory) = self.of(ticket) else { return };
        for id in prey {
            // It may be gone, or not ours to move.
            let _ = fs::write(directory.join("cgroup.procs"), id.pid.to_string());
        }
        if prey.iter().all(|id| read_stat(id.pid).is_none_or(|stat| stat.id == *id)) {
            let _ = fs::write(directory.join("cgroup.kill"), "1");
        }
    }

    /// Removes the start's cgroup, if it is empty; else it is tried again with the next.
    pub(crate) fn release(&mut self, ticket: Ticket) {
        if !self.made.is_empty() {
            self.made.retain(|(owner, directory)| *owner != ticket || fs::remove_dir(directory).is_err());
        }
    }

    fn of(&mut self, ticket: Ticket) -> Option<PathBuf> {
        if let Some((_, directory)) = self.made.iter().find(|(owner, _)| *owner == ticket) {
            return Some(directory.clone());
        }
        let base = self.base.get_or_init(own_cgroup).as_ref()?;
        let directory = base.join(format!("proclaunch-{:016x}-{ticket}", self.instance));
        fs::create_dir(&directory).ok()?;
        self.made.push((ticket, directory.clone()));
        // Since Linux 5.14.
        directory.join("cgroup.kill").exists().then_some(directory)
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        for (_, directory) in &self.made {
            let _ = fs::remove_dir(directory);
        }
    }
}

/// The directory of the version 2 cgroup that we live in.
fn own_cgroup() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let cgroups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?.split(' ').nth(4)?;
    let path = cgroups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new(mount).join(path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;
    use crate::keeper::identify;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "something to kill, and no keeper that would reap it")]
    fn what_is_moved_in_is_killed_and_the_cgroup_removed() {
        let mut cgroups = Cgroups::new(Path::new("/cgroup-test"));
        let ticket = Ticket { instance: u64::from(std::process::id()), serial: 1 };
        let Some(directory) = cgroups.of(ticket) else {
            println!("no cgroup can be made here: nothing to see");
            return;
        };
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep is there");
        let id = identify(i32::try_from(child.id()).expect("a pid")).expect("it has just been made");
        let stranger = ProcId { start: id.start + 1, ..id };
        cgroups.kill(ticket, &[stranger]);
        assert_eq!(identify(id.pid), Some(id), "a reused pid keeps everything alive");
        cgroups.kill(ticket, &[id]);
        assert_eq!(child.wait().expect("it is ours").signal(), Some(libc::SIGKILL));
        cgroups.release(ticket);
        assert!(!directory.exists());
    }
}
