//! From a request to its answer: who may, and who makes it.

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use hyper::header::{AUTHORIZATION, CONNECTION, HeaderMap, HeaderValue};
use tokio::time::timeout;

use super::answer::{self, Answer, no_reactor};
use super::connection::{REQUEST, Upgrade, Watch};
use super::content::among;
use super::ready::{Unready, ready};
use super::request::{Request, is_event_id};
use super::rights::{Owner, Peer, is_token};
use super::{NoAnswer, Server, events, orders};
use crate::control::api;
use crate::control::bridge::Ask;
use crate::control::routes::{Endpoint, Right};
use crate::killpoint;

/// The largest body, in bytes. Nothing needs one.
const BODY_MAX: usize = 1024;

/// How long the reactor may take to answer before ProcLaunch does not count as alive.
const ALIVE: Duration = Duration::from_secs(1);

/// Answers one request of a connection.
pub(super) async fn answer(
    server: Rc<Server>,
    peer: Rc<Peer>,
    watch: Rc<Watch>,
    request: hyper::Request<Incoming>,
) -> Result<Answer, Infallible> {
    assert!(!killpoint::is_armed("control-panic"), "made for a test");
    let busy = watch.begin();
    let (head, body) = request.into_parts();
    let mut answer = match take(body).await {
        Ok(()) => {
            let query = head.uri.query().unwrap_or_default();
            match Request::parse(head.method.as_str(), head.uri.path(), query) {
                Ok(request) => {
                    watch.asks(request.target());
                    server.respond(&peer, &watch, &head.headers, request).await
                }
                // Whoever may see nothing is not told what there is to be seen.
                Err(_) if !peer.rights.reads => {
                    server.forbidden(&peer, Right::Read, &format!("{} {}", head.method, head.uri.path()))
                }
                Err(refusal) => answer::refusal(refusal),
            }
        }
        // What is left of the body is not read: there can be no next request.
        Err((status, why)) => {
            let mut answer = answer::error(status, why, None);
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            answer
        }
    };
    answer.body_mut().keep(busy);
    Ok(answer)
}

