//! Registries: circuits by name and by key, annotated functions, listeners and events.

mod apply;
mod circuits;
mod event;
mod fleet;
#[cfg(all(test, breaker_loom))]
mod interleavings;
mod keyed;
mod layers;
mod listeners;
mod listing;
mod outbox;
mod overrides;
mod provenance;
#[cfg(feature = "test-util")]
mod renewal;
mod saved;
#[cfg(feature = "test-util")]
mod scope;
#[cfg(not(feature = "test-util"))]
#[path = "registry/no_scope.rs"]
mod scope;
mod site_cell;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use breaker_options::nearest;
use once_cell::sync::Lazy;

pub use self::apply::Applied;
use self::circuits::Circuits;
pub use self::event::{Change, Event, EventKind};
pub use self::fleet::Advisor;
use self::keyed::KeyedCircuits;
pub use self::keyed::{Held, Keyed};
pub use self::listeners::Subscription;
use self::listing::{Entry, Surroundings};
use self::outbox::Outbox;
use self::provenance::Provenance;
pub use self::saved::{LeftAlone, Restored, Saved};
#[cfg(feature = "test-util")]
pub use self::scope::Fault;
#[cfg(feature = "test-util")]
pub(crate) use self::scope::{Effect, Entered, Scope, be_strict, current};
#[cfg(all(feature = "stream", not(feature = "test-util")))]
pub use self::site_cell::SharedSiteCell;
pub use self::site_cell::{KeyedSiteCell, Listed, SiteCell, cell};
use crate::circuit::{CircuitBreaker, Clock, Mutex, RwLock, Topic, zero_limit};
use crate::report::{RegistrySnapshot, Snapshot};
use crate::rules::Override;
use crate::settings::{
    Config, ConfigError, ConfigErrors, Conflict, Layer, Name, Site, Stated, cut,
};

const NO_ROOM: ConfigError = ConfigError::new(
    "max_keys",
    "leaves no room for another key: every circuit of that name's keys is in use, holds evidence, or was \
     switched by hand; raise it, or reset one of them",
);

/// The default registry, made on first use. It has a circuit for every annotated function in the program.
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
    scope::registry().unwrap_or_else(process)
}

/// The registry of the process.
fn process() -> &'static Registry {
    static REGISTRY: Lazy<Registry> = Lazy::new(|| Registry::of(SiteCell::linked()));
    &REGISTRY
}

/// Circuits by name, with their listeners. [`registry()`] is the default one, and [`Registry::new`] makes more.
///
/// The default registry holds the circuits of annotated functions, even before their first call, and those made by
/// [`get_or_create`](Registry::get_or_create). Circuits stay until you [`remove`](Registry::remove) them. Only circuits of keys
/// are evicted when they are no longer used.
///
/// A program with two versions of `breaker-runtime` has two default registries.
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
    around: Arc<Surroundings>,
    refused: Mutex<BTreeMap<Layer, Vec<String>>>,
    /// Events about no single circuit.
    outbox: Outbox,
    circuits: Arc<Circuits>,
    /// What its circuits go by.
    clock: RwLock<Clock>,
    /// Circuits with keys, by the name that all their keys begin with.
    keyed: RwLock<BTreeMap<Arc<str>, Arc<KeyedCircuits>>>,
}

