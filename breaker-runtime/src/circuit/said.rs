//! What a failure says besides that it is one: how long to stay away (R28), and in words what went wrong.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use breaker_options::is_hidden;

/// The most bytes of words that are kept.
const LONGEST: usize = 256;

/// What a failure says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// Zero if it says nothing about that.
    pub(crate) open_for: Duration,
    pub(crate) words: Option<Arc<str>>,
}

impl Said {
    pub(crate) fn is_nothing(&self) -> bool {
        self.open_for.is_zero() && self.words.is_none()
    }
}

/// What an error displays, without control and invisible characters, cut to 256 bytes. `None` if that is nothing.
#[cold]
#[inline(never)]
pub(crate) fn words(error: &impl fmt::Display) -> Option<Arc<str>> {
    let mut words = Words(String::new());
    // It ends early once there is enough. What an error says before it fails is kept.
    let _ = write!(words, "{error}");
    let words = words.0.trim_end();
    (!words.is_empty()).then(|| words.into())
}

struct Words(String);

impl fmt::Write for Words {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            if self.0.len() + char.len_utf8() > LONGEST {
                return Err(fmt::Error);
            }
            if char.is_whitespace() {
                // Words are shown in one line.
                self.0.push(' ');
            } else if !is_hidden(char) {
                self.0.push(char);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Endless;

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("ü and ")?;
            }
        }
    }

    #[test]
    fn words_are_bounded_and_can_be_seen() {
        assert_eq!(words(&"connection refused").as_deref(), Some("connection refused"));
        assert_eq!(words(&"two\nlines\u{1b}[31m\u{202e}").as_deref(), Some("two lines[31m"));
        assert_eq!((words(&""), words(&" \n\u{0}")), (None, None));
        for (text, kept) in
            [("w".repeat(256), 256), ("w".repeat(257), 256), ("w".repeat(255) + "ü", 255)]
        {
            assert_eq!(words(&text).map(|words| words.len()), Some(kept), "{} bytes", text.len());
        }
        let endless = words(&Endless).expect("there are words");
        assert!(endless.len() <= LONGEST && endless.len() > LONGEST - 6, "{endless}");
    }
}
