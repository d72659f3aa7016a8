//! What a registry knows about one circuit, and its side of the trait `Audience`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::race::OnceBox;

use super::event::{Change, EventKind, Happened};
use super::fleet::Advised;
use super::layers::{Layers, Stack, problem};
use super::listeners::Listeners;
use super::outbox::Outbox;
use super::overrides::Overrides;
use super::provenance::Provenance;
use crate::circuit::{
    Audience, CircuitBreaker, Clock, Description, Epoch, Membership, Mutex, News, Overridden,
    Terms, Topic,
};
use crate::rules::{Instant, Refusal};
use crate::settings::{Config, ConfigError, Conflict, Effective, Name, Site, Source, Stated, Told};

/// What a registry knows about one circuit.
#[derive(Debug)]
struct Listing {
    name: Name,
    /// Made when the first event is posted: most circuits have none.
    outbox: OnceBox<Outbox>,
    provenance: Provenance,
    around: Arc<Surroundings>,
    /// Most circuits have none, and no room for them.
    overrides: Mutex<Option<Box<Overrides>>>,
}

/// What all circuits of a registry share.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) listeners: Arc<Listeners>,
    pub(super) layers: Layers,
    /// The number of the last terms.
    terms: AtomicU64,
    /// Settings that must be right together change one at a time. No code of users runs under it.
    pub(super) changing: Mutex<()>,
    pub(super) advised: Advised,
}

impl Listing {
    fn outbox(&self) -> &Outbox {
        self.outbox.get_or_init(Box::default)
    }

    fn deliver(&self) -> bool {
        let (outbox, listeners) = (self.outbox.get(), &self.around.listeners);
        outbox.is_some_and(|outbox| outbox.deliver(self.name.as_str(), listeners))
    }

    /// The settings of the circuit, with those layers.
    fn effective(&self, layers: &Stack) -> Effective {
        let overrides = self.overrides.lock();
        self.laid(layers, self.provenance.stated(), overrides.as_deref())
    }

    fn laid(
        &self,
        layers: &Stack,
        (stated, source): (Config, Source),
        overrides: Option<&Overrides>,
    ) -> Effective {
        let overrides = overrides.map_or(&[][..], Overrides::all);
        layers.over(self.name.as_str(), &stated, &source, overrides)
    }

    /// The same with the layers there are. If all of it together is wrong, what the attribute or code states alone.
    fn effective_now(&self) -> Effective {
        let effective = self.effective(&self.around.layers.stack());
        let (stated, source) = self.provenance.stated();
        // What is stated alone was checked before. Each snapshot comes here.
        if effective.config == stated || effective.config.check().is_ok() {
            return effective;
        }
        self.laid(&Stack::default(), (stated, source), None)
    }

    /// The terms of the circuit from now on. Called after a change.
    fn terms(&self) -> Terms {
        // Taken before anything is read.
        let number = self.around.terms.fetch_add(1, Ordering::AcqRel) + 1;
        let effective = self.effective_now();
        let lapses_at =
            self.overrides.lock().as_deref().map_or(Instant::NEVER, Overrides::next_end);
        Terms { effective, lapses_at, number }
    }

    /// Posts what is another value now, and returns whether anything is.
    fn post_changes(&self, before: &Effective, after: &Effective) -> bool {
        let changes = Change::between(before, after);
        let is_any = !changes.is_empty();
        if is_any && self.around.listeners.hear_of(Topic::Circuits) {
            self.outbox().post(None, [EventKind::Reconfigured(changes.into()).into()]);
        }
        is_any
    }

    /// The terms after a change, which is posted.
    fn change(&self, change: impl FnOnce()) -> Terms {
        let before = self.effective_now();
        change();
        let terms = self.terms();
        self.post_changes(&before, &terms.effective);
        terms
    }
}

