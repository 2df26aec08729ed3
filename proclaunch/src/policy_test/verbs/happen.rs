//! `world`: what operators and accidents do to the profile.

use std::rc::Rc;
use std::time::Duration;

use mlua::Value;
use proclaunch_core::fleet::{Input, OrderId};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::Order;
use proclaunch_core::signal::Signal;

use super::{Done, Here, Verb};
use crate::hooks::Member;
use crate::hooks::api::arguments::{Arguments, Options};
use crate::hooks::reference::Item;
use crate::policy_test::processes::BEGINNING;

pub(super) static VERBS: &[Verb] = &[
    Verb {
        item: Item::function(
            "world.setting",
            &[("file", "string"), ("text", "string?")],
            "",
            "A setting file, or a hook file such as \"health.lua\", has this text from now on; with nil it is gone. \
             Before the first step of time, the profile has it from the start.",
        ),
        run: |here, arguments| Box::pin(setting(here, arguments)),
    },
    Verb {
        item: Item::function(
            "world.order",
            &[("order", "string")],
            "",
            "An operator orders \"start\", \"stop\", \"restart\" or \"reload\".",
        ),
        run: |here, arguments| Box::pin(order(here, arguments)),
    },
    Verb {
        item: Item::function(
            "world.profile",
            &[("name", "string"), ("what", "boolean | { state: string?, health: string?, uptime: number? }")],
            "",
            "Another profile that hooks are told of by `fleet.get`; running and healthy unless said. With false, there \
             is none.",
        ),
        run: |here, arguments| Box::pin(profile(here, arguments)),
    },
    Verb {
        item: Item::function("world.drain", &[], "", "ProcLaunch is told to stop all profiles and to end."),
        run: |here, _| Box::pin(drain(here)),
    },
    Verb {
        item: Item::function("world.remove", &[], "", "The profile's directory is removed."),
        run: |here, _| Box::pin(remove(here)),
    },
    Verb {
        item: Item::function(
            "world.crash_supervisor",
            &[],
            "",
            "The supervisor is killed, and another one takes its place: processes live on, `service.vars` is kept.",
        ),
        run: |here, _| Box::pin(crash(here)),
    },
];

async fn setting(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let file = arguments.text("file")?;
    let value = arguments.value();
    let text = match &value {
        Value::Nil => None,
        Value::String(text) => Some(text.as_bytes().to_vec()),
        other => return Err(arguments.wrong("text", "a string or nil", other).into()),
    };
    let mut stage = here.stage().await;
    stage.files.set(&file, text.as_deref())?;
    if stage.rescan() {
        stage.settle().await?;
    }
    Ok(())
}

async fn order(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let given = arguments.text("order")?;
    let order = match given.as_str() {
        "start" => Order::Start { force: false },
        "stop" => Order::Stop,
        "restart" => Order::Restart,
        "reload" => Order::Reload,
        _ => {
            return Err(format!(
                "`order` must be \"start\", \"stop\", \"restart\" or \"reload\"; got `{given}`"
            )
            .into());
        }
    };
    let mut stage = here.begun().await?;
    let input = Input::Order(OrderId(0), stage.name().clone(), order);
    stage.ready.push(input);
    stage.settle().await?;
    Ok(())
}

async fn profile(here: Rc<Here>, mut arguments: Arguments) -> Done {
    let given = arguments.text("name")?;
    let name = ProfileName::parse(&given).ok_or_else(|| format!("`{given}` is no profile name"))?;
    let stage = here.stage().await;
    if name == *stage.name() {
        return Err(format!("`{given}` is the profile that is tested").into());
    }
    let table = match arguments.value() {
        Value::Boolean(false) => {
            here.world.others.borrow_mut().remove(&name);
            stage.publish();
            return Ok(());
        }
        Value::Nil | Value::Boolean(true) => None,
        Value::Table(table) => Some(table),
        other => return Err(arguments.wrong("what", "a table or false", &other).into()),
    };
    let mut member =
        Member { state: "running".to_owned(), health: "healthy".to_owned(), ..Member::default() };
    let mut uptime = Duration::ZERO;
    if let Some(table) = table {
        let options = Options::new("world.profile", table, &["state", "health", "uptime"])?;
        member.state = options.text("state")?.unwrap_or(member.state);
        member.health = options.text("health")?.unwrap_or(member.health);
        uptime = options.seconds("uptime")?.unwrap_or_default();
    }
    if member.state == "running" {
        member.started = Some(BEGINNING.plus(here.world.now()).minus(uptime));
        member.pid = Some(here.world.processes.borrow_mut().id(here.world.now()).pid);
    }
    here.world.others.borrow_mut().insert(name, member);
    stage.publish();
    Ok(())
}

async fn drain(here: Rc<Here>) -> Done {
    let mut stage = here.begun().await?;
    stage.ready.push(Input::Signal(Signal::HUP));
    stage.settle().await?;
    Ok(())
}

async fn remove(here: Rc<Here>) -> Done {
    let mut stage = here.begun().await?;
    stage.remove();
    stage.settle().await?;
    Ok(())
}

async fn crash(here: Rc<Here>) -> Done {
    let mut stage = here.begun().await?;
    stage.crash();
    stage.settle().await?;
    Ok(())
}
