//! Columns that line up.

use super::{Style, Tone};

const GAP: &str = "  ";

/// One field of a table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        // A user id or a provider's text must not steer the terminal.
        let text = text.into().replace(char::is_control, "\u{fffd}");
        let text = if text.is_empty() { "-".to_owned() } else { text };
        Self { text, tone }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

/// Rows of as many cells as the first.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with a line of headings.
    pub(crate) fn headed<const N: usize>(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(|heading| Cell::toned(heading, Tone::Heading)).into()] }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// A row of a name and its value, for a table that describes one thing.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<Cell>) {
        self.row([Cell::toned(name, Tone::Heading), value.into()]);
    }

    pub(crate) fn render(&self, style: Style) -> String {
        let widths = self.widths();
        self.rows.iter().map(|row| line(row, &widths, style)).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(Cell::width).max();
        (0..columns).map(|column| width(column).unwrap_or(0)).collect()
    }
}

fn line(row: &[Cell], widths: &[usize], style: Style) -> String {
    let cells: Vec<String> = row
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(column, (cell, width))| {
            let last = column + 1 == row.len();
            let padding = if last { 0 } else { width - cell.width() };
            style.paint(&cell.text, cell.tone) + &" ".repeat(padding)
        })
        .collect();
    cells.join(GAP) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_without_trailing_space() {
        let mut table = Table::headed(["USER", "STATE"]);
        table.row(["ä".into(), "ACTIVE".into()]);
        table.row(["user-2".into(), "".into()]);
        assert_eq!(table.render(Style::PLAIN), "USER    STATE\nä       ACTIVE\nuser-2  -\n");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut table = Table::default();
        table.fact("user", "\x1b[2Jx\n");
        assert_eq!(table.render(Style::PLAIN), "user  \u{fffd}[2Jx\u{fffd}\n");
    }
}
