//! What a request asks for: its method, path and query, understood by the table of routes.
//!
//! **Invariant:** any bytes are a request or a refusal that says what would be right; nothing is guessed or skipped.

use std::borrow::Cow;
use std::time::Duration;

use proclaunch_core::hook::Hook;
use proclaunch_core::ids::{NAME_RULE, ProfileName};
use proclaunch_core::profile::closest;
use proclaunch_core::signal::Signal;

use crate::control::glob::Glob;
use crate::control::logs::Position;
use crate::control::routes::{self, Kind, NoRoute, Parameter, ROUTES, Route, SECONDS_MAX};

/// How many parameters a query may have.
const PARAMETERS_MAX: usize = 256;

/// A request that leads somewhere.
#[derive(Clone, Debug)]
pub struct Request {
    /// By which route.
    pub route: &'static Route,
    /// The profile that its path names.
    pub name: Option<ProfileName>,
    /// The hook that its path names.
    pub hook: Option<Hook>,
    values: Vec<(&'static str, Value)>,
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Flag(bool),
    Glob(Glob),
    Name(ProfileName),
    Count(u64),
    Seconds(Duration),
    Signal(Signal),
    EventId(String),
    Position(Position),
}

/// Why a request leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status: 400, 404 or 405.
    pub status: u16,
    /// What is wrong, one sentence.
    pub error: String,
    /// What would be right.
    pub hint: Option<String>,
    /// The methods that there are, for `Allow`.
    pub allow: Option<String>,
}

impl Refusal {
    fn bad(error: String, hint: impl Into<Option<String>>) -> Self {
        Self { status: 400, error, hint: hint.into(), allow: None }
    }
}

impl Request {
    /// Understands a request.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn parse(method: &str, path: &str, query: &str) -> Result<Self, Refusal> {
        let matched = routes::find(method, path).map_err(|none| nowhere(none, path))?;
        let name = matched.name.map(profile_name).transpose()?;
        let hook = matched.hook.map(hook_name).transpose()?;
        let mut request = Self { route: matched.route, name, hook, values: Vec::new() };
        request.read(query)?;
        Ok(request)
    }

    fn read(&mut self, query: &str) -> Result<(), Refusal> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, text) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, text) = (decoded(key)?, decoded(text)?);
            let Some(parameter) = self.route.query.iter().find(|parameter| parameter.name == key) else {
                return Err(self.unknown(&key));
            };
            let is_there = self.values.iter().any(|(name, _)| *name == parameter.name);
            if is_there && !parameter.repeats {
                return Err(Refusal::bad(format!("`{}` is given more than once", parameter.name), None));
            }
            if self.values.len() >= PARAMETERS_MAX {
                return Err(Refusal::bad(
                    format!("a query has at most {PARAMETERS_MAX} parameters"),
                    "use a pattern: `*`, `?`, `[a-z]`".to_owned(),
                ));
            }
            self.values.push((parameter.name, value(parameter, &text)?));
        }
        let is_missing = |parameter: &&Parameter| {
            parameter.is_required && !self.values.iter().any(|(name, _)| *name == parameter.name)
        };
        match self.route.query.iter().find(is_missing) {
            Some(missing) => Err(Refusal::bad(
                format!("`{}` is missing", missing.name),
                format!("add `?{}={}`", missing.name, example(missing.kind)),
            )),
            None => Ok(()),
        }
    }

    fn unknown(&self, key: &str) -> Refusal {
        let known: Vec<&str> = self.route.query.iter().map(|parameter| parameter.name).collect();
        let error = format!("there is no parameter `{}` here", shown(key));
        let hint = match (closest(key, &known), &known[..]) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, []) => format!("{} takes no parameters", self.route.path),
            (None, known) => format!("{} takes {}", self.route.path, known.join(", ")),
        };
        Refusal::bad(error, hint)
    }

    /// By which method it asks for which path, as it is said to others.
    pub fn target(&self) -> String {
        let path = match &self.name {
            Some(name) => Cow::Owned(self.route.path.replace("{name}", name.as_str())),
            None => Cow::Borrowed(self.route.path),
        };
        format!("{} {path}", self.route.method.name())
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        self.values.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value)
    }

    /// A parameter that is `true` or `false`, if it is there.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.values(name).find_map(|value| if let Value::Flag(flag) = value { Some(*flag) } else { None })
    }

    /// All patterns of this parameter.
    pub fn globs(&self, name: &str) -> Vec<Glob> {
        let glob = |value: &Value| if let Value::Glob(glob) = value { Some(glob.clone()) } else { None };
        self.values(name).filter_map(glob).collect()
    }

    /// A parameter that is the name of a profile.
    pub fn profile(&self, name: &str) -> Option<ProfileName> {
        self.values(name)
            .find_map(|value| if let Value::Name(name) = value { Some(name.clone()) } else { None })
    }

    /// A parameter that is a whole number.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.values(name).find_map(|value| if let Value::Count(count) = value { Some(*count) } else { None })
    }

    /// A parameter that is a time.
    pub fn seconds(&self, name: &str) -> Option<Duration> {
        self.values(name).find_map(|value| if let Value::Seconds(time) = value { Some(*time) } else { None })
    }

    /// A parameter that is a signal.
    pub fn signal(&self, name: &str) -> Option<Signal> {
        self.values(name)
            .find_map(|value| if let Value::Signal(signal) = value { Some(*signal) } else { None })
    }

    /// A parameter that is a place in the output of a profile.
    pub fn position(&self, name: &str) -> Option<Position> {
        self.values(name).find_map(|value| if let Value::Position(at) = value { Some(*at) } else { None })
    }

    /// A parameter that is the id of an event.
    pub fn event_id<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name)
            .find_map(|value| if let Value::EventId(id) = value { Some(id.as_str()) } else { None })
    }
}

