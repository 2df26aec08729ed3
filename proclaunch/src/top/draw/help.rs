//! What keys there are.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Clear, Paragraph};

use super::palette::Palette;

const TEXT: &str = "\
Up Down PgUp PgDn Home End   choose a profile (also j k g G, Space)
Enter                        detail: history and output
Tab                          history or output, on a narrow screen
/                            search: parts of the name, state or health
Esc                          undo the search, close the detail

s                            start, after y
x                            stop, after y; it stays stopped
r                            restart, after y

< >                          sort by the column before, after
N S T R P M                  sort by name, trouble, uptime, restarts, CPU, memory;
                             once more: the other way round
I                            the other way round
q, Ctrl-C                    quit; profiles go on as they are";

/// Draws it in the middle.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, palette: Palette) {
    let width = TEXT.lines().map(str::len).max().unwrap_or(0);
    let width = u16::try_from(width + 4).unwrap_or(u16::MAX).min(area.width);
    let height = u16::try_from(TEXT.lines().count() + 2).unwrap_or(u16::MAX).min(area.height);
    let place =
        Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 2, width, height);
    let block = Block::bordered().title(" Keys ").title_style(palette.strong());
    frame.render_widget(Clear, place);
    frame.render_widget(
        Paragraph::new(TEXT).block(block.padding(ratatui::widgets::Padding::horizontal(1))),
        place,
    );
}
