//! How much CPU a process used lately.

use std::time::Duration;

use proclaunch_core::ids::ProcId;

use super::main_id;
use crate::hooks::context::Context;
use crate::hooks::outside::Measured;

/// The kernel counts in hundredths of a second: over a shorter time there is nothing to see.
const SHORTEST: Duration = Duration::from_millis(100);

/// What was measured last.
#[derive(Debug, Default)]
pub(in crate::hooks::api) struct Sample {
    last: Option<Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    id: ProcId,
    cpu: Duration,
    at: Duration,
    percent: f64,
}

impl Sample {
    /// The use of the main process since the last call, in percent of one processor; at first, since the process was started.
    pub(in crate::hooks::api) fn percent(
        &mut self,
        context: &Context,
        process: &dyn Measured,
    ) -> Result<f64, String> {
        let (id, cpu, now) = (main_id(context)?, process.cpu()?, context.clock().monotonic());
        let last = self.last.filter(|last| last.id == id);
        let percent = match last {
            Some(last) if now.saturating_sub(last.at) < SHORTEST => return Ok(last.percent),
            Some(last) => share(cpu.saturating_sub(last.cpu), now.saturating_sub(last.at)),
            None => share(cpu, context.outside().age(id).unwrap_or_default().max(SHORTEST)),
        };
        self.last = Some(Last { id, cpu, at: now, percent });
        Ok(percent)
    }
}

/// In percent, to the tenth.
fn share(cpu: Duration, time: Duration) -> f64 {
    (cpu.as_secs_f64() / time.as_secs_f64() * 1000.0).round() / 10.0
}
