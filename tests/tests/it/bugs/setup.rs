//! Names, command line, descriptors, languages.

use std::fs;

use super::SLEEP;
use proclaunch_tests::sandbox::Sandbox;

#[test]
fn bug_17_what_a_service_says_on_either_output_is_in_its_own_log() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "echo to stdout; echo to stderr >&2; exec sleep 86400");
    let supervisor = sandbox.start();
    supervisor.wait_for("both", || (supervisor.output("web") == "to stdout\nto stderr\n").then_some(()));
    assert!(!supervisor.log().contains("to stderr"), "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn bug_18_a_service_has_three_descriptors_and_none_of_the_supervisors() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    // As from a shell that has one open.
    let open = fs::File::open("/dev/zero").unwrap();
    let inherited = nix::unistd::dup(&open).unwrap();
    let supervisor = sandbox.start();
    let web = supervisor.main_process("web");
    let fds = fs::read_dir(format!("/proc/{}/fd", web.pid)).unwrap();
    let mut fds: Vec<String> = fds.map(|fd| fd.unwrap().file_name().into_string().unwrap()).collect();
    fds.sort();
    assert_eq!(fds, ["0", "1", "2"]);
    let input = fs::read_link(format!("/proc/{}/fd/0", web.pid)).unwrap();
    assert_eq!(input.to_str(), Some("/dev/null"));
    drop(inherited);
    supervisor.drain();
}

#[test]
fn bug_23_signs_of_a_format_in_a_name_are_shown_as_they_are() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.profiles().join("50%s%n%d")).unwrap();
    sandbox.profile("web", SLEEP);
    let supervisor = sandbox.start();
    supervisor.wait_for_line("ProcLaunch", "ignores the directory `50%s%n%d`: ");
    supervisor.main_process("web");
    supervisor.drain();
}

#[test]
fn bug_24_a_bad_log_level_is_refused_and_a_good_one_may_be_in_any_case() {
    let sandbox = Sandbox::new();
    let output = sandbox.command().args(["--foreground", "--log-level=loud"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("loud"), "{output:?}");
    assert!(!sandbox.state().exists());

    sandbox.profile("web", SLEEP);
    let supervisor = sandbox.start_with(|command| {
        command.arg("--log-level=DEBUG");
    });
    supervisor.wait_for_line("web", "creating");
    supervisor.main_process("web");
    supervisor.drain();
}

#[test]
fn bug_27_nothing_depends_on_the_language_of_the_system() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("directory", "/no/such");
    sandbox.profile("db", super::DAEMON).set("pid_file", "pid").set("pid", "4194305\n");
    let supervisor = sandbox.start_with(|command| {
        command.env("LC_ALL", "de_DE.UTF-8").env("LANGUAGE", "de");
    });
    let failed = supervisor.wait_for_line("web", "failed to start");
    assert!(failed.contains("No such file or directory"), "{failed}");
    supervisor.main_process("db");
    supervisor.drain();
}
