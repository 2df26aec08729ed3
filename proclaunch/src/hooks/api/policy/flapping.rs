//! `policy.flapping`: a pause after too many deaths, and an end after too many pauses.

use std::rc::Rc;
use std::time::Duration;

use mlua::{Error, Function, Lua, MultiValue};
use proclaunch_core::hook::EXITS_COUNTED;

use super::{Decision, Memory, count, deciding, ran_for};
use crate::hooks::api::arguments::Arguments;
use crate::hooks::context::Context;

const NAME: &str = "policy.flapping";

/// The function for one VM.
pub(super) fn function(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Function> {
    let context = Rc::clone(context);
    lua.create_function(move |lua, values: MultiValue| {
        let known = &["times", "within", "pause", "rounds", "reset", "name"];
        let options = Arguments::new(NAME, values).options(known)?;
        let times = count(NAME, &options, "times", 5)?;
        if usize::try_from(times).is_ok_and(|times| times > EXITS_COUNTED) {
            return Err(Error::runtime(format!(
                "{NAME}: `times` must be at most {EXITS_COUNTED}; got {times}"
            )));
        }
        let within = options.seconds("within")?.unwrap_or(Duration::from_secs(60));
        let pause = options.seconds("pause")?.unwrap_or(Duration::from_secs(600));
        let rounds = count(NAME, &options, "rounds", 3)?;
        let reset = options.seconds("reset")?.unwrap_or(pause);
        let paused = Memory::new(&options, "flapping", "rounds")?;
        deciding(lua, &context, NAME, move |lua, context, service| {
            let before = if ran_for(service) >= reset { 0 } else { paused.get(lua, context)? };
            let ended = service.exit_ages.iter().filter(|age| **age <= within).count();
            let is_flapping = ended >= usize::try_from(times).unwrap_or(usize::MAX);
            let after = before.saturating_add(u32::from(is_flapping));
            if after != paused.get(lua, context)? {
                paused.set(lua, context, after.min(1_000_000))?;
            }
            Ok(if !is_flapping {
                Decision::NoOpinion
            } else if after > rounds {
                Decision::No(format!("flapping: {rounds} pauses did not help"))
            } else {
                let why = format!(
                    "flapping: {ended} exits in {} s, pause {after} of {rounds}",
                    within.as_secs_f64()
                );
                Decision::After(pause, why)
            })
        })
    })
}
