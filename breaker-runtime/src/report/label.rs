//! Names made safe for terminals. A name may be any text, and a key may come from a user of the program. It must not
//! move the cursor, reverse the line, or look like another name because of invisible characters.

use std::fmt::Write as _;

use breaker_options::is_hidden;
use unicode_width::UnicodeWidthStr as _;

/// The maximum number of combining marks on one character. More would reach into the lines above and below.
const MARKS: usize = 3;

/// A text in which everything is visible: control and invisible characters are escaped, as in `\u{202e}`.
#[derive(Debug)]
pub(crate) struct Visible(Vec<Piece>);

/// What must not be split: an escape, or a character with its marks.
#[derive(Debug)]
struct Piece {
    text: String,
    marks: Option<usize>,
}

impl Piece {
    fn escape(character: char) -> Self {
        Self { text: character.escape_unicode().to_string(), marks: None }
    }

    /// Whether it can take one more mark.
    fn has_room(&self) -> bool {
        self.marks.is_some_and(|marks| marks < MARKS)
    }
}

impl Visible {
    pub(crate) fn new(text: &str) -> Self {
        let mut pieces: Vec<Piece> = Vec::new();
        for character in text.chars() {
            if is_hidden(character) {
                pieces.push(Piece::escape(character));
            } else if character.to_string().width() > 0 {
                pieces.push(Piece { text: character.to_string(), marks: Some(0) });
            } else if let Some(base) = pieces.last_mut().filter(|base| base.has_room()) {
                base.text.push(character);
                base.marks = base.marks.map(|marks| marks + 1);
            } else {
                pieces.push(Piece::escape(character));
            }
        }
        Self(pieces)
    }

    /// The text if it fits into `columns`, otherwise its beginning and end around an ellipsis.
    pub(crate) fn within(&self, columns: usize) -> String {
        let whole: String = self.0.iter().map(|piece| piece.text.as_str()).collect();
        if whole.width() <= columns {
            return whole;
        }
        let room = columns.saturating_sub(1);
        let begin = fitting(self.0.iter(), room.div_ceil(2));
        let mut shown: String = self.0[..begin].iter().map(|piece| piece.text.as_str()).collect();
        let rest = &self.0[begin..];
        let end = fitting(rest.iter().rev(), room - shown.width());
        // A `String` takes everything that is written to it.
        let _ = shown.write_char('…');
        shown.extend(rest[rest.len() - end..].iter().map(|piece| piece.text.as_str()));
        shown
    }
}

/// How many of the first pieces fit.
fn fitting<'a>(pieces: impl Iterator<Item = &'a Piece>, columns: usize) -> usize {
    let mut taken = 0;
    pieces
        .take_while(|piece| {
            taken += piece.text.width();
            taken <= columns
        })
        .count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn visible(text: &str) -> String {
        Visible::new(text).within(usize::MAX)
    }

    #[test]
    fn what_can_be_seen_stays_as_it_is() {
        for text in [
            "",
            "payments",
            r#"a "b" \c 'd' </script>"#,
            "straße",
            "é e\u{301}",
            "支払い",
            "🦀",
            "हिन्दी",
            "ไทย",
        ] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn h08_what_a_terminal_obeys_is_escaped() {
        assert_eq!(visible("a\u{1b}[31m\r\n"), r"a\u{1b}[31m\u{d}\u{a}");
        assert_eq!(visible("\u{9b}2J\u{7f}\0"), r"\u{9b}2J\u{7f}\u{0}");
        assert_eq!(visible("a\u{202e}b\u{2066}c\u{200f}"), r"a\u{202e}b\u{2066}c\u{200f}");
    }

    #[test]
    fn u02_what_cannot_be_seen_is_escaped() {
        let hidden = [
            '\u{ad}',
            '\u{a0}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{2028}',
            '\u{2029}',
            '\u{2060}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{e000}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{f0000}',
            '\u{10ffff}',
        ];
        for character in hidden {
            let escaped = format!("a\\u{{{:x}}}b", u32::from(character));
            assert_eq!(visible(&format!("a{character}b")), escaped);
        }
    }

    #[test]
    fn a_mark_without_a_character_and_one_too_many_are_escaped() {
        assert_eq!(visible("\u{301}a"), r"\u{301}a");
        assert_eq!(visible("\u{200b}\u{301}"), r"\u{200b}\u{301}");
        assert_eq!(visible("a\u{301}\u{301}\u{301}\u{301}"), "a\u{301}\u{301}\u{301}\\u{301}");
    }

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_end() {
        let within = |text: &str, columns| Visible::new(text).within(columns);
        assert_eq!(within("http/api.example.com", 20), "http/api.example.com");
        assert_eq!(within("http/api.example.com", 19), "http/api.…ample.com");
        assert_eq!(within("http/api.example.com", 8), "http…com");
        assert_eq!(within("支払い支払い", 8), "支払…い");
        assert_eq!(within("ab\u{202e}cdef", 8), "ab…cdef");
        assert_eq!(within("abcdefe\u{301}", 4), "ab…e\u{301}");
        assert_eq!(within("abc", 1), "…");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn h08_any_text_is_one_line_of_what_can_be_seen(text: Vec<char>, columns in 1..100_usize) {
            let text: String = text.into_iter().collect();
            let shown = Visible::new(&text).within(columns);
            prop_assert!(shown.width() <= columns);
            prop_assert!(!shown.chars().any(is_hidden));
        }
    }
}
