//! Where a circuit's config comes from, and who wanted another one (R22).

use std::collections::VecDeque;
use std::fmt;

use crate::breaker::CircuitBreaker;
use crate::config::Config;
use crate::event::{EventKind, Topic};
use crate::site::Site;
use crate::sync::Mutex;

/// Where a circuit's config comes from, who shares it, and who wanted another one.
#[derive(Debug, Default)]
pub(crate) struct Provenance(Mutex<Parties>);

#[derive(Debug, Default)]
struct Parties {
    decided: Option<Decided>,
    sites: Vec<&'static Site>,
    /// Most circuits have none, and no room for them.
    conflicts: Option<Box<Conflicts>>,
}

/// Code may state a different config each time, so only the newest conflicts are kept.
#[derive(Debug, Default)]
struct Conflicts {
    newest: VecDeque<Conflict>,
    count: u64,
}

impl Conflicts {
    const KEPT: usize = 16;

    fn add(&mut self, conflict: Conflict) {
        if self.newest.len() == Self::KEPT {
            self.newest.pop_front();
        }
        self.newest.push_back(conflict);
        self.count = self.count.saturating_add(1);
    }
}

/// Whose config it is: that of the site, or of the code where there is none.
type Decided = Option<&'static Site>;

impl Provenance {
    pub(crate) fn decided(decided: Decided) -> Self {
        Self(Mutex::new(Parties { decided: Some(decided), ..Parties::default() }))
    }

    /// For the circuit of a key: the same config by the same decision, for all functions that have keys.
    pub(crate) fn of_a_key(&self) -> Self {
        let parties = self.0.lock();
        let sites = parties.sites.iter().copied().filter(|site| site.max_keys() > 0).collect();
        let decided = parties.decided;
        Self(Mutex::new(Parties { decided, sites, conflicts: None }))
    }

    /// The function whose config it is, if it states any option.
    fn decided_by(&self) -> Option<&'static Site> {
        self.0.lock().decided.flatten().filter(|site| site.config() != Config::new())
    }

    pub(crate) fn sites(&self) -> Vec<&'static Site> {
        self.0.lock().sites.clone()
    }

    /// The newest ones, oldest first, and how many there were.
    fn conflicts(&self) -> (Vec<Conflict>, u64) {
        let parties = self.0.lock();
        let Some(Conflicts { newest, count }) = parties.conflicts.as_deref() else {
            return (Vec::new(), 0);
        };
        (newest.iter().cloned().collect(), *count)
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

    /// Lists a statement once, so that a call site in a loop is one conflict.
    fn object(&self, name: &str, config: Config, refused: Stated) -> Option<Conflict> {
        let mut parties = self.0.lock();
        let site = parties.decided?;
        let conflicts = parties.conflicts.get_or_insert_default();
        if conflicts.newest.iter().any(|conflict| conflict.refused == refused) {
            return None;
        }
        let conflict =
            Conflict { name: name.to_owned(), decided: Stated { config, site }, refused };
        conflicts.add(conflict.clone());
        Some(conflict)
    }
}

impl CircuitBreaker {
    pub(crate) fn sites(&self) -> Vec<&'static Site> {
        self.provenance().map(Provenance::sites).unwrap_or_default()
    }

    pub(crate) fn decided_by(&self) -> Option<&'static Site> {
        self.provenance().and_then(Provenance::decided_by)
    }

    /// The newest ones, oldest first, and how many there were.
    pub(crate) fn conflicts(&self) -> (Vec<Conflict>, u64) {
        self.provenance().map(Provenance::conflicts).unwrap_or_default()
    }

    pub(crate) fn join(&self, site: &'static Site) {
        if self.provenance().is_some_and(|provenance| provenance.add(site)) {
            self.hear(Stated { config: site.config(), site: Some(site) });
        }
    }

    /// Notes a config that does not mean what the circuit goes by. Sites are heard while their statics are
    /// made, so nobody is told here.
    pub(crate) fn hear(&self, stated: Stated) {
        let config = self.config();
        if stated.config.settings() != config.settings()
            && stated.config != Config::new()
            && let Some(provenance) = self.provenance()
            && let Some(conflict) = provenance.object(self.name(), config, stated)
        {
            self.post(Topic::Circuits, || EventKind::Conflict(conflict.into()));
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
/// assert_eq!(refused.to_string(), "get_or_create [failure_threshold=9]");
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
