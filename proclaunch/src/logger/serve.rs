//! The logger as a process that the keeper starts.

use nix::sys::signal::SigSet;

use crate::cli::Settings;
use crate::fatal::Fatal;
use crate::instance::Startup;
use crate::killpoint;
use crate::role::{self, Birth, FIRST_SOCKET, Role, inherited_socket, parcel_of};
use crate::sys::daemon::start_orphan;

use super::{Config, run};

/// Keeps the output of all profiles, until the keeper or its absence ends that. Gives the exit code.
///
/// When keeper and supervisor are both gone, it starts a new keeper, which ends this process and starts another: what is
/// in the FIFOs waits for that one.
pub fn serve(settings: &Settings) -> u8 {
    killpoint::halt("logger-begins");
    match inherited_socket(FIRST_SOCKET) {
        Ok(socket) => {
            let (state_dir, settings) = (settings.state_dir.clone(), settings.clone());
            let call_for_keeper = Box::new(move || {
                // It fails for want of processes or memory only, and there is nobody left to be told.
                let _ = start_orphan(|| {
                    // What the logger blocks is not for the keeper; it blocks what it reads from a descriptor.
                    let _ = SigSet::empty().thread_set_mask();
                    let Err(_) = role::execute_keeper(role::own_program(), &settings, &Birth::TakesOver);
                });
            });
            let parcel = inherited_socket(parcel_of(Role::Logger)).ok();
            run(Config { state_dir, socket, parcel, call_for_keeper })
        }
        Err(errno) => Startup::foreground().failed(&Fatal::NoKeeper { errno }),
    }
}
