//! `world`: what the main process uses, and what runs below it.

use std::time::Duration;

use mlua::{Table, Value};
use proclaunch_core::ids::ProcId;

use super::{Done, Here, Verb};
use crate::hooks::api::arguments::{Arguments, Options};
use crate::hooks::reference::Item;
use crate::policy_test::processes::{Child, born_before};

pub(super) static VERBS: &[Verb] = &[
    Verb {
        item: Item::function(
            "world.rss",
            &[("bytes", "number")],
            "",
            "How much memory the main process has in RAM: 10 MB unless said.",
        ),
        run: |here, arguments| {
            Box::pin(std::future::ready(figure(&here, arguments, "bytes", |usage| &mut usage.rss)))
        },
    },
    Verb {
        item: Item::function(
            "world.cpu",
            &[("percent", "number")],
            "",
            "How much of one processor the main process uses from now on: 0 unless said.",
        ),
        run: |here, arguments| Box::pin(std::future::ready(cpu(&here, arguments))),
    },
    Verb {
        item: Item::function(
            "world.fds",
            &[("count", "number")],
            "",
            "How many descriptors the main process has open: 4 unless said.",
        ),
        run: |here, arguments| {
            Box::pin(std::future::ready(figure(&here, arguments, "count", |usage| &mut usage.fds)))
        },
    },
    Verb {
        item: Item::function(
            "world.threads",
            &[("count", "number")],
            "",
            "How many threads the main process has: 1 unless said.",
        ),
        run: |here, arguments| {
            Box::pin(std::future::ready(figure(&here, arguments, "count", |usage| &mut usage.threads)))
        },
    },
    Verb {
        item: Item::function(
            "world.children",
            &[("children", "{ { pid: number?, age: number?, rss: number?, cmd: string? } }")],
            "",
            "What runs below the main process, in place of what did: none unless said. A signal that ends processes \
             takes a child away.",
        ),
        run: |here, arguments| Box::pin(std::future::ready(children(&here, arguments))),
    },
];

fn figure(
    here: &Here,
    mut arguments: Arguments,
    name: &str,
    which: fn(&mut crate::policy_test::processes::Usage) -> &mut f64,
) -> Done {
    let number = positive(&mut arguments, name)?;
    *which(&mut here.world.processes.borrow_mut().usage) = number;
    Ok(())
}

fn positive(arguments: &mut Arguments, name: &str) -> Result<f64, super::Trouble> {
    let number = arguments.number(name)?;
    if number < 0.0 {
        return Err(format!("`{name}` must not be below 0; got {number}").into());
    }
    Ok(number)
}

fn cpu(here: &Here, mut arguments: Arguments) -> Done {
    let percent = positive(&mut arguments, "percent")?;
    here.world.processes.borrow_mut().set_cpu(percent, here.world.now());
    Ok(())
}

fn children(here: &Here, mut arguments: Arguments) -> Done {
    let list: Table = arguments.table("children")?;
    let now = here.world.now();
    let mut children = Vec::new();
    for item in list.sequence_values::<Value>() {
        let table = match item? {
            Value::Table(table) => table,
            other => return Err(arguments.wrong("children", "a list of tables", &other).into()),
        };
        let options = Options::new("world.children", table, &["pid", "age", "rss", "cmd"])?;
        let age = options.seconds("age")?.unwrap_or(Duration::ZERO);
        let mut id: ProcId = here.world.processes.borrow_mut().id(now);
        id.start = born_before(now, age);
        if let Some(pid) = options.number("pid")? {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a pid is a small number, and any other is as good"
            )]
            let pid = pid as i32;
            id.pid = pid;
        }
        let cmd = options.text("cmd")?.unwrap_or_else(|| "worker".to_owned());
        children.push(Child { id, rss: options.number("rss")?.unwrap_or(1_048_576.0), cmd });
    }
    here.world.processes.borrow_mut().children = children;
    Ok(())
}
