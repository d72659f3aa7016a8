//! Events, which listeners subscribe to.
//!
//! *Why it exists:* programs log, count and alert when a circuit opens, and a bad listener must not break the circuit.
//! Listeners are therefore called after every lock is released, one event of a circuit at a time, and their panics are
//! caught.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::circuit::{News, Topic};
use crate::rules::{Outcome, Refusal, RejectedReason, Transition};
use crate::settings::{Conflict, Effective, Layer, Readable, Source};

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
    /// If the circuit opened: the words of the failure that opened it, if its function states `describe_error`.
    pub error: Option<Arc<str>>,
}

impl Event {
    /// Removes who overrode options, for readers who may not know.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use breaker_runtime::{Config, Override, Registry};
    ///
    /// let own = Registry::new();
    /// let queue = own.circuit("queue", Config::new())?;
    /// let (told, heard) = mpsc::channel();
    /// let _listening = own.subscribe_to_changes(move |event| {
    ///     let mut event = event.clone();
    ///     event.withhold_names();
    ///     let _ = told.send(event.kind.to_string());
    /// });
    /// queue.override_for(Override::Option("cooldown", "5s"), None, "10.0.0.7")?;
    /// assert!(!heard.recv()?.contains("10.0.0.7"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn withhold_names(&mut self) {
        if let EventKind::Reconfigured(changes) = &mut self.kind {
            for change in changes {
                change.old_source.withhold_name();
                change.new_source.withhold_name();
            }
        }
    }
}

/// What happened to a circuit.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use breaker_runtime::{Config, EventKind, Registry};
///
/// let own = Registry::new();
/// let mail = own.circuit("mail", Config::new())?;
/// let (told, heard) = mpsc::channel();
/// let _subscription = own.subscribe(move |event| {
///     let _ = told.send(match &event.kind {
///         EventKind::Transition(transition) => format!("now {}", transition.to),
///         EventKind::Rejected { reason, .. } => format!("refused: {reason}"),
///         other => other.to_string(),
///     });
/// });
/// mail.force_open();
/// assert!(mail.try_acquire().is_err());
/// assert_eq!(heard.try_iter().collect::<Vec<_>>(), ["now forced_open", "refused: forced_open"]);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
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
    /// The cooldown is over and a call came, but the [fleet](crate::Advice::Ask) must grant the probe.
    ProbeWanted,
    /// Its settings changed: a layer was applied, or an option overridden.
    Reconfigured(Box<[Change]>),
    /// A second, different config was stated for the name.
    Conflict(Box<Conflict>),
    /// Settings from outside the code were [refused](crate::Registry::refuse), and the old ones stay. The name of such
    /// an event is `*`: it is about no single circuit.
    SettingsRefused {
        /// The layer.
        layer: Layer,
        /// What is wrong, one text each.
        mistakes: Box<[String]>,
    },
}

/// A setting of a circuit that has another value now.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use breaker_runtime::{Config, EventKind, Layer, Registry, Statement};
///
/// let own = Registry::new();
/// own.circuit("queue", Config::new())?;
/// let (told, heard) = mpsc::channel();
/// let _listening = own.subscribe_to_changes(move |event| {
///     if let EventKind::Reconfigured(changes) = &event.kind {
///         let _ = told.send(changes[0].to_string());
///     }
/// });
/// own.apply(Layer::File, vec![Statement::new("queue", "cooldown", "5s", "breaker.toml:12")])?;
/// assert_eq!(heard.recv().unwrap(), "cooldown=5s (was 1m, built-in; from breaker.toml:12)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The option.
    pub option: &'static str,
    /// Its value before, as text.
    pub old: String,
    /// Where that came from.
    pub old_source: Source,
    /// Its value now, as text.
    pub new: String,
    /// Where that comes from.
    pub new_source: Source,
}

impl Change {
    /// All settings that differ.
    pub(super) fn between(before: &Effective, after: &Effective) -> Vec<Self> {
        let (old, new) = (before.texts(), after.texts());
        let value = |all: &[(&'static str, String)], option| {
            let found = all.iter().find(|(name, _)| *name == option);
            found.map_or_else(|| "as in code".to_owned(), |(_, value)| value.clone())
        };
        let mut options: Vec<_> = old.iter().chain(&new).map(|(option, _)| *option).collect();
        options.dedup();
        let mut changes: Vec<Self> = Vec::new();
        for option in options {
            let (was, is) = (value(&old, option), value(&new, option));
            if was != is && changes.iter().all(|change| change.option != option) {
                changes.push(Self {
                    option,
                    old: was,
                    old_source: before.sources.of(option),
                    new: is,
                    new_source: after.sources.of(option),
                });
            }
        }
        changes
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { option, old, old_source, new, new_source } = self;
        write!(f, "{option}={new} (was {old}, {old_source}; from {new_source})")
    }
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
            Self::ProbeWanted => f.write_str("asks the fleet to probe"),
            Self::Reconfigured(changes) => {
                let changes: Vec<_> = changes.iter().map(Change::to_string).collect();
                write!(f, "reconfigured: {}", changes.join(", "))
            }
            Self::Conflict(conflict) => conflict.fmt(f),
            Self::SettingsRefused { layer, mistakes } => {
                write!(f, "settings refused ({layer}): {}", mistakes.join("; "))
            }
        }
    }
}

impl EventKind {
    pub(super) fn topic(&self) -> Topic {
        match self {
            Self::Transition(_)
            | Self::ProbeWanted
            | Self::Reconfigured(_)
            | Self::Conflict(_)
            | Self::SettingsRefused { .. } => Topic::Circuits,
            Self::Rejected { .. } | Self::Late { .. } => Topic::Calls,
        }
    }
}

/// An event without its name and number.
#[derive(Debug)]
pub(super) struct Happened {
    pub(super) kind: EventKind,
    pub(super) error: Option<Arc<str>>,
}

impl From<EventKind> for Happened {
    fn from(kind: EventKind) -> Self {
        Self { kind, error: None }
    }
}

impl From<Refusal> for Happened {
    fn from(refusal: Refusal) -> Self {
        EventKind::from(refusal).into()
    }
}

impl From<News> for Happened {
    fn from(news: News) -> Self {
        match news {
            News::Transition(transition, error) => {
                Self { kind: EventKind::Transition(transition), error }
            }
            News::Rejected(refusal) => refusal.into(),
            News::Late(ending) => EventKind::Late { outcome: ending.into() }.into(),
            News::ProbeWanted => EventKind::ProbeWanted.into(),
        }
    }
}

impl From<Refusal> for EventKind {
    fn from(refusal: Refusal) -> Self {
        Self::Rejected { reason: refusal.reason, retry_after: refusal.retry_after() }
    }
}
