//! What the reading routes answer with: handed on to those who make it.

use std::rc::Rc;
use std::sync::Arc;

use hyper::StatusCode;
use proclaunch_core::ids::ProfileName;

use super::answer::{self, Answer, no_reactor};
use super::request::Request;
use super::{NoAnswer, Server};
use crate::control::api;
use crate::control::bridge::{Ask, View};
use crate::control::convert::{self, Clocks};
use crate::control::glob::{Glob, any_matches};
use crate::control::metrics::{self, Figures, Recorder};
use crate::control::openapi;
use crate::control::own::{self, About};
use crate::control::routes::Endpoint;
use crate::control::usage::{Meter, Usages};

/// What is kept from one request to the next.
#[derive(Debug, Default)]
pub(super) struct Contents {
    meter: Meter,
    recorder: Arc<Recorder>,
}

impl Contents {
    /// Where the reactor counts what happens.
    pub(super) fn new(recorder: Arc<Recorder>) -> Self {
        Self { meter: Meter::default(), recorder }
    }
}

impl Server {
    /// Answers a request that only looks.
    pub(super) async fn content(self: &Rc<Self>, request: &Request) -> Answer {
        let Ok(mut view) = self.view().await else { return no_reactor() };
        if !view.is_complete && request.name.as_ref().is_some_and(|name| !view.profiles.contains_key(name)) {
            // A client of the supervisor before this one does not wait until this one has seen everything.
            let scanned = self.ask(Ask::Rescan).await;
            let (Ok(_), Ok(complete)) = (scanned, self.view().await) else { return no_reactor() };
            view = complete;
        }
        match (request.route.to, &request.name) {
            (Endpoint::Profiles, _) => self.profiles(&view, request).await,
            (Endpoint::Own, _) => self.own(&view).await,
            (Endpoint::Metrics, _) => self.metrics(&view).await,
            (Endpoint::OpenApi, _) => {
                answer::whole(StatusCode::OK, "application/json", openapi::description())
            }
            (Endpoint::Log, Some(name)) if view.profiles.contains_key(name) => self.log(name, request).await,
            (to, Some(name)) if view.profiles.contains_key(name) => self.of_profile(to, &view, name).await,
            (_, Some(name)) => self.unknown(name).await,
            // All others name a profile, or are answered before they come here.
            (_, None) => answer::error(StatusCode::NOT_FOUND, "there is nothing to look at", None),
        }
    }

    async fn metrics(&self, view: &Arc<View>) -> Answer {
        let now = Clocks::read().now;
        let usages = self.contents.meter.measure(view).await;
        let recorded = self.contents.recorder.recorded(view);
        let (view, logger) = (Arc::clone(view), view.logger);
        let page = tokio::task::spawn_blocking(move || {
            let own = own::processes(logger);
            metrics::page(&Figures { now, view: &view, usages: &usages, own: &own, recorded: &recorded })
        });
        match page.await {
            Ok(page) => answer::whole(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", page),
            Err(_) => no_reactor(),
        }
    }

    async fn profiles(&self, view: &Arc<View>, request: &Request) -> Answer {
        let globs = among(request.globs("name"), view);
        let usages = self.contents.meter.measure(view).await;
        let clocks = Clocks::read();
        let named = view.profiles.iter().filter(|(name, _)| any_matches(&globs, name));
        let profiles = named.map(|(name, status)| clocks.profile(name, status, usages.now.get(name)));
        let profiles = profiles.collect();
        let mode = convert::mode(view.is_draining).to_owned();
        answer::json(StatusCode::OK, &api::Profiles { profiles, mode })
    }

    async fn of_profile(&self, to: Endpoint, view: &Arc<View>, name: &ProfileName) -> Answer {
        match to {
            Endpoint::History => match self.ask(|sender| Ask::History(name.clone(), sender)).await {
                Ok(Some((transitions, exits))) => {
                    answer::json(StatusCode::OK, &Clocks::read().history(&transitions, &exits))
                }
                Ok(None) => self.unknown(name).await,
                Err(NoAnswer) => no_reactor(),
            },
            Endpoint::Explain => match self.ask(|sender| Ask::Explain(name.clone(), sender)).await {
                Ok(Some(explanation)) => {
                    let usages = self.contents.meter.measure(view).await;
                    let usage = usages.now.get(name);
                    answer::json(StatusCode::OK, &Clocks::read().explanation(name, &explanation, usage))
                }
                Ok(None) => self.unknown(name).await,
                Err(NoAnswer) => no_reactor(),
            },
            _ => match self.profile(view, name).await {
                Some(profile) => answer::json(StatusCode::OK, &profile),
                None => self.unknown(name).await,
            },
        }
    }

    /// One profile as it is, with what it uses.
    pub(super) async fn profile(&self, view: &Arc<View>, name: &ProfileName) -> Option<api::Profile> {
        let status = view.profiles.get(name)?;
        let usages: Arc<Usages> = self.contents.meter.measure(view).await;
        Some(Clocks::read().profile(name, status, usages.now.get(name)))
    }

    async fn own(&self, view: &View) -> Answer {
        let about = About {
            mode: convert::mode(view.is_draining),
            profiles_dir: self.config.profiles_dir.display().to_string(),
            state_dir: self.config.state_dir.display().to_string(),
            profiles: view.profiles.len(),
            refused: view.refused.clone(),
        };
        let logger = view.logger;
        match tokio::task::spawn_blocking(move || own::own(about, logger)).await {
            Ok(own) => answer::json(StatusCode::OK, &own),
            Err(_) => no_reactor(),
        }
    }
}

/// What patterns mean among the profiles that there are.
pub(super) fn among(globs: Vec<Glob>, view: &View) -> Vec<Glob> {
    globs.into_iter().map(|glob| glob.among(|name| view.profiles.contains_key(name))).collect()
}
