//! Orders: given to the reactor, and waited for.
//!
//! **Invariant:** an order that was taken stays in force, whatever becomes of the client or of its patience.

use std::time::Duration;

use hyper::StatusCode;
use proclaunch_core::fleet::{Reply, Standing};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::Order;
use proclaunch_core::profile::closest;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::answer::{self, Answer, no_reactor};
use super::request::Request;
use super::{NoAnswer, Server};
use crate::control::api;
use crate::control::bridge::{Ask, View};
use crate::control::routes::Endpoint;

/// How long an order is waited for unless something else is said.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// The order that a request is, if it is one.
pub(super) fn of(request: &Request) -> Option<Order> {
    Some(match request.route.to {
        Endpoint::Start => Order::Start { force: request.flag("force").unwrap_or(false) },
        Endpoint::Stop => Order::Stop,
        Endpoint::Restart => Order::Restart,
        Endpoint::Reload => Order::Reload,
        Endpoint::Signal => Order::Signal(request.signal("signal")?),
        Endpoint::Profiles
        | Endpoint::Profile
        | Endpoint::History
        | Endpoint::Explain
        | Endpoint::Log
        | Endpoint::Scale
        | Endpoint::RunHook
        | Endpoint::Events
        | Endpoint::Own
        | Endpoint::Rescan
        | Endpoint::Shutdown
        | Endpoint::Upgrade
        | Endpoint::OpenApi
        | Endpoint::Metrics
        | Endpoint::Live
        | Endpoint::Ready => return None,
    })
}

/// How an order ended.
enum End {
    Taken,
    Done,
    Not { result: &'static str, why: String },
    Unknown,
    Timeout,
    Gone,
}

impl Server {
    /// Gives an order, and answers when it is done, or has failed, or is taken if it is not to be waited for.
    pub(super) async fn order(&self, name: &ProfileName, order: Order, request: &Request) -> Answer {
        let waits = request.flag("wait").unwrap_or(true);
        let patience = request.seconds("timeout").unwrap_or(PATIENCE);
        match self.exists(name).await {
            Ok(true) => {}
            Ok(false) => return self.unknown(name).await,
            Err(NoAnswer) => return no_reactor(),
        }
        let (sender, receiver) = unbounded_channel();
        self.inbox.ask(Ask::Order(name.clone(), order, sender));
        let end = timeout(patience, end_of(receiver, waits)).await.unwrap_or(End::Timeout);
        self.ordered(name, order, end, patience).await
    }

    /// Whether there is a profile of that name; one that was made a moment ago is looked for.
    pub(super) async fn exists(&self, name: &ProfileName) -> Result<bool, NoAnswer> {
        if self.view().await?.profiles.contains_key(name) {
            return Ok(true);
        }
        // What cannot be read now is not there.
        let _ = self.ask(Ask::Rescan).await?;
        Ok(self.view().await?.profiles.contains_key(name))
    }

    async fn ordered(&self, name: &ProfileName, order: Order, end: End, patience: Duration) -> Answer {
        let Ok(view) = self.view().await else { return no_reactor() };
        let status = view.profiles.get(name);
        let end = match status {
            // It was so when it was done. Whoever hears of it now would take it for a lasting success.
            Some(status) if matches!(end, End::Done) && has_ended_again(order, status.standing) => {
                End::Not { result: "failed", why: format!("it has ended again: {}", status.why) }
            }
            Some(_) | None => end,
        };
        let profile = self.profile(&view, name).await;
        let done = |status, result: &str, profile| {
            answer::json(status, &api::Ordered { result: result.to_owned(), profile })
        };
        let failed = |status, result: &str, error, hint, profile: Option<api::Profile>| {
            let result = Some(result.to_owned());
            answer::json(status, &api::Error { error, hint, result, profile: profile.map(Box::new) })
        };
        match end {
            End::Taken => done(StatusCode::ACCEPTED, "taken", profile),
            End::Done => done(StatusCode::OK, "done", profile),
            End::Not { result, why } => {
                let hint = Some(format!("`proclaunch explain {name}` says more"));
                failed(StatusCode::CONFLICT, result, format!("{name}: {why}"), hint, profile)
            }
            End::Timeout => {
                let error = format!("{name}: not done within {} s", patience.as_secs_f64());
                let hint = Some("the order stays in force".to_owned());
                failed(StatusCode::GATEWAY_TIMEOUT, "timeout", error, hint, profile)
            }
            End::Unknown => unknown(&view, name),
            End::Gone => no_reactor(),
        }
    }

    /// That there is no such profile.
    pub(super) async fn unknown(&self, name: &ProfileName) -> Answer {
        match self.view().await {
            Ok(view) => unknown(&view, name),
            Err(NoAnswer) => no_reactor(),
        }
    }
}

/// Whether what was started is not up any more, and nobody wanted that.
const fn has_ended_again(order: Order, standing: Standing) -> bool {
    let is_start = matches!(order, Order::Start { .. } | Order::Restart);
    is_start && matches!(standing, Standing::Backoff | Standing::Dead | Standing::GaveUp)
}

async fn end_of(mut replies: UnboundedReceiver<Option<Reply>>, waits: bool) -> End {
    loop {
        return match replies.recv().await {
            Some(Some(Reply::Taken)) if waits => continue,
            Some(Some(Reply::Taken)) => End::Taken,
            Some(Some(Reply::Done)) => End::Done,
            Some(Some(Reply::Refused(why))) => End::Not { result: "refused", why },
            Some(Some(Reply::Failed(why))) => End::Not { result: "failed", why },
            Some(Some(Reply::Overtaken(by))) => End::Not {
                result: "overtaken",
                why: format!("another order came before it was done: {}", word(by)),
            },
            Some(None) => End::Unknown,
            None => End::Gone,
        };
    }
}

const fn word(order: Order) -> &'static str {
    match order {
        Order::Start { .. } => "start",
        Order::Stop => "stop",
        Order::Restart => "restart",
        Order::Reload => "reload",
        Order::Signal(_) => "signal",
    }
}

fn unknown(view: &View, name: &ProfileName) -> Answer {
    let names: Vec<&str> = view.profiles.keys().map(ProfileName::as_str).collect();
    let is_directory = view.profiles.keys().any(|one| one.instance_of().is_some_and(|(of, _)| of == *name));
    let hint = match closest(name.as_str(), &names) {
        _ if is_directory => {
            format!("it runs as {name}@1 and so on: name one of them; /v1/profiles?name={name} has all")
        }
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`proclaunch list` names all profiles".to_owned(),
    };
    answer::error(StatusCode::NOT_FOUND, format!("there is no profile `{name}`"), Some(hint))
}
