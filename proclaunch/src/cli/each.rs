//! Asking the same of several profiles, one after the other.

use std::ops::ControlFlow;

use super::asking::{Asking, UNKNOWN, failed};
use super::select::Selected;
use crate::control::client::{Client, Failure};
use crate::control::glob::Glob;

/// What is said of every verb that does so.
pub(super) const EXIT_CODES: &str = "\
Exit codes; the highest, if there are several names:
  0    Printed
  2    The command line is wrong
  4    A name means no profile
  111  No supervisor answers, or it does not let you";

/// Asks and prints for each of the profiles that are meant, and gives the exit code.
pub(super) fn each(
    asking: &Asking,
    globs: &[Glob],
    mut ask: impl FnMut(&Client, &str) -> Result<ControlFlow<u8>, Failure>,
) -> u8 {
    let client = asking.client();
    let selected = match Selected::of(&client, globs) {
        Ok(selected) => selected,
        Err(failure) => return failed(&failure),
    };
    let mut worst = if selected.complain() { UNKNOWN } else { 0 };
    for name in selected.names() {
        match ask(&client, &name) {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(code)) => return worst.max(code),
            Err(failure) => worst = worst.max(failed(&failure)),
        }
    }
    worst
}
