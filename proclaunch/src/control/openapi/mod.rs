//! `GET /v1/openapi.json`: the routes described by the OpenAPI specification, version 3.1.
//!
//! **Invariant:** it cannot drift: paths, parameters and answers are those of [`ROUTES`], by which the server works, and
//! the schemas are those of the types in [`api`], from which the answers are made.

#[cfg(test)]
mod tests;

use proclaunch_core::hook::Hook;
use proclaunch_core::ids::NAME_MAX;
use proclaunch_core::signal::Signal;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::api;
use super::routes::{
    Body, Endpoint, Kind, OUTPUT_MISSING, OUTPUT_POSITION, Parameter, ROUTES, Right, Route, SECONDS_MAX,
};

/// The description, as JSON text. It is made anew each time: it is seldom asked for.
pub fn description() -> String {
    let mut text = serde_json::to_string_pretty(&document()).expect("a document of strings and maps is JSON");
    text.push('\n');
    text
}

fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.name().to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ProcLaunch",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What is running, why, and what is to be done. Served over the unix socket \
                            `STATE_DIR/proclaunch.sock`, and for reading over TCP with `--listen`.",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{
            "url": "http://localhost",
            "description": "The host means nothing: `curl --unix-socket STATE_DIR/proclaunch.sock http://localhost/v1/profiles`",
        }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "What `--token-file` holds: over TCP, control needs it. Over the socket, the \
                                    client's user decides.",
                },
            },
        },
    })
}

/// The schemas of all types that travel, by their names.
fn schemas() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut generator = settings.with(|s| s.definitions_path = "/components/schemas".into()).into_generator();
    for add in TYPES {
        add(&mut generator);
    }
    generator.take_definitions(true)
}

/// All types that a body can be; those that they hold come along.
const TYPES: &[fn(&mut SchemaGenerator)] = &[
    add::<api::Profiles>,
    add::<api::Profile>,
    add::<api::Ordered>,
    add::<api::Error>,
    add::<api::History>,
    add::<api::Explanation>,
    add::<api::Event>,
    add::<api::HookRun>,
    add::<api::Own>,
    add::<api::Scaled>,
    add::<api::Done>,
];

fn add<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route.to),
        "summary": route.about,
        "parameters": parameters(route),
        "responses": responses(route),
    });
    if route.right == Right::Control {
        operation["security"] = json!([{}, { "token": [] }]);
    }
    operation
}

fn operation_id(endpoint: Endpoint) -> String {
    let mut name = format!("{endpoint:?}");
    name[..1].make_ascii_lowercase();
    name
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = [
        ("name", "Which profile.", schema(Kind::Name)),
        ("hook", "Which hook.", json!({ "type": "string", "enum": Hook::ALL.map(Hook::name) })),
    ];
    let mut all: Vec<Value> = in_path
        .into_iter()
        .filter(|(name, ..)| route.path.contains(&format!("{{{name}}}")))
        .map(|(name, about, schema)| {
            json!({ "name": name, "in": "path", "required": true, "description": about, "schema": schema })
        })
        .collect();
    all.extend(route.query.iter().map(in_query));
    if route.to == Endpoint::Events {
        all.push(json!({
            "name": "Last-Event-ID",
            "in": "header",
            "description": "Only events after the one of this id.",
            "schema": schema(Kind::EventId),
        }));
    }
    all
}

fn in_query(parameter: &Parameter) -> Value {
    let Parameter { name, kind, is_required, repeats, about } = *parameter;
    let one = schema(kind);
    let schema = if repeats { json!({ "type": "array", "items": one }) } else { one };
    json!({ "name": name, "in": "query", "required": is_required, "description": about, "schema": schema })
}

