//! What the scenarios of the machine and of the fleet share: profiles from files, actions as text.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::ids::{ProfileName, Ticket};
use crate::log::{Outcome, Said, Span};
use crate::machine::Action;
use crate::process::Scope;
use crate::profile::{Backoff, Defaults, File, Files, Fingerprint, Parsed, Profile, Run, parse};
use crate::signal::Signal;

/// Files of a profile: name and content. `run` is there with a content of its own unless it is named.
pub(crate) type Settings<'a> = &'a [(&'a str, &'a str)];

/// When everything begins; far from zero, so that an adopted process can be older.
pub(crate) const BEGINNING: Moment = Moment::from_nanos(1_000_000_000_000_000);

/// What a profile directory with these files says.
pub(crate) fn parsed(settings: Settings<'_>) -> Parsed {
    let mut files = Files { run: Run::Executable(Fingerprint(0)), entries: BTreeMap::new() };
    for (name, content) in settings {
        if *name == "run" {
            files.run = Run::Executable(Fingerprint::of(content.as_bytes()));
        } else {
            files.entries.insert((*name).to_owned(), File::Bytes(content.as_bytes().to_vec()));
        }
    }
    parse(&files, &Defaults::default())
}

/// A profile whose files are all good.
pub(crate) fn profile(settings: Settings<'_>) -> Profile {
    let profile = parsed(settings).profile.unwrap_or_else(|problems| panic!("{settings:?}: {problems:?}"));
    Arc::unwrap_or_clone(profile)
}

pub(crate) fn name(text: &str) -> ProfileName {
    ProfileName::parse(text).expect("a legal name")
}

pub(crate) fn signal(text: &str) -> Signal {
    Signal::parse(text).expect("a signal")
}

/// An action as text; `newest` is the last start that was asked for. Nothing for what every life is full of:
/// records, releases, and the CONT that follows each stop signal.
pub(crate) fn show(action: &Action, newest: Option<Ticket>, backoff: Backoff) -> Option<String> {
    let (text, ticket) = match action {
        Action::Spawn { .. } => return Some("=> spawn".to_owned()),
        Action::Adopt { id, ticket } => (format!("=> adopt pid {}", id.pid), ticket),
        Action::Signal { signal: Signal::CONT, .. }
        | Action::Release { .. }
        | Action::Remember(_)
        | Action::Happened(_) => {
            return None;
        }
        Action::Signal { scope, signal, ticket } => {
            let whom = match scope {
                Scope::Main => "main",
                Scope::Group => "group",
                Scope::Tree => "tree",
            };
            (format!("=> {signal} to {whom}"), ticket)
        }
        Action::KillTree { ticket } => ("=> kill tree".to_owned(), ticket),
        Action::Watch { ticket } => ("=> watch".to_owned(), ticket),
        Action::LookAtPidFile(_) => return Some("=> look at pid file".to_owned()),
        Action::RemovePidFile(_) => return Some("=> remove pid file".to_owned()),
        Action::LoadHooks(_) => return Some("=> load hooks".to_owned()),
        Action::Consult(question) => return Some(format!("=> ask {}", question.hook)),
        Action::Lapse(_) => return Some("=> lapse".to_owned()),
        Action::Log(said) => return Some(say(said, backoff)),
    };
    let of = if newest == Some(*ticket) { "" } else { " of another start" };
    Some(text + of)
}

/// A line with the delay before a restart as it is without its jitter, which must be within a tenth.
pub(crate) fn say(said: &Said, backoff: Backoff) -> String {
    let (Said::Died { outcome: Outcome::Restart(delay), .. }
    | Said::DiedUnseen { outcome: Outcome::Restart(delay), .. }
    | Said::StartFailed { outcome: Outcome::Restart(delay), .. }) = said
    else {
        return said.to_string();
    };
    said.to_string().replace(&Span(*delay).to_string(), &Span(without_jitter(*delay, backoff)).to_string())
}

fn without_jitter(delay: Duration, Backoff { base, cap }: Backoff) -> Duration {
    let steps = (0..32).map(|doublings| base.saturating_mul(1 << doublings).min(cap));
    let near = |step: &Duration| delay.abs_diff(*step) <= *step / 10;
    let found = steps.chain([Duration::ZERO]).find(near);
    found.unwrap_or_else(|| panic!("{delay:?} is no delay of {base:?} doubling to {cap:?}"))
}
