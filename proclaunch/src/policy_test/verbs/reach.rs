//! `world`: who answers where, what commands do, what stands in files.

use std::net::IpAddr;

use mlua::Value;

use super::{Done, Here, Trouble, Verb};
use crate::hooks::api::arguments::{Arguments, Options, number, text};
use crate::hooks::api::net::{PORT, port};
use crate::hooks::reference::Item;
use crate::policy_test::reply::Scripted;
use crate::policy_test::script::ScriptedFile;

pub(super) static VERBS: &[Verb] = &[
    Verb {
        item: Item::function(
            "world.http",
            &[("where", "string"), ("reply", "any")],
            "",
            "What a request to a path such as \"/healthz\", or to a whole address, is answered: a status, { status =, \
             body =, headers =, takes = }, false for a refused connection, or a function of { method, url, path, body, \
             headers } that returns one of these. Without it, connections are refused.",
        ),
        run: |here, arguments| Box::pin(std::future::ready(http(&here, arguments))),
    },
    Verb {
        item: Item::function(
            "world.tcp",
            &[("where", "number | string"), ("reply", "any")],
            "",
            "Who connects to a port, or to \"HOST:PORT\", is accepted (true), refused (false), or told something (a \
             string, or { reply =, takes = }); a function is asked each time. Without it, connections are refused.",
        ),
        run: |here, arguments| Box::pin(std::future::ready(tcp(&here, arguments))),
    },
    Verb {
        item: Item::function(
            "world.unix",
            &[("path", "string"), ("reply", "any")],
            "",
            "The same for a socket in the file system; the path is relative to the profile's directory.",
        ),
        run: |here, arguments| Box::pin(std::future::ready(unix(&here, arguments))),
    },
    Verb {
        item: Item::function(
            "world.resolve",
            &[("host", "string"), ("addresses", "string | { string } | boolean")],
            "",
            "The addresses of a host, or false. Without it, names have none.",
        ),
        run: |here, arguments| Box::pin(std::future::ready(resolve(&here, arguments))),
    },
    Verb {
        item: Item::function(
            "world.exec",
            &[("command", "string | { string }"), ("reply", "any")],
            "",
            "What becomes of a command that begins with these words: { code =, out =, err =, signal =, takes = }, an \
             exit code, false for no such command, nothing for success, or a function of the list of its words that \
             returns one of these. The most words that fit count. Without it, there is no such command.",
        ),
        run: |here, arguments| Box::pin(std::future::ready(exec(&here, arguments))),
    },
    Verb {
        item: Item::function(
            "world.file",
            &[
                ("path", "string"),
                ("content", "string | boolean | { text: string?, age: number?, size: number? }"),
            ],
            "",
            "What stands in a file, written now or `age` seconds ago; false: nothing does. Files of the profile's \
             directory are there without it, written when the test began; all others are missing.",
        ),
        run: |here, arguments| Box::pin(std::future::ready(file(&here, arguments))),
    },
];

fn scripted<T: crate::policy_test::reply::Reply>(arguments: &mut Arguments) -> Result<Scripted<T>, Trouble> {
    Ok(Scripted::read(&arguments.value())?)
}

fn http(here: &Here, mut arguments: Arguments) -> Done {
    let place = arguments.text("where")?;
    if !place.starts_with('/') && !place.starts_with("http") {
        return Err(
            format!("`where` must be a path such as \"/healthz\" or an address; got `{place}`").into()
        );
    }
    let reply = scripted(&mut arguments)?;
    here.world.script.borrow_mut().http.insert(place, reply);
    Ok(())
}

fn tcp(here: &Here, mut arguments: Arguments) -> Done {
    let value = arguments.value();
    let wrong =
        |arguments: &Arguments| arguments.wrong("where", &format!("{PORT}, or \"HOST:PORT\""), &value);
    let place = match (&value, number(&value)) {
        (Value::String(given), _) => {
            let given = given.to_string_lossy();
            let is_place = given.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).is_some();
            Some(given).filter(|_| is_place)
        }
        (_, Some(_)) => port(&value).map(|port| port.to_string()),
        (_, None) => None,
    };
    let place = place.ok_or_else(|| wrong(&arguments))?;
    let reply = scripted(&mut arguments)?;
    here.world.script.borrow_mut().listeners.insert(place, reply);
    Ok(())
}

fn unix(here: &Here, mut arguments: Arguments) -> Done {
    let path = here.world.dir.join(arguments.text("path")?).to_string_lossy().into_owned();
    let reply = scripted(&mut arguments)?;
    here.world.script.borrow_mut().listeners.insert(path, reply);
    Ok(())
}

fn resolve(here: &Here, mut arguments: Arguments) -> Done {
    let host = arguments.text("host")?;
    let value = arguments.value();
    let given: Vec<String> = match &value {
        Value::Boolean(false) => Vec::new(),
        Value::Table(list) => list.sequence_values::<String>().collect::<mlua::Result<_>>()?,
        value => vec![text(value).unwrap_or_default()],
    };
    let found: Result<Vec<IpAddr>, _> = given.iter().map(|address| address.parse()).collect();
    let found =
        found.map_err(|_| arguments.wrong("addresses", "an address, a list of these, or false", &value))?;
    here.world.script.borrow_mut().hosts.insert(host, found);
    Ok(())
}

fn exec(here: &Here, mut arguments: Arguments) -> Done {
    let words = words_of(&arguments.value());
    let words = words.filter(|words| !words.is_empty());
    let words =
        words.ok_or_else(|| "`command` must be a command as one string, or a list of words".to_owned())?;
    let reply = scripted(&mut arguments)?;
    here.world.script.borrow_mut().execs.insert(words, reply);
    Ok(())
}

/// A command as a string or as a list.
pub(super) fn words_of(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => {
            Some(text.to_string_lossy().split_whitespace().map(ToOwned::to_owned).collect())
        }
        Value::Table(list) => list
            .sequence_values::<Value>()
            .map(|word| {
                let word = word.ok()?;
                text(&word).or_else(|| number(&word).map(|number| number.to_string()))
            })
            .collect(),
        _ => None,
    }
}

fn file(here: &Here, mut arguments: Arguments) -> Done {
    let path = here.world.dir.join(arguments.text("path")?);
    let now = here.world.clock.wall();
    let value = arguments.value();
    let written = |text: Option<Vec<u8>>| ScriptedFile { text, size: None, modified: now };
    let file = match &value {
        Value::Boolean(false) => written(None),
        Value::String(text) => written(Some(text.as_bytes().to_vec())),
        Value::Table(table) => {
            let options = Options::new("world.file", table.clone(), &["text", "age", "size"])?;
            let before = here.world.script.borrow().files.get(&path).and_then(|file| file.text.clone());
            let text = options.text("text")?.map(String::into_bytes).or(before);
            let age =
                i64::try_from(options.seconds("age")?.unwrap_or_default().as_millis()).unwrap_or(i64::MAX);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a size is a whole number that is not negative"
            )]
            let size = options.number("size")?.map(|size| size as u64);
            ScriptedFile { text: Some(text.unwrap_or_default()), size, modified: now.saturating_sub(age) }
        }
        other => {
            return Err(arguments
                .wrong("content", "a string, false, or { text =, age =, size = }", other)
                .into());
        }
    };
    here.world.script.borrow_mut().files.insert(path, file);
    Ok(())
}