impl Audience for Listing {
    fn post(&self, epoch: Epoch, news: &mut dyn Iterator<Item = News>) {
        self.outbox().post(Some(epoch), news.map(Happened::from));
    }

    fn post_refusal(&self, refusal: Refusal) {
        self.outbox().post(None, [refusal.into()]);
    }

    fn refuse(&self, epoch: Epoch, refusal: Refusal, count: &dyn Fn()) -> Option<()> {
        let (name, listeners) = (self.name.as_str(), &self.around.listeners);
        self.outbox().refuse(name, listeners, epoch, refusal.into(), count)
    }

    fn deliver(&self) -> bool {
        self.deliver()
    }

    fn restate(&self, config: Config) -> Result<Terms, ConfigError> {
        let _one_at_a_time = self.around.changing.lock();
        let layers = self.around.layers.stack();
        let effective =
            self.laid(&layers, (config, Source::Code), self.overrides.lock().as_deref());
        effective.config.check()?;
        self.provenance.restate(config);
        Ok(self.terms())
    }

    fn override_option(&self, told: Told, shown: Overridden) -> Result<Terms, String> {
        let _one_at_a_time = self.around.changing.lock();
        let mut overrides = self.overrides.lock().as_deref().cloned().unwrap_or_default();
        overrides.add(told, shown);
        let layers = self.around.layers.stack();
        let effective = self.laid(&layers, self.provenance.stated(), Some(&overrides));
        match problem(self.name.as_str(), &effective) {
            Some(problem) => Err(problem.text),
            None => Ok(self.change(|| *self.overrides.lock() = Some(overrides.into()))),
        }
    }

    fn end_overrides(&self) -> Terms {
        self.change(|| drop(self.overrides.lock().take()))
    }

    fn lapse(&self, now: Instant) -> Terms {
        self.change(|| {
            if let Some(overrides) = self.overrides.lock().as_deref_mut() {
                overrides.lapse(now);
            }
        })
    }

    fn describe(&self) -> Description {
        let Effective { config, sources, .. } = self.effective_now();
        let overridden =
            self.overrides.lock().as_deref().map_or(&[][..], Overrides::shown).to_vec();
        let advisor = self.around.advised.by();
        let fleet = advisor.and_then(|it| it.view(self.name.as_str(), config.stated_fleet()));
        Description { sources, overridden, fleet, ..self.provenance.describe() }
    }
}

/// A circuit and what its registry knows about it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) circuit: Arc<CircuitBreaker>,
    listing: Arc<Listing>,
}

impl Entry {
    /// A new circuit, whose name and config were checked before.
    pub(super) fn new(
        name: Name,
        clock: Clock,
        provenance: Provenance,
        around: &Arc<Surroundings>,
    ) -> Self {
        let listing = Listing {
            name: name.clone(),
            outbox: OnceBox::new(),
            provenance,
            around: Arc::clone(around),
            overrides: Mutex::default(),
        };
        let (terms, listing) = (listing.terms(), Arc::new(listing));
        let audience: Arc<dyn Audience> = Arc::clone(&listing) as _;
        let membership = Membership::new(around.listeners.attention(), audience);
        let circuit = CircuitBreaker::valid(name, &terms, clock, Some(membership));
        // A machine begins closed in every mode.
        if !terms.effective.config.settings().mode.judges() {
            circuit.refit(&terms);
        }
        Self { circuit: Arc::new(circuit), listing }
    }

    /// For the circuit of a key, next to the circuit that all keys share.
    pub(super) fn of_a_key(&self, name: Name) -> Self {
        let Listing { provenance, around, .. } = &*self.listing;
        Self::new(name, self.circuit.clock().kind(), provenance.of_a_key(), around)
    }

    pub(super) fn name(&self) -> &str {
        self.circuit.name()
    }

    pub(super) fn conflicts(&self) -> Vec<Conflict> {
        self.listing.provenance.describe().conflicts
    }

