//! Why a keeper could not be made.

use nix::errno::Errno;
use thiserror::Error;

/// Why a keeper could not be made. Each completes "failed to ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeeperError {
    /// The state directory's name cannot be an environment variable.
    #[error("use the state directory: its name holds a NUL")]
    Instance,
    /// `PR_SET_CHILD_SUBREAPER`.
    #[error("become the reaper of orphans: {0}")]
    Subreaper(Errno),
    /// The children's stack.
    #[error("map a stack for children: {0}")]
    Stack(Errno),
    /// `/dev/null`.
    #[error("open `/dev/null`: {0}")]
    Null(Errno),
    /// The epoll of processes that are not our children.
    #[error("make an epoll: {0}")]
    Epoll(Errno),
}
