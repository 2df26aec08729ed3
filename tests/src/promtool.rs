//! What Prometheus's own tool says of a page of metrics.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Has it check a page. Where it is not installed, this checks nothing, unless `PROCLAUNCH_REQUIRE_PROMTOOL` is set.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a program of the test has no keeper above it")]
pub fn check(page: &str) {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut promtool) = command.spawn() else {
        assert!(std::env::var_os("PROCLAUNCH_REQUIRE_PROMTOOL").is_none(), "promtool is not installed");
        return;
    };
    promtool.stdin.take().expect("it was asked for").write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
