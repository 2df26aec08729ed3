//! Lines, and the files that they go into.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::Uid;

use super::super::current::MARK;
use super::{Bench, numbered, settings};

const LINE: usize = 64 * 1024;

#[test]
fn every_byte_passes_unchanged() {
    let mut bench = Bench::new(settings(1 << 20, 1, false));
    let bytes: Vec<u8> = (0..50_000_u32).flat_map(|number| [(number % 251).to_le_bytes()[0]]).collect();
    bench.pass(&bytes);
    assert_eq!(bench.current(), bytes);
    assert_eq!(fs::metadata(bench.path().join("current")).unwrap().mode() & 0o777, 0o640);
}

#[test]
fn a_file_is_full_at_the_last_line_that_fits() {
    let mut bench = Bench::new(settings(4096, 3, false));
    let line = [b"x".repeat(99), b"\n".to_vec()].concat();
    bench.pass(&line.repeat(40));
    assert_eq!((bench.current().len(), bench.numbers()), (4000, vec![]));
    bench.pass(&[&b"y".repeat(95)[..], b"\n"].concat());
    assert_eq!((bench.current().len(), bench.numbers()), (4096, vec![]), "to the byte");
    bench.pass(b"\n");
    assert_eq!((bench.current(), bench.numbers()), (b"\n".to_vec(), vec![1]));
    bench.pass(&line.repeat(40 * 5));
    assert_eq!(bench.numbers(), [1, 2, 3], "the oldest go");
    for file in bench.files() {
        assert!(file.len() <= 4096 && file.ends_with(b"\n"), "{}", file.len());
    }
}

#[test]
fn nothing_is_lost_or_doubled_or_cut_by_rotations() {
    for size in [4096, 5000, 70_000, 200_000] {
        let mut bench = Bench::new(settings(size, 1000, false));
        let lines = numbered(5000);
        bench.pass(&lines);
        assert!(bench.all() == lines, "{size}");
        assert!(
            bench.files().iter().all(|file| file.ends_with(b"\n") && file.len() as u64 <= size + 200),
            "{size}"
        );
    }
}

#[test]
fn a_line_that_was_begun_is_finished_where_it_is() {
    let mut bench = Bench::new(settings(4096, 2, false));
    bench.pass(&b"a".repeat(4000));
    bench.pass(&[&b"b".repeat(1000)[..], b"\nnext\n"].concat());
    assert_eq!(
        bench.files(),
        [[&b"a".repeat(4000)[..], &b"b".repeat(1000), b"\n"].concat(), b"next\n".to_vec()]
    );
}

#[test]
fn a_line_of_64_kib_is_whole_and_a_longer_one_is_split() {
    for size in [4096, 10 << 20] {
        let mut bench = Bench::new(settings(size, 100, false));
        bench.pass(&[&b"a".repeat(LINE)[..], b"\nb\n"].concat());
        assert_eq!(bench.all(), [&b"a".repeat(LINE)[..], b"\nb\n"].concat(), "{size}");
    }
    for size in [4096, 1 << 20, 10 << 20] {
        let mut bench = Bench::new(settings(size, 100, false));
        bench.pass(&[&b"a".repeat(1 << 20)[..], b"\nb\n"].concat());
        let piece = [&b"a".repeat(LINE)[..], MARK].concat();
        let expect = [&piece.repeat((1 << 20) / LINE - 1)[..], &b"a".repeat(LINE), b"\nb\n"].concat();
        assert!(bench.all() == expect, "{size}");
        assert!(bench.files().iter().all(|file| file.ends_with(b"\n")), "{size}");
    }
}

#[test]
fn the_last_line_of_a_process_is_completed_when_it_has_ended() {
    let mut bench = Bench::new(settings(4096, 2, false));
    bench.pass(b"one\ntwo");
    assert_eq!(bench.current(), b"one\ntwo");
    bench.write(b" and a half");
    bench.profile().ended();
    bench.write(b"three\nfour");
    bench.work();
    assert_eq!(bench.current(), b"one\ntwo and a half\nthree\nfour");
    bench.profile().ended();
    bench.work();
    bench.profile().ended();
    bench.work();
    assert_eq!(bench.current(), b"one\ntwo and a half\nthree\nfour\n");
}

#[test]
fn when_nobody_is_left_that_writes_the_last_line_is_complete() {
    let mut bench = Bench::new(settings(4096, 2, false));
    bench.pass(b"one");
    assert!(!bench.profile().is_abandoned());
    bench.writer = fs::File::open("/dev/null").unwrap();
    bench.work();
    assert!(bench.profile().is_abandoned());
    assert_eq!(bench.current(), b"one\n");
}

#[test]
fn a_file_that_was_renamed_is_left_at_the_end_of_the_line() {
    let mut bench = Bench::new(settings(4096, 2, false));
    let moved = bench.path().join("moved");
    bench.pass(b"one\ntwo");
    fs::rename(bench.path().join("current"), &moved).unwrap();
    bench.pass(b" and");
    bench.profile().reopen().unwrap();
    bench.pass(b" a half\nthree\n");
    assert_eq!(fs::read(&moved).unwrap(), b"one\ntwo and a half\n");
    assert_eq!(bench.current(), b"three\n");
    // At a rotation too, and then nothing is moved.
    fs::rename(bench.path().join("current"), &moved).unwrap();
    bench.pass(&b"xxxxxxxxx\n".repeat(500));
    assert_eq!(bench.numbers(), [0; 0]);
    assert_eq!([fs::read(&moved).unwrap(), bench.current()].concat().len(), 5006);
}

