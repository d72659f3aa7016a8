//! What a registry knows about one circuit, and its side of the trait `Audience`.

use std::sync::Arc;

use once_cell::race::OnceBox;

use super::event::{Change, EventKind};
use super::layers::{Layers, Stack, problem};
use super::listeners::Listeners;
use super::outbox::Outbox;
use super::overrides::Overrides;
use super::provenance::Provenance;
use crate::circuit::{
    Audience, CircuitBreaker, Clock, Description, Epoch, Membership, Mutex, News, Overridden, Topic,
};
use crate::rules::{Instant, Refusal};
use crate::settings::{Config, ConfigError, Conflict, Effective, Name, Site, Stated, Told};

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
}

impl Listing {
    fn outbox(&self) -> &Outbox {
        self.outbox.get_or_init(Box::default)
    }

    fn deliver(&self) -> bool {
        let (outbox, listeners) = (self.outbox.get(), &self.around.listeners);
        outbox.is_some_and(|outbox| outbox.deliver(self.name.as_str(), listeners))
    }

    /// What the circuit goes by, with those layers.
    fn effective(&self, layers: &Stack) -> Effective {
        let (stated, source) = self.provenance.stated();
        let overrides = self.overrides.lock();
        let overrides = overrides.as_deref().map_or(&[][..], Overrides::all);
        layers.over(self.name.as_str(), &stated, &source, overrides)
    }

    /// The same with the layers there are. If all of it together is wrong, what the attribute or code states alone.
    fn effective_now(&self) -> Effective {
        let effective = self.effective(&self.around.layers.stack());
        if effective.config.validate().is_ok() {
            return effective;
        }
        let (stated, source) = self.provenance.stated();
        Stack::default().over(self.name.as_str(), &stated, &source, &[])
    }
}

impl Listing {
    /// Posts what is another value now, and returns whether anything is.
    fn post_changes(&self, before: &Effective, after: &Effective) -> bool {
        let changes = Change::between(before, after);
        if !changes.is_empty() && self.around.listeners.hear_of(Topic::Circuits) {
            self.outbox().post(None, [EventKind::Reconfigured(changes.clone().into())]);
        }
        !changes.is_empty()
    }
}

impl Audience for Listing {
    fn post(&self, epoch: Epoch, news: &mut dyn Iterator<Item = News>) {
        self.outbox().post(Some(epoch), news.map(EventKind::from));
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

    fn restate(&self, config: Config) -> Result<Effective, ConfigError> {
        let before = self.provenance.restate(config);
        let effective = self.effective(&self.around.layers.stack());
        match effective.config.validate() {
            Ok(()) => Ok(effective),
            Err(error) => {
                self.provenance.take_back(before);
                Err(error)
            }
        }
    }

    fn override_option(
        &self,
        told: Told,
        shown: Overridden,
    ) -> Result<(Effective, Instant), String> {
        let before = self.effective_now();
        let undone = {
            let mut overrides = self.overrides.lock();
            let overrides = overrides.get_or_insert_default();
            let undone = overrides.clone();
            overrides.add(told, shown);
            undone
        };
        let effective = self.effective(&self.around.layers.stack());
        if let Some(problem) = problem(self.name.as_str(), &effective) {
            *self.overrides.lock() = Some(undone);
            return Err(problem.text);
        }
        let overrides = self.overrides.lock();
        let next = overrides.as_deref().map_or(Instant::NEVER, Overrides::next_end);
        drop(overrides);
        self.post_changes(&before, &effective);
        Ok((effective, next))
    }

    fn end_overrides(&self) -> Effective {
        let before = self.effective_now();
        drop(self.overrides.lock().take());
        let effective = self.effective_now();
        self.post_changes(&before, &effective);
        effective
    }

    fn lapse(&self, now: Instant) -> (Effective, Instant) {
        let before = self.effective_now();
        let next = {
            let mut overrides = self.overrides.lock();
            overrides.as_deref_mut().map_or(Instant::NEVER, |overrides| overrides.lapse(now))
        };
        let effective = self.effective_now();
        self.post_changes(&before, &effective);
        (effective, next)
    }

    fn describe(&self) -> Description {
        let sources = self.effective_now().sources;
        let overrides = self.overrides.lock();
        let overridden = overrides.as_deref().map_or(&[][..], Overrides::shown).to_vec();
        Description { sources, overridden, ..self.provenance.describe() }
    }
}

/// A circuit and what its registry knows about it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) circuit: Arc<CircuitBreaker>,
    listing: Arc<Membership<Listing>>,
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
        let effective = listing.effective_now();
        let listing = Arc::new(Membership::new(around.listeners.attention(), listing));
        let membership: Arc<Membership> = Arc::clone(&listing) as _;
        let circuit = CircuitBreaker::listed(name, effective.config, clock, membership);
        // A machine begins closed, whatever its mode.
        if effective.call_timeout.is_some() || !effective.config.settings().mode.judges() {
            circuit.refit(&effective);
        }
        Self { circuit: Arc::new(circuit), listing }
    }

    /// For the circuit of a key, next to the circuit that all keys share.
    pub(super) fn of_a_key(&self, name: Name) -> Self {
        let Listing { provenance, around, .. } = self.listing.of();
        Self::new(name, self.circuit.clock().kind(), provenance.of_a_key(), around)
    }

    pub(super) fn name(&self) -> &str {
        self.circuit.name()
    }

    pub(super) fn conflicts(&self) -> Vec<Conflict> {
        self.listing.of().provenance.describe().conflicts
    }

    /// Whether annotated functions share the circuit.
    pub(super) fn has_sites(&self) -> bool {
        !self.listing.of().provenance.describe().sites.is_empty()
    }

    /// Adds a function that shares the circuit.
    pub(super) fn join(&self, site: &'static Site) {
        if self.listing.of().provenance.add(site) {
            self.hear(Stated { config: site.config(), site: Some(site) });
        }
    }

    /// Takes a statement about the circuit. It decides if none did; otherwise it is a conflict if it has other
    /// settings (R22). Called while statics are made, so it calls no listener.
    pub(super) fn hear(&self, stated: Stated) {
        let Listing { provenance, around, .. } = self.listing.of();
        if stated.config == Config::new() {
            return;
        }
        if provenance.decide(stated) {
            self.circuit.refit(&self.listing.of().effective_now());
        } else if let Some(conflict) = provenance.object(self.name(), stated)
            && around.listeners.hear_of(Topic::Circuits)
        {
            self.listing.of().outbox().post(None, [EventKind::Conflict(conflict.into())]);
        }
    }

    /// What the circuit would go by with those layers.
    pub(super) fn effective(&self, layers: &Stack) -> Effective {
        self.listing.of().effective(layers)
    }

    /// Goes by the layers there are, after others. Posts what that changes, and returns whether it changes anything.
    pub(super) fn lay(&self, before: &Effective) -> bool {
        let effective = self.listing.of().effective_now();
        self.circuit.refit(&effective);
        self.listing.of().post_changes(before, &effective)
    }

    /// What the circuit goes by.
    pub(super) fn effective_now(&self) -> Effective {
        self.listing.of().effective_now()
    }

    pub(super) fn deliver(&self) {
        self.listing.of().deliver();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::circuit::ManualClock;
    use crate::registry::{Event, Subscription};
    use crate::rules::State;

    /// A circuit on a clock of its own that listeners hear of, and a listener that takes so long each time.
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