impl Registry {
    /// Makes an empty registry with its own circuits, keys and listeners. Annotated functions are always in
    /// [`registry()`].
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry, registry};
    ///
    /// let own = Registry::new();
    /// own.circuit("ledger", Config::new())?.force_open();
    /// assert_eq!(own.names(), ["ledger"]);
    /// assert!(registry().get("ledger").is_none());
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Clock::System)
    }

    /// Makes an empty registry whose circuits go by a clock of your choice.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{Clock, Config, ManualClock, Registry};
    ///
    /// let time = ManualClock::new();
    /// let own = Registry::with_clock(Clock::Manual(time.clone()));
    /// let payments = own.circuit("payments", Config::new())?;
    /// payments.trip();
    /// time.advance(Duration::from_secs(60));
    /// assert!(payments.snapshot().probe_due);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_clock(clock: Clock) -> Self {
        Self {
            around: Arc::default(),
            refused: Mutex::default(),
            outbox: Outbox::default(),
            circuits: Arc::default(),
            clock: RwLock::new(clock),
            keyed: RwLock::new(BTreeMap::new()),
        }
    }

    /// The first site that states a config decides for its name (R22). First means in the order of places, and does
    /// not depend on the linker or on which runs first.
    fn of(sites: impl Iterator<Item = &'static Site>) -> Self {
        let registry = Self::new();
        registry.add_sites(sites);
        registry
    }

    fn add_sites(&self, sites: impl Iterator<Item = &'static Site>) {
        let mut sites: Vec<_> = sites.collect();
        sites.sort_by_cached_key(|site| (site.name(), site.states_nothing(), site.order()));
        for site in &sites {
            self.circuit_of(site);
        }
        // Of several bounds that the sites of a name state, the greatest holds, whichever is called first.
        sites.retain(|site| site.max_keys() > 0);
        sites.sort_by_cached_key(|site| Reverse(site.max_keys()));
        for site in sites {
            self.keyed_of(site);
        }
    }

    /// Finds a circuit by name, including those of annotated functions that were never called.
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
        self.entry(name).map(|entry| entry.circuit)
    }

    /// Returns the circuit with this name, or makes it with `config`.
    ///
    /// The first config that states an option decides, also for a circuit that exists already. Annotated functions
    /// come first: code decides only if none of them states an option. If `config` has different
    /// [settings](Config::settings), you get the existing circuit, and the difference is listed by
    /// [`conflicts`](Registry::conflicts). A config that states nothing conflicts with no other.
    ///
    /// If `http` has keys, `http/alpha` is the circuit of its key `alpha` and counts against `max_keys`. If there is no
    /// room for it, this is an error. Calls with that key then use the shared circuit `http`, which this method returns
    /// only under its own name.
    ///
    /// # Errors
    ///
    /// The errors of [`CircuitBreaker::new`]. Also an error in `max_keys`, if the name is that of a key and no
    /// circuit of these keys can be evicted. Raise `max_keys`, or [`reset`](CircuitBreaker::reset) one that was
    /// forced open or disabled. Then try again after 10 ms: the search is not repeated before that.
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
        let entry = match self.entry(name) {
            Some(known) => known,
            None => self.make(name, config)?,
        };
        entry.hear(Stated { config, site: None });
        entry.circuit.deliver();
        Ok(entry.circuit)
    }

    /// The same as [`get_or_create`](Registry::get_or_create).
    ///
    /// # Errors
    ///
    /// The errors of [`get_or_create`](Registry::get_or_create).
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let own = Registry::new();
    /// let payments = own.circuit("payments", Config::new().failure_threshold(3))?;
    /// assert_eq!(payments.name(), "payments");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn circuit(&self, name: &str, config: Config) -> Result<Arc<CircuitBreaker>, ConfigError> {
        self.get_or_create(name, config)
    }

    /// Makes one circuit per key, named `name/key`, all with the same config. At most `max_keys` keys have a circuit.
    /// Eviction works as for the option `key` of `#[circuit_breaker]`.
    ///
    /// If the name already has keys, it keeps its config and its limit. A different config is a
    /// [conflict](Registry::conflicts).
    ///
    /// # Errors
    ///
    /// The errors of [`CircuitBreaker::new`]. Also an error in `name` if it contains a `/`, and in `max_keys` if it
    /// is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let own = Registry::new();
    /// let hosts = own.keyed("http", Config::new().failure_threshold(1), 100)?;
    /// hosts.get("alpha.example").try_acquire()?.failure();
    /// assert!(hosts.get("alpha.example").try_acquire().is_err());
    /// assert!(hosts.get("beta.example").try_acquire().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keyed(&self, name: &str, config: Config, max_keys: u32) -> Result<Keyed, ConfigError> {
        if name.contains('/') {
            return Err(ConfigError::new("name", "must not hold `/` where it has keys"));
        }
        if max_keys == 0 {
            return Err(ConfigError::new("max_keys", "must be at least 1"));
        }
        self.get_or_create(name, config)?;
        let shared = self.entry(name).map_or_else(|| self.make(name, config), Ok)?;
        Ok(Keyed::new(self.keyed_beside(shared, max_keys)))
    }

    /// Removes a circuit that code made, and returns it. The circuit goes on working for everyone who holds it. The next
    /// [`get_or_create`](Registry::get_or_create) with this name makes a new one.
    ///
    /// Returns `None` and does nothing if there is no such circuit, if annotated functions use it, or if it has keys
    /// or belongs to one.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let own = Registry::new();
    /// let queue = own.circuit("queue", Config::new())?;
    /// assert!(own.remove("queue").is_some());
    /// assert!(own.get("queue").is_none() && queue.try_acquire().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove(&self, name: &str) -> Option<Arc<CircuitBreaker>> {
        // Held, so that the circuit gets no keys meanwhile.
        let keyed = self.keyed.write();
        if keyed.contains_key(name) {
            return None;
        }
        self.circuits.remove(name).map(|entry| entry.circuit)
    }

    /// All circuits, sorted by name. While you hold the circuit of a key, it is not evicted. To read circuits without
    /// holding them, take a [`snapshot`](Registry::snapshot).
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
        let mut all: Vec<_> = self.circuits.all().into_iter().map(|entry| entry.circuit).collect();
        all.extend(self.all_keyed().iter().flat_map(|keyed| keyed.circuits()));
        all.sort_by(|one, other| one.name().cmp(other.name()));
        all
    }

    /// The names of all circuits, sorted.
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
        let mut names = self.read(|entry| entry.name().to_owned());
        names.sort();
        names
    }

    /// Takes a snapshot of one circuit. Unlike [`get`](Registry::get) and [`CircuitBreaker::snapshot`], this never
    /// keeps the circuit of a key from being evicted.
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
        match self.circuits.get(name) {
            Some(entry) => Some(entry.circuit.snapshot()),
            None => self.keyed_with(name)?.snapshot_of(name),
        }
    }

    /// Takes a snapshot of every circuit, sorted by name. Each snapshot is consistent; they are taken one after the
    /// other.
    ///
    /// This delays no call, and circuits of keys can still be evicted. If a circuit is evicted meanwhile, each of its
    /// calls is in exactly one of the snapshots.
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
        let plain = self.circuits.all();
        let keyed = self.all_keyed();
        // Both are in the order of names. What keys share is read together with them.
        let is_shared = |name| keyed.binary_search_by_key(&name, |keyed| keyed.name()).is_ok();
        let apart = plain.iter().filter(|entry| !is_shared(entry.name()));
        let mut circuits = Vec::with_capacity(plain.len());
        circuits.extend(apart.map(|entry| entry.circuit.snapshot()));
        circuits.extend(keyed.iter().flat_map(|keyed| keyed.snapshots()));
        circuits.sort_by(|one, other| one.name.cmp(&other.name));
        let fleet = self.advisor().map(|advisor| advisor.status());
        RegistrySnapshot { circuits, refused: self.refused(), fleet }
    }

    /// All config conflicts, sorted by name: configs that were stated for a name whose circuit uses another. The
    /// newest 16 of each circuit are kept, and [`Snapshot::conflict_count`] counts all.
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
        let mut conflicts: Vec<_> = self.read(Entry::conflicts).into_iter().flatten().collect();
        conflicts.sort_by(|one, other| one.name.cmp(&other.name));
        conflicts
    }

    /// Calls `listener` for every [`Event`] of this registry's circuits, until the subscription is dropped.
    ///
    /// You get an event for each state change, reset, change of settings, rejected call, late outcome and config
    /// conflict. Conflicts that already exist are delivered before this method returns.
    ///
    /// Events of one circuit are delivered in order, one at a time. They run on the thread that caused them, or on a
    /// thread that caused an earlier event. Events of different circuits may be delivered at the same time. No lock
    /// is held: a listener may use circuits and the registry, subscribe and unsubscribe. A panic in a listener is
    /// caught.
    ///
    /// Listeners should be fast, because a caller waits while it delivers events. If they are slow:
    ///
    /// * Changes of state, resets and conflicts are queued. None is lost.
    /// * Rejected calls and late outcomes are merged: you get the last one of a row, and [`Event::missed`] counts the
    ///   others.
    /// * A caller delivers the events that waited when it began and the events it caused, then the events that came
    ///   meanwhile. After that, the next caller takes over. If none comes, the first caller goes on for up to eight
    ///   rounds, or while changes of state are waiting.
    ///
    /// A call that a listener makes through a circuit counts like any other call, also against `max_concurrent`. The
    /// time that listeners take is not part of the call that delivers to them: it makes no probe slow or lost.
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
        self.around.listeners.add(Topic::Calls, listener, || self.conflicts())
    }

    /// Like [`subscribe`](Registry::subscribe), but only for changes of state, resets, changes of settings and
    /// conflicts. None of them is ever lost. They have their own sequence numbers without gaps, and [`Event::missed`] is always 0.
    ///
    /// This subscription costs rejected calls nothing, because they cause no events for it.
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
        self.around.listeners.add(Topic::Circuits, listener, || self.conflicts())
    }

    /// [Resets](CircuitBreaker::reset) every circuit.
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
        self.read(|entry| entry.circuit.reset());
    }

    /// Changes the mode of a circuit by name, permanently or for a time. [`CircuitBreaker::override_for`] explains
    /// `limit`, `by` and how an override ends.
    ///
    /// An override of a circuit with keys does not change the circuits of its keys. Override those by their own names.
    ///
    /// # Errors
    ///
    /// [`ConfigErrors`] if there is no such circuit, which suggests the nearest name, or if `limit` is zero. Nothing changes
    /// then.
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
        what: Override<'_>,
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

    pub(crate) fn no_circuit(&self, name: &str) -> String {
        let hint = self.hint(name);
        format!("`name` must be the name of a circuit: {:?} is unknown{hint}", cut(name))
    }

    /// The nearest name that there is.
    fn hint(&self, name: &str) -> String {
        let names = self.names();
        let nearest = |name| nearest(name, names.iter().map(String::as_str));
        // Of what may be a key, the name before it.
        let near = nearest(name).or_else(|| nearest(name.split_once('/')?.0));
        near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default()
    }

    /// The circuit of a site, which joins it if it was not in the link-time list.
    fn circuit_of(&self, site: &'static Site) -> Arc<CircuitBreaker> {
        self.entry_of(site).circuit
    }

    fn entry_of(&self, site: &'static Site) -> Entry {
        let entry = self.entry(site.name()).unwrap_or_else(|| {
            let provenance =
                Provenance::decided(Stated { config: site.config(), site: Some(site) });
            self.add(Name::Static(site.name()), provenance)
        });
        entry.join(site);
        entry
    }

    /// The circuits by key of a site's name, made here if the site was not in the link-time list.
    fn keyed_of(&self, site: &'static Site) -> Arc<KeyedCircuits> {
        self.keyed_beside(self.entry_of(site), site.max_keys())
    }

    /// The circuits by key beside the circuit that they share.
    fn keyed_beside(&self, shared: Entry, max_keys: u32) -> Arc<KeyedCircuits> {
        let name = shared.name().into();
        let limit = usize::try_from(max_keys).unwrap_or(usize::MAX);
        let made = || Arc::new(KeyedCircuits::new(shared, Arc::clone(&self.circuits), limit));
        Arc::clone(self.keyed.write().entry(name).or_insert_with(made))
    }

    /// Makes a circuit that code asked for. The circuit of a key gets the config of the shared one.
    fn make(&self, name: &str, config: Config) -> Result<Entry, ConfigError> {
        let checked = Name::shared(name.into())?;
        match self.keyed_with(name) {
            Some(keyed) => keyed.named(name).ok_or(NO_ROOM),
            None => Ok({
                let provenance = Provenance::decided(Stated { config, site: None });
                self.add(checked, provenance)
            }),
        }
    }

    fn add(&self, name: Name, provenance: Provenance) -> Entry {
        let made = Entry::new(name, self.clock.read().clone(), provenance, &self.around);
        let entry = self.circuits.insert(made);
        entry.catch_up();
        entry
    }

    fn entry(&self, name: &str) -> Option<Entry> {
        self.circuits.get(name).or_else(|| self.keyed_with(name)?.get(name))
    }

    /// What each circuit says, in no order. Circuits of keys are not held.
    fn read<R>(&self, read: impl Fn(&Entry) -> R) -> Vec<R> {
        let mut all: Vec<_> = self.circuits.all().iter().map(&read).collect();
        for keyed in self.all_keyed() {
            all.extend(keyed.members().iter().map(|member| read(member.entry())));
        }
        all
    }

    /// Circuits with keys, in the order of names.
    fn all_keyed(&self) -> Vec<Arc<KeyedCircuits>> {
        self.keyed.read().values().cloned().collect()
    }

    /// The circuits by key among which a circuit of that name belongs.
    fn keyed_with(&self, name: &str) -> Option<Arc<KeyedCircuits>> {
        self.keyed.read().get(name.split_once('/')?.0).cloned()
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}
