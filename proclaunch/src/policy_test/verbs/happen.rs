//! `world`: what operators and accidents do to the profile.

use std::rc::Rc;

use mlua::Value;
use proclaunch_core::fleet::Input;
use proclaunch_core::machine::Order;
use proclaunch_core::signal::Signal;

use super::{Done, Here, Verb};
use crate::hooks::api::arguments::Arguments;
use crate::hooks::reference::Item;

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
        "start" => Order::Start,
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
    let input = Input::Order(stage.name().clone(), order);
    stage.ready.push(input);
    stage.settle().await?;
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
