//! Statements about circuits from outside the code, in layers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use breaker_options::{Entry, Value, exact, setting};

use super::{Config, Site};

/// Where settings come from. A later layer wins, option by option.
///
/// What the attribute or code states stands between [`Defaults`](Layer::Defaults) and
/// [`Template`](Layer::Template).
///
/// # Examples
///
/// ```
/// use breaker_runtime::Layer;
///
/// assert!(Layer::File < Layer::Environment);
/// assert_eq!(Layer::Environment.to_string(), "environment");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// Fills what the attribute and code leave open.
    Defaults,
    /// What a circuit takes from a template.
    Template,
    /// A file, or any other store of settings.
    File,
    /// The environment of the process.
    Environment,
    /// Set while the program runs.
    Override,
    /// Set for all processes of a fleet.
    Fleet,
}

impl Layer {
    /// The word that `Display` uses.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Layer;
    ///
    /// assert_eq!(Layer::Override.as_str(), "override");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Defaults => "defaults",
            Self::Template => "template",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Override => "override",
            Self::Fleet => "fleet",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One option of one circuit, stated from outside the code.
///
/// # Examples
///
/// ```
/// use breaker_runtime::Statement;
///
/// let statement = Statement::new("http", "cooldown", "5s", "breaker.toml:12");
/// assert_eq!(statement.to_string(), "http.cooldown=5s");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statement {
    /// The circuit: `http` is the circuit and all circuits of its keys, `http/beta` is that of one key, and `*` is
    /// every circuit. The most precise statement of a layer wins.
    pub circuit: String,
    /// The option, as in the attribute.
    pub option: String,
    /// Its value as text. `off` switches off an option that can be off.
    pub value: String,
    /// The place that snapshots and messages show.
    pub source: String,
    /// Whether a circuit that does not exist yet is no mistake.
    pub may_be_unknown: bool,
}

impl Statement {
    /// A statement about a circuit that exists.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Layer, Registry, Statement};
    ///
    /// let own = Registry::new();
    /// own.circuit("queue", Config::new())?;
    /// let statement = Statement::new("queue", "cooldown", "5s", "breaker.toml:12");
    /// assert_eq!(own.apply(Layer::File, vec![statement])?.changed, ["queue"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(
        circuit: impl Into<String>,
        option: impl Into<String>,
        value: impl Into<String>,
        source: impl Into<String>,
    ) -> Self {
        let (circuit, option) = (circuit.into(), option.into());
        let (value, source) = (value.into(), source.into());
        Self { circuit, option, value, source, may_be_unknown: false }
    }

    /// The same, also if there is no such circuit yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Layer, Registry, Statement};
    ///
    /// let own = Registry::new();
    /// let later = Statement::new("later", "cooldown", "5s", "a test").may_be_unknown();
    /// assert_eq!(own.apply(Layer::File, vec![later])?.unknown, ["later"]);
    /// # Ok::<(), breaker_runtime::ConfigErrors>(())
    /// ```
    #[must_use]
    pub fn may_be_unknown(mut self) -> Self {
        self.may_be_unknown = true;
        self
    }

    /// What it states.
    ///
    /// # Errors
    ///
    /// What is wrong with the option or its value.
    pub(crate) fn read(&self) -> Result<Told, String> {
        let name = self.option.trim();
        let option = setting(name)?;
        let value = option.read(&self.value).map_err(|problem| format!("`{name}` {problem}"))?;
        Ok(Told { option, value, source: self.source.as_str().into() })
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}={}", self.circuit, self.option, self.value)
    }
}

/// A statement that was read.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) option: &'static Entry,
    pub(crate) value: Value,
    pub(crate) source: Arc<str>,
}

/// The settings in force, with all layers applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Effective {
    pub(crate) config: Config,
    /// `Some(None)` switches the limit of the functions off.
    #[allow(clippy::option_option, reason = "a layer may say nothing, off, or a limit")]
    pub(crate) call_timeout: Option<Option<Duration>>,
    pub(crate) max_keys: Option<u32>,
    pub(crate) sources: Sources,
}

