//! Which colour means what. Without colours (`NO_COLOR`) bold and dim are left.

use ratatui::style::{Color, Modifier, Style};

use crate::control::api::Profile;
use crate::top::model::died_badly;

/// The colours of a screen.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// There are some.
    pub has_colors: bool,
}

impl Palette {
    fn color(self, color: Color) -> Style {
        if self.has_colors { Style::new().fg(color) } else { Style::new() }
    }

    pub(super) fn good(self) -> Style {
        self.color(Color::Green)
    }

    pub(super) fn busy(self) -> Style {
        self.color(Color::Cyan)
    }

    pub(super) fn careful(self) -> Style {
        self.color(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    pub(super) fn bad(self) -> Style {
        self.color(Color::Red).add_modifier(Modifier::BOLD)
    }

    #[expect(clippy::unused_self, reason = "a style of the palette like the others")]
    pub(super) fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    #[expect(clippy::unused_self, reason = "a style of the palette like the others")]
    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    #[expect(clippy::unused_self, reason = "a style of the palette like the others")]
    pub(super) fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// How a profile stands.
    pub(super) fn standing(self, profile: &Profile) -> Style {
        match profile.standing.as_str() {
            "serving" => self.good(),
            "starting" => self.busy(),
            "backoff" => self.careful(),
            "dead" if died_badly(profile) => self.careful(),
            "unhealthy" | "gave_up" | "held" => self.bad(),
            _ => self.quiet(),
        }
    }

    /// What the checks say.
    pub(super) fn health(self, health: &str) -> Style {
        match health {
            "healthy" => self.good(),
            "unhealthy" => self.bad(),
            _ => self.quiet(),
        }
    }
}
