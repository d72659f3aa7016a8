//! Several mistakes at once.

use std::error::Error;
use std::fmt;

use super::ConfigError;

/// One or more [`ConfigError`]s. `Display` writes one per line.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Config, Mode, Override, registry};
///
/// registry().get_or_create("payments", Config::new())?;
/// let what = Override::Mode(Mode::ForcedOpen);
/// let errors = registry().override_for("paymnts", what, Some(Duration::ZERO), "me").unwrap_err();
/// assert_eq!(
///     errors.to_string(),
///     "`name` must be the name of a circuit: \"paymnts\" is unknown; did you mean \"payments\"?\n\
///      `limit` must be more than zero"
/// );
/// assert_eq!(errors.errors().count(), 2);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    mistakes: Vec<Mistake>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mistake {
    error: ConfigError,
    /// What follows the error's own words.
    detail: String,
}

impl ConfigErrors {
    /// Every mistake, in the order in which they were found.
    pub fn errors(&self) -> impl Iterator<Item = &ConfigError> {
        self.mistakes.iter().map(|mistake| &mistake.error)
    }

    /// Fails if there is any mistake.
    pub(crate) fn check(
        mistakes: impl IntoIterator<Item = (ConfigError, String)>,
    ) -> Result<(), Self> {
        let mistakes: Vec<_> =
            mistakes.into_iter().map(|(error, detail)| Mistake { error, detail }).collect();
        if mistakes.is_empty() { Ok(()) } else { Err(Self { mistakes }) }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Mistake { error, detail }) in self.mistakes.iter().enumerate() {
            let separator = if number > 0 { "\n" } else { "" };
            write!(f, "{separator}{error}{detail}")?;
        }
        Ok(())
    }
}

impl Error for ConfigErrors {}
