//! What became of an order, in one line.

// Writing to a string cannot fail: what comes of it is dropped here.
use std::fmt::Write as _;

use super::paint::{Style, Tone, clean};
use super::status::{state, tone, why};
use super::units::exit;
use crate::control::api::{Error, Ordered, Profile, Scaled};
use crate::control::client::Order;

/// An order that was done or, if it was not waited for, taken.
pub fn ordered(style: Style, name: &str, order: &Order, ordered: &Ordered) -> String {
    let (tone, what) = if ordered.result == "taken" {
        (Tone::Plain, format!("{} was ordered", order.verb()))
    } else {
        done(order, ordered.profile.as_ref())
    };
    line(style, name, tone, &what)
}

/// The instances of a directory after it was scaled, one a line.
pub fn scaled(style: Style, scaled: &Scaled) -> String {
    let Scaled { result, name, count, profiles } = scaled;
    if result == "taken" {
        return line(style, name, Tone::Plain, &format!("scale to {count} was ordered"));
    }
    if profiles.is_empty() {
        return line(style, name, Tone::Good, "none runs");
    }
    let start = Order::Start { force: false };
    let one = |profile: &Profile| {
        let (tone, what) = done(&start, Some(profile));
        line(style, &profile.name, tone, &what)
    };
    profiles.iter().map(one).collect()
}

/// An order that was not done.
pub fn refused(style: Style, name: &str, order: &Order, error: &Error) -> String {
    // The line begins with the name, as the error does for those who see nothing else.
    let said = error.error.strip_prefix(&format!("{name}: ")).unwrap_or(&error.error);
    let mut what = match error.result.as_deref() {
        Some("timeout") => format!("{} takes longer, and stays in force: {said}", order.verb()),
        Some("failed") => format!("{} failed: {said}", order.verb()),
        Some(result @ ("refused" | "overtaken")) => format!("{} was {result}: {said}", order.verb()),
        Some(_) | None => format!("{}: {said}", order.verb()),
    };
    if let Some(profile) = error.profile.as_deref() {
        let why = Some(why(profile)).filter(|why| !why.is_empty() && why != said);
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        _ = write!(what, " [{}{why}]", state(profile));
    }
    if let Some(hint) = error.hint.as_deref().filter(|_| error.result.as_deref() != Some("timeout")) {
        _ = write!(what, "; {hint}");
    }
    line(style, name, Tone::Bad, &what)
}

fn done(order: &Order, profile: Option<&Profile>) -> (Tone, String) {
    let Some(profile) = profile else { return (Tone::Good, "is gone".to_owned()) };
    let with_pid = |what: &str| match profile.pid {
        Some(pid) => format!("{what} pid {pid}"),
        None => what.to_owned(),
    };
    match order {
        Order::Start { .. } | Order::Restart => (tone(profile), with_pid(&state(profile))),
        Order::Stop => {
            let end = profile.exit.as_ref().map(|end| format!(" ({})", exit(end)));
            (Tone::Good, format!("{}{}", profile.state, end.unwrap_or_default()))
        }
        Order::Reload => (Tone::Good, with_pid("reloaded")),
        Order::Signal(signal) => {
            let to = profile.pid.map(|pid| format!(" to pid {pid}")).unwrap_or_default();
            (Tone::Good, format!("signal {signal} sent{to}"))
        }
    }
}

fn line(style: Style, name: &str, tone: Tone, what: &str) -> String {
    format!("{} {}\n", style.paint(Tone::Strong, &clean(name)), style.paint(tone, &clean(what)))
}