fn nowhere(none: NoRoute, path: &str) -> Refusal {
    match none {
        NoRoute::Path => {
            let routes = ROUTES.iter().map(|route| format!("{} {}", route.method.name(), route.path));
            let routes: Vec<String> = routes.collect();
            let hint = format!("there are: {}", routes.join(", "));
            let error = format!("there is no `{}`", shown(path));
            Refusal { status: 404, error, hint: Some(hint), allow: None }
        }
        NoRoute::Method(allow) => Refusal {
            status: 405,
            error: format!("`{}` is not for this method", shown(path)),
            hint: Some(format!("use {}", allow.replace(", ", " or "))),
            allow: Some(allow),
        },
    }
}

fn profile_name(segment: &str) -> Result<ProfileName, Refusal> {
    profile_name_of(&decoded(segment)?)
}

fn hook_name(segment: &str) -> Result<Hook, Refusal> {
    let text = decoded(segment)?;
    let name = text.strip_suffix(".lua").unwrap_or(&text);
    Hook::parse(name).ok_or_else(|| {
        let known = Hook::ALL.map(Hook::name);
        let hint = match closest(name, &known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        let error = format!("there is no hook `{}`", shown(&text));
        Refusal { status: 404, error, hint: Some(hint), allow: None }
    })
}

fn value(parameter: &Parameter, text: &str) -> Result<Value, Refusal> {
    let value = match parameter.kind {
        Kind::Flag => match text {
            "true" => Some(Value::Flag(true)),
            "false" => Some(Value::Flag(false)),
            _ => None,
        },
        Kind::Glob => match Glob::parse(text) {
            Ok(glob) => Some(Value::Glob(glob)),
            Err(why) => {
                let error = format!("`{}` is no pattern of names", shown(text));
                return Err(Refusal::bad(error, why));
            }
        },
        Kind::Name => Some(Value::Name(profile_name_of(text)?)),
        Kind::Count => digits(text).then(|| text.parse().ok()).flatten().map(Value::Count),
        Kind::Seconds => seconds(text).map(Value::Seconds),
        Kind::Signal => Signal::parse(text).map(Value::Signal),
        Kind::EventId => is_event_id(text).then(|| Value::EventId(text.to_owned())),
        Kind::Position => Position::parse(text).map(Value::Position),
    };
    value.ok_or_else(|| {
        Refusal::bad(
            format!("`{}` is no value for `{}`", shown(text), parameter.name),
            format!("such as `{}={}`", parameter.name, example(parameter.kind)),
        )
    })
}

fn profile_name_of(text: &str) -> Result<ProfileName, Refusal> {
    ProfileName::parse(text).ok_or_else(|| {
        Refusal::bad(format!("`{}` is not the name of a profile", shown(text)), NAME_RULE.to_owned())
    })
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Plain decimal notation alone: no sign, no exponent, no `inf`.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let seconds: f64 = (digits(whole) && digits(fraction)).then(|| text.parse().ok()).flatten()?;
    (seconds <= SECONDS_MAX).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

/// Whether it may be the id of an event, of whatever supervisor: short, and nothing that ends a line.
pub(super) fn is_event_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

const fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Flag => "true",
        Kind::Glob => "web*",
        Kind::Name => "web",
        Kind::Count => "100",
        Kind::Seconds => "2.5",
        Kind::Signal => "HUP",
        Kind::EventId => "0123456789abcdef-42",
        Kind::Position => "131081-1795914010123456789:4096",
    }
}

