//! `world`: time, and the life of the service's process.

use std::rc::Rc;
use std::time::Duration;

use mlua::{Table, Value};
use nix::errno::Errno;
use proclaunch_core::exit::Exit;
use proclaunch_core::signal::Signal;

use super::{Done, Here, Trouble, Verb};
use crate::hooks::api::arguments::{Arguments, seconds, text};
use crate::hooks::fault::shown;
use crate::hooks::reference::Item;
use crate::policy_test::processes::End;
use crate::policy_test::reply::{exit, field, known};

const EXIT: &str = "{ code: number?, signal: string?, core: boolean?, oom: boolean? }?";

/// The least time that a process runs: what takes none could happen without end at one moment.
const SHORTEST: Duration = Duration::from_millis(1);

pub(super) static VERBS: &[Verb] = &[
    Verb {
        item: Item::function(
            "world.advance",
            &[("seconds", "number")],
            "",
            "Lets so much time pass, and everything happen that is due in it.",
        ),
        run: |here, arguments| Box::pin(advance(here, arguments)),
    },
    Verb {
        item: Item::function(
            "world.advance_to",
            &[("time", "string")],
            "",
            "Lets time pass until the clock shows \"HH:MM\" for the next time.",
        ),
        run: |here, arguments| Box::pin(advance_to(here, arguments)),
    },
    Verb {
        item: Item::function(
            "world.exits",
            &[("how", EXIT)],
            "",
            "The main process ends now, by itself: with an exit code (0), by a signal, with a core dumped, or killed by \
             the kernel for want of memory.",
        ),
        run: |here, arguments| Box::pin(exits(here, arguments)),
    },
    Verb {
        item: Item::function(
            "world.runs_for",
            &[("seconds", "number?"), ("how", EXIT)],
            "",
            "Every process, the one that runs among them, ends by itself when it has run for so long; with nil, none \
             does any more.",
        ),
        run: |here, arguments| Box::pin(std::future::ready(runs_for(&here, arguments))),
    },
    Verb {
        item: Item::function(
            "world.start_fails",
            &[("errno", "(string | boolean)?")],
            "",
            "No process can be started from now on: `run` cannot be executed, with an errno such as \"EACCES\" \
             (ENOENT). With false, processes can be started again.",
        ),
        run: |here, arguments| Box::pin(std::future::ready(start_fails(&here, arguments))),
    },
    Verb {
        item: Item::function(
            "world.ignores",
            &[("signal", "string"), ("...", "string")],
            "",
            "Processes do not mind these signals; what was said before is forgotten. Without it, HUP, USR1, USR2 and \
             WINCH are taken and do nothing, and every other signal ends a process at once.",
        ),
        run: |here, arguments| Box::pin(std::future::ready(ignores(&here, arguments))),
    },
];

async fn advance(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let time = arguments.seconds("seconds")?;
    here.begun().await?.advance(time).await?;
    Ok(())
}

async fn advance_to(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let given = arguments.text("time")?;
    let minute = given.split_once(':').and_then(|(hour, minute)| {
        let (hour, minute): (u64, u64) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    });
    let minute =
        minute.ok_or_else(|| format!("`time` must be a time of day such as \"02:30\"; got `{given}`"))?;
    let mut stage = here.begun().await?;
    let day = 24 * 3600 * 1000;
    let now = u64::try_from(here.world.clock.wall()).unwrap_or(0) % day;
    let wait = (minute * 60_000 + day - now) % day;
    stage.advance(Duration::from_millis(if wait == 0 { day } else { wait })).await?;
    Ok(())
}

async fn exits(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let end = end(&arguments.value())?;
    let mut stage = here.begun().await?;
    stage.exit(end)?;
    stage.settle().await?;
    Ok(())
}

fn runs_for(here: &Here, mut arguments: Arguments) -> Done {
    let (time, how) = (arguments.value(), arguments.value());
    let runs_for = match &time {
        Value::Nil => None,
        value => {
            let time =
                seconds(value).ok_or_else(|| arguments.wrong("seconds", "a number of seconds", value))?;
            Some((time.max(SHORTEST), end(&how)?))
        }
    };
    here.world.script.borrow_mut().runs_for = runs_for;
    let mut processes = here.world.processes.borrow_mut();
    if let Some(id) = processes.main().map(|process| process.id) {
        let now = here.world.now();
        let born = now.saturating_sub(crate::policy_test::processes::age(id, now));
        processes.set_due(id, runs_for.map(|(time, end)| ((born + time).max(now + SHORTEST), end)));
    }
    Ok(())
}

fn end(how: &Value) -> Result<End, Trouble> {
    let table: &Table = match how {
        Value::Nil => return Ok(End { exit: Exit::Code(0), oom: false }),
        Value::Table(table) => table,
        other => {
            return Err(format!("`how` must be a table such as {{ code = 1 }}; got {}", shown(other)).into());
        }
    };
    known(table, &["code", "signal", "core", "oom"])?;
    let oom = field(table, "oom").as_boolean().unwrap_or(false);
    let is_plain = field(table, "code").is_nil() && field(table, "signal").is_nil();
    let exit = if oom && is_plain { Exit::OutOfMemory } else { exit(table)? };
    Ok(End { exit, oom })
}

fn start_fails(here: &Here, mut arguments: Arguments) -> Done {
    const KNOWN: [Errno; 8] = [
        Errno::ENOENT,
        Errno::EACCES,
        Errno::ENOEXEC,
        Errno::ENOMEM,
        Errno::EAGAIN,
        Errno::EMFILE,
        Errno::ETXTBSY,
        Errno::EPERM,
    ];
    let value = arguments.value();
    let errno =
        match &value {
            Value::Boolean(false) => None,
            Value::Nil | Value::Boolean(true) => Some(Errno::ENOENT),
            value => {
                let name = text(value).unwrap_or_default();
                let found = KNOWN.into_iter().find(|errno| format!("{errno:?}") == name);
                let known: Vec<String> = KNOWN.iter().map(|errno| format!("{errno:?}")).collect();
                Some(found.ok_or_else(|| {
                    arguments.wrong("errno", &format!("one of {}", known.join(", ")), value)
                })?)
            }
        };
    here.world.script.borrow_mut().start_fails = errno.map(|errno| errno as i32);
    Ok(())
}

fn ignores(here: &Here, mut arguments: Arguments) -> Done {
    let mut ignored = std::collections::BTreeSet::new();
    loop {
        match arguments.value() {
            Value::Nil => break,
            value => {
                let signal = text(&value).as_deref().and_then(Signal::parse);
                let want = "the name of a signal such as \"TERM\"";
                let signal = signal.ok_or_else(|| arguments.wrong("signal", want, &value))?;
                if signal == Signal::KILL {
                    return Err("nothing survives KILL".to_owned().into());
                }
                ignored.insert(signal);
            }
        }
    }
    here.world.script.borrow_mut().ignored = ignored;
    Ok(())
}
