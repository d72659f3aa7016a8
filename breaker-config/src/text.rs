//! A text that settings are read from, and places in it.

use std::fmt;
use std::ops::Range;

use breaker_options::is_hidden;

/// The name of the variable that holds directives, also as a source.
pub(crate) const VARIABLE: &str = "BREAKER";

/// A text with its name.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    name: String,
    content: String,
    /// Where lines begin.
    lines: Vec<usize>,
    is_file: bool,
}

impl Text {
    pub(crate) fn file(name: impl Into<String>, text: String) -> Self {
        Self { is_file: true, ..Self::new(name.into(), text) }
    }

    pub(crate) fn variable(text: String) -> Self {
        Self::new(VARIABLE.to_owned(), text)
    }

    fn new(name: String, text: String) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { name, content: text, lines, is_file: false }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.content
    }

    /// The place as a source: `breaker.toml:12`, or `BREAKER`.
    pub(crate) fn source(&self, at: usize) -> String {
        if self.is_file { format!("{}:{}", self.name, self.line(at)) } else { self.name.clone() }
    }

    /// The number of the line, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|begin| *begin <= at).max(1)
    }

    /// The number of the character in its line, from 1.
    pub(crate) fn column(&self, at: usize) -> usize {
        let begin = self.lines[self.line(at) - 1];
        self.content.get(begin..at).map_or(1, |before| before.chars().count() + 1)
    }

    /// The line of a span, with marks below the span.
    pub(crate) fn excerpt(&self, span: &Range<usize>) -> Excerpt {
        let line = self.line(span.start);
        let begin = self.lines[line - 1];
        let whole = self.content[begin..].split('\n').next().unwrap_or_default().trim_end();
        let marked = self.content.get(span.clone()).unwrap_or_default();
        let width = marked.split('\n').next().unwrap_or_default().trim_end().chars().count();
        let before = self.column(span.start) - 1;
        // One line may be the whole text.
        let skipped = before.saturating_sub(Excerpt::WIDTH / 2);
        let shown: String = whole.chars().skip(skipped).take(Excerpt::WIDTH).map(tame).collect();
        let before = before - skipped;
        let room = shown.chars().count().saturating_sub(before);
        Excerpt { number: line, line: shown, before, width: width.min(room).max(1) }
    }
}

/// What is shown for a character. Terminals obey control characters, and invisible ones make two words look the same.
pub(crate) fn tame(char: char) -> char {
    match char {
        '\t' => ' ',
        char if is_hidden(char) => char::REPLACEMENT_CHARACTER,
        char => char,
    }
}

/// One line of a text, with marks below a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    number: usize,
    line: String,
    before: usize,
    width: usize,
}

impl Excerpt {
    /// The most characters of a line that are shown.
    const WIDTH: usize = 120;
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number.to_string();
        let (space, gap) = (" ".repeat(number.len()), " ".repeat(self.before));
        writeln!(f, "{space} |")?;
        writeln!(f, "{number} | {}", self.line)?;
        write!(f, "{space} | {gap}{}", "^".repeat(self.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_line_and_a_character() {
        let text = Text::file("a.toml", "x = 1\nü = 22\n".to_owned());
        let at = text.as_str().find("22").unwrap();
        assert_eq!((text.line(at), text.column(at), text.source(at)), (2, 5, "a.toml:2".into()));
        assert_eq!(text.excerpt(&(at..at + 2)).to_string(), "  |\n2 | ü = 22\n  |     ^^");
    }

    #[test]
    fn an_end_of_the_text_is_a_place() {
        let text = Text::variable("a".to_owned());
        assert_eq!((text.line(1), text.column(1)), (1, 2));
        assert_eq!(text.excerpt(&(1..1)).to_string(), "  |\n1 | a\n  |  ^");
    }

    #[test]
    fn a_long_line_is_cut() {
        let text = Text::variable(format!("{}x{}", "a".repeat(5000), "b".repeat(5000)));
        let excerpt = text.excerpt(&(5000..5001)).to_string();
        assert!(excerpt.len() < 400, "{excerpt}");
        assert!(excerpt.contains("ax") && excerpt.contains("xb"));
    }
}
