//! Addresses, as far as hooks need them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use hyper::Uri;

use crate::hooks::api::net::Place;

/// Where a request goes, and what it asks for there.
#[derive(Clone, Debug)]
pub(super) struct Url {
    /// Where to connect to.
    pub(super) place: Place,
    /// Whether it is spoken to in TLS.
    pub(super) tls: bool,
    /// The `Host` header.
    pub(super) host: String,
    /// The path with the query.
    pub(super) path: Uri,
}

impl Url {
    /// Reads one; with a socket, that is where to connect to.
    pub(super) fn parse(address: &str, socket: Option<PathBuf>) -> Result<Self, String> {
        let bad = |why: &str| format!("`url` must be like \"http://HOST:PORT/PATH\"; got `{address}`: {why}");
        let (scheme, rest) = address.split_once("://").ok_or_else(|| bad("there is no `://`"))?;
        let rest = rest.split('#').next().unwrap_or("");
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let path: Uri = path.parse().map_err(|error| bad(&format!("{error}")))?;
        if authority.contains('@') {
            return Err(bad("a user and password go into the header `authorization`"));
        }
        let place = match (scheme.to_ascii_lowercase().as_str(), socket) {
            ("https", _) if cfg!(not(feature = "tls")) => return Err(bad("it was built without TLS")),
            ("http" | "https", Some(socket)) => Place::Unix(socket),
            ("http", None) => tcp(authority, 80).ok_or_else(|| bad("the host or the port is none"))?,
            ("https", None) => tcp(authority, 443).ok_or_else(|| bad("the host or the port is none"))?,
            ("http+unix", None) => {
                let path = decoded(authority).filter(|path| path.first() == Some(&b'/'));
                Place::Unix(
                    OsString::from_vec(path.ok_or_else(|| bad("the socket is no absolute path"))?).into(),
                )
            }
            ("http+unix", Some(_)) => return Err(bad("there are two sockets")),
            _ => return Err(bad("the scheme is not known")),
        };
        let host = if scheme.eq_ignore_ascii_case("http+unix") { "localhost" } else { authority };
        Ok(Self { place, tls: scheme.eq_ignore_ascii_case("https"), host: host.to_owned(), path })
    }
}

/// A host without its port, and an address without its brackets.
#[cfg(feature = "tls")]
pub(super) fn bare(authority: &str) -> &str {
    split(authority).map_or(authority, |(host, _)| host)
}

fn split(authority: &str) -> Option<(&str, &str)> {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']'),
        None => Some(authority.split_at(authority.find(':').unwrap_or(authority.len()))),
    }
}

fn tcp(authority: &str, standard: u16) -> Option<Place> {
    let (host, port) = split(authority)?;
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port != 0)?,
        None => port.is_empty().then_some(standard)?,
    };
    let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
    is_host.then(|| Place::Tcp(host.to_owned(), port))
}

/// Text without its `%XX`.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        decoded.push(if byte == b'%' { u8::try_from(digit()? * 16 + digit()?).ok()? } else { byte });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (address, place, host, path) in [
            ("http://localhost", "localhost:80", "localhost", "/"),
            ("http://web:8080/a/b?c=d#e", "web:8080", "web:8080", "/a/b?c=d"),
            ("HTTP://127.0.0.1:1?x", "127.0.0.1:1", "127.0.0.1:1", "/?x"),
            ("http://[::1]:8080/", "[::1]:8080", "[::1]:8080", "/"),
            ("https://web", "web:443", "web", "/"),
            ("https://[::1]:8443/x", "[::1]:8443", "[::1]:8443", "/x"),
            ("http+unix://%2Frun%2fx.sock/v1", "/run/x.sock", "localhost", "/v1"),
        ] {
            let url = Url::parse(address, None).unwrap();
            assert_eq!((url.place.shown().as_str(), &*url.host, &*url.path.to_string()), (place, host, path));
        }
        for (address, why) in [
            ("localhost:80", "no `://`"),
            ("http://a:b@c/", "header `authorization`"),
            ("http:///x", "the host or the port is none"),
            ("http://web:0/", "the host or the port is none"),
            ("http://web:99999/", "the host or the port is none"),
            ("ftp://web/", "the scheme is not known"),
            ("http+unix://run/x", "no absolute path"),
            ("http+unix://%2/x", "no absolute path"),
        ] {
            let error = Url::parse(address, None).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
