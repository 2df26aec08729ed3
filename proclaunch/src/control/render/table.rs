//! Columns as wide as what is in them; the last one takes what is left of the line.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::paint::{Style, Tone, clean};

/// What is kept of the last column on the narrowest terminal.
const LAST_MIN: usize = 10;
/// What the last column is to have, as long as there is another that can go.
const LAST_WISHED: usize = 30;
const GAP: &str = "  ";

/// One column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) head: &'static str,
    /// Numbers stand one below the other.
    pub(super) right: bool,
}

impl Column {
    pub(super) const fn left(head: &'static str) -> Self {
        Self { head, right: false }
    }

    pub(super) const fn right(head: &'static str) -> Self {
        Self { head, right: true }
    }
}

/// One field.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(super) fn new(tone: Tone, text: &str) -> Self {
        Self { text: clean(text), tone }
    }

    pub(super) fn plain(text: &str) -> Self {
        Self::new(Tone::Plain, text)
    }

    /// What is not there.
    pub(super) fn or_none(text: Option<String>) -> Self {
        text.map_or_else(|| Self::new(Tone::Dim, "-"), |text| Self::plain(&text))
    }
}

/// The lines of a table. A row has as many fields as there are columns.
pub(super) fn table(style: Style, columns: &[Column], rows: &[Vec<Cell>]) -> String {
    let mut widths: Vec<usize> = columns.iter().map(|column| column.head.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.width());
        }
    }
    let heads: Vec<Cell> = columns.iter().map(|column| Cell::new(Tone::Dim, column.head)).collect();
    let mut text = String::new();
    for row in std::iter::once(&heads).chain(rows) {
        let mut line = String::new();
        let mut used = 0;
        for (index, cell) in row.iter().enumerate() {
            if index > 0 {
                line.push_str(GAP);
                used += GAP.len();
            }
            let is_last = index + 1 == row.len();
            let shown = match style.width {
                Some(width) if is_last => cut(&cell.text, width.saturating_sub(used).max(LAST_MIN)),
                _ => cell.text.clone(),
            };
            let pad = " ".repeat(widths[index].saturating_sub(shown.width()));
            let painted = style.paint(cell.tone, &shown);
            match (columns[index].right, is_last) {
                (true, _) => line.extend([pad.as_str(), &painted]),
                (false, false) => line.extend([painted.as_str(), &pad]),
                (false, true) => line.push_str(&painted),
            }
            used += widths[index];
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The same without the columns that there is no room for: those of `least`, the first of them first, go until the last
/// column has `LAST_WISHED`.
pub(super) fn fitted(style: Style, columns: &[Column], rows: &[Vec<Cell>], least: &[&str]) -> String {
    let widths = |columns: &[Column], rows: &[Vec<Cell>]| -> usize {
        let last = columns.len().saturating_sub(1);
        let width = |index: usize| {
            let cells = rows.iter().map(|row| row[index].text.width());
            GAP.len() + cells.max().unwrap_or(0).max(columns[index].head.width())
        };
        (0..last).map(width).sum()
    };
    let (mut columns, mut rows) = (columns.to_vec(), rows.to_vec());
    for head in least {
        if style.width.is_none_or(|width| widths(&columns, &rows) + LAST_WISHED <= width) {
            break;
        }
        if let Some(index) = columns.iter().position(|column| column.head == *head) {
            columns.remove(index);
            for row in &mut rows {
                row.remove(index);
            }
        }
    }
    table(style, &columns, &rows)
}

/// A text in at most so many columns; what is missing is marked.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        cut.push(c);
    }
    cut.push('\u{2026}');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_columns_and_not_by_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab\u{2026}");
        assert_eq!(cut("\u{6f22}\u{5b57}\u{6f22}", 5), "\u{6f22}\u{5b57}\u{2026}");
        assert_eq!(cut("\u{6f22}\u{5b57}\u{6f22}", 4), "\u{6f22}\u{2026}");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}\u{2026}");
    }

    #[test]
    fn the_last_column_takes_what_is_left() {
        let columns = [Column::left("NAME"), Column::right("N"), Column::left("WHY")];
        let rows = [
            vec![Cell::plain("web"), Cell::plain("5"), Cell::plain("because it is so")],
            vec![Cell::plain("database"), Cell::or_none(None), Cell::plain("")],
        ];
        let style = Style { colour: false, width: Some(24) };
        assert_eq!(
            table(style, &columns, &rows),
            "NAME      N  WHY\nweb       5  because it\u{2026}\ndatabase  -\n"
        );
    }
}
