//! Where a circuit's config comes from, and who wanted another one (R22).

use std::fmt;

use crate::breaker::CircuitBreaker;
use crate::config::Config;
use crate::event::EventKind;
use crate::site::Site;
use crate::sync::Mutex;

/// Where a circuit's config comes from, who shares it, and who wanted another one.
#[derive(Debug, Default)]
pub(crate) struct Provenance(Mutex<Parties>);

#[derive(Debug, Default)]
struct Parties {
    decided: Option<Stated>,
    sites: Vec<&'static Site>,
    conflicts: Vec<Conflict>,
}

impl Provenance {
    pub(crate) fn read(&self) -> (Vec<&'static Site>, Vec<Conflict>) {
        let parties = self.0.lock();
        (parties.sites.clone(), parties.conflicts.clone())
    }

    pub(crate) fn decide(&self, stated: Stated) {
        self.0.lock().decided = Some(stated);
    }

    /// For the circuit of a key: the same config by the same decision, for all functions that have keys.
    pub(crate) fn follow(&self, shared: &Self) {
        let (decided, mut sites) = {
            let parties = shared.0.lock();
            (parties.decided, parties.sites.clone())
        };
        sites.retain(|site| site.max_keys() > 0);
        let mut parties = self.0.lock();
        (parties.decided, parties.sites) = (decided, sites);
    }

    /// Whether the site is new here. Sites are kept in the order of places.
    pub(crate) fn add(&self, site: &'static Site) -> bool {
        let sites = &mut self.0.lock().sites;
        if sites.contains(&site) {
            return false;
        }
        let at = sites.partition_point(|known| known.order() <= site.order());
        sites.insert(at, site);
        true
    }

    /// Lists each different statement once, so that a call site in a loop does not fill the memory.
    fn object(&self, name: &str, stated: Stated) -> Option<Conflict> {
        let mut parties = self.0.lock();
        let known = parties.conflicts.iter().any(|conflict| conflict.refused == stated);
        let decided = parties.decided.filter(|_| !known)?;
        let conflict = Conflict { name: name.to_owned(), decided, refused: stated };
        parties.conflicts.push(conflict.clone());
        Some(conflict)
    }
}

impl CircuitBreaker {
    pub(crate) fn join(&self, site: &'static Site) {
        if self.provenance().add(site) {
            self.hear(Stated { config: site.config(), site: Some(site) });
        }
    }

    /// Notes a config that does not mean what the circuit goes by. Sites are heard while their statics are
    /// made, so nobody is told here.
    pub(crate) fn hear(&self, stated: Stated) {
        let differs = stated.config.settings() != self.config().settings();
        if differs
            && stated.config != Config::new()
            && let Some(conflict) = self.provenance().object(self.name(), stated)
        {
            self.post(|| EventKind::Conflict(conflict.into()));
        }
    }
}

/// A config, and who stated it.
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
/// assert_eq!(refused.to_string(), "get_or_create [failure_threshold = 9]");
/// assert!(refused.site.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stated {
    /// What was stated.
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

/// Two configs for one name. The circuit goes by `decided`.
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
    /// The name.
    pub name: String,
    /// The config that the circuit goes by.
    pub decided: Stated,
    /// The config that it does not.
    pub refused: Stated,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, decided, refused } = self;
        write!(
            f,
            "circuit {name:?} has two configs: that of {decided} decides, that of {refused} does not"
        )
    }
}
