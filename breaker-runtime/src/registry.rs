//! Every circuit of the program, by name.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use once_cell::sync::Lazy;

use breaker_options::nearest;

use crate::breaker::{CircuitBreaker, zero_limit};
use crate::config::{Config, ConfigError, ConfigErrors};
use crate::event::{Event, LISTENERS, Subscription, Topic};
use crate::keyed::Keyed;
use crate::mode::{Override, tame};
use crate::name::Name;
use crate::provenance::{Conflict, Provenance, Stated};
use crate::site::Site;
use crate::snapshot::{RegistrySnapshot, Snapshot};

const NO_ROOM: ConfigError = ConfigError::new(
    "max_keys",
    "leaves no room for another key: every circuit of that name's keys is in use, holds evidence, or was \
     switched by hand; raise it, or reset one of them",
);

/// The registry of this program. Made on first use, with a circuit for every annotated function.
///
/// # Examples
///
/// ```
/// for circuit in breaker_runtime::registry().circuits() {
///     println!("{}: {}", circuit.name(), circuit.state());
/// }
/// ```
#[must_use]
pub fn registry() -> &'static Registry {
    static REGISTRY: Lazy<Registry> = Lazy::new(|| Registry::of(Site::linked()));
    &REGISTRY
}

/// Every circuit of the program: those of annotated functions, from before their first call, and those
/// made by [`get_or_create`](Registry::get_or_create).
///
/// Circuits are never removed, but for those of keys that are no longer used. Two crates that depend on
/// two versions of `breaker-runtime` have two registries.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry};
///
/// let made = registry().get_or_create("queue", Config::new())?;
/// let found = registry().get("queue").unwrap();
/// assert!(std::sync::Arc::ptr_eq(&made, &found));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Registry {
    circuits: RwLock<BTreeMap<Arc<str>, Arc<CircuitBreaker>>>,
    /// Those that have keys, by the name that all keys of one begin with.
    keyed: RwLock<BTreeMap<&'static str, Arc<Keyed>>>,
}

impl Registry {
    /// The first site in the order of places that states a config decides for its name (R22), whatever
    /// order the linker put them in and whichever runs first.
    fn of(sites: impl Iterator<Item = &'static Site>) -> Self {
        let mut sites: Vec<_> = sites.collect();
        sites.sort_by_key(|site| (site.name(), site.config() == Config::new(), site.order()));
        let mut circuits: BTreeMap<Arc<str>, Arc<CircuitBreaker>> = BTreeMap::new();
        for site in &sites {
            let name = Arc::from(site.name());
            circuits.entry(name).or_insert_with(|| made_for(site)).join(site);
        }
        let mut keyed = BTreeMap::new();
        // Of several bounds that the sites of a name state, the greatest holds, whichever is called first.
        sites.sort_by_key(|site| Reverse(site.max_keys()));
        for site in sites.into_iter().filter(|site| site.max_keys() > 0) {
            if let Some(shared) = circuits.get(site.name()) {
                keyed.entry(site.name()).or_insert_with(|| keyed_for(site, shared));
            }
        }
        Self { circuits: RwLock::new(circuits), keyed: RwLock::new(keyed) }
    }

    /// The circuit of that name. Finds those of annotated functions before their first call too.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::{circuit_breaker, registry};
    ///
    /// #[circuit_breaker(name = "geocoder")]
    /// fn locate(city: &str) -> Option<(f64, f64)> {
    ///     (city == "Kiel").then_some((54.3, 10.1))
    /// }
    ///
    /// assert!(registry().get("geocoder").is_some()); // before the first call
    /// assert!(registry().get("nobody").is_none());
    /// # let _ = locate("Kiel");
    /// # }
    /// ```
    pub fn get(&self, name: &str) -> Option<Arc<CircuitBreaker>> {
        self.plain(name).or_else(|| self.keyed_with(name)?.get(name))
    }

