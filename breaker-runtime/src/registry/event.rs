//! Events, which listeners subscribe to.
//!
//! *Why it exists:* programs log, count and alert when a circuit opens, and a bad listener must not break the circuit.
//! Listeners are therefore called after every lock is released, one event of a circuit at a time, and their panics are
//! caught.

use std::fmt;
use std::time::Duration;

use crate::circuit::{News, Topic};
use crate::rules::{Outcome, Refusal, RejectedReason, Transition};
use crate::settings::{Conflict, Readable};

/// Something that happened to a circuit of a registry.
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
    /// The circuit's name.
    pub name: String,
    /// The number of the event within its circuit, from 1. It grows by `missed + 1` from one event to the next. 0 for
    /// conflicts that are older than the subscription.
    ///
    /// [`subscribe`](crate::Registry::subscribe) and
    /// [`subscribe_to_changes`](crate::Registry::subscribe_to_changes) number events separately.
    pub sequence: u64,
    /// How many rejected calls and late outcomes directly before this event were counted but not delivered. They came
    /// while listeners were busy with an earlier event. The events that a listener gets and the sum of `missed` add
    /// up to all events since it subscribed.
    ///
    /// Changes of state, resets and conflicts are never missed. With `subscribe_to_changes`, this is always 0.
    pub missed: u64,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a circuit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// The circuit changed state, or was reset.
    Transition(Transition),
    /// The circuit refused a call.
    Rejected {
        /// The reason.
        reason: RejectedReason,
        /// The time until a probe may run, if the circuit is open.
        retry_after: Option<Duration>,
    },
    /// A call ended too late to count: the circuit had changed state or was reset, or the probe was lost.
    Late {
        /// How it ended; `None` if it was cancelled.
        outcome: Option<Outcome>,
    },
    /// A second, different config was stated for the name.
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
