//! What must be installed for a test, and the clients that the tests use.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// A program of a Debian package.
pub(crate) struct Software {
    /// The program's name, and where else than in `PATH` it may be, up to the directory of a version.
    program: &'static str,
    versions: Option<&'static str>,
    package: &'static str,
}

pub(crate) const NGINX: Software = Software { program: "nginx", versions: None, package: "nginx-light" };
pub(crate) const CURL: Software = Software { program: "curl", versions: None, package: "curl" };
pub(crate) const REDIS: Software =
    Software { program: "redis-server", versions: None, package: "redis-server" };
pub(crate) const REDIS_CLI: Software =
    Software { program: "redis-cli", versions: None, package: "redis-tools" };
pub(crate) const POSTGRES: Software =
    Software { program: "postgres", versions: Some("/usr/lib/postgresql"), package: "postgresql" };
pub(crate) const PG_ISREADY: Software =
    Software { program: "pg_isready", versions: None, package: "postgresql-client" };
pub(crate) const PSQL: Software = Software { program: "psql", versions: None, package: "postgresql-client" };

/// Whether all of it is installed. What is not is said aloud, or is a failure where nothing may be missing.
#[must_use]
pub(crate) fn installed(wanted: &[Software]) -> bool {
    let missing = wanted.iter().filter(|software| !software.is_installed());
    let missing: Vec<_> = missing
        .map(|Software { program, package, .. }| {
            format!("{program} is not installed (apt-get install {package})")
        })
        .collect();
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join("; ");
    assert_ne!(std::env::var("PROCLAUNCH_REQUIRE_REAL").as_deref(), Ok("1"), "{missing}");
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    // Not `eprintln!`, which the test runner keeps to itself while a test passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {missing}: {test}");
    false
}

impl Software {
    fn is_installed(&self) -> bool {
        let path = std::env::var("PATH").unwrap_or_default();
        let in_path =
            path.split(':').chain(["/usr/sbin", "/sbin"]).map(|dir| Path::new(dir).join(self.program));
        let versions = self.versions.into_iter().filter_map(|dir| Path::new(dir).read_dir().ok());
        let in_version = versions.flatten().flatten().map(|dir| dir.path().join("bin").join(self.program));
        in_path.chain(in_version).any(|program| program.is_file())
    }
}

/// What a client prints, if it succeeds.
pub(crate) fn ask<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> Option<String> {
    let output = Command::new(program).args(arguments).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
