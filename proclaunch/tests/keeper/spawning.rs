//! What a service is given, and how a start fails.

use std::fs;
use std::os::unix::fs::symlink;

use nix::errno::Errno;
use nix::sys::resource::{Resource as Kind, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, Signal as NixSignal, signal};
use proclaunch::keeper::protocol::{Output, Pipes, Program, Report, Request, SpawnError, SpawnSpec, Stage};
use proclaunch::keeper::read_stat;
use proclaunch_core::exit::Exit;
use proclaunch_core::profile::{Limit, Resource, User, Variable};

use crate::bench::{Bench, is_root, output_of, status_field, write_script};

#[test]
fn scenario_01_a_service_runs_in_its_own_session_and_its_pid_is_its_own() {
    let mut bench = Bench::new();
    let (_, id) = bench.start("exec sleep 1000");
    let stat = read_stat(id.pid).unwrap();
    assert_eq!((stat.id, stat.sid, stat.pgid), (id, id.pid, id.pid));
    // Reported is the shell; it becomes the sleep.
    bench.until("it is the sleep itself", |_| status_field(id.pid, "Name") == "sleep");
}

#[test]
fn directory_umask_nice_limits_and_arguments_are_as_asked() {
    let mut bench = Bench::new();
    let mut spec = bench.profile("pwd; umask; nice; ulimit -Sn; ulimit -Hn; echo \"$0\"");
    spec.directory = "/usr".into();
    spec.umask = 0o027;
    spec.nice = Some(5);
    spec.limits = vec![Limit { resource: Resource::Nofile, soft: 100, hard: 200 }];
    let run = spec.profile_dir.join("run");
    assert_eq!(bench.run(&spec), format!("/usr\n0027\n5\n100\n200\n{}\n", run.display()));
}

#[test]
fn niceness_is_absolute() {
    if !is_root() {
        return;
    }
    let mut bench = Bench::new();
    for nice in [-20, 0, 19] {
        let mut spec = bench.profile("nice");
        spec.nice = Some(nice);
        assert_eq!(bench.run(&spec), format!("{nice}\n"));
    }
}

#[test]
fn the_environment_is_the_supervisors_with_the_starts_own() {
    let mut bench = Bench::new();
    let mut spec = bench.profile("exec env");
    spec.env = vec![
        Variable { name: "COLOUR".into(), value: b"red=green".as_slice().into() },
        Variable { name: "HOME".into(), value: b"/somewhere".as_slice().into() },
    ];
    let said = bench.run(&spec);
    let state = bench.dir.path().display().to_string();
    for line in [
        "COLOUR=red=green",
        "HOME=/somewhere",
        "PROCLAUNCH_PROFILE=p0",
        &format!("PROCLAUNCH_STATE_DIR={state}"),
        &format!("PROCLAUNCH_TICKET={}", spec.ticket),
    ] {
        assert_eq!(said.lines().filter(|said| *said == line).count(), 1, "{line} in {said}");
    }
    assert_eq!(said.lines().filter(|line| line.starts_with("HOME=")).count(), 1);
    assert!(said.lines().any(|line| line.starts_with("PATH=")));
}

#[test]
fn bug_18_no_descriptor_leaks() {
    let mut bench = Bench::new();
    // Without close-on-exec, low and high.
    let leaky = nix::unistd::dup(fs::File::open("/dev/null").unwrap()).unwrap();
    let _more: Vec<_> = (0..200).map(|_| nix::unistd::dup(&leaky).unwrap()).collect();
    let (spec, id) = bench.start("exec sleep 1000");
    let output = output_of(&spec).display().to_string();
    let expected = [("0", "/dev/null"), ("1", &output), ("2", &output)];
    let expected = expected.map(|(fd, target)| (fd.to_owned(), target.to_owned()));
    // What the shell and the loader open they close again; what leaked would stay.
    bench.until("no other descriptor is open", |_| open_files(id.pid) == expected);
}

fn open_files(pid: i32) -> Vec<(String, String)> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some((entry.file_name(), fs::read_link(entry.path()).ok()?)))
        .map(|(fd, target)| (fd.into_string().unwrap(), target.display().to_string()))
        .collect();
    files.sort();
    files
}