#[test]
fn a_file_that_was_removed_or_cut_is_begun_anew() {
    let mut bench = Bench::new(settings(4096, 2, false));
    bench.pass(b"one\n");
    fs::remove_file(bench.path().join("current")).unwrap();
    bench.pass(b"two\n");
    assert_eq!(bench.current(), b"two\n");
    fs::File::options().write(true).open(bench.path().join("current")).unwrap().set_len(0).unwrap();
    bench.pass(b"three\n");
    assert_eq!(bench.current(), b"three\n");
}

#[test]
fn other_settings_hold_at_the_next_line_and_older_files_above_keep_are_removed() {
    let mut bench = Bench::new(settings(4096, 5, false));
    bench.pass(&b"xxxxxxxxx\n".repeat(3000));
    assert_eq!(bench.numbers(), [1, 2, 3, 4, 5]);
    bench.profile().log = settings(8192, 2, false);
    bench.pass(&b"xxxxxxxxx\n".repeat(2000));
    assert_eq!(bench.numbers(), [1, 2]);
    assert_eq!(bench.files()[1].len(), 8190);
}

#[test]
fn no_link_is_followed_and_nothing_but_a_file_is_written_to() {
    let mut bench = Bench::new(settings(4096, 2, false));
    let victim = bench.temp.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, bench.path().join("current")).unwrap();
    bench.write(b"one\n");
    bench.profile();
    let failure = bench.profile.as_mut().unwrap().work(1, &mut bench.peek).unwrap_err().to_string();
    assert_eq!(failure, "open `current`: Too many symbolic links encountered");
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    fs::remove_file(bench.path().join("current")).unwrap();
    bench.work();
    assert_eq!(bench.current(), b"one\n", "it has waited");
}

#[test]
fn a_fifo_that_was_replaced_is_read_to_its_end_beside_the_new_one() {
    let mut bench = Bench::new(settings(4096, 2, false));
    bench.pass(b"one\n");
    fs::remove_file(bench.path().join("pipe")).unwrap();
    bench.write(b"two\n");
    let new = super::super::fifo::ensure(bench.temp.path(), &super::name("web"), None).unwrap();
    assert_eq!(bench.profile().attach(2).unwrap().unwrap().token, 2);
    bench.work();
    bench.writer = fs::File::from(new);
    bench.work();
    bench.write(b"three\n");
    bench.profile.as_mut().unwrap().work(2, &mut bench.peek).unwrap();
    assert_eq!(bench.current(), b"one\ntwo\nthree\n");
    let retired = bench.profile().take_retired();
    assert_eq!(retired.iter().map(|pipe| pipe.token).collect::<Vec<_>>(), [1]);
    assert_eq!(bench.profile().pipes.len(), 1);
}

#[test]
fn output_that_finds_the_disk_full_waits_and_is_whole_afterwards() {
    if !Uid::effective().is_root() {
        println!("not checked: only root may mount a file system");
        return;
    }
    for timestamps in [false, true] {
        let temp = tempfile::TempDir::new().unwrap();
        let mounted = mount(Some("none"), temp.path(), Some("tmpfs"), MsFlags::empty(), Some("size=128k"));
        if let Err(errno) = mounted {
            println!("not checked: mount: {errno}");
            return;
        }
        let ballast = temp.path().join("ballast");
        let mut bench = Bench::within(temp, settings(64 << 10, 1, timestamps));
        bench.pass(b"first\n");
        fs::write(&ballast, vec![0; 100_000]).unwrap();
        let lines = numbered(500);
        bench.write(&lines);
        let failed = bench.profile.as_mut().unwrap().work(1, &mut bench.peek).unwrap_err().to_string();
        assert!(failed.ends_with(": No space left on device"), "{failed}");
        let failed = bench.profile.as_mut().unwrap().work(1, &mut bench.peek).unwrap_err().to_string();
        assert!(failed.ends_with(": No space left on device"), "{failed}");
        fs::remove_file(&ballast).unwrap();
        bench.work();
        let expect = [b"first\n", &lines[..]].concat();
        assert!(super::kills::unstamped(&bench.all(), timestamps) == expect, "times: {timestamps}");
        bench.profile = None;
        bench.writer = fs::File::open("/dev/null").unwrap();
        let path = bench.temp.path().to_owned();
        umount2(&path, MntFlags::MNT_DETACH).unwrap();
    }
}

#[test]
fn what_splice_cannot_do_is_done_by_writing() {
    for (size, timestamps) in [(10 << 20, false), (64 << 10, false), (10 << 20, true)] {
        let mut bench = Bench::new(settings(size, 1, timestamps));
        bench.work();
        // A file that is open for appending is refused like one on a file system that does not know `splice`.
        let profile = bench.profile.as_ref().unwrap();
        let spool = profile.spool.as_ref().map(|spool| &spool.bytes);
        let file = spool.unwrap_or(&profile.current.as_ref().unwrap().file);
        fcntl(file, FcntlArg::F_SETFL(OFlag::O_APPEND)).unwrap();
        let lines = numbered(600);
        bench.pass(&lines);
        assert!(super::kills::unstamped(&bench.all(), timestamps) == lines, "{size} {timestamps}");
    }
}
