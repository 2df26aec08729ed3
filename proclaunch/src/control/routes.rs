//! All routes of the control socket, in one table: the server dispatches by it, and the description of the API is made
//! from it.
//!
//! **Invariant:** what is not in the table does not exist, neither a path nor a parameter of a query.

mod find;

pub use find::{Matched, NoRoute, find};

/// What a request does with what it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// It reads.
    Get,
    /// It changes something.
    Post,
}

impl Method {
    /// As HTTP writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// What a client must be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// To see.
    Read,
    /// To give orders.
    Control,
}

/// What a route leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// Many profiles.
    Profiles,
    /// One profile.
    Profile,
    /// What happened to one.
    History,
    /// Why one is as it is.
    Explain,
    /// What one has written.
    Log,
    /// An order.
    Start,
    /// An order.
    Stop,
    /// An order.
    Restart,
    /// An order.
    Reload,
    /// An order.
    Signal,
    /// An order to a directory: how many run of it.
    Scale,
    /// A hook, called once.
    RunHook,
    /// What happens.
    Events,
    /// ProcLaunch's own processes.
    Own,
    /// A look at the profiles directory.
    Rescan,
    /// The end of everything.
    Shutdown,
    /// An upgrade in place.
    Upgrade,
    /// The description of all this.
    OpenApi,
    /// Figures for a monitoring system.
    Metrics,
    /// Whether ProcLaunch answers.
    Live,
    /// Whether everything that should serve does.
    Ready,
}

/// The longest time that a query can hold, in seconds: a year.
pub const SECONDS_MAX: f64 = 366.0 * 86_400.0;

/// What a parameter of a query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A name, or a pattern with `*`, `?` and `[a-z]`.
    Glob,
    /// The name of a profile.
    Name,
    /// A whole number, at least 0.
    Count,
    /// Seconds, with or without a fraction, at least 0.
    Seconds,
    /// A signal: `HUP`, `SIGHUP`, `1` or `RTMIN+3`.
    Signal,
    /// The id of an event.
    EventId,
    /// A place in the output of a profile.
    Position,
}

/// One parameter of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// Whether it must be there.
    pub is_required: bool,
    /// Whether it may be there more than once.
    pub repeats: bool,
    /// What it does, a sentence.
    pub about: &'static str,
}

impl Parameter {
    const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, is_required: false, repeats: false, about }
    }
}

/// What the body of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// JSON: the type of this name in [`super::api`].
    Json(&'static str),
    /// `application/json` without a type: the description itself.
    Description,
    /// `text/plain; charset=utf-8`.
    Text,
    /// Bytes as a service wrote them: `text/plain` without a charset.
    Raw,
    /// `text/event-stream`: each `data:` is an [`super::api::Event`].
    Events,
    /// `text/plain; version=0.0.4; charset=utf-8`: the text format of Prometheus.
    Metrics,
}

/// One route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// By which method.
    pub method: Method,
    /// The path; `{name}` and `{hook}` stand for one segment each.
    pub path: &'static str,
    /// Who may.
    pub right: Right,
    /// Where it leads.
    pub to: Endpoint,
    /// What a query may hold.
    pub query: &'static [Parameter],
    /// What answers there are, by status; 400, 403 and 405 with [`super::api::Error`] are always possible.
    pub answers: &'static [(u16, Body)],
    /// What it does, a sentence.
    pub about: &'static str,
}

/// The header that says where in the output the body begins.
pub const OUTPUT_POSITION: &str = "output-position";

/// The header that says that what was asked for begins earlier, and is not there any more.
pub const OUTPUT_MISSING: &str = "output-missing";

const PROFILES: &str = "/v1/profiles";

const NAMES: Parameter = Parameter {
    repeats: true,
    ..Parameter::new(
        "name",
        Kind::Glob,
        "Only profiles of this name, or whose names are of this pattern. A name of no profile means all instances of the \
         directory of that name.",
    )
};
const WAIT: Parameter =
    Parameter::new("wait", Kind::Flag, "Whether to answer only when the order is done or has failed: true.");
const TIMEOUT: Parameter = Parameter::new(
    "timeout",
    Kind::Seconds,
    "How long to wait: 300. The order stays in force when the time is over.",
);
const FORCE: Parameter = Parameter::new("force", Kind::Flag, "Start it without asking its `on_start` hook.");
const SIGNAL: Parameter =
    Parameter { is_required: true, ..Parameter::new("signal", Kind::Signal, "Which signal.") };
const COUNT: Parameter = Parameter {
    is_required: true,
    ..Parameter::new("count", Kind::Count, "How many are to run: 0 to 1000.")
};
const DRY_RUN: Parameter =
    Parameter::new("dry_run", Kind::Flag, "Do not apply what the hook asks for and what it keeps.");
const LINES: Parameter = Parameter::new("lines", Kind::Count, "Only the last so many lines.");
const SINCE: Parameter = Parameter::new("since", Kind::Seconds, "Only what was written in the last seconds.");
const FROM: Parameter = Parameter::new(
    "from",
    Kind::Position,
    "Only what comes after this place: what the header Output-Position has said, with the bytes that were taken since \
     then added to the last number.",
);
const POSITIONS: Parameter = Parameter::new(
    "positions",
    Kind::Flag,
    "Send a line before each piece of the output: its position, a blank and its length in bytes; or `missing` where files \
     are missing that were to be read; or `end` behind the last piece.",
);
const FOLLOW: Parameter = Parameter::new("follow", Kind::Flag, "Do not end, but tell what comes.");
const OF_PROFILES: Parameter = Parameter {
    repeats: true,
    ..Parameter::new("profile", Kind::Glob, "Only events of these profiles, named as at /v1/profiles.")
};
const AFTER: Parameter = Parameter::new(
    "after",
    Kind::EventId,
    "Only events after the one of this id; the header Last-Event-ID says the same.",
);
const OF_PROFILE: Parameter = Parameter::new(
    "profile",
    Kind::Name,
    "Only whether this profile is ready, or all instances of the directory of this name.",
);