#[test]
fn dispositions_and_mask_are_clean_whatever_ours_are() {
    let mut before = SigHandler::SigDfl;
    let mut bench = Bench::after(|| {
        // SAFETY: to ignore a signal installs no code.
        before = unsafe { signal(NixSignal::SIGHUP, SigHandler::SigIgn) }.unwrap();
    });
    let mut blocked = SigSet::empty();
    blocked.add(NixSignal::SIGUSR2);
    blocked.thread_block().unwrap();
    let (_, id) = bench.start("exec sleep 1000");
    blocked.thread_unblock().unwrap();
    // SAFETY: what was in force before.
    unsafe { signal(NixSignal::SIGHUP, before) }.unwrap();
    for field in ["SigBlk", "SigIgn", "SigCgt"] {
        bench.until("the shell has become sleep", |_| status_field(id.pid, "Name") == "sleep");
        assert_eq!(status_field(id.pid, field), "0000000000000000", "{field}");
    }
}

#[test]
fn our_own_mask_is_as_before() {
    let mut bench = Bench::new();
    let before = SigSet::thread_get_mask().unwrap();
    bench.start("exec sleep 1000");
    assert_eq!(SigSet::thread_get_mask().unwrap(), before);
}

#[test]
fn the_limit_on_descriptors_is_the_one_we_were_started_with() {
    let (soft, hard) = getrlimit(Kind::RLIMIT_NOFILE).unwrap();
    let started_with = soft.min(1000);
    let mut bench = Bench::after(|| setrlimit(Kind::RLIMIT_NOFILE, started_with, hard).unwrap());
    assert_eq!(getrlimit(Kind::RLIMIT_NOFILE).unwrap(), (hard, hard));
    let spec = bench.profile("ulimit -Sn; ulimit -Hn");
    assert_eq!(bench.run(&spec), format!("{started_with}\n{hard}\n"));
}

#[test]
fn bug_20_a_user_gets_its_groups_and_no_others() {
    if !is_root() {
        return;
    }
    let mut bench = Bench::new();
    let groups =
        |numbers: &[u32]| -> Vec<_> { numbers.iter().map(|n| nix::unistd::Gid::from_raw(*n)).collect() };
    nix::unistd::setgroups(&groups(&[0, 4, 24, 27])).unwrap();
    let mut spec =
        bench.profile("id -u; id -g; id -G; echo $HOME $USER $LOGNAME; grep NoNewPrivs /proc/self/status");
    spec.user = Some(User { user: "daemon".into(), group: None });
    let said = bench.run(&spec);
    nix::unistd::setgroups(&groups(&[0])).unwrap();
    let account = nix::unistd::User::from_name("daemon").unwrap().unwrap();
    let (uid, gid, home) = (account.uid, account.gid, account.dir.display());
    assert_eq!(
        said.lines().take(4).collect::<Vec<_>>().join("|"),
        format!("{uid}|{gid}|{gid}|{home} daemon daemon")
    );

    let mut spec = bench.profile("id -u; id -g; id -G");
    spec.user = Some(User { user: "54321".into(), group: Some("7".into()) });
    assert_eq!(bench.run(&spec), "54321\n7\n7\n");
}

#[track_caller]
fn fails(bench: &mut Bench, spec: &SpawnSpec, stage: Stage, error: &SpawnError) {
    bench.keeper.request(Request::Spawn(Box::new(spec.clone())));
    let ticket = spec.ticket;
    let failure = bench.wait(|report| match report {
        Report::SpawnFailed { ticket: of, stage, error, .. } if *of == ticket => {
            Some((*stage, error.clone()))
        }
        _ => None,
    });
    assert_eq!(failure, (stage, error.clone()));
    bench.pump();
    let is_of_it = |report: &&Report| matches!(report, Report::Exited { ticket: of, .. } if *of == ticket);
    assert_eq!(bench.reports().iter().find(is_of_it), None, "a failed start is no exit");
}

