//! What a service finds in its environment.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsString};
use std::os::unix::ffi::OsStringExt;

use super::error::KeeperError;

/// The supervisor's own environment without what is meant for the supervisor alone: made once, used by each start.
pub(crate) struct Environment {
    /// `NAME=VALUE` by name.
    base: BTreeMap<Vec<u8>, CString>,
}

impl Environment {
    pub(crate) fn new(own: Vec<(OsString, OsString)>, state_dir: &[u8]) -> Result<Self, KeeperError> {
        let mut base = BTreeMap::new();
        for (name, value) in own {
            let (name, value) = (name.into_vec(), value.into_vec());
            if is_inherited(&name) {
                // What came in as an environment holds no NUL; what does not come from there is left out.
                if let Some(entry) = entry(&name, &value) {
                    base.insert(name, entry);
                }
            }
        }
        let name = b"PROCLAUNCH_STATE_DIR";
        base.insert(name.to_vec(), entry(name, state_dir).ok_or(KeeperError::Instance)?);
        Ok(Self { base })
    }

    /// All entries: the base, overruled by `over`, in which the last of a name wins.
    pub(crate) fn with<'a>(&'a self, over: &'a [(Vec<u8>, CString)]) -> Vec<&'a CStr> {
        let last: BTreeMap<&[u8], &CStr> =
            over.iter().map(|(name, entry)| (name.as_slice(), entry.as_c_str())).collect();
        let kept = self.base.iter().filter(|(name, _)| !last.contains_key(name.as_slice()));
        kept.map(|(_, entry)| entry.as_c_str()).chain(last.values().copied()).collect()
    }

    /// What [`Self::with`] has under a name.
    pub(crate) fn value<'a>(&'a self, name: &[u8], over: &'a [(Vec<u8>, CString)]) -> Option<&'a [u8]> {
        let last = over.iter().rev().find(|(set, _)| set == name).map(|(_, entry)| entry);
        last.or_else(|| self.base.get(name))?.to_bytes().get(name.len() + 1..)
    }
}

/// `NAME=VALUE`; none if there is a NUL in it.
pub(crate) fn entry(name: &[u8], value: &[u8]) -> Option<CString> {
    CString::new([name, b"=", value].concat()).ok()
}

fn is_inherited(name: &[u8]) -> bool {
    !(name == b"NOTIFY_SOCKET" || name.starts_with(b"LISTEN_") || name.starts_with(b"PROCLAUNCH_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(env: &[&CStr]) -> Vec<String> {
        env.iter().map(|entry| entry.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn what_is_for_the_supervisor_alone_is_not_handed_on() {
        let own =
            ["A", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "PROCLAUNCH_TICKET", "PROCLAUNCH_X", "B"];
        let own = own.into_iter().map(|name| (name.into(), "1".into())).collect();
        let environment = Environment::new(own, b"/state").unwrap();
        assert_eq!(strings(&environment.with(&[])), ["A=1", "B=1", "PROCLAUNCH_STATE_DIR=/state"]);
    }

    #[test]
    fn the_last_of_a_name_wins() {
        let environment = Environment::new(vec![("HOME".into(), "/".into())], b"/s").unwrap();
        let over: Vec<_> = [("HOME", "/a"), ("X", "1"), ("HOME", "/b")]
            .into_iter()
            .map(|(name, value)| {
                (name.as_bytes().to_vec(), entry(name.as_bytes(), value.as_bytes()).unwrap())
            })
            .collect();
        assert_eq!(strings(&environment.with(&over)), ["PROCLAUNCH_STATE_DIR=/s", "HOME=/b", "X=1"]);
    }
}
