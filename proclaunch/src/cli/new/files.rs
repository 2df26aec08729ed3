//! What stands in the files of a profile that `proclaunch new` makes.

use proclaunch_core::ids::ProfileName;

/// How the new profile is asked whether it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// By HTTP, at this address.
    Http(Address),
    /// By a connection to this host and port.
    Tcp {
        /// A name, or an address without brackets.
        host: String,
        /// Not 0.
        port: u16,
    },
}

/// A text that stands between quotes in Lua as it is: printable ASCII without quotes and backslashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address(String);

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Its name.
    pub(super) name: &'static str,
    /// What stands in it.
    pub(super) text: String,
    /// Whether it can be executed.
    pub(super) is_executable: bool,
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// Understands `--http`.
///
/// # Errors
/// It is no address of a web server.
pub(super) fn http(text: &str) -> Result<Asked, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if authority.is_empty() || authority.contains('@') || !is_plain(text) {
        return Err("an address such as http://127.0.0.1:8080/healthz is expected".to_owned());
    }
    Ok(Asked::Http(Address(text.to_owned())))
}

/// Understands `--tcp`.
///
/// # Errors
/// It is no host and port.
pub(super) fn tcp(text: &str) -> Result<Asked, String> {
    let wrong = || "a host and a port such as 127.0.0.1:5432 or [::1]:5432 are expected".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or_else(wrong)?,
        None if host.contains(':') => return Err(wrong()),
        None => host,
    };
    let port: u16 = port.parse().map_err(|_| wrong())?;
    if port == 0 || host.is_empty() || !is_plain(host) || host.contains('/') {
        return Err(wrong());
    }
    Ok(Asked::Tcp { host: host.to_owned(), port })
}

/// The files of a new profile.
pub(super) fn files(name: &ProfileName, asked: Option<&Asked>) -> Vec<File> {
    let plain = |name, text: String| File { name, text, is_executable: false };
    let mut files = vec![
        File { name: "run", text: run(name), is_executable: true },
        plain("restart", "always\n".to_owned()),
        plain("down", format!("Until `run` says what {name} is. Remove this file to have it started.\n")),
    ];
    files.extend(asked.map(|asked| plain("health.lua", health(asked))));
    files
}

fn run(name: &ProfileName) -> String {
    format!(
        "\
#!/bin/sh
# Runs {name} in the foreground: as long as this process lives, {name} runs. The working directory is that of this file;
# what is printed is shown by `proclaunch logs {name}`.
#
# `exec` makes the program itself the process that is supervised: it gets the stop signal, and its exit code is seen.
#
#   exec /usr/local/bin/{name} --config ./{name}.conf
#
# Files beside this one set the rest, each with one value: `user` (whose process it is), `env` (lines KEY=VALUE),
# `stop_signal`, `stop_timeout`, `backoff`, `limits` and others.

echo \"{name}: $PWD/run does not say yet what to run\" >&2
exit 1
"
    )
}

fn health(asked: &Asked) -> String {
    let (what, check) = match asked {
        Asked::Http(Address(url)) => {
            ("asks it by HTTP", format!("http{{\n  url = \"{url}\",\n  expect = 200,\n"))
        }
        Asked::Tcp { host, port } => {
            ("connects to it", format!("tcp{{\n  host = \"{host}\",\n  port = {port},\n"))
        }
    };
    format!(
        "\
-- Every ten seconds this {what}. Failures in the first 30 seconds after it is ready do not count; three in a row after
-- that: it is unhealthy, and started again as `restart` says.
return check.{check}  every = 10,
  timeout = 5,
  times = 3,
  grace = 30,
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood_or_refused() {
        for good in ["http://127.0.0.1:8080/healthz", "https://example.org", "http://[::1]:80/?a=b"] {
            assert_eq!(http(good), Ok(Asked::Http(Address(good.to_owned()))));
        }
        for bad in [
            "",
            "127.0.0.1:80",
            "ftp://x/",
            "http://",
            "http:///x",
            "http://a\"b/",
            "http://a/\\",
            "http://a/ b",
            "http://u:p@a/",
        ] {
            assert!(http(bad).is_err(), "{bad}");
        }
        for (good, host, port) in
            [("127.0.0.1:5432", "127.0.0.1", 5432), ("[::1]:1", "::1", 1), ("db:9", "db", 9)]
        {
            assert_eq!(tcp(good), Ok(Asked::Tcp { host: host.to_owned(), port }));
        }
        for bad in ["", "db", "db:", ":1", "db:0", "db:65536", "::1:80", "[::1:80", "d\"b:1", "a/b:1", "db:x"]
        {
            assert!(tcp(bad).is_err(), "{bad}");
        }
    }
}
