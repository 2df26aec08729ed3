//! Whom a service runs as: `USER[:GROUP]`, by name or number.

use std::ffi::CString;

use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User as Account, getgrouplist};
use proclaunch_core::process::SpawnError;
use proclaunch_core::profile::User;

use super::environment::entry;
use crate::sys::spawn::Credentials;

/// A user that was looked up.
pub(crate) struct Identity {
    pub(crate) credentials: Credentials,
    /// HOME, USER, LOGNAME and SHELL, where the user database knows them.
    pub(crate) env: Vec<(Vec<u8>, CString)>,
}

/// Looks a user up.
///
/// A number without an entry in the user database is taken as it is: the group of the same number unless one is
/// given, no supplementary groups, no variables.
pub(crate) fn look_up(user: &User) -> Result<Identity, SpawnError> {
    let account = account(&user.user)?;
    let group = user.group.as_deref().map(group).transpose()?;
    match account {
        Found::Account(account) => {
            let gid = group.unwrap_or(account.gid);
            let name = CString::new(account.name.as_bytes()).map_err(|_| unknown("user", &user.user))?;
            // With the group that it runs as, not the account's own: `web:www` must not keep the group `web`.
            let groups = getgrouplist(&name, gid).map_err(errno)?;
            let env = variables(&account);
            let groups = groups.into_iter().map(Gid::as_raw).collect();
            Ok(Identity {
                credentials: Credentials { uid: account.uid.as_raw(), gid: gid.as_raw(), groups },
                env,
            })
        }
        Found::Number(uid) => {
            let gid = group.map_or(uid, Gid::as_raw);
            Ok(Identity { credentials: Credentials { uid, gid, groups: vec![gid] }, env: Vec::new() })
        }
    }
}

enum Found {
    Account(Account),
    Number(u32),
}

fn account(text: &str) -> Result<Found, SpawnError> {
    if let Some(account) = Account::from_name(text).map_err(errno)? {
        return Ok(Found::Account(account));
    }
    let uid = id(text).ok_or_else(|| unknown("user", text))?;
    Ok(match Account::from_uid(Uid::from_raw(uid)).map_err(errno)? {
        Some(account) => Found::Account(account),
        None => Found::Number(uid),
    })
}

fn group(text: &str) -> Result<Gid, SpawnError> {
    if let Some(group) = Group::from_name(text).map_err(errno)? {
        return Ok(group.gid);
    }
    id(text).map(Gid::from_raw).ok_or_else(|| unknown("group", text))
}

/// A user's or group's number; all ones means "leave as it is" to the kernel, and is nobody's.
fn id(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|id| digits && *id != u32::MAX)
}

fn variables(account: &Account) -> Vec<(Vec<u8>, CString)> {
    use std::os::unix::ffi::OsStrExt;
    let name = account.name.as_bytes();
    let (home, shell) = (account.dir.as_os_str().as_bytes(), account.shell.as_os_str().as_bytes());
    [("HOME", home), ("USER", name), ("LOGNAME", name), ("SHELL", shell)]
        .into_iter()
        .filter_map(|(key, value)| Some((key.as_bytes().to_vec(), entry(key.as_bytes(), value)?)))
        .collect()
}

fn unknown(what: &str, name: &str) -> SpawnError {
    SpawnError::Unknown(format!("{what} `{name}`"))
}

fn errno(errno: Errno) -> SpawnError {
    SpawnError::Errno(errno as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(user: &str, group: Option<&str>) -> User {
        User { user: user.into(), group: group.map(Into::into) }
    }

    #[test]
    fn bug_21_an_unknown_user_is_a_named_error() {
        for (who, expected) in [
            (user("no-such-user", None), "user `no-such-user`"),
            (user("root", Some("no-such-group")), "group `no-such-group`"),
            (user("", None), "user ``"),
            (user("-1", None), "user `-1`"),
            (user("4294967295", None), "user `4294967295`"),
            (user("+0", None), "user `+0`"),
        ] {
            let error = look_up(&who).err();
            assert_eq!(error, Some(SpawnError::Unknown(expected.to_owned())));
        }
    }

    #[test]
    fn a_number_without_an_account_is_taken_as_it_is() {
        let identity = look_up(&user("54321", None)).unwrap();
        assert_eq!(identity.credentials, Credentials { uid: 54321, gid: 54321, groups: vec![54321] });
        assert!(identity.env.is_empty());
        let identity = look_up(&user("54321", Some("7"))).unwrap();
        assert_eq!(identity.credentials, Credentials { uid: 54321, gid: 7, groups: vec![7] });
    }

    #[test]
    fn an_account_is_found_by_name_and_by_number() {
        for text in ["root", "0"] {
            let identity = look_up(&user(text, None)).unwrap();
            assert_eq!((identity.credentials.uid, identity.credentials.gid), (0, 0));
            assert!(
                identity.env.iter().any(|(name, entry)| name == b"USER" && entry.as_c_str() == c"USER=root")
            );
        }
    }
}
