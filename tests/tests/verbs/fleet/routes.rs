//! Every route with real answers, good and bad, each as the description says.

use std::collections::BTreeSet;

use nix::sys::signal::Signal;
use proclaunch::control::routes::{Method, ROUTES};
use proclaunch_tests::control::Answer;
use proclaunch_tests::processes::Process;
use proclaunch_tests::schema::check;
use serde_json::{Value, json};

use super::started;

/// A request: which route, what is asked for, and the status of the answer.
const REQUESTS: [(&str, &str, u16); 52] = [
    ("GET /v1/profiles", "/v1/profiles", 200),
    ("GET /v1/profiles", "/v1/profiles?name=d*&name=plain", 200),
    ("GET /v1/profiles", "/v1/profiles?nmae=plain", 400),
    ("GET /v1/profiles/{name}", "/v1/profiles/deaf", 200),
    ("GET /v1/profiles/{name}", "/v1/profiles/plai", 404),
    ("GET /v1/profiles/{name}", "/v1/profiles/..%2Fx", 400),
    ("GET /v1/profiles/{name}/history", "/v1/profiles/gave-up/history", 200),
    ("GET /v1/profiles/{name}/history", "/v1/profiles/nobody/history", 404),
    ("GET /v1/profiles/{name}/explain", "/v1/profiles/unhealthy/explain", 200),
    ("GET /v1/profiles/{name}/explain", "/v1/profiles/nobody/explain", 404),
    ("GET /v1/profiles/{name}/log", "/v1/profiles/plain/log?lines=1", 200),
    ("GET /v1/profiles/{name}/log", "/v1/profiles/nobody/log", 404),
    ("GET /v1/profiles/{name}/log", "/v1/profiles/plain/log?lines=-1", 400),
    ("POST /v1/profiles/{name}/start", "/v1/profiles/down/start", 200),
    ("POST /v1/profiles/{name}/start", "/v1/profiles/starting/start?wait=false", 202),
    ("POST /v1/profiles/{name}/start", "/v1/profiles/nobody/start", 404),
    ("POST /v1/profiles/{name}/start", "/v1/profiles/held/start", 409),
    ("POST /v1/profiles/{name}/start", "/v1/profiles/starting/start?timeout=0.1", 504),
    ("POST /v1/profiles/{name}/start", "/v1/profiles/plain/start?force=perhaps", 400),
    ("POST /v1/profiles/{name}/stop", "/v1/profiles/down/stop", 200),
    ("POST /v1/profiles/{name}/stop", "/v1/profiles/deaf/stop?timeout=0.1", 504),
    ("POST /v1/profiles/{name}/stop", "/v1/profiles/nobody/stop", 404),
    ("POST /v1/profiles/{name}/restart", "/v1/profiles/plain/restart", 200),
    ("POST /v1/profiles/{name}/restart", "/v1/profiles/held/restart", 409),
    ("POST /v1/profiles/{name}/restart", "/v1/profiles/nobody/restart", 404),
    ("POST /v1/profiles/{name}/reload", "/v1/profiles/daemon/reload", 200),
    ("POST /v1/profiles/{name}/reload", "/v1/profiles/stopped/reload", 409),
    ("POST /v1/profiles/{name}/signal", "/v1/profiles/plain/signal?signal=CONT", 200),
    ("POST /v1/profiles/{name}/signal", "/v1/profiles/stopped/signal?signal=HUP", 409),
    ("POST /v1/profiles/{name}/signal", "/v1/profiles/plain/signal?signal=LOUD", 400),
    ("POST /v1/profiles/{name}/signal", "/v1/profiles/plain/signal", 400),
    ("POST /v1/profiles/{name}/scale", "/v1/profiles/pool/scale?count=2", 200),
    ("POST /v1/profiles/{name}/scale", "/v1/profiles/pool/scale?count=1&wait=false", 202),
    ("POST /v1/profiles/{name}/scale", "/v1/profiles/nobody/scale?count=1", 404),
    ("POST /v1/profiles/{name}/scale", "/v1/profiles/pool/scale?count=1001", 400),
    ("POST /v1/profiles/{name}/hooks/{hook}", "/v1/profiles/unhealthy/hooks/health", 200),
    ("POST /v1/profiles/{name}/hooks/{hook}", "/v1/profiles/hooks-off/hooks/on_tick?dry_run=true", 200),
    ("POST /v1/profiles/{name}/hooks/{hook}", "/v1/profiles/plain/hooks/health", 409),
    ("POST /v1/profiles/{name}/hooks/{hook}", "/v1/profiles/nobody/hooks/health", 404),
    ("GET /v1/events", "/v1/events?profile=killed", 200),
    ("GET /v1/events", "/v1/events?after=a%20b", 400),
    ("GET /v1/self", "/v1/self", 200),
    ("POST /v1/rescan", "/v1/rescan", 200),
    ("POST /v1/rescan", "/v1/rescan?now=true", 400),
    ("GET /v1/openapi.json", "/v1/openapi.json", 200),
    ("GET /metrics", "/metrics", 200),
    ("GET /livez", "/livez", 200),
    ("GET /readyz", "/readyz", 503),
    ("GET /readyz", "/readyz?profile=plain", 200),
    ("GET /readyz", "/readyz?profile=nobody", 404),
    ("POST /v1/upgrade", "/v1/upgrade", 200),
    ("POST /v1/shutdown", "/v1/shutdown", 200),
];