    /// The circuit of that name, made with `config` if there is none yet.
    ///
    /// A circuit keeps the config it was made with: one that differs from `config` in what it means is
    /// returned all the same, and the difference is listed by [`conflicts`](Registry::conflicts). A config
    /// that states nothing agrees with every other.
    ///
    /// If `http` has keys, `http/alpha` is the circuit of its key `alpha`, and counts against `max_keys`. When
    /// there is no room for it, this is an error: it never returns the circuit `http`, which calls with such
    /// a key go through. [`get`](Registry::get) returns that one, by its own name.
    ///
    /// # Errors
    ///
    /// As [`CircuitBreaker::new`]. Besides, an error in `max_keys` if the name is that of a key and none of
    /// the circuits that keys have may be evicted. Raise `max_keys`, or [`reset`](CircuitBreaker::reset) one
    /// of them that was forced open or disabled; then ask again after 10 ms, as the search is not repeated
    /// before that.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, registry};
    ///
    /// let circuit = registry().get_or_create("payments", Config::new().failure_threshold(3))?;
    /// let again = registry().get_or_create("payments", Config::new())?;
    /// assert!(std::sync::Arc::ptr_eq(&circuit, &again));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn get_or_create(
        &self,
        name: &str,
        config: Config,
    ) -> Result<Arc<CircuitBreaker>, ConfigError> {
        config.validate()?;
        if let Some(circuit) = self.get(name) {
            circuit.hear(Stated { config, site: None });
            circuit.deliver();
            return Ok(circuit);
        }
        let checked = Name::shared(name.into())?;
        // A key's circuit has its config from the functions that have keys.
        let circuit = if let Some(keyed) = self.keyed_with(name) {
            keyed.named(name).ok_or(NO_ROOM)?
        } else {
            let provenance = Provenance::decided(None);
            self.insert(Arc::new(CircuitBreaker::listed(checked, config, provenance)))
        };
        circuit.hear(Stated { config, site: None });
        circuit.deliver();
        Ok(circuit)
    }

    /// Every circuit, in the order of names. The circuit of a key is not evicted while it is held; to read
    /// circuits without holding them, take a [`snapshot`](Registry::snapshot).
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, registry};
    ///
    /// registry().get_or_create("queue", Config::new())?;
    /// let names: Vec<_> = registry().circuits().iter().map(|it| it.name().to_owned()).collect();
    /// assert!(names.contains(&"queue".to_owned()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn circuits(&self) -> Vec<Arc<CircuitBreaker>> {
        let mut all = self.plain_circuits();
        all.extend(self.all_keyed().iter().flat_map(|keyed| keyed.circuits()));
        all.sort_by(|one, other| one.name().cmp(other.name()));
        all
    }

    /// The name of every circuit, in order.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, registry};
    ///
    /// registry().get_or_create("queue", Config::new())?;
    /// assert!(registry().names().contains(&"queue".to_owned()));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = self.read(|circuit| circuit.name().to_owned());
        names.sort();
        names
    }

    /// A snapshot of the circuit of that name, which is not held meanwhile: as
    /// [`get`](Registry::get) and [`CircuitBreaker::snapshot`], but for the circuit of a key, which may be
    /// evicted at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, State, registry};
    ///
    /// registry().get_or_create("queue", Config::new())?;
    /// assert_eq!(registry().snapshot_of("queue").unwrap().state, State::Closed);
    /// assert!(registry().snapshot_of("nobody").is_none());
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn snapshot_of(&self, name: &str) -> Option<Snapshot> {
        match self.plain(name) {
            Some(circuit) => Some(circuit.snapshot()),
            None => self.keyed_with(name)?.snapshot_of(name),
        }
    }

    /// A snapshot of every circuit, in the order of names. Each is consistent in itself; they are taken one
    /// after the other.
    ///
    /// Taking it delays no call and keeps no circuit of a key from being evicted. A call of a circuit that is
    /// evicted meanwhile is in exactly one of the snapshots.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, State, registry};
    ///
    /// registry().get_or_create("queue", Config::new())?.trip();
    /// let snapshot = registry().snapshot();
    /// assert!(snapshot.circuits.iter().any(|it| it.state == State::Open));
    /// println!("{snapshot}"); // a table
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn snapshot(&self) -> RegistrySnapshot {
        let plain = self.plain_circuits();
        let keyed = self.all_keyed();
        // Both are in the order of names. What keys share is read together with them.
        let is_shared = |name| keyed.binary_search_by_key(&name, |keyed| keyed.name()).is_ok();
        let apart = plain.iter().filter(|circuit| !is_shared(circuit.name()));
        let mut circuits: Vec<_> = apart.map(|circuit| circuit.snapshot()).collect();
        circuits.extend(keyed.iter().flat_map(|keyed| keyed.snapshots()));
        circuits.sort_by(|one, other| one.name.cmp(&other.name));
        RegistrySnapshot { circuits }
    }

    /// Configs that were stated for a name whose circuit goes by another one, in the order of names. Of each
    /// circuit the newest 16 are kept; [`Snapshot::conflict_count`] tells how many there were.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, registry};
    ///
    /// registry().get_or_create("queue", Config::new().failure_threshold(3))?;
    /// registry().get_or_create("queue", Config::new().failure_threshold(4))?;
    /// for conflict in registry().conflicts() {
    ///     println!("{conflict}");
    /// }
    /// # assert!(!registry().conflicts().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut conflicts: Vec<_> =
            self.read(|circuit| circuit.conflicts().0).into_iter().flatten().collect();
        conflicts.sort_by(|one, other| one.name.cmp(&other.name));
        conflicts
    }

    /// Calls `listener` for every [`Event`] of every circuit here, until the subscription is dropped.
    ///
    /// The events of one circuit come in order, one after the other, on the thread that caused them or on
    /// one that caused an earlier one. Those of different circuits may come at once. No lock is held: a
    /// listener may use circuits and the registry, subscribe and unsubscribe. If it panics, the panic ends
    /// there.
    ///
    /// Listeners should be quick, because callers wait while they tell them. If listeners are slow:
    ///
    /// * Changes of state, resets and conflicts all wait, and none is lost.
    /// * Refused calls and late outcomes that come meanwhile are merged into one event, the last of them.
    ///   [`Event::missed`] says how many came before it.
    /// * A caller tells what waited when it began and what it caused itself, and then what came meanwhile.
    ///   After that it leaves the rest to the next caller. Only if no other comes, it goes on: for up to eight
    ///   rounds, or while there are changes of state to tell.
    ///
    /// A listener that calls through a circuit is a call like any other: it counts beside the one whose
    /// event it is told, also against `max_concurrent`. The time of listeners is not time of the call that
    /// tells them: no probe is slow or lost because of it.
    ///
    /// Conflicts that exist already are told at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use breaker_runtime::{Config, EventKind, registry};
    ///
    /// let calls = Arc::new(AtomicU64::new(0));
    /// let counted = Arc::clone(&calls);
    /// let subscription = registry().subscribe(move |event| {
    ///     let own = u64::from(matches!(event.kind, EventKind::Rejected { .. }));
    ///     counted.fetch_add(own + event.missed, Ordering::Relaxed);
    /// });
    /// let queue = registry().get_or_create("queue", Config::new())?;
    /// queue.force_open();
    /// assert!(queue.try_acquire().is_err());
    /// drop(subscription);
    /// assert_eq!(calls.load(Ordering::Relaxed), 1);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn subscribe(&self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Subscription {
        LISTENERS.add(Topic::Calls, listener, || self.conflicts())
    }

    /// As [`subscribe`](Registry::subscribe), but `listener` gets only changes of state, resets and conflicts.
    /// They have sequence numbers of their own, without gaps: none is ever lost, and [`Event::missed`] is 0.
    /// An open circuit refuses as quickly as if nobody listened, because refused calls and late outcomes are
    /// no events then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use breaker_runtime::{Config, registry};
    ///
    /// let queue = registry().get_or_create("queue", Config::new())?;
    /// let (told, heard) = mpsc::channel();
    /// let subscription = registry().subscribe_to_changes(move |event| {
    ///     let _ = told.send(event.sequence);
    /// });
    /// queue.trip();
    /// assert!(queue.try_acquire().is_err()); // nobody is told
    /// queue.reset();
    /// drop(subscription);
    /// assert_eq!(heard.iter().collect::<Vec<_>>(), [1, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscribe_to_changes(
        &self,
        listener: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Subscription {
        LISTENERS.add(Topic::Circuits, listener, || self.conflicts())
    }

    /// Closes every circuit with empty counts.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, State, registry};
    ///
    /// let queue = registry().get_or_create("queue", Config::new())?;
    /// queue.force_open();
    /// registry().reset_all();
    /// assert_eq!(queue.state(), State::Closed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset_all(&self) {
        self.read(CircuitBreaker::reset);
    }

    /// Overrides how the circuit of that name is run, for good or for a time. See
    /// [`CircuitBreaker::override_for`] for what `limit` and `by` mean and for how an override ends. A circuit that
    /// has keys is overridden alone, and each of its keys by its own name.
    ///
    /// # Errors
    ///
    /// [`ConfigErrors`] if there is no such circuit, with the nearest name that there is, and if `limit` is zero.
    /// Nothing has changed then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Config, Mode, Override, State, registry};
    ///
    /// let queue = registry().get_or_create("queue", Config::new())?;
    /// let quarter = Duration::from_secs(15 * 60);
    /// registry().override_for("queue", Override::Mode(Mode::Disabled), Some(quarter), "10.0.0.7")?;
    /// assert_eq!(queue.state(), State::Disabled);
    ///
    /// // A later order replaces it, also an equal one. Nothing ends that by itself.
    /// queue.disable();
    /// let ordered = queue.snapshot().mode_override.unwrap();
    /// assert_eq!((ordered.by.as_deref(), ordered.left), (Some("code"), None));
    /// # queue.reset();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn override_for(
        &self,
        name: &str,
        what: Override,
        limit: Option<Duration>,
        by: &str,
    ) -> Result<(), ConfigErrors> {
        match self.get(name) {
            Some(circuit) => circuit.override_for(what, limit, by),
            None => {
                ConfigErrors::check(std::iter::once(self.no_circuit(name)).chain(zero_limit(limit)))
            }
        }
    }

    fn no_circuit(&self, name: &str) -> String {
        let names = self.names();
        let known = names.iter().map(String::as_str);
        let hint = nearest(name, known).map(|near| format!("; did you mean {near:?}?"));
        let hint = hint.unwrap_or_default();
        format!("`name` must be the name of a circuit: {:?} is unknown{hint}", tame(name))
    }

    /// The circuit of a site, which joins it if it was not in the link-time list.
    pub(crate) fn circuit_of(&self, site: &'static Site) -> Arc<CircuitBreaker> {
        let circuit = match self.get(site.name()) {
            Some(circuit) => circuit,
            None => self.insert(made_for(site)),
        };
        circuit.join(site);
        circuit
    }

    /// The circuits by key of a site's name, made here if the site was not in the link-time list.
    pub(crate) fn keyed(&self, site: &'static Site) -> Arc<Keyed> {
        let shared = self.circuit_of(site);
        let mut keyed = self.keyed.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keyed.entry(site.name()).or_insert_with(|| keyed_for(site, &shared)))
    }

    /// What each circuit says, in no order. Circuits of keys are not held.
    fn read<R>(&self, read: impl Fn(&CircuitBreaker) -> R) -> Vec<R> {
        let mut all: Vec<_> = self.plain_circuits().iter().map(|circuit| read(circuit)).collect();
        for keyed in self.all_keyed() {
            all.extend(keyed.members().iter().map(|member| read(member.circuit())));
        }
        all
    }

    /// The circuits that are not a key's.
    fn plain_circuits(&self) -> Vec<Arc<CircuitBreaker>> {
        let circuits = self.circuits.read().unwrap_or_else(PoisonError::into_inner);
        circuits.values().cloned().collect()
    }

    /// Those that have keys, in the order of names.
    fn all_keyed(&self) -> Vec<Arc<Keyed>> {
        let keyed = self.keyed.read().unwrap_or_else(PoisonError::into_inner);
        keyed.values().cloned().collect()
    }

    /// A circuit that has that name without being a key's.
    pub(crate) fn plain(&self, name: &str) -> Option<Arc<CircuitBreaker>> {
        let circuits = self.circuits.read().unwrap_or_else(PoisonError::into_inner);
        circuits.get(name).cloned()
    }

    /// The circuits by key among which a circuit of that name belongs.
    fn keyed_with(&self, name: &str) -> Option<Arc<Keyed>> {
        let keyed = self.keyed.read().unwrap_or_else(PoisonError::into_inner);
        keyed.get(name.split_once('/')?.0).cloned()
    }

    /// Keeps the circuit, unless another thread was faster.
    fn insert(&self, made: Arc<CircuitBreaker>) -> Arc<CircuitBreaker> {
        let mut circuits = self.circuits.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(circuits.entry(made.name().into()).or_insert(made))
    }
}

fn made_for(site: &'static Site) -> Arc<CircuitBreaker> {
    let name = Name::Static(site.name());
    Arc::new(CircuitBreaker::listed(name, site.config(), Provenance::decided(Some(site))))
}

fn keyed_for(site: &Site, shared: &Arc<CircuitBreaker>) -> Arc<Keyed> {
    let limit = usize::try_from(site.max_keys()).unwrap_or(usize::MAX);
    Arc::new(Keyed::new(Arc::clone(shared), limit))
}