fn schema(kind: Kind) -> Value {
    match kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Glob => json!({
            "type": "string",
            "minLength": 1,
            "maxLength": 2 * NAME_MAX,
            "pattern": r"^([A-Za-z0-9_.@*?-]|\[[!^]?[A-Za-z0-9_.@-]+\])+$",
            "examples": ["web", "web-*", "db[0-9]"],
        }),
        Kind::Name => json!({
            "type": "string",
            "pattern": format!("^[A-Za-z0-9_][A-Za-z0-9_.@-]{{0,{}}}$", NAME_MAX - 1),
        }),
        Kind::Count => json!({ "type": "integer", "format": "uint64", "minimum": 0, "maximum": u64::MAX }),
        Kind::Seconds => json!({
            "type": "number",
            "minimum": 0,
            "maximum": SECONDS_MAX,
            "description": "Seconds in plain decimal notation, without an exponent; at most a year.",
            "examples": [2.5],
        }),
        Kind::Signal => {
            json!({ "type": "string", "pattern": signals(), "examples": ["HUP", "SIGUSR1", "15", "RTMIN+3"] })
        }
        Kind::EventId => json!({ "type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$" }),
        Kind::Position => json!({
            "type": "string",
            "pattern": "^[0-9]{1,20}-[0-9]{1,20}:[0-9]{1,20}$",
            "description": "A file, when it was made, and how many bytes from its beginning on come before. That may be \
                            more than the file has: it then goes on in the files that came after it.",
        }),
    }
}

/// The names and numbers of signals, as a regular expression.
fn signals() -> String {
    let all = (1..=64).filter_map(Signal::from_number).map(|signal| signal.to_string());
    let names: Vec<String> =
        all.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric())).collect();
    let names = names.join("|");
    let offset = "([0-9]|[12][0-9]|30)";
    format!(r"^((SIG)?({names}|RTMIN(\+{offset})?|RTMAX(-{offset})?)|[1-9]|[1-5][0-9]|6[0-4])$")
}

fn responses(route: &Route) -> Map<String, Value> {
    let error = Body::Json("Error");
    let always = [(400, error, "The request is not as it must be."), (403, error, "This client may not.")];
    let mut all = Map::new();
    for (status, body, about) in always {
        all.insert(status.to_string(), response(body, about));
    }
    for (status, body) in route.answers {
        all.insert(status.to_string(), response(*body, what_it_means(*status)));
    }
    all.insert("default".to_owned(), response(error, "Anything else that is no success."));
    all
}

fn what_it_means(status: u16) -> &'static str {
    match status {
        200 => "So it is.",
        202 => "The order was taken, and not waited for.",
        404 => "There is no profile of that name.",
        409 => "It was refused or has failed, as `result` and `error` say.",
        503 => "Not now, as `error` says.",
        504 => "It was not done in time; the order stays in force.",
        _ => "See the body.",
    }
}

fn response(body: Body, about: &str) -> Value {
    let (media, schema) = match body {
        Body::Json(name) => ("application/json", reference(name)),
        Body::Description => ("application/json", json!({ "type": "object" })),
        Body::Text => ("text/plain; charset=utf-8", json!({ "type": "string" })),
        Body::Raw => {
            ("text/plain", json!({ "type": "string", "contentMediaType": "application/octet-stream" }))
        }
        Body::Events => ("text/event-stream", event()),
        Body::Metrics => ("text/plain; version=0.0.4; charset=utf-8", json!({ "type": "string" })),
    };
    let mut response = json!({ "description": about, "content": { media: { "schema": schema } } });
    if body == Body::Raw {
        response["headers"] = json!({
            OUTPUT_POSITION: {
                "description": "Where the body begins. Not there if nothing was written yet.",
                "schema": self::schema(Kind::Position),
            },
            OUTPUT_MISSING: {
                "description": "There, and `true`, if what `from` names is not kept any more: the body begins with what is.",
                "schema": { "type": "boolean" },
            },
        });
    }
    response
}

/// One event of a stream, its lines as fields.
fn event() -> Value {
    json!({
        "type": "object",
        "description": "One event of the stream.",
        "properties": {
            "id": { "type": "string", "description": "To go on from, as Last-Event-ID." },
            "event": { "type": "string", "description": "Its kind." },
            "data": {
                "type": "string",
                "description": "All of it, JSON in one line.",
                "contentMediaType": "application/json",
                "contentSchema": reference("Event"),
            },
        },
    })
}
