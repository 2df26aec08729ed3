//! Where a request leads.

use super::{Method, ROUTES, Route};

/// A route that a request leads to, and what its path names, as it stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched<'a> {
    /// Which.
    pub route: &'static Route,
    /// The segment in the place of `{name}`.
    pub name: Option<&'a str>,
    /// The segment in the place of `{hook}`.
    pub hook: Option<&'a str>,
}

/// Why a request leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// There is no such path.
    Path,
    /// The path is there for these methods, in the words of the header `Allow`.
    Method(String),
}

/// Where a request leads. `HEAD` leads where `GET` does: whoever speaks HTTP leaves the body out, and many a probe asks
/// by it.
///
/// # Errors
/// There is no such route.
pub fn find<'a>(method: &str, path: &'a str) -> Result<Matched<'a>, NoRoute> {
    let there: Vec<Matched<'a>> = ROUTES.iter().filter_map(|route| matched(route, path)).collect();
    if there.is_empty() {
        return Err(NoRoute::Path);
    }
    let method = if method == "HEAD" { Method::Get.name() } else { method };
    let found = there.iter().find(|matched| matched.route.method.name() == method).copied();
    found.ok_or_else(|| {
        let names: Vec<&str> = there.iter().map(|matched| allowed(matched.route.method)).collect();
        NoRoute::Method(names.join(", "))
    })
}

const fn allowed(method: Method) -> &'static str {
    match method {
        Method::Get => "GET, HEAD",
        Method::Post => "POST",
    }
}

fn matched<'a>(route: &'static Route, path: &'a str) -> Option<Matched<'a>> {
    let mut found = Matched { route, name: None, hook: None };
    let (mut wanted, mut given) = (route.path.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(found),
            (Some("{name}"), Some(segment)) if !segment.is_empty() => found.name = Some(segment),
            (Some("{hook}"), Some(segment)) if !segment.is_empty() => found.hook = Some(segment),
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(_) | None, _) => return None,
        }
    }
}
