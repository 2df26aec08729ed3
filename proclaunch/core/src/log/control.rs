//! What ProcLaunch says of those who ask and order, and of the thread that answers them.

use std::fmt;

use super::entry::Level;
use super::own::Own;

/// What there is to say about control.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words beside each variant in `Display` are its documentation")]
pub enum Control {
    Lost { why: String },
    Back,
    SocketRemoved,
    Limited { why: String },
    Refused { who: String, what: String, more: u64 },
    Dropped { who: String, what: String, seconds: u64, more: u64 },
    Replaced { why: String },
}

impl Control {
    pub(super) const fn level(&self) -> Level {
        match self {
            Self::Lost { .. }
            | Self::SocketRemoved
            | Self::Limited { .. }
            | Self::Refused { .. }
            | Self::Dropped { .. }
            | Self::Replaced { .. } => Level::Warn,
            Self::Back => Level::Info,
        }
    }
}

impl From<Control> for Own {
    fn from(control: Control) -> Self {
        Self::Control(control)
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { why } => {
                write!(f, "failed to {why}; supervision goes on without it, and it is tried again")
            }
            Self::Back => f.write_str("answers requests again"),
            Self::SocketRemoved => f.write_str("control socket was removed; it is made anew"),
            Self::Limited { why } => {
                write!(f, "failed to {why}; nobody has rights by it until the next start")
            }
            Self::Refused { who, what, more: 0 } => write!(f, "refused `{what}` to {who}"),
            Self::Refused { who, what, more } => {
                write!(f, "refused `{what}` to {who}, and {more} requests since the last such line")
            }
            Self::Dropped { who, what, seconds, more } => {
                write!(f, "drops {who}, who took nothing of `{what}` for {seconds} s")?;
                if *more == 0 { Ok(()) } else { write!(f, ", and {more} clients since the last such line") }
            }
            Self::Replaced { why } => write!(f, "replaces the control thread ({why})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Entry, line};

    #[test]
    fn who_was_refused_what_is_one_line() {
        let refused = |more| {
            let (who, what) = ("user nobody, pid 7".to_owned(), "POST /v1/rescan".to_owned());
            line(0, &Entry::Own(Control::Refused { who, what, more }.into())).split_off(25)
        };
        assert_eq!(refused(0), "WARN  ProcLaunch refused `POST /v1/rescan` to user nobody, pid 7");
        assert_eq!(
            refused(3),
            "WARN  ProcLaunch refused `POST /v1/rescan` to user nobody, pid 7, and 3 requests since the last such line"
        );
    }

    #[test]
    fn who_was_dropped_is_one_line() {
        let dropped = |more| {
            let (who, what) = ("root, pid 7".to_owned(), "GET /v1/events".to_owned());
            line(0, &Entry::Own(Control::Dropped { who, what, seconds: 30, more }.into())).split_off(25)
        };
        let said = "WARN  ProcLaunch drops root, pid 7, who took nothing of `GET /v1/events` for 30 s";
        assert_eq!(dropped(0), said);
        assert_eq!(dropped(2), format!("{said}, and 2 clients since the last such line"));
    }
}
