//! Tables that are Markdown and can be read as they are.

use std::fmt;

/// A column is text, on the left, or figures, on the right.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    Text(&'static str),
    Figure(&'static str),
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Text(title) | Self::Figure(title) => title,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    columns: [Column; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(columns: [Column; N]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].chars().count());
        cells.chain([self.columns[column].title().chars().count(), 3]).max().unwrap_or_default()
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: [usize; N] = std::array::from_fn(|column| self.width(column));
        let titles = self.columns.map(|column| column.title().to_owned());
        let rules = std::array::from_fn(|column| match self.columns[column] {
            Column::Text(_) => "-".repeat(widths[column]),
            Column::Figure(_) => "-".repeat(widths[column] - 1) + ":",
        });
        for row in [&titles, &rules].into_iter().chain(&self.rows) {
            for ((cell, width), column) in row.iter().zip(widths).zip(self.columns) {
                match column {
                    Column::Text(_) => write!(f, "| {cell:<width$} ")?,
                    Column::Figure(_) => write!(f, "| {cell:>width$} ")?,
                }
            }
            writeln!(f, "|")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_on_the_left_and_figures_are_on_the_right() {
        let mut table = Table::new([Column::Text("who"), Column::Figure("ns")]);
        assert!(table.is_empty());
        table.push(["breaker".to_owned(), "2.5".to_owned()]);
        table.push(["größer".to_owned(), "1234.5".to_owned()]);
        let expected = "\
            | who     |     ns |\n\
            | ------- | -----: |\n\
            | breaker |    2.5 |\n\
            | größer  | 1234.5 |\n";
        assert_eq!(table.to_string(), expected);
    }
}
