//! `file`: contents, existence, ages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use nix::sys::stat::Mode;
use proclaunch_core::hook::{Answer, Hook, Outcome};

use super::support::{Bench, failure, run, sources};
use crate::hooks::{Clock, Vars};

/// That an expression holds, in a hook of a profile in this directory.
#[track_caller]
fn holds(dir: &Path, expressions: &[&str]) {
    run(async {
        for expression in expressions {
            let text = format!("return function(service) return {expression}, 'no' end");
            let sources = sources(dir, &[(Hook::Health, &text)]);
            let bench = Bench::with(&sources, Vars::default(), Clock::Real).await;
            assert_eq!(
                bench.ask(Hook::Health).await,
                Outcome::Answer(Answer::Health(Ok(()))),
                "{expression}"
            );
        }
    });
}

#[test]
fn what_is_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("VERSION"), b"1.2\0\xff\n").unwrap();
    fs::write(dir.path().join("long"), vec![b'x'; 1024 * 1024]).unwrap();
    fs::write(dir.path().join("longer"), vec![b'x'; 1024 * 1024 + 1]).unwrap();
    nix::unistd::mkfifo(&dir.path().join("fifo"), Mode::from_bits_truncate(0o600)).unwrap();
    let absolute = format!("file.read('{}/VERSION') == file.read('VERSION')", dir.path().display());
    let why = "select(2, file.read('{}')):find('{}', 1, true) ~= nil";
    let why = |path: &str, part: &str| why.replacen("{}", path, 1).replacen("{}", part, 1);
    holds(
        dir.path(),
        &[
            "file.read('VERSION') == '1.2\\0\\255\\n'",
            &absolute,
            "#file.read('long') == 1024 * 1024",
            "file.read('longer') == nil and file.read('missing') == nil",
            &why("longer", "it is longer than 1048576 bytes"),
            &why("missing", "No such file or directory"),
            &why("fifo", "it is a fifo"),
            &why("/dev/zero", "it is a device"),
            &why(".", "it is a directory"),
            "#file.read('/proc/self/stat') > 10",
        ],
    );
}

#[test]
fn what_stands_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yml");
    fs::write(&path, "12345").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let then = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    fs::File::open(&path).unwrap().set_modified(then).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).unwrap();
    holds(
        dir.path(),
        &[
            "file.exists('config.yml') and file.exists('.') and not file.exists('missing')",
            "not file.exists('dangling')",
            "file.stat('config.yml').size == 5",
            "file.stat('config.yml').mtime == 1700000000.123",
            "file.stat('config.yml').mode == 416",
            "file.stat('config.yml').type == 'file' and file.stat('.').type == 'directory'",
            "type(file.stat('config.yml').uid) == 'number' and type(file.stat('config.yml').gid) == 'number'",
            "file.stat('missing') == nil and select(2, file.stat('missing')):find('No such file') ~= nil",
        ],
    );
}

#[test]
fn a_missing_file_is_very_old() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("fresh"), "").unwrap();
    let future = dir.path().join("future");
    fs::write(&future, "").unwrap();
    let far = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    fs::File::open(&future).unwrap().set_modified(far).unwrap();
    holds(
        dir.path(),
        &[
            "file.age('fresh') >= 0 and file.age('fresh') < 60",
            "file.age('future') == 0",
            "file.age('missing') > 1e9 and file.age('missing') < 1e11",
            "not (file.age('missing') < 15)",
            "('%d'):format(file.age('missing')) == tostring(math.floor(file.age('missing')))",
            "select('#', file.age('missing')) == 2 and type(select(2, file.age('missing'))) == 'string'",
        ],
    );
}

#[test]
fn a_time_of_change_survives_the_variables() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    fs::write(&path, "").unwrap();
    run(async {
        let text = "return function(service)
            local modified, before = file.stat('x').mtime, service.vars.modified
            service.vars.modified = modified
            return before == nil or before == modified, 'changed'
        end";
        let bench =
            Bench::with(&sources(dir.path(), &[(Hook::Health, text)]), Vars::default(), Clock::Real).await;
        for nanos in (0..500).map(|step| step * 1_999_993) {
            let time = UNIX_EPOCH + Duration::from_secs(1_763_999_999) + Duration::from_nanos(nanos);
            fs::File::open(&path).unwrap().set_modified(time).unwrap();
            bench.ask(Hook::Health).await;
            let again = bench.ask(Hook::Health).await;
            assert_eq!(again, Outcome::Answer(Answer::Health(Ok(()))), "{nanos}");
        }
    });
}

#[test]
fn wrong_arguments_are_named() {
    for (call, expected) in [
        ("file.read()", "file.read: `path` must be a string; got nil"),
        ("file.read(12)", "file.read: `path` must be a string; got 12"),
        ("file.exists({})", "file.exists: `path` must be a string; got a table"),
        ("file.stat(true)", "file.stat: `path` must be a string; got true"),
        ("file.age('')", "file.age: `path` must be a path; got the string ``"),
    ] {
        let why = failure(Hook::Health, &format!("return function()\n{call} end"));
        assert_eq!(why, format!("web/health.lua:2: {expected}"));
    }
}
