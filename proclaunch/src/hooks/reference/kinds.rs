//! The types that have a name, and what there is to say of each hook.

use proclaunch_core::hook::Hook;

use super::Item;
use crate::hooks::api::METHODS;
use crate::hooks::api::process::CHILD;
use crate::hooks::service::FIELDS;

/// A type with a name.
pub(super) struct Kind {
    /// `Service`.
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
    /// What it has, without what stands before the dot or colon.
    pub(super) items: Vec<&'static Item>,
}

/// The second argument of `on_event`.
static EVENT: &[Item] = &[
    Item::value("event.time", "number", "When it was, in seconds since 1970 UTC."),
    Item::value("event.profile", "string", "The name of the profile."),
    Item::value(
        "event.kind",
        "string",
        "\"transition\", \"health\", or \"gave_up\": it ended, and nothing follows.",
    ),
    Item::value(
        "event.level",
        "string",
        "\"error\" when nothing follows an end, \"warn\" for a death, an exit 0 that nothing follows and bad health, else \"info\".",
    ),
    Item::value("event.from", "string", "The state or health of before."),
    Item::value("event.to", "string", "The state or health of after."),
    Item::value("event.reason", "string", "Why, in words."),
    Item::value(
        "event.exit",
        "{ code: number?, signal: string?, core: boolean, oom: boolean, requested: boolean, uptime: number }?",
        "How the last process ended, as service.exit.",
    ),
];

static CHECK: &[Item] = &[
    Item::value("check.every", "number?", "Seconds from one check to the next: 10."),
    Item::value("check.timeout", "number?", "Seconds that one check may take: 5."),
    Item::value(
        "check.times",
        "(number | { number })?",
        "So many failures in a row make it unhealthy, or with {3, 5} 3 of the last 5: 3.",
    ),
    Item::value("check.grace", "number?", "Seconds after becoming ready in which failures do not count: 0."),
];

/// All types with a name.
pub(super) fn kinds() -> Vec<Kind> {
    let methods = METHODS.iter().map(|method| &method.item);
    vec![
        Kind {
            name: "Service",
            doc: "The argument of every hook: what is known of its profile. Read-only.",
            items: FIELDS.iter().chain(methods).collect(),
        },
        Kind {
            name: "Event",
            doc: "The second argument of on_event. Read-only.",
            items: EVENT.iter().collect(),
        },
        Kind {
            name: "Child",
            doc: "A process below the main one: a handle that never means another process.",
            items: CHILD.iter().collect(),
        },
        Kind {
            name: "Check",
            doc: "What health.lua returns: a table whose first item is a function of the service that returns true, \
                  false and a reason, or nil, with its schedule. The functions in `check` make such tables.",
            items: CHECK.iter().collect(),
        },
        Kind {
            name: "Policy",
            doc: "What should_restart.lua may return: a table whose first item is a function of the service. The \
                  functions in `policy` make such tables.",
            items: Vec::new(),
        },
    ]
}

/// When a hook is asked.
pub(super) const fn asked(hook: Hook) -> &'static str {
    match hook {
        Hook::OnStart => "before the process is started",
        Hook::Ready => "while it starts, every half second until it says yes",
        Hook::OnReady => "once it is ready",
        Hook::Health => "while it runs, each check by its own schedule",
        Hook::OnTick => "while it runs, every 5 seconds, or as often as { every = seconds, function } says",
        Hook::ShouldRestart => "when the process died, or became unhealthy",
        Hook::OnStop => "before the stop signal is sent",
        Hook::OnExit => "when the process is gone",
        Hook::OnChange => "when the profile's files changed",
        Hook::OnEvent => "for every change of state or health, and when it is given up",
    }
}
