//! The trait through which a circuit reports events. The registry implements it, so a circuit knows no registry.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::fleet::FleetView;
use super::word::Epoch;
use crate::rules::{Ending, Instant, Refusal, Transition};
use crate::settings::{Config, ConfigError, Conflict, Effective, Site, Sources, Told};

/// What an event is about. Events of circuits are rare; events of calls may be as frequent as the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Circuits,
    Calls,
}

/// An event of a circuit, without its name and number.
#[derive(Debug)]
pub(crate) enum News {
    /// With the words of the failure that led to it.
    Transition(Transition, Option<Arc<str>>),
    Rejected(Refusal),
    /// A call ended too late to count.
    Late(Ending),
    /// A call would be a probe, if the fleet gave leave.
    ProbeWanted,
}

impl News {
    fn topic(&self) -> Topic {
        match self {
            Self::Transition(..) | Self::ProbeWanted => Topic::Circuits,
            Self::Rejected(_) | Self::Late(_) => Topic::Calls,
        }
    }
}

/// The number of listeners. A circuit reads it before it makes an event.
#[derive(Debug, Default)]
pub(crate) struct Attention {
    circuits: AtomicUsize,
    calls: AtomicUsize,
}

impl Attention {
    /// Sets the number of listeners for events of circuits, and of those that also get events of calls.
    pub(crate) fn set(&self, circuits: usize, calls: usize) {
        self.circuits.store(circuits, Ordering::Release);
        self.calls.store(calls, Ordering::Release);
    }

    pub(crate) fn is_paid_to(&self, topic: Topic) -> bool {
        let listeners = match topic {
            Topic::Circuits => &self.circuits,
            Topic::Calls => &self.calls,
        };
        listeners.load(Ordering::Acquire) > 0
    }
}

/// Receives the events of one circuit, and knows where its config comes from.
pub(crate) trait Audience: fmt::Debug + Send + Sync {
    /// Queues events in order, to be delivered later. `epoch` is the circuit's epoch after them. Called under the
    /// circuit's lock, which orders its events. So no user code may run here.
    fn post(&self, epoch: Epoch, news: &mut dyn Iterator<Item = News>);

    /// Queues a refusal by the bulkhead, which has no place in that order.
    fn post_refusal(&self, refusal: Refusal);

    /// Queues and delivers a refusal of that epoch without the circuit's lock, and calls `count` once it is queued.
    /// Does nothing and returns `None` if the events of that epoch were not posted yet.
    fn refuse(&self, epoch: Epoch, refusal: Refusal, count: &dyn Fn()) -> Option<()>;

    /// Delivers queued events, and returns whether there were any. Called without any lock, because it runs user code.
    fn deliver(&self) -> bool;

    /// Replaces what code states about the circuit, and returns the circuit's terms after that.
    ///
    /// # Errors
    ///
    /// What is wrong with it, together with everything else that is stated. Nothing has changed then.
    fn restate(&self, config: Config) -> Result<Terms, ConfigError>;

    /// Overrides an option, and returns the circuit's terms after that.
    ///
    /// # Errors
    ///
    /// What is wrong with it, together with everything else that is stated. Nothing has changed then.
    fn override_option(&self, told: Told, shown: Overridden) -> Result<Terms, String>;

    /// Removes all overrides of options, and returns the circuit's terms after that.
    fn end_overrides(&self) -> Terms;

    /// Removes overrides of options that have ended, and returns the circuit's terms after that.
    fn lapse(&self, now: Instant) -> Terms;

    /// Describes where the circuit's config comes from.
    fn describe(&self) -> Description;
}

/// Where a circuit's config comes from.
#[derive(Debug, Default)]
pub(crate) struct Description {
    /// The function whose config is in use.
    pub(crate) decided_by: Option<&'static Site>,
    pub(crate) sites: Vec<&'static Site>,
    /// The newest, oldest first.
    pub(crate) conflicts: Vec<Conflict>,
    /// The number of all conflicts so far.
    pub(crate) conflict_count: u64,
    pub(crate) sources: Sources,
    pub(crate) overridden: Vec<Overridden>,
    pub(crate) fleet: Option<FleetView>,
}

/// An option that was set while the program runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Overridden {
    pub(crate) option: &'static str,
    pub(crate) value: String,
    /// Who set it; empty if unknown.
    pub(crate) by: String,
    pub(crate) end: Instant,
}

/// The settings that apply to a circuit.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) effective: Effective,
    /// When the first setting ends that is there for a time (R34).
    pub(crate) lapses_at: Instant,
    /// Terms with a greater number were read later, so they hold every change that these hold.
    pub(crate) number: u64,
}

impl Terms {
    /// The terms of a circuit in no registry. The last ones to come apply.
    pub(crate) fn of(config: Config) -> Self {
        Self { effective: Effective::of(config), lapses_at: Instant::NEVER, number: 0 }
    }
}

/// A circuit's place in a registry. The number of listeners stands beside the audience, because each refused call
/// reads it.
#[derive(Debug)]
pub(crate) struct Membership {
    attention: Arc<Attention>,
    audience: Arc<dyn Audience>,
}

impl Membership {
    pub(crate) fn new(attention: Arc<Attention>, audience: Arc<dyn Audience>) -> Self {
        Self { attention, audience }
    }

    /// The audience, whether or not it has listeners.
    pub(crate) fn of(&self) -> &dyn Audience {
        &*self.audience
    }

    /// Posts the events that have listeners. Listeners of calls also get events of circuits.
    pub(crate) fn post(&self, epoch: Epoch, news: impl Iterator<Item = News>) {
        let is_paid_to_calls = self.attention.is_paid_to(Topic::Calls);
        let mut news =
            news.filter(|news| is_paid_to_calls || news.topic() == Topic::Circuits).peekable();
        if self.attention.is_paid_to(Topic::Circuits) && news.peek().is_some() {
            self.audience.post(epoch, &mut news);
        }
    }

    /// The audience, if it has listeners for that topic.
    pub(crate) fn audience(&self, topic: Topic) -> Option<&dyn Audience> {
        self.attention.is_paid_to(topic).then(|| self.of())
    }
}