    /// Whether annotated functions share the circuit.
    pub(super) fn has_sites(&self) -> bool {
        !self.listing.provenance.describe().sites.is_empty()
    }

    /// Adds a function that shares the circuit.
    pub(super) fn join(&self, site: &'static Site) {
        if self.listing.provenance.add(site) {
            self.hear(Stated { config: site.config(), site: Some(site) });
        }
    }

    /// Takes a statement about the circuit. It decides if none did; otherwise it is a conflict if it has other
    /// settings (R22). Called while statics are made, so it calls no listener.
    pub(super) fn hear(&self, stated: Stated) {
        let Listing { provenance, around, .. } = &*self.listing;
        if stated.config == Config::new() {
            return;
        }
        if provenance.decide(stated) {
            self.circuit.refit(&self.listing.terms());
        } else if let Some(conflict) = provenance.object(self.name(), stated)
            && around.listeners.hear_of(Topic::Circuits)
        {
            self.listing.outbox().post(None, [EventKind::Conflict(conflict.into()).into()]);
        }
    }

    /// What the circuit would go by with those layers.
    pub(super) fn effective(&self, layers: &Stack) -> Effective {
        self.listing.effective(layers)
    }

    /// Applies the layers there are. Posts what that changes, and returns whether it changes anything. Of a circuit
    /// that is new, nothing is known from before.
    pub(super) fn lay(&self, before: Option<&Effective>) -> bool {
        let terms = self.listing.terms();
        self.circuit.refit(&terms);
        before.is_some_and(|before| self.listing.post_changes(before, &terms.effective))
    }

    /// Applies layers that may have come between the look at the layers and the insertion of a new circuit.
    pub(super) fn catch_up(&self) {
        if !self.listing.around.layers.are_empty() {
            self.lay(None);
        }
    }

    /// The settings of the circuit.
    pub(super) fn effective_now(&self) -> Effective {
        self.listing.effective_now()
    }

    pub(super) fn deliver(&self) {
        self.listing.deliver();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::circuit::ManualClock;
    use crate::registry::{Event, Subscription};
    use crate::rules::State;

    /// A circuit on a clock of its own that listeners hear of, and a listener that takes that time for each event.
    fn listened_to(
        name: &'static str,
        config: Config,
        takes: Duration,
    ) -> (Arc<CircuitBreaker>, ManualClock, Subscription) {
        let (time, around) = (ManualClock::new(), Arc::<Surroundings>::default());
        let clock = Clock::Manual(time.clone());
        let provenance = Provenance::decided(Stated { config, site: None });
        let entry = Entry::new(Name::Static(name), clock, provenance, &around);
        let moved = time.clone();
        let tell = move |_: &Event| moved.advance(takes);
        (entry.circuit, time, around.listeners.add(Topic::Calls, tell, Vec::new))
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn r05_a_probe_is_not_slow_because_a_listener_was() {
        let config = Config::new().slow_call(SECOND).success_threshold(1).cooldown(SECOND * 60);
        let (circuit, time, _listening) = listened_to("slow listener", config, SECOND * 5);
        circuit.trip();
        time.advance(SECOND * 60);
        circuit.try_acquire().unwrap().success();
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.state, snapshot.calls.slow), (State::Closed, 0));
    }

    #[test]
    fn r12_the_time_of_a_probe_begins_after_listeners_were_told() {
        let config = Config::new().probe_timeout(SECOND * 2).half_open_max_calls(2);
        let (circuit, time, _listening) = listened_to("slow listener, probe", config, SECOND * 5);
        circuit.trip();
        time.advance(SECOND * 60);
        let first = circuit.try_acquire().unwrap();
        time.advance(SECOND);
        let second = circuit.try_acquire().unwrap();
        time.advance(SECOND);
        assert!(circuit.try_acquire().is_err(), "the first is lost two seconds after it began");
        drop((first, second));
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.probes.lost, snapshot.state), (1, State::Open));
    }
}