/// Takes a body, which says nothing.
async fn take(body: Incoming) -> Result<(), (StatusCode, String)> {
    if body.is_end_stream() {
        return Ok(());
    }
    let too_large = || {
        (StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {BODY_MAX} bytes; none is needed"))
    };
    if body.size_hint().lower() > BODY_MAX as u64 {
        return Err(too_large());
    }
    match timeout(REQUEST, Limited::new(body, BODY_MAX).collect()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not come".to_owned())),
    }
}

impl Server {
    async fn respond(
        self: &Rc<Self>,
        peer: &Peer,
        watch: &Watch,
        headers: &HeaderMap,
        request: Request,
    ) -> Answer {
        let right = request.route.right;
        let has_token = peer.owner == Owner::Network && self.has_token(headers);
        if !peer.rights.has(right) && !has_token {
            return self.forbidden(peer, right, &request.target());
        }
        if let (Some(order), Some(name)) = (orders::of(&request), &request.name) {
            return self.order(name, order, &request).await;
        }
        match (request.route.to, &request.name) {
            (Endpoint::Events, _) => self.tell_events(headers, &request).await,
            (Endpoint::RunHook, Some(name)) => self.run_hook(name, &request).await,
            (Endpoint::Scale, Some(name)) => self.scale(name, &request).await,
            (Endpoint::Rescan, _) => self.rescan().await,
            (Endpoint::Shutdown, _) => {
                let reason = format!("by {}", peer.shown);
                let done = self.ask(|done| Ask::Shutdown(reason, done)).await;
                said(done, "all profiles are being stopped")
            }
            (Endpoint::Upgrade, _) => {
                watch.upgrade(Upgrade(Arc::clone(&self.inbox)));
                said(Ok(()), "the upgrade has begun")
            }
            (Endpoint::Live, _) => match timeout(ALIVE, self.view()).await {
                Ok(Ok(_)) => answer::text(StatusCode::OK, "ok"),
                Ok(Err(NoAnswer)) | Err(_) => no_reactor(),
            },
            (Endpoint::Ready, _) => self.ready(&request).await,
            _ => self.content(&request).await,
        }
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let token = self.token.borrow();
        let given = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(7));
        match (&*token, given) {
            (Some(token), Some((scheme, given))) => {
                scheme.eq_ignore_ascii_case(b"bearer ") && is_token(given, token)
            }
            (Some(_) | None, _) => false,
        }
    }

    /// Says that a client may not do that, to it and in the log.
    fn forbidden(&self, peer: &Peer, right: Right, what: &str) -> Answer {
        self.complaints.refused(&self.log, peer, what);
        let (error, hint) = match (peer.owner, right) {
            (Owner::Network, _) if self.token.borrow().is_some() => (
                "orders need the token",
                "send `Authorization: Bearer TOKEN` with what is in the file of --token-file".to_owned(),
            ),
            (Owner::Network, _) => (
                "nobody may give orders over TCP",
                "use the unix socket, or start ProcLaunch with --token-file".to_owned(),
            ),
            (Owner::User(_), right) => {
                let (error, option, group) = match right {
                    Right::Read => ("you may not see this", "--status-group", &self.config.status_group),
                    Right::Control => {
                        ("you may not give orders", "--control-group", &self.config.control_group)
                    }
                };
                let hint = match group {
                    Some(group) => format!("root, the user of the supervisor and the group `{group}` may"),
                    None => {
                        format!("root and the user of the supervisor may; {option} GROUP lets a group do so")
                    }
                };
                (error, hint)
            }
        };
        answer::error(StatusCode::FORBIDDEN, error, Some(hint))
    }

    async fn tell_events(self: &Rc<Self>, headers: &HeaderMap, request: &Request) -> Answer {
        let header = headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
        if header.is_some_and(|id| !id.is_empty() && !is_event_id(id)) {
            let hint = Some("send back the `id:` of the last event as it came".to_owned());
            return answer::error(StatusCode::BAD_REQUEST, "Last-Event-ID is no id of an event", hint);
        }
        // A browser that has read nothing yet sends none, or an empty one.
        let last = header.filter(|id| !id.is_empty()).or_else(|| request.event_id("after"));
        let start = self.events.start(last);
        let follow = request.flag("follow").unwrap_or(false);
        let mut globs = request.globs("profile");
        if globs.iter().any(|glob| glob.exact().is_some()) {
            let Ok(view) = self.view().await else { return no_reactor() };
            globs = among(globs, &view);
        }
        let receiver = events::tell(Rc::clone(self), start, globs, follow);
        answer::stream("text/event-stream", receiver, follow)
    }

    async fn rescan(&self) -> Answer {
        match self.ask(Ask::Rescan).await {
            Ok(Ok(())) => said(Ok(()), "the profiles were read"),
            Ok(Err(why)) => answer::error(StatusCode::CONFLICT, format!("failed to {why}"), None),
            Err(NoAnswer) => no_reactor(),
        }
    }

    async fn ready(&self, request: &Request) -> Answer {
        let only = request.profile("profile");
        let Ok(view) = self.view().await else { return no_reactor() };
        match ready(&view, only.as_ref()) {
            Ok(()) => answer::text(StatusCode::OK, "ok"),
            Err(Unready::Because(why)) => answer::error(StatusCode::SERVICE_UNAVAILABLE, why, None),
            Err(Unready::Unknown) => match only {
                Some(name) => self.unknown(&name).await,
                None => no_reactor(),
            },
        }
    }
}

fn said(done: Result<(), NoAnswer>, result: &str) -> Answer {
    match done {
        Ok(()) => answer::json(StatusCode::OK, &api::Done { result: result.to_owned() }),
        Err(NoAnswer) => no_reactor(),
    }
}
