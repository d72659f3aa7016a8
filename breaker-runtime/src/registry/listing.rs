//! What a registry knows about one circuit, and its side of the trait `Audience`.

use std::sync::Arc;

use once_cell::race::OnceBox;

use super::event::EventKind;
use super::listeners::Listeners;
use super::outbox::Outbox;
use super::provenance::Provenance;
use crate::circuit::{
    Audience, CircuitBreaker, Clock, Description, Epoch, Membership, News, Topic,
};
use crate::rules::Refusal;
use crate::settings::{Config, Conflict, Name, Site, Stated};

/// What a registry knows about one circuit.
#[derive(Debug)]
struct Listing {
    name: Name,
    /// Made when the first event is posted: most circuits have none.
    outbox: OnceBox<Outbox>,
    provenance: Provenance,
    listeners: Arc<Listeners>,
}

impl Listing {
    fn outbox(&self) -> &Outbox {
        self.outbox.get_or_init(Box::default)
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
        self.outbox().refuse(self.name.as_str(), &self.listeners, epoch, refusal.into(), count)
    }

    fn deliver(&self) -> bool {
        let outbox = self.outbox.get();
        outbox.is_some_and(|outbox| outbox.deliver(self.name.as_str(), &self.listeners))
    }

    fn describe(&self) -> Description {
        self.provenance.describe()
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
        config: Config,
        clock: Clock,
        provenance: Provenance,
        listeners: &Arc<Listeners>,
    ) -> Self {
        let listing = Listing {
            name: name.clone(),
            outbox: OnceBox::new(),
            provenance,
            listeners: Arc::clone(listeners),
        };
        let listing = Arc::new(Membership::new(listeners.attention(), listing));
        let membership: Arc<Membership> = Arc::clone(&listing) as _;
        Self { circuit: Arc::new(CircuitBreaker::listed(name, config, clock, membership)), listing }
    }

    /// For the circuit of a key, next to the circuit that all keys share.
    pub(super) fn of_a_key(&self, name: Name) -> Self {
        let Listing { provenance, listeners, .. } = self.listing.of();
        let clock = self.circuit.clock().kind();
        Self::new(name, self.circuit.config(), clock, provenance.of_a_key(), listeners)
    }

    pub(super) fn name(&self) -> &str {
        self.circuit.name()
    }

    pub(super) fn conflicts(&self) -> Vec<Conflict> {
        self.listing.of().describe().conflicts
    }

    /// Whether annotated functions share the circuit.
    pub(super) fn has_sites(&self) -> bool {
        !self.listing.of().describe().sites.is_empty()
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
        let Listing { provenance, listeners, .. } = self.listing.of();
        if stated.config == Config::new() {
            return;
        }
        if provenance.decide(stated) {
            self.circuit.refit(&stated.config);
        } else if let Some(conflict) = provenance.object(self.name(), stated)
            && listeners.hear_of(Topic::Circuits)
        {
            self.listing.of().outbox().post(None, [EventKind::Conflict(conflict.into())]);
        }
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
        let (time, listeners) = (ManualClock::new(), Arc::<Listeners>::default());
        let clock = Clock::Manual(time.clone());
        let provenance = Provenance::decided(Stated { config, site: None });
        let entry = Entry::new(Name::Static(name), config, clock, provenance, &listeners);
        let moved = time.clone();
        let tell = move |_: &Event| moved.advance(takes);
        (entry.circuit, time, listeners.add(Topic::Calls, tell, Vec::new))
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
