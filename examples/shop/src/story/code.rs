//! The code that does something, as it stands in the source: nobody has to keep a copy true.

use serde::Serialize;

/// Some lines of a source file.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The file, from the folder of this package on.
    pub file: &'static str,
    /// Its text.
    pub source: &'static str,
    /// In the first line.
    pub from: &'static str,
    /// In the last line.
    pub to: &'static str,
    /// In the line that matters.
    pub marked: &'static str,
}

/// A line of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Without the indentation that all lines have.
    pub text: &'static str,
    /// Whether it is the one that matters.
    pub is_marked: bool,
}

impl Code {
    /// The lines.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let mut rest = self.source.lines().skip_while(|line| !line.contains(self.from)).peekable();
        let first = rest.peek().copied().unwrap_or_default();
        let indentation = first.len() - first.trim_start().len();
        let mut lines = Vec::new();
        for line in rest {
            let text = line.get(indentation..).unwrap_or_default();
            lines.push(Line { text, is_marked: line.contains(self.marked) });
            if line.contains(self.to) {
                break;
            }
        }
        lines
    }
}
