//! Conflicts: two different configs for one name.

use std::fmt;

use super::{Config, Site};

/// A config, and the code that stated it.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry};
///
/// registry().get_or_create("cache", Config::new().failure_threshold(3))?;
/// registry().get_or_create("cache", Config::new().failure_threshold(9))?;
/// let conflicts = registry().conflicts();
/// let refused = conflicts.iter().find(|it| it.name == "cache").unwrap().refused;
/// assert_eq!(refused.to_string(), "get_or_create [failure_threshold=9]");
/// assert!(refused.site.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stated {
    /// The config.
    pub config: Config,
    /// The annotated function; `None` for [`Registry::get_or_create`](crate::Registry::get_or_create).
    pub site: Option<&'static Site>,
}

impl fmt::Display for Stated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.site {
            Some(site) => site.fmt(f)?,
            None => f.write_str("get_or_create")?,
        }
        write!(f, " [{}]", self.config)
    }
}

/// Two different configs for one name. The circuit uses `decided`.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry};
///
/// registry().get_or_create("orders", Config::new().failure_threshold(3))?;
/// registry().get_or_create("orders", Config::new().failure_threshold(9))?;
///
/// let conflict = &registry().conflicts()[0];
/// assert_eq!(conflict.name, "orders");
/// assert_eq!(conflict.decided.config.settings().failure_threshold, Some(3));
/// assert_eq!(conflict.refused.config.settings().failure_threshold, Some(9));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Conflict {
    /// The circuit's name.
    pub name: String,
    /// The config in use.
    pub decided: Stated,
    /// The config that is ignored.
    pub refused: Stated,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, decided, refused } = self;
        write!(f, "circuit {name:?}: {decided} and {refused} state different configs; ")?;
        match decided.site {
            Some(site) => write!(f, "{site} decides"),
            // Both may be code, and only their configs tell them apart.
            None => write!(f, "{decided} decides"),
        }
    }
}