/// What a client has written, fit to be shown to it: short, and without control characters.
fn shown(text: &str) -> String {
    const MAX: usize = 200;
    let escaped = text.chars().take(MAX).flat_map(|char| {
        let is_plain = !char.is_control();
        is_plain
            .then_some(char)
            .into_iter()
            .chain((!is_plain).then(|| char.escape_default()).into_iter().flatten())
    });
    let cut = if text.chars().nth(MAX).is_some() { "..." } else { "" };
    format!("{}{cut}", escaped.collect::<String>())
}

/// Undoes the percent-encoding of RFC 3986; a `+` is a plus.
fn decoded(text: &str) -> Result<String, Refusal> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err(Refusal::bad(
                format!("`{}` has a `%` without two digits", shown(text)),
                "a `%` itself is written `%25`".to_owned(),
            ));
        };
        bytes.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte"));
    }
    String::from_utf8(bytes).map_err(|_| Refusal::bad(format!("`{}` is not UTF-8", shown(text)), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(method: &str, target: &str) -> Refusal {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Request::parse(method, path, query).unwrap_err()
    }

    #[track_caller]
    fn taken(method: &str, target: &str) -> Request {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Request::parse(method, path, query).unwrap()
    }

    #[test]
    fn scenario_37_names_are_refused_by_rule() {
        let long = "x".repeat(300);
        for name in ["..%2Fx", ".x", "-x", "a%0Ab", "%C3%A9", "a%20b", "%00", &long] {
            let refusal = refused("GET", &format!("/v1/profiles/{name}"));
            assert_eq!(refusal.status, 400, "{name}");
            assert!(refusal.hint.unwrap().starts_with("a profile's name begins with"), "{name}");
            assert!(refusal.error.len() < 300 && !refusal.error.contains('\n'), "{name}");
        }
        assert_eq!(refused("GET", "/v1/profiles/../x").status, 404);
        let name = taken("GET", "/v1/profiles/web%401").name;
        assert_eq!(name, ProfileName::parse("web@1"));
    }

    #[test]
    fn a_query_is_understood_or_refused() {
        let start = taken("POST", "/v1/profiles/web/start?wait=false&timeout=2.5&force=true");
        assert_eq!((start.flag("wait"), start.flag("force")), (Some(false), Some(true)));
        assert_eq!(start.seconds("timeout"), Some(Duration::from_millis(2_500)));
        let kill = taken("POST", "/v1/profiles/web/signal?signal=SIGHUP");
        assert_eq!(kill.signal("signal"), Some(Signal::HUP));
        let list = taken("GET", "/v1/profiles?name=web*&name=db%5B0-9%5D&");
        assert_eq!(list.globs("name").len(), 2);
        assert_eq!(taken("GET", "/v1/profiles/web/log?lines=0").count("lines"), Some(0));
        let from = taken("GET", "/v1/profiles/web/log?from=7-8:9&positions=true").position("from");
        assert_eq!(from.unwrap().to_string(), "7-8:9");
        assert_eq!(refused("GET", "/v1/profiles/web/log?from=7:9").status, 400);
        assert_eq!(taken("GET", "/v1/events?after=ab-1").event_id("after"), Some("ab-1"));
        for target in [
            "/v1/profiles/web/start?wait=yes",
            "/v1/profiles/web/start?wait",
            "/v1/profiles/web/start?wait=true&wait=true",
            "/v1/profiles/web/start?timeout=-1",
            "/v1/profiles/web/start?timeout=1e3",
            "/v1/profiles/web/start?timeout=inf",
            "/v1/profiles/web/start?timeout=.5",
            "/v1/profiles/web/start?timeout=99999999999",
            "/v1/profiles/web/stop?force=true",
            "/v1/profiles/web/signal",
            "/v1/profiles/web/signal?signal=NOPE",
            "/v1/profiles/web/signal?signal=%zz",
            "/v1/profiles/web/signal?signal=%ff",
            "/v1/rescan?x=1",
        ] {
            assert_eq!(refused("POST", target).status, 400, "{target}");
        }
    }

    #[test]
    fn a_refusal_says_what_would_be_right() {
        let refusal = refused("POST", "/v1/profiles/web/start?wiat=false");
        assert_eq!(refusal.hint.as_deref(), Some("did you mean `wait`?"));
        let refusal = refused("GET", "/v1/profile");
        assert_eq!(refusal.status, 404);
        assert!(refusal.hint.unwrap().contains("GET /v1/profiles/{name}/log"));
        let refusal = refused("PUT", "/v1/profiles/web/start");
        assert_eq!((refusal.status, refusal.allow.as_deref()), (405, Some("POST")));
        let refusal = refused("POST", "/v1/profiles/web/hooks/helth");
        assert_eq!((refusal.status, refusal.hint.as_deref()), (404, Some("did you mean `health`?")));
        assert_eq!(taken("POST", "/v1/profiles/web/hooks/health.lua").hook, Some(Hook::Health));
    }
}
