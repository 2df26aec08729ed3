//! The places at which a path can be made to lead elsewhere.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// As many symlinks as the kernel follows in one path (`path_resolution(7)`).
const LINKS_MAX: usize = 40;

/// A directory, and the name in it that matters.
pub(super) type Turn = (PathBuf, Box<OsStr>);

/// Every symlink met on the way of resolving the absolute `path`, and last what it leads to: the final component, or
/// the first one that is missing.
pub(super) fn turns(path: &Path) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut at = PathBuf::from("/");
    let mut rest: VecDeque<OsString> = components(path).collect();
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        match std::fs::read_link(at.join(&name)) {
            Ok(target) => {
                turns.push((at.clone(), name.into_boxed_os_str()));
                if turns.len() >= LINKS_MAX {
                    return turns;
                }
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                for component in components(&target).collect::<Vec<_>>().into_iter().rev() {
                    rest.push_front(component);
                }
            }
            // No symlink.
            Err(error) if error.kind() == ErrorKind::InvalidInput => at.push(name),
            Err(_) => {
                turns.push((at, name.into_boxed_os_str()));
                return turns;
            }
        }
    }
    if let (Some(parent), Some(name)) = (at.parent(), at.file_name()) {
        turns.push((parent.to_owned(), name.into()));
    }
    turns
}

fn components(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|component| match component {
        Component::Normal(_) | Component::ParentDir => Some(component.as_os_str().to_owned()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::create_dir_all;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_symlink_on_the_way_is_a_turn() {
        let temporary = tempfile::tempdir().unwrap();
        let top = temporary.path().canonicalize().unwrap();
        create_dir_all(top.join("releases/5/profiles")).unwrap();
        symlink("releases/newest", top.join("current")).unwrap();
        symlink("../releases/./5", top.join("releases/newest")).unwrap();
        let shown = |path: &str| -> Vec<String> {
            let turns = turns(&top.join(path));
            let relative = |(dir, name): &Turn| dir.strip_prefix(&top).unwrap_or(dir).join(&**name);
            turns.iter().map(|turn| relative(turn).display().to_string()).collect()
        };
        assert_eq!(shown("releases/5/profiles"), ["releases/5/profiles"]);
        assert_eq!(shown("current/profiles"), ["current", "releases/newest", "releases/5/profiles"]);
        assert_eq!(shown("current/../6/profiles"), ["current", "releases/newest", "releases/6"]);
        symlink("loop", top.join("loop")).unwrap();
        assert_eq!(shown("loop/x").len(), LINKS_MAX);
        symlink("/", top.join("up")).unwrap();
        assert_eq!(shown("up"), ["up"]);
    }
}
