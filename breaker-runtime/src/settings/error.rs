//! Errors about a config.

use std::fmt;

/// An option that is out of range, lacks the option it needs, or contradicts another.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// let error = CircuitBreaker::new("payments", Config::new().failure_rate(50.0)).unwrap_err();
/// assert_eq!(error.option(), "failure_rate");
/// assert_eq!(error.to_string(), "`failure_rate` must be a share: more than 0, at most 1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError {
    option: &'static str,
    problem: &'static str,
    /// The option that it contradicts, or an empty text.
    other: &'static str,
}

impl ConfigError {
    pub(crate) const fn new(option: &'static str, problem: &'static str) -> Self {
        Self { option, problem, other: "" }
    }

    /// Two options contradict each other.
    pub(crate) const fn between(
        option: &'static str,
        other: &'static str,
        problem: &'static str,
    ) -> Self {
        Self { option, problem, other }
    }

    /// The option that it contradicts, if there is one.
    pub(crate) const fn other(&self) -> &'static str {
        self.other
    }

    /// The option's name, as in the attribute.
    #[must_use]
    pub const fn option(&self) -> &'static str {
        self.option
    }

    /// The problem, to be read after the option's name.
    pub(crate) const fn problem(&self) -> &'static str {
        self.problem
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.option, self.problem)
    }
}

impl std::error::Error for ConfigError {}

/// All mistakes at once; at least one.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Config, Mode, Override, registry};
///
/// let errors = "failure_treshold=3, cooldown=5".parse::<Config>().unwrap_err();
/// assert_eq!(
///     errors.to_string(),
///     "unknown option `failure_treshold`; did you mean `failure_threshold`?\n\
///      `cooldown` needs a unit: write `\"5s\"` or `\"5ms\"`"
/// );
///
/// registry().get_or_create("payments", Config::new())?;
/// let what = Override::Mode(Mode::ForcedOpen);
/// let errors = registry().override_for("paymnts", what, Some(Duration::ZERO), "me").unwrap_err();
/// assert_eq!(
///     errors.iter().collect::<Vec<_>>(),
///     [
///         "`name` must be the name of a circuit: \"paymnts\" is unknown; did you mean \"payments\"?",
///         "`limit` must be more than zero",
///     ]
/// );
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// Fails if there is a mistake. Each is one sentence.
    pub(crate) fn check(mistakes: impl IntoIterator<Item = String>) -> Result<(), Self> {
        let mistakes: Vec<_> = mistakes.into_iter().collect();
        if mistakes.is_empty() { Ok(()) } else { Err(Self(mistakes)) }
    }

    /// The mistakes in the order found, one sentence each.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// One mistake per line.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}
