//! Who may do what: by the credentials that the kernel gives of a peer, or by a token.
//!
//! **Invariant:** whoever is not known to be allowed is not; a question that cannot be answered is a no.

use std::os::fd::AsFd;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::{Group, User};

use crate::control::routes::Right;
use crate::sys::peer;

/// Who may, beside the supervisor's own user and root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// The group whose members may give orders and read.
    pub control: Option<u32>,
    /// The group whose members may read.
    pub status: Option<u32>,
}

/// Which groups are meant, and what is wrong with those that are not there.
///
/// # Errors
/// There is no such group, in words.
pub fn group(name: &str) -> Result<u32, String> {
    if let Ok(gid) = name.parse() {
        return Ok(gid);
    }
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        Ok(None) => Err(format!("there is no group `{name}`")),
        Err(errno) => Err(format!("look the group `{name}` up: {}", errno.desc())),
    }
}

impl Groups {
    /// The mode that the socket has, and the group that it belongs to if that matters.
    pub fn socket(&self) -> (u32, Option<u32>) {
        match (self.control, self.status) {
            (None, None) => (0o600, None),
            (Some(one), None) | (None, Some(one)) => (0o660, Some(one)),
            (Some(one), Some(other)) if one == other => (0o660, Some(one)),
            // A file has one group: anybody may connect, and is asked who it is.
            (Some(_), Some(_)) => (0o666, None),
        }
    }

    /// What a user in these groups may do.
    fn rights(&self, own_uid: u32, uid: u32, groups: &[u32]) -> Rights {
        let is_in = |group: Option<u32>| group.is_some_and(|group| groups.contains(&group));
        let controls = uid == 0 || uid == own_uid || is_in(self.control);
        Rights { controls, reads: controls || is_in(self.status) }
    }
}

/// What a client may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// To give orders.
    pub controls: bool,
    /// To see.
    pub reads: bool,
}

impl Rights {
    /// Whether it has this right.
    pub const fn has(self, right: Right) -> bool {
        match right {
            Right::Read => self.reads,
            Right::Control => self.controls,
        }
    }
}

/// A client, as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Whose connections are counted together.
    pub owner: Owner,
    /// What it may do.
    pub rights: Rights,
    /// It is the supervisor's own user, or root.
    pub is_trusted: bool,
    /// How the log names it.
    pub shown: String,
}

/// Whose a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A user of this machine.
    User(u32),
    /// Somebody over TCP.
    Network,
}

impl Peer {
    /// The peer of a unix socket.
    ///
    /// # Errors
    /// The kernel does not say who it is, in words.
    pub fn of_unix(socket: &impl AsFd, groups: &Groups) -> Result<Self, String> {
        let peer = getsockopt(socket, PeerCredentials)
            .map_err(|errno| format!("ask who a client is: {}", errno.desc()))?;
        // A kernel that does not tell the others leaves the one that it tells.
        let mut of_peer = peer::groups(socket).unwrap_or_default();
        of_peer.push(peer.gid());
        let own = nix::unistd::geteuid().as_raw();
        let rights = groups.rights(own, peer.uid(), &of_peer);
        let is_trusted = peer.uid() == 0 || peer.uid() == own;
        let user = nix::unistd::Uid::from_raw(peer.uid());
        // Looked up only for those who may be refused: a directory service may be slow.
        let known = (!is_trusted).then(|| User::from_uid(user).ok().flatten()).flatten();
        let shown = match known {
            Some(user) => format!("user {}", user.name),
            None if user.is_root() => "root".to_owned(),
            None => format!("uid {user}"),
        };
        let shown = format!("{shown}, pid {}", peer.pid());
        Ok(Self { owner: Owner::User(peer.uid()), rights, is_trusted, shown })
    }

    /// Somebody over TCP, who may read; to control takes a token.
    pub fn of_network(address: std::net::SocketAddr) -> Self {
        let rights = Rights { controls: false, reads: true };
        Self { owner: Owner::Network, rights, is_trusted: false, shown: address.to_string() }
    }
}

/// Whether two secrets are equal, in a time that does not tell where they differ.
pub fn is_token(given: &[u8], token: &[u8]) -> bool {
    let differing = given.iter().zip(token).fold(0, |differing, (one, other)| differing | (one ^ other));
    // `black_box` keeps the compiler from ending the loop early.
    given.len() == token.len() && std::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenario_39_rights_are_those_of_groups() {
        let groups = Groups { control: Some(10), status: Some(20) };
        let of = |uid, of_peer: &[u32]| {
            let rights = groups.rights(1000, uid, of_peer);
            (rights.reads, rights.controls)
        };
        assert_eq!(of(0, &[0]), (true, true));
        assert_eq!(of(1000, &[5]), (true, true));
        assert_eq!(of(1001, &[5]), (false, false));
        assert_eq!(of(1001, &[5, 20]), (true, false));
        assert_eq!(of(1001, &[10]), (true, true));
        let none = Groups::default();
        assert_eq!(none.rights(1000, 1001, &[0, 1000]), Rights::default());
    }

    #[test]
    fn the_socket_is_open_as_far_as_it_must_be() {
        let socket = |control, status| Groups { control, status }.socket();
        assert_eq!(socket(None, None), (0o600, None));
        assert_eq!(socket(Some(1), None), (0o660, Some(1)));
        assert_eq!(socket(None, Some(2)), (0o660, Some(2)));
        assert_eq!(socket(Some(1), Some(1)), (0o660, Some(1)));
        assert_eq!(socket(Some(1), Some(2)), (0o666, None));
    }

    #[test]
    fn a_token_is_the_token() {
        assert!(is_token(b"secret", b"secret"));
        for other in [&b"secre"[..], b"secrets", b"Secret", b""] {
            assert!(!is_token(other, b"secret"));
        }
    }

    #[test]
    fn a_group_is_a_name_or_a_number() {
        assert_eq!(group("4711"), Ok(4711));
        assert_eq!(group("root"), Ok(0));
        assert_eq!(group("no-such-group"), Err("there is no group `no-such-group`".to_owned()));
    }
}
