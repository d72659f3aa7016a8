//! Errors about a config.

use std::fmt;

use super::Layer;

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
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Config;
    ///
    /// let error = Config::new().failure_threshold(0).validate().unwrap_err();
    /// assert_eq!(error.option(), "failure_threshold");
    /// ```
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
pub struct ConfigErrors(Vec<Mistake>);

/// One mistake, and the statement that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    text: String,
    statement: Option<(Layer, usize)>,
}

impl Mistake {
    pub(crate) fn of(layer: Layer, number: usize, text: String) -> Self {
        Self { text, statement: Some((layer, number)) }
    }

    pub(crate) const fn of_all(text: String) -> Self {
        Self { text, statement: None }
    }

    pub(crate) const fn statement(&self) -> Option<(Layer, usize)> {
        self.statement
    }
}

impl ConfigErrors {
    /// Fails if there is a mistake. Each is one sentence.
    ///
    /// # Errors
    ///
    /// All the mistakes, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::ConfigErrors;
    ///
    /// assert!(ConfigErrors::check([]).is_ok());
    /// let errors = ConfigErrors::check(["`limit` must be more than zero".to_owned()]).unwrap_err();
    /// assert_eq!(errors.to_string(), "`limit` must be more than zero");
    /// ```
    pub fn check(mistakes: impl IntoIterator<Item = String>) -> Result<(), Self> {
        let mistakes: Vec<_> = mistakes.into_iter().map(Mistake::of_all).collect();
        if mistakes.is_empty() { Ok(()) } else { Err(Self(mistakes)) }
    }

    pub(crate) fn of_one(mistake: String) -> Self {
        Self(vec![Mistake::of_all(mistake)])
    }

    pub(crate) const fn of(mistakes: Vec<Mistake>) -> Self {
        Self(mistakes)
    }

    /// The mistakes in the order found, one sentence each.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Config;
    ///
    /// let errors = "failure_threshold=0, cooldown=5".parse::<Config>().unwrap_err();
    /// assert_eq!(errors.iter().count(), 2);
    /// assert!(errors.iter().all(|mistake| mistake.starts_with('`')));
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|mistake| mistake.text.as_str())
    }

    /// The mistakes, each with the statement that it is in: its layer, and its number among those given to
    /// [`Registry::apply`](crate::Registry::apply), from 0. `None` where it is in no single one.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Layer, Registry, Statement};
    ///
    /// let wrong = Statement::new("*", "cooldown", "5", "a test");
    /// let errors = Registry::new().apply(Layer::File, vec![wrong]).unwrap_err();
    /// let (statement, mistake) = errors.by_statement().next().unwrap();
    /// assert_eq!(statement, Some((Layer::File, 0)));
    /// assert!(mistake.starts_with("`cooldown` needs a unit"));
    /// ```
    pub fn by_statement(&self) -> impl Iterator<Item = (Option<(Layer, usize)>, &str)> {
        self.0.iter().map(|mistake| (mistake.statement, mistake.text.as_str()))
    }
}

/// One mistake per line.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().collect::<Vec<_>>().join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}
