//! What happens to circuits, told to whoever subscribed.
//!
//! *Why it exists:* a program wants to log, count and alert when a circuit opens, and must be able to do
//! so without the power to break the circuit. Listeners are therefore called after every lock is
//! released, one event of a circuit after the other, and their panics end with them.

use std::fmt;
use std::time::Duration;

use crate::circuit::{News, Topic};
use crate::rules::{Outcome, Refusal, RejectedReason, Transition};
use crate::settings::{Conflict, Readable};

/// Something that happened to a circuit of the registry.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use breaker_runtime::{Config, EventKind, State, registry};
///
/// let (told, heard) = mpsc::channel();
/// let subscription = registry().subscribe(move |event| {
///     if let EventKind::Transition(transition) = &event.kind {
///         let _ = told.send((event.name.clone(), transition.to));
///     }
/// });
///
/// registry().get_or_create("mail", Config::new())?.trip();
/// assert_eq!(heard.recv().unwrap(), ("mail".to_owned(), State::Open));
/// drop(subscription);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The circuit.
    pub name: String,
    /// The number of the event within its circuit, from 1. Listeners of everything
    /// ([`subscribe`](crate::Registry::subscribe)) and listeners of changes
    /// ([`subscribe_to_changes`](crate::Registry::subscribe_to_changes)) have a numbering each. It grows by
    /// `missed + 1` from one event to the next. 0 for conflicts that are older than the subscription.
    pub sequence: u64,
    /// How many refused calls and late outcomes directly before this event were counted but not told, because
    /// they came while the listeners were busy with an earlier event. For a listener that is subscribed all
    /// the time, the events it gets and the sum of `missed` add up to all events.
    ///
    /// Changes of state, resets and conflicts are never missed. So a listener of changes always reads 0 here.
    pub missed: u64,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a circuit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// It changed state, or was reset.
    Transition(Transition),
    /// It refused a call.
    Rejected {
        /// Why.
        reason: RejectedReason,
        /// Time until a probe may run.
        retry_after: Option<Duration>,
    },
    /// A call ended when the circuit had moved on since it started.
    Late {
        /// How it ended; `None` if it was cancelled.
        outcome: Option<Outcome>,
    },
    /// A second config was stated for its name.
    Conflict(Box<Conflict>),
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transition(transition) => transition.fmt(f),
            Self::Rejected { reason, retry_after: Some(left) } => {
                write!(f, "call rejected: {reason}; retry in {}", Readable(*left))
            }
            Self::Rejected { reason, .. } => write!(f, "call rejected: {reason}"),
            Self::Late { outcome: Some(outcome) } => write!(f, "late outcome: {outcome}"),
            Self::Late { outcome: None } => f.write_str("late outcome: cancelled"),
            Self::Conflict(conflict) => conflict.fmt(f),
        }
    }
}

impl EventKind {
    pub(super) fn topic(&self) -> Topic {
        match self {
            Self::Transition(_) | Self::Conflict(_) => Topic::Circuits,
            Self::Rejected { .. } | Self::Late { .. } => Topic::Calls,
        }
    }
}

impl From<News> for EventKind {
    fn from(news: News) -> Self {
        match news {
            News::Transition(transition) => Self::Transition(transition),
            News::Rejected(refusal) => refusal.into(),
            News::Late(ending) => Self::Late { outcome: ending.into() },
        }
    }
}

impl From<Refusal> for EventKind {
    fn from(refusal: Refusal) -> Self {
        Self::Rejected { reason: refusal.reason, retry_after: refusal.retry_after() }
    }
}
