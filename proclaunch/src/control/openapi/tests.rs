//! The description against the routes, and against real answers.

use std::collections::BTreeSet;

use proclaunch_core::hook::Happening;
use proclaunch_core::machine::{By, Decision, Explanation, Outlook, StateName, Transition, Why};
use serde::Serialize;

use super::super::bridge::Told;
use super::super::convert::tests::{NOON, name, status, usage};
use super::super::own;
use super::*;

#[expect(unreachable_pub, reason = "the tests from outside use it too")]
#[path = "../../../../tests/src/schema.rs"]
mod schema;

use schema::check;

/// An answer of every type.
fn samples() -> Vec<(&'static str, Value)> {
    fn sample<T: Serialize>(name: &'static str, value: T) -> (&'static str, Value) {
        (name, serde_json::to_value(value).unwrap())
    }
    let text = |text: &str| text.to_owned();
    let profile = NOON.profile(&name("web"), &status(), Some(&usage()));
    let bare =
        proclaunch_core::machine::Status { process: None, ticket: None, exit: None, next: None, ..status() };
    let bare = NOON.profile(&name("db"), &bare, None);
    let (from, to) = (StateName::Running, StateName::Stopped);
    let transition = Transition { at: NOON.now, from, to, why: Why::Exited, reason: "exit 1".into() };
    let decision = Decision {
        at: NOON.now,
        what: text("gives up"),
        by: By::Default,
        inputs: text("exit 1"),
        reason: text("4 deaths"),
    };
    let outlook = Outlook { event: text("exits"), then: text("restarts"), within: None };
    let explanation = Explanation { status: status(), decisions: vec![decision], outlook: vec![outlook] };
    let what = Happening {
        kind: text("health"),
        level: text("warn"),
        from: text("healthy"),
        to: text("unhealthy"),
        reason: text("http 503"),
    };
    let told = Told::Happened { name: name("web"), at: NOON.now, what, pid: Some(1), exit: status().exit };
    let about = own::About {
        mode: "supervising",
        profiles_dir: text("/p"),
        state_dir: text("/s"),
        profiles: 2,
        refused: (1, Some("it fails".into())),
    };
    let run = api::HookRun {
        hook: text("health"),
        outcome: text("answer"),
        answer: text("healthy"),
        reason: None,
        seconds: 0.5,
        log: vec![text("a line")],
        requests: Vec::new(),
        applied: true,
    };
    let scaled =
        api::Scaled { result: text("done"), name: text("web"), count: 1, profiles: vec![profile.clone()] };
    let error = api::Error {
        error: text("there is no such profile"),
        hint: None,
        result: Some(text("refused")),
        profile: Some(Box::new(bare.clone())),
    };
    let all = api::Profiles { profiles: vec![profile.clone(), bare], mode: text("supervising") };
    vec![
        sample("Profiles", all),
        sample("Profile", &profile),
        sample("Ordered", api::Ordered { result: text("done"), profile: Some(profile.clone()) }),
        sample("Ordered", api::Ordered { result: text("done"), profile: None }),
        sample("Scaled", scaled),
        sample("Error", error),
        sample("History", NOON.history(&[transition], &[status().exit.unwrap()])),
        sample("Explanation", NOON.explanation(&name("web"), &explanation, None)),
        sample("Event", NOON.event(text("0000000000000001-7"), &told)),
        sample("HookRun", run),
        sample("Own", own::own(about, None)),
        sample("Done", api::Done { result: text("upgraded") }),
    ]
}

#[test]
fn answers_of_every_type_are_as_described() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (name, value) in samples() {
        assert_eq!(check(&document, &reference(name), &value, name), Ok(()));
        seen.insert(name);
        let mut lacking = value.clone();
        lacking.as_object_mut().unwrap().remove(match name {
            "Profiles" => "mode",
            "Profile" => "pid",
            "Ordered" | "Scaled" | "Done" => "result",
            "Error" => "error",
            "History" => "exits",
            "Explanation" => "outlook",
            "Event" => "id",
            "HookRun" => "seconds",
            _ => "processes",
        });
        assert!(check(&document, &reference(name), &lacking, name).is_err(), "{name} may lack nothing");
    }
    let answers = ROUTES.iter().flat_map(|route| route.answers).filter_map(|(_, body)| match body {
        Body::Json(name) => Some(*name),
        Body::Description | Body::Text | Body::Raw | Body::Events | Body::Metrics => None,
    });
    let answers: BTreeSet<&str> = answers.chain(["Event"]).collect();
    assert_eq!(answers, seen, "every type that is answered has a sample");
}

#[test]
fn every_route_is_described_with_its_parameters() {
    let document = document();
    let mut ids = BTreeSet::new();
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.method.name().to_lowercase()];
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{operation}");
        let parameters = operation["parameters"].as_array().unwrap();
        let in_query: Vec<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let expected: Vec<&str> = route.query.iter().map(|parameter| parameter.name).collect();
        assert_eq!(in_query, expected, "{}", route.path);
        for (status, _) in route.answers {
            assert!(operation["responses"].get(status.to_string()).is_some(), "{status}: {operation}");
        }
    }
    let described: usize =
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(described, ROUTES.len());
}

#[test]
fn every_reference_leads_somewhere() {
    let text = description();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut count = 0;
    for rest in text.split("\"$ref\": \"#").skip(1) {
        let pointer = rest.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
        count += 1;
    }
    assert!(count > 20, "{count}");
}

#[test]
fn fields_are_described_in_the_words_of_the_types() {
    let document = document();
    let pid = &document["components"]["schemas"]["Profile"]["properties"]["pid"];
    assert_eq!(pid["description"], "The main process, while it lives.");
    assert_eq!(pid["type"], json!(["integer", "null"]));
}
