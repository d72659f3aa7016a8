//! Modes: whether a circuit opens on evidence, or does what a person wants.

use std::fmt;

use breaker_options::is_hidden;

/// The maximum length of `by`, the text that says who gave an order, in bytes.
const LONGEST_BY: usize = 128;

/// How a circuit treats calls: on evidence, or as ordered.
///
/// # Examples
///
/// ```
/// use breaker_runtime::Mode;
///
/// assert_eq!(Mode::ForcedOpen.to_string(), "forced_open");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// The circuit opens and closes on evidence.
    #[default]
    Normal,
    /// The circuit opens and closes on evidence, and refuses no call: what it would have refused is counted.
    Observe,
    /// Every call runs and is counted, and nothing opens the circuit.
    Disabled,
    /// Every call is refused.
    ForcedOpen,
}

impl Mode {
    /// All modes.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Mode;
    ///
    /// assert_eq!(Mode::ALL[0], Mode::default());
    /// ```
    pub const ALL: &'static [Self] =
        &[Self::Normal, Self::Observe, Self::Disabled, Self::ForcedOpen];

    /// Whether the circuit opens and closes on evidence.
    pub(crate) const fn judges(self) -> bool {
        matches!(self, Self::Normal | Self::Observe)
    }

    /// The word that `Display` and JSON use.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Mode;
    ///
    /// assert_eq!(Mode::Observe.as_str(), "observe");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Observe => "observe",
            Self::Disabled => "disabled",
            Self::ForcedOpen => "forced_open",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text without control and invisible characters, cut to [`LONGEST_BY`] bytes.
pub(crate) fn tame(text: &str) -> String {
    let shown = text.chars().filter(|char| !is_hidden(*char));
    let mut tame: String = shown.take(LONGEST_BY).collect();
    tame.truncate(cut(&tame).len());
    tame
}

/// The text cut to `LONGEST_BY` bytes. Show it with `{:?}`, which escapes what cannot be seen.
#[must_use]
pub fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_BY);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r34_who_gave_an_order_is_at_most_128_bytes_that_can_be_seen() {
        assert_eq!(tame("10.0.0.7"), "10.0.0.7");
        assert_eq!(tame("a\0b\nc\u{85}d\u{7f}"), "abcd");
        assert_eq!(tame("\u{202e}a\u{200b}b \u{e9}"), "ab \u{e9}");
        assert_eq!(tame(&"ü".repeat(65)), "ü".repeat(64));
        assert_eq!(tame(&format!("{}ü", "n".repeat(127))), "n".repeat(127));
        assert_eq!(tame(""), "");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("a\u{202e}"), "a\u{202e}");
        assert_eq!(cut(&format!("{}ü", "n".repeat(127))), "n".repeat(127));
    }
}
