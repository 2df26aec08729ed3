//! `policy.backoff`: a longer delay each time.

use std::rc::Rc;
use std::time::Duration;

use mlua::{Error, Function, Lua, MultiValue};

use super::{Decision, Memory, deciding, ran_for};
use crate::hooks::api::arguments::{Arguments, Options};
use crate::hooks::context::Context;

const NAME: &str = "policy.backoff";

/// The function for one VM.
pub(super) fn function(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Function> {
    let context = Rc::clone(context);
    lua.create_function(move |lua, values: MultiValue| {
        let options = Arguments::new(NAME, values).options(&["base", "factor", "cap", "reset", "name"])?;
        let delays = Delays::new(&options)?;
        let deaths = Memory::new(&options, "backoff", "deaths")?;
        deciding(lua, &context, NAME, move |lua, context, service| {
            let before = if ran_for(service) >= delays.reset { 0 } else { deaths.get(lua, context)? };
            deaths.set(lua, context, before.saturating_add(1).min(1_000_000))?;
            Ok(Decision::After(
                delays.after(before),
                format!("backoff, attempt {}", before.saturating_add(1)),
            ))
        })
    })
}

struct Delays {
    base: Duration,
    factor: f64,
    cap: Duration,
    reset: Duration,
}

impl Delays {
    fn new(options: &Options) -> mlua::Result<Self> {
        let factor = options.number("factor")?.unwrap_or(2.0);
        if !(1.0..=1000.0).contains(&factor) {
            return Err(Error::runtime(format!("{NAME}: `factor` must be from 1 to 1000; got {factor}")));
        }
        let time = |name, default| Ok::<_, Error>(options.seconds(name)?.unwrap_or(default));
        Ok(Self {
            base: time("base", Duration::from_millis(200))?,
            factor,
            cap: time("cap", Duration::from_secs(60))?,
            reset: time("reset", Duration::from_secs(10))?,
        })
    }

    /// The delay after so many deaths before this one.
    fn after(&self, before: u32) -> Duration {
        let longer = self.factor.powf(f64::from(before));
        Duration::try_from_secs_f64(self.base.as_secs_f64() * longer).unwrap_or(self.cap).min(self.cap)
    }
}