#[test]
fn scenario_16_each_failure_names_its_stage_and_errno() {
    let mut bench = Bench::new();
    let errno = |errno: Errno| SpawnError::Errno(errno as i32);

    let spec = bench.profile("");
    fs::remove_file(spec.profile_dir.join("run")).unwrap();
    fails(&mut bench, &spec, Stage::Exec, &errno(Errno::ENOENT));

    let spec = bench.profile("");
    fs::write(spec.profile_dir.join("run"), "#!/no/such/interpreter\n").unwrap();
    let unfit = |why: &str| SpawnError::Unfit(why.to_owned());
    let why = "needs the interpreter `/no/such/interpreter`, which is not here";
    fails(&mut bench, &spec, Stage::Exec, &unfit(why));
    fs::write(spec.profile_dir.join("run"), "#!/bin/sh\r\n").unwrap();
    let why = "has lines that end in CR LF: the kernel looks for an interpreter with CR in its name";
    fails(&mut bench, &spec, Stage::Exec, &unfit(why));
    fs::write(spec.profile_dir.join("run"), b"\x7fELF\x02\x01\x01\0 no more").unwrap();
    let why = "is a binary for another machine, or one whose loader is not here";
    fails(&mut bench, &spec, Stage::Exec, &unfit(why));

    let spec = bench.profile("");
    let run = spec.profile_dir.join("run");
    fs::remove_file(&run).unwrap();
    fs::write(&run, "#!/bin/sh\n").unwrap();
    fails(&mut bench, &spec, Stage::Exec, &errno(Errno::EACCES));

    let spec = bench.profile("");
    let _writer = fs::OpenOptions::new().append(true).open(spec.profile_dir.join("run")).unwrap();
    fails(&mut bench, &spec, Stage::Exec, &errno(Errno::ETXTBSY));

    let spec = bench.profile("");
    fs::write(spec.profile_dir.join("run"), "no program").unwrap();
    let why =
        "begins without `#!`, and the kernel executes no such text; write `#!/bin/sh` as its first line";
    fails(&mut bench, &spec, Stage::Exec, &unfit(why));

    let mut spec = bench.profile("");
    spec.directory = "/no/such/directory".into();
    fails(&mut bench, &spec, Stage::Directory, &errno(Errno::ENOENT));

    let mut spec = bench.profile("");
    spec.limits = vec![Limit { resource: Resource::Nofile, soft: 2, hard: 1 }];
    fails(&mut bench, &spec, Stage::Limits, &errno(Errno::EINVAL));
    let most: u64 = fs::read_to_string("/proc/sys/fs/nr_open").unwrap().trim_end().parse().unwrap();
    spec.limits = [(Resource::Core, 0), (Resource::Nofile, most + 1)]
        .map(|(resource, amount)| Limit { resource, soft: amount, hard: amount })
        .into();
    let value = format!("`nofile {}`, where `fs.nr_open` is {most}", most + 1);
    let refused = SpawnError::Setting { value, errno: Errno::EPERM as i32 };
    fails(&mut bench, &spec, Stage::Limits, &refused);

    let spec = bench.profile("");
    fs::create_dir(output_of(&spec).parent().unwrap()).unwrap();
    symlink("/etc/passwd", output_of(&spec)).unwrap();
    fails(&mut bench, &spec, Stage::Output, &errno(Errno::ELOOP));
}

#[test]
fn bug_21_an_unknown_user_fails_the_start_by_name() {
    if !is_root() {
        return;
    }
    let mut bench = Bench::new();
    let mut spec = bench.profile("");
    spec.user = Some(User { user: "no-such-user".into(), group: None });
    fails(&mut bench, &spec, Stage::User, &SpawnError::Unknown("user `no-such-user`".to_owned()));
}

#[test]
fn output_that_cannot_be_had_does_not_stop_a_start() {
    let mut bench = Bench::new();
    let mut spec = bench.profile("echo unheard; exit 7");
    spec.output = Output::File("/sys/proclaunch.log".into());
    bench.keeper.request(Request::Spawn(Box::new(spec.clone())));
    let errno = bench.wait(|report| match report {
        Report::OutputLost { errno, .. } => Some(*errno),
        _ => None,
    });
    assert!(
        [Errno::EACCES, Errno::EPERM, Errno::EROFS].map(|errno| errno as i32).contains(&errno),
        "{errno}"
    );
    assert_eq!(bench.end(spec.ticket).0, proclaunch_core::exit::Exit::Code(7));
}