const ERROR: Body = Body::Json("Error");
const ORDERED: &[(u16, Body)] =
    &[(200, Body::Json("Ordered")), (202, Body::Json("Ordered")), (404, ERROR), (409, ERROR), (504, ERROR)];
const SCALED: &[(u16, Body)] =
    &[(200, Body::Json("Scaled")), (202, Body::Json("Scaled")), (404, ERROR), (409, ERROR), (504, ERROR)];
const DONE: &[(u16, Body)] = &[(200, Body::Json("Done")), (409, ERROR)];
const ORDER: &[Parameter] = &[WAIT, TIMEOUT];

const fn get(
    path: &'static str,
    to: Endpoint,
    query: &'static [Parameter],
    answers: &'static [(u16, Body)],
    about: &'static str,
) -> Route {
    Route { method: Method::Get, path, right: Right::Read, to, query, answers, about }
}

const fn post(
    path: &'static str,
    to: Endpoint,
    query: &'static [Parameter],
    answers: &'static [(u16, Body)],
    about: &'static str,
) -> Route {
    Route { method: Method::Post, path, right: Right::Control, to, query, answers, about }
}

/// All routes.
pub const ROUTES: &[Route] = &[
    get(
        PROFILES,
        Endpoint::Profiles,
        &[NAMES],
        &[(200, Body::Json("Profiles"))],
        "All profiles as they are.",
    ),
    get(
        "/v1/profiles/{name}",
        Endpoint::Profile,
        &[],
        &[(200, Body::Json("Profile")), (404, ERROR)],
        "One profile as it is.",
    ),
    get(
        "/v1/profiles/{name}/history",
        Endpoint::History,
        &[],
        &[(200, Body::Json("History")), (404, ERROR)],
        "The last changes of its state and the last ends of its process.",
    ),
    get(
        "/v1/profiles/{name}/explain",
        Endpoint::Explain,
        &[],
        &[(200, Body::Json("Explanation")), (404, ERROR)],
        "Why it is as it is, and what each possible next event would do.",
    ),
    get(
        "/v1/profiles/{name}/log",
        Endpoint::Log,
        &[LINES, SINCE, FROM, FOLLOW, POSITIONS],
        &[(200, Body::Raw), (404, ERROR)],
        "What it has written, across rotations, byte for byte.",
    ),
    post(
        "/v1/profiles/{name}/start",
        Endpoint::Start,
        &[WAIT, TIMEOUT, FORCE],
        ORDERED,
        "Starts it, and answers when it is ready.",
    ),
    post(
        "/v1/profiles/{name}/stop",
        Endpoint::Stop,
        ORDER,
        ORDERED,
        "Stops it, and answers when nothing of it lives.",
    ),
    post(
        "/v1/profiles/{name}/restart",
        Endpoint::Restart,
        ORDER,
        ORDERED,
        "Stops it and starts it, and answers when it is ready again.",
    ),
    post(
        "/v1/profiles/{name}/reload",
        Endpoint::Reload,
        ORDER,
        ORDERED,
        "Sends it the signal that has it read its configuration.",
    ),
    post(
        "/v1/profiles/{name}/signal",
        Endpoint::Signal,
        &[WAIT, TIMEOUT, SIGNAL],
        ORDERED,
        "Sends its main process a signal.",
    ),
    post(
        "/v1/profiles/{name}/scale",
        Endpoint::Scale,
        &[WAIT, TIMEOUT, COUNT],
        SCALED,
        "Writes the file `instances` of the directory of this name, and answers when that many of its instances run and \
         none besides.",
    ),
    post(
        "/v1/profiles/{name}/hooks/{hook}",
        Endpoint::RunHook,
        &[DRY_RUN],
        &[(200, Body::Json("HookRun")), (404, ERROR), (409, ERROR)],
        "Calls one of its hooks once.",
    ),
    get(
        "/v1/events",
        Endpoint::Events,
        &[OF_PROFILES, FOLLOW, AFTER],
        &[(200, Body::Events)],
        "What has happened, as server-sent events.",
    ),
    get(
        "/v1/self",
        Endpoint::Own,
        &[],
        &[(200, Body::Json("Own"))],
        "ProcLaunch itself, and what its processes take.",
    ),
    post("/v1/rescan", Endpoint::Rescan, &[], DONE, "Reads all profile directories."),
    post("/v1/shutdown", Endpoint::Shutdown, &[], DONE, "Stops all profiles and ends."),
    post("/v1/upgrade", Endpoint::Upgrade, &[], DONE, "Upgrades ProcLaunch in place; all profiles run on."),
    get(
        "/v1/openapi.json",
        Endpoint::OpenApi,
        &[],
        &[(200, Body::Description)],
        "The description of all routes by the OpenAPI specification.",
    ),
    get(
        "/metrics",
        Endpoint::Metrics,
        &[],
        &[(200, Body::Metrics)],
        "Figures in the text format of Prometheus.",
    ),
    get("/livez", Endpoint::Live, &[], &[(200, Body::Text), (503, ERROR)], "Whether ProcLaunch answers."),
    get(
        "/readyz",
        Endpoint::Ready,
        &[OF_PROFILE],
        &[(200, Body::Text), (404, ERROR), (503, ERROR)],
        "Whether every profile that should serve does.",
    ),
];

#[cfg(test)]
mod tests;
