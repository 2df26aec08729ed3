//! Who may see and control a supervisor beside its own user, and where: as it is typed, and what it means.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::settings::absolute;
use crate::control::server::{rights, token};
use crate::fatal::Fatal;

/// The options about control.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The group whose members may give orders by the control socket, and see everything
    #[arg(long, value_name = "GROUP")]
    pub control_group: Option<String>,

    /// The group whose members may see everything by the control socket
    #[arg(long, value_name = "GROUP")]
    pub status_group: Option<String>,

    /// Serve over TCP too: everybody who can connect may see everything
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    pub listen: Option<SocketAddr>,

    /// Whoever sends what is in FILE as `Authorization: Bearer` may give orders over TCP
    #[arg(long, value_name = "FILE", requires = "listen")]
    pub token_file: Option<PathBuf>,
}

/// No name: it would stand for many addresses, and for others tomorrow.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "an address and a port such as 127.0.0.1:9180 or [::]:9180 are expected".to_owned())
}

impl Access {
    /// The same with absolute paths.
    ///
    /// # Errors
    /// A path is relative, and there is no working directory.
    pub(super) fn absolute(self) -> Result<Self, Fatal> {
        let token_file = self.token_file.as_deref().map(absolute).transpose()?;
        Ok(Self { token_file, ..self })
    }

    /// Looks at what is named, before anything is started. Later it may be missing: that is a line in the log.
    ///
    /// # Errors
    /// There is no such group, or the token file is not as it must be.
    pub fn check(&self) -> Result<(), Fatal> {
        for name in [&self.control_group, &self.status_group].into_iter().flatten() {
            rights::group(name).map_err(|why| Fatal::Group { why })?;
        }
        if let Some(path) = &self.token_file {
            token::read(path).map_err(Fatal::Token)?;
        }
        Ok(())
    }

    /// What is to be typed for it.
    pub(super) fn words(&self) -> Vec<OsString> {
        let options: [(&str, Option<OsString>); 4] = [
            ("--control-group", self.control_group.as_ref().map(Into::into)),
            ("--status-group", self.status_group.as_ref().map(Into::into)),
            ("--listen", self.listen.map(|address| address.to_string().into())),
            ("--token-file", self.token_file.as_ref().map(Into::into)),
        ];
        let given = options.into_iter().filter_map(|(option, value)| Some([option.into(), value?]));
        given.flatten().collect()
    }
}
