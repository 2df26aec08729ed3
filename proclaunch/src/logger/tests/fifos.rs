//! FIFOs on a real file system.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::Uid;
use tempfile::TempDir;

use super::super::fifo::{directory, ensure, is_current, open_to_read, remove};
use super::name;

fn made(temp: &TempDir) -> fs::Metadata {
    let found = fs::symlink_metadata(temp.path().join("log/web/pipe")).unwrap();
    assert!(found.file_type().is_fifo(), "{found:?}");
    assert_eq!(found.mode() & 0o7777, 0o600);
    found
}

#[test]
fn a_fifo_is_made_with_its_directories_and_found_again() {
    let temp = TempDir::new().unwrap();
    let mut both = fs::File::from(ensure(temp.path(), &name("web"), None).unwrap());
    let inode = made(&temp).ino();
    assert_eq!(made(&temp).uid(), Uid::effective().as_raw());
    for below in ["log", "log/web"] {
        assert_eq!(fs::metadata(temp.path().join(below)).unwrap().mode() & 0o7777, 0o750, "{below}");
    }
    let flags = OFlag::from_bits_retain(fcntl(&both, FcntlArg::F_GETFL).unwrap());
    assert!(flags.contains(OFlag::O_RDWR) && !flags.contains(OFlag::O_NONBLOCK), "{flags:?}");
    both.write_all(b"x").unwrap();
    ensure(temp.path(), &name("web"), None).unwrap();
    assert_eq!(made(&temp).ino(), inode);
    let dir = directory(temp.path(), &name("web")).unwrap();
    let mut reader = fs::File::from(open_to_read(&dir).unwrap());
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 1, "what was in it is in it");
    assert!(is_current(&dir, &reader));
    remove(&dir).unwrap();
    remove(&dir).unwrap();
    assert!(!is_current(&dir, &reader));
}

#[test]
fn whatever_stands_in_its_place_is_put_right_and_no_link_is_followed() {
    let temp = TempDir::new().unwrap();
    ensure(temp.path(), &name("web"), None).unwrap();
    let pipe = temp.path().join("log/web/pipe");
    let victim = temp.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    for obstacle in ["file", "link", "directory", "mode"] {
        if obstacle != "mode" {
            fs::remove_file(&pipe).unwrap();
        }
        match obstacle {
            "file" => fs::write(&pipe, "x").unwrap(),
            "link" => symlink(&victim, &pipe).unwrap(),
            "directory" => fs::create_dir(&pipe).unwrap(),
            _ => fs::set_permissions(&pipe, Permissions::from_mode(0o666)).unwrap(),
        }
        let dir = directory(temp.path(), &name("web")).unwrap();
        assert!(obstacle == "mode" || open_to_read(&dir).is_err(), "{obstacle}");
        ensure(temp.path(), &name("web"), None).unwrap();
        made(&temp);
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    symlink(temp.path(), temp.path().join("log/other")).unwrap();
    assert!(ensure(temp.path(), &name("other"), None).is_err(), "a directory that is a link");
}

#[test]
fn it_belongs_to_the_profiles_user() {
    if !Uid::effective().is_root() {
        println!("not checked: only root may give a file away");
        return;
    }
    let temp = TempDir::new().unwrap();
    ensure(temp.path(), &name("web"), Some(65_534)).unwrap();
    assert_eq!(made(&temp).uid(), 65_534);
    ensure(temp.path(), &name("web"), Some(65_533)).unwrap();
    assert_eq!(made(&temp).uid(), 65_533);
    ensure(temp.path(), &name("web"), None).unwrap();
    assert_eq!(made(&temp).uid(), 0);
}
