//! A hook that is called once because somebody asks for it.

use hyper::StatusCode;
use proclaunch_core::ids::ProfileName;

use super::Server;
use super::answer::{self, Answer, no_reactor};
use super::request::Request;
use crate::control::api;
use crate::control::bridge::Ask;
use tokio::sync::oneshot;

impl Server {
    /// Calls a hook, and answers with what came of it.
    pub(super) async fn run_hook(&self, name: &ProfileName, request: &Request) -> Answer {
        let Some(hook) = request.hook else { return no_reactor() };
        match self.exists(name).await {
            Ok(true) => {}
            Ok(false) => return self.unknown(name).await,
            Err(super::NoAnswer) => return no_reactor(),
        }
        let dry_run = request.flag("dry_run").unwrap_or(false);
        let (answer, answered) = oneshot::channel();
        self.inbox.ask(Ask::RunHook { name: name.clone(), hook, dry_run, answer });
        // As long as its budget, which may be ten minutes: the thread of the hooks sees to that.
        match answered.await {
            Ok(Ok(run)) => answer::json(StatusCode::OK, &run),
            Ok(Err(error)) => {
                let result = Some("refused".to_owned());
                answer::json(StatusCode::CONFLICT, &api::Error { error, hint: None, result, profile: None })
            }
            Err(_) => answer::error(
                StatusCode::CONFLICT,
                format!(
                    "{name}: {hook} was given up: the hooks were loaded anew, or their thread was replaced"
                ),
                Some("try it again".to_owned()),
            ),
        }
    }
}
