//! What a start executes, found before the process is made.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::protocol::{Program, SpawnSpec};

/// Where commands are looked for if the environment does not say.
const DEFAULT_PATH: &[u8] = b"/usr/local/bin:/usr/bin:/bin";

/// A program and its arguments.
pub(super) struct Command {
    pub(super) program: CString,
    pub(super) argv: Vec<CString>,
}

impl Command {
    /// What `spec` executes; `path` is the `PATH` that it is given.
    pub(super) fn new(spec: &SpawnSpec, path: Option<&[u8]>) -> Result<Self, Errno> {
        match &spec.program {
            Program::Run => {
                let program = path_string(&spec.profile_dir.join("run"))?;
                Ok(Self { argv: vec![program.clone()], program })
            }
            Program::Argv(argv) => {
                let name = argv.first().ok_or(Errno::EINVAL)?;
                let program = find(name, path, &spec.directory)?;
                let argv = argv.iter().map(|item| CString::new(item.as_slice()));
                let argv = argv.collect::<Result<_, _>>().map_err(|_| Errno::EINVAL)?;
                Ok(Self { program, argv })
            }
        }
    }
}

/// The file that a command's name stands for, as `execvp(3)` finds it.
fn find(name: &[u8], path: Option<&[u8]>, directory: &Path) -> Result<CString, Errno> {
    if name.is_empty() {
        return Err(Errno::ENOENT);
    }
    if name.contains(&b'/') {
        return CString::new(name).map_err(|_| Errno::EINVAL);
    }
    let name = Path::new(OsStr::from_bytes(name));
    let mut denied = false;
    for dir in path.unwrap_or(DEFAULT_PATH).split(|byte| *byte == b':') {
        // An empty one is the working directory, and a relative one begins there.
        let candidate: PathBuf = directory.join(OsStr::from_bytes(dir)).join(name);
        match std::fs::metadata(&candidate) {
            Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => {
                return path_string(&candidate);
            }
            Ok(found) => denied |= found.is_file(),
            Err(_) => {}
        }
    }
    Err(if denied { Errno::EACCES } else { Errno::ENOENT })
}

/// A path as the kernel takes it.
pub(super) fn path_string(path: &Path) -> Result<CString, Errno> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_in_path_and_a_path_is_taken_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        for (name, mode) in [("bin", 0o755), ("text", 0o644)] {
            std::fs::write(dir.path().join(name), "").unwrap();
            std::fs::set_permissions(dir.path().join(name), PermissionsExt::from_mode(mode)).unwrap();
        }
        let here = |path: &str, name: &str| find(name.as_bytes(), Some(path.as_bytes()), dir.path());
        for path in ["", "/nowhere:", "."] {
            assert!(here(path, "bin").unwrap().to_str().unwrap().ends_with("/bin"), "{path}");
        }
        assert_eq!(here("/nowhere", "bin"), Err(Errno::ENOENT));
        assert_eq!(here(".", "text"), Err(Errno::EACCES));
        assert_eq!(here(".", ""), Err(Errno::ENOENT));
        assert_eq!(here(".", "sub/x").unwrap().as_c_str(), c"sub/x");
        assert_eq!(find(b"sh", None, dir.path()).map(|_| ()), Ok(()));
    }
}
