//! A process that the kernel kills for want of memory.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::wait;

#[test]
fn a_death_for_want_of_memory_is_told_apart_from_a_kill() {
    let Some(cgroup) = Cgroup::limited() else { return };
    let sandbox = Sandbox::new();
    let procs = cgroup.dir.join("cgroup.procs");
    // It looks for the end of a line that has none, and keeps all of it.
    let run = format!("echo $$ > {}\nexec tail /dev/zero", procs.display());
    sandbox
        .profile("web", &run)
        .set("should_restart.lua", include_str!("../../../hooks-examples/18-oom/should_restart.lua"));
    let tells = "return function(service)\n  log.info('oom ' .. tostring(service.exit.oom) .. ' ' .. \
                 service.exit.signal)\nend\n";
    sandbox.profile("db", "exec sleep 1000").set("restart", "").set("on_exit.lua", tells);
    let supervisor = sandbox.start();
    let line = supervisor.wait_for_line("web", "died (");
    let pid = supervisor.pids("web")[0];
    assert!(line.starts_with(&format!("died (pid {pid}, signal KILL, out of memory, after ")), "{line}");
    supervisor.wait_for_line("web", "restarts in 1m 0s: OOM-killed");
    supervisor.kill_main_process("db");
    supervisor.wait_for_line("db", "on_exit: oom false KILL");
    let line = supervisor.wait_for_line("db", "died (");
    assert!(!line.contains("memory"), "{line}");
    supervisor.drain();
}

/// A cgroup whose processes may use 16 MiB; removed when dropped.
struct Cgroup {
    dir: PathBuf,
}

impl Cgroup {
    /// None where it cannot be made, or where the kernel does not tell us whom it kills; that is said aloud.
    fn limited() -> Option<Self> {
        let made = Self::make();
        if let Err(why) = &made {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            // Not `eprintln!`, which the test runner keeps to itself while a test passes.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {why}: {test}");
        }
        made.ok()
    }

    fn make() -> Result<Self, String> {
        fs::File::open("/dev/kmsg").map_err(|why| format!("/dev/kmsg cannot be read ({why})"))?;
        let namespace = fs::read_link("/proc/self/ns/pid").map_err(|why| why.to_string())?;
        if namespace != Path::new("pid:[4026531836]") {
            return Err("the pids here are not those of the kernel's log".to_owned());
        }
        let (parent, limits) = [
            ("/sys/fs/cgroup/memory", ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]),
            ("/sys/fs/cgroup", ["memory.max", "memory.swap.max"]),
        ]
        .into_iter()
        .find(|(parent, [limit, _])| has_limit(Path::new(parent), limit))
        .ok_or("no memory cgroup can be made")?;
        let dir = Path::new(parent).join(format!("proclaunch-test-{}", std::process::id()));
        fs::create_dir(&dir).map_err(|why| format!("no memory cgroup can be made ({why})"))?;
        let cgroup = Self { dir };
        let bytes = (16 * 1024 * 1024).to_string();
        let set = |file: &str, text: &str| fs::write(cgroup.dir.join(file), text);
        set(limits[0], &bytes).map_err(|why| format!("no memory cgroup can be limited ({why})"))?;
        // Without swap, or where it is not accounted, there is no such file, and nothing to limit.
        let _ = set(limits[1], if limits[1] == "memory.swap.max" { "0" } else { &bytes });
        Ok(cgroup)
    }
}

/// Whether cgroups below this one have that limit.
fn has_limit(parent: &Path, limit: &str) -> bool {
    let delegates = fs::read_to_string(parent.join("cgroup.subtree_control"));
    let delegates = delegates.is_ok_and(|text| text.split_whitespace().any(|word| word == "memory"));
    delegates || parent.join(limit).exists()
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that was killed a moment ago may still be in it.
        let removed = wait::until(|| fs::remove_dir(&self.dir).ok());
        assert!(removed.is_some() || std::thread::panicking(), "`{}` is left", self.dir.display());
    }
}