impl Effective {
    /// What code states, with no layer over it.
    pub(crate) fn of(config: Config) -> Self {
        let mut effective = Self { config, ..Self::default() };
        for option in config.stated() {
            effective.sources.set(option, Source::Code);
        }
        effective
    }

    pub(crate) fn take(&mut self, new: &Told, source: Source) {
        self.sources.set(new.option.name, source);
        match (new.option.name, new.value) {
            ("call_timeout", Value::Off) => self.call_timeout = Some(None),
            ("call_timeout", Value::Duration(limit)) => self.call_timeout = Some(Some(limit)),
            ("max_keys", Value::Count(keys)) => self.max_keys = Some(keys),
            (name, value) => drop(self.config.state(name, value)),
        }
    }

    /// The value of each setting as text, in the order of the table.
    pub(crate) fn texts(&self) -> Vec<(&'static str, String)> {
        let mut texts = self.config.settings().texts();
        if let Some(limit) = self.call_timeout {
            let text = limit.map_or("off".to_owned(), |limit| exact(limit).to_string());
            texts.push(("call_timeout", text));
        }
        texts.extend(self.max_keys.map(|keys| ("max_keys", keys.to_string())));
        texts
    }
}

/// Where one value of a circuit's settings comes from.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, Layer, Registry, Statement};
///
/// let own = Registry::new();
/// let queue = own.circuit("queue", Config::new().failure_threshold(3))?;
/// own.apply(Layer::File, vec![Statement::new("queue", "cooldown", "5s", "breaker.toml:12")])?;
/// let sources = queue.snapshot().sources;
/// assert_eq!(sources.of("cooldown").to_string(), "breaker.toml:12");
/// assert_eq!(sources.of("failure_threshold").to_string(), "code");
/// assert_eq!(sources.of("window").to_string(), "built-in");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// The default of the option.
    BuiltIn,
    /// An annotated function.
    Site(&'static Site),
    /// Code: `get_or_create`, `reconfigure` and the like.
    Code,
    /// A statement of that layer, from that place.
    Stated(Layer, Arc<str>),
}

impl Source {
    /// Removes who set an override.
    pub(crate) fn withhold_name(&mut self) {
        if let Self::Stated(Layer::Override, place) = self {
            *place = Layer::Override.as_str().into();
        }
    }
}

/// `built-in`, `src/pay.rs:41`, `code`, or the place that a statement names.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.pad("built-in"),
            Self::Site(site) => write!(f, "{}:{}", site.file(), site.line()),
            Self::Code => f.pad("code"),
            Self::Stated(_, place) => f.pad(place),
        }
    }
}

/// Where each value of a circuit's settings comes from.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, Source};
///
/// let circuit = CircuitBreaker::new("queue", Config::new().failure_threshold(3))?;
/// let sources = circuit.snapshot().sources;
/// assert_eq!(sources.of("failure_threshold"), Source::Code);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources(Vec<(&'static str, Source)>);

impl Sources {
    /// The source of an option's value. An option that nothing states is [built in](Source::BuiltIn).
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Source};
    ///
    /// let circuit = CircuitBreaker::new("queue", Config::new())?;
    /// assert_eq!(circuit.snapshot().sources.of("cooldown"), Source::BuiltIn);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn of(&self, option: &str) -> Source {
        let stated = self.0.iter().find(|(name, _)| *name == option);
        stated.map_or(Source::BuiltIn, |(_, source)| source.clone())
    }

    /// The options that something states, with their sources.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Source};
    ///
    /// let circuit = CircuitBreaker::new("queue", Config::new().failure_threshold(3))?;
    /// let sources = circuit.snapshot().sources;
    /// assert_eq!(sources.iter().collect::<Vec<_>>(), [("failure_threshold", &Source::Code)]);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Source)> {
        self.0.iter().map(|(name, source)| (*name, source))
    }

    pub(crate) fn withhold_names(&mut self) {
        self.0.iter_mut().for_each(|(_, source)| source.withhold_name());
    }

    pub(crate) fn set(&mut self, option: &'static str, source: Source) {
        match self.0.iter_mut().find(|(name, _)| *name == option) {
            Some((_, known)) => *known = source,
            None => self.0.push((option, source)),
        }
    }
}