#[test]
fn output_is_appended_and_keeps_its_order() {
    let mut bench = Bench::new();
    let spec = bench.profile("echo one; echo two >&2; echo three");
    bench.run(&spec);
    assert_eq!(bench.run(&spec), "one\ntwo\nthree\none\ntwo\nthree\n");
}

#[test]
fn a_start_works_when_descriptors_have_run_out() {
    let mut bench = Bench::new();
    let (soft, hard) = getrlimit(Kind::RLIMIT_NOFILE).unwrap();
    let spec = bench.profile("echo heard; exit 9");
    let (_, lively) = bench.start("exec sleep 1000");
    setrlimit(Kind::RLIMIT_NOFILE, 300, hard).unwrap();
    let mut files = Vec::new();
    while let Ok(file) = fs::File::open("/dev/null") {
        files.push(file);
    }
    bench.keeper.request(Request::Spawn(Box::new(spec.clone())));
    let spawned = bench.keeper.take_reports();
    drop(files);
    setrlimit(Kind::RLIMIT_NOFILE, soft, hard).unwrap();
    let [Report::Spawned { id, .. }] = spawned.as_slice() else { panic!("{spawned:?}") };
    assert!(id.start >= lively.start, "{id:?}");
    assert_eq!(bench.end(spec.ticket).0, proclaunch_core::exit::Exit::Code(9));
    assert_eq!(Bench::output(&spec), "heard\n");
}

#[test]
fn a_script_that_is_replaced_is_the_new_one_at_the_next_start() {
    let mut bench = Bench::new();
    let spec = bench.profile("echo old");
    bench.run(&spec);
    write_script(&spec.profile_dir.join("run"), "echo new");
    assert_eq!(bench.run(&spec), "old\nnew\n");
}

#[test]
fn the_start_time_is_the_one_in_proc_whoever_told_it() {
    let mut bench = Bench::new();
    for _ in 0..60 {
        let (_, id) = bench.start("exec sleep 1000");
        assert_eq!(proclaunch::keeper::identify(id.pid), Some(id));
    }
}

#[test]
fn a_command_gets_its_arguments_and_writes_to_its_pipes() {
    let mut bench = Bench::new();
    let mut spec = bench.profile("exit 99");
    spec.output = Output::Pipes;
    spec.env = vec![Variable { name: "PATH".into(), value: b"/usr/bin:/bin:.".as_slice().into() }];
    write_script(&spec.profile_dir.join("mine"), "echo \"$0\" \"$@\"; echo wrong >&2; exit 3");
    spec.program = Program::Argv(["mine", "a b", ""].map(|word| word.as_bytes().to_vec()).into());
    let ((out, out_end), (err, err_end)) = (pipe(), pipe());
    bench.keeper.spawn_piped(&spec, &Pipes { out: out_end, err: err_end });
    let exit = bench.wait(|report| match report {
        Report::Exited { ticket, exit, .. } if *ticket == spec.ticket => Some(*exit),
        Report::SpawnFailed { .. } => panic!("{report:?}"),
        _ => None,
    });
    assert_eq!(exit, Exit::Code(3));
    let mine = spec.profile_dir.join("./mine");
    assert_eq!(std::io::read_to_string(fs::File::from(out)).unwrap(), format!("{} a b \n", mine.display()));
    assert_eq!(std::io::read_to_string(fs::File::from(err)).unwrap(), "wrong\n");
}

#[test]
fn a_command_that_is_not_there_is_a_failed_start() {
    let mut bench = Bench::new();
    let mut spec = bench.profile("exit 99");
    spec.output = Output::Pipes;
    spec.program = Program::Argv(vec![b"no-such-command".to_vec()]);
    let ((_out, out_end), (_err, err_end)) = (pipe(), pipe());
    bench.keeper.spawn_piped(&spec, &Pipes { out: out_end, err: err_end });
    let failed = bench.wait(|report| match report {
        Report::SpawnFailed { stage, error, .. } => Some((*stage, error.clone())),
        _ => None,
    });
    assert_eq!(failed, (Stage::Exec, SpawnError::Errno(Errno::ENOENT as i32)));
}

/// The end to read from, and the one to write to, which is open here for as long as it is kept.
fn pipe() -> (std::os::fd::OwnedFd, std::os::fd::OwnedFd) {
    nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap()
}