#[test]
fn every_route_answers_as_it_is_described() {
    let daemon = started();
    let control = daemon.control();
    let description = control.get("/v1/openapi.json").value();
    let supervisor = daemon.supervisor().unwrap();
    let mut asked = BTreeSet::new();
    for (route, target, status) in REQUESTS {
        let (method, path) = route.split_once(' ').unwrap();
        let answer = control.send(method, target, &[]).all();
        assert_eq!(answer.status, status, "{method} {target}: {answer:?}");
        let operation = &description["paths"][path][method.to_lowercase()];
        is_described(&description, operation, &answer)
            .unwrap_or_else(|why| panic!("{method} {target}: {why}"));
        asked.insert(route.to_owned());
        if path == "/v1/upgrade" {
            daemon.wait_for("the next supervisor", || (daemon.supervisor()? != supervisor).then_some(()));
        }
    }
    let name = |method: Method, path: &str| format!("{} {path}", method.name());
    let all: BTreeSet<String> = ROUTES.iter().map(|route| name(route.method, route.path)).collect();
    assert_eq!(asked, all, "every route is asked");
    let deaf = daemon.wait_for_profile("deaf", |profile| profile.pid.is_some());
    Process::of(deaf.pid.unwrap()).unwrap().signal(Signal::SIGKILL);
    daemon.wait_for("the end", || daemon.keeper().is_none().then_some(()));
}

/// Checks the type of the content, and all of it.
fn is_described(description: &Value, operation: &Value, answer: &Answer) -> Result<(), String> {
    let responses = &operation["responses"];
    let status = answer.status.to_string();
    let response = responses.get(&status).or(responses.get("default")).ok_or("nothing is described")?;
    let content = response["content"].as_object().ok_or("no content is described")?;
    let (media, described) = content.iter().next().ok_or("no content is described")?;
    if answer.header("content-type") != Some(media) {
        return Err(format!("it comes as {:?} and not as {media}", answer.header("content-type")));
    }
    match media.as_str() {
        "application/json" => check(description, &described["schema"], &answer.value(), "body"),
        "text/event-stream" => {
            let events = answer.events();
            let schema = json!({ "$ref": "#/components/schemas/Event" });
            let mut events = events.iter().map(|event| serde_json::to_value(event).unwrap());
            events.try_for_each(|event| check(description, &schema, &event, "event"))
        }
        _ => Ok(()),
    }
}
