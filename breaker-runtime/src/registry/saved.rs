//! What outlives the process: circuits that are not closed (R31).
//!
//! *Why it exists:* a program that restarts during an outage would call the broken dependency again with all circuits
//! closed. The wall clock is read here and nowhere else, because a monotonic clock means nothing to the next process.

use std::time::{Duration, SystemTime};

use super::Registry;

use crate::rules::{Standing, State, TripReason};

/// The circuits of a registry that are not closed, as [`Registry::save`] found them.
///
/// With the feature `serde` it can be written to a file and read again.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Config, Registry, State};
///
/// let before = Registry::new();
/// before.circuit("mail", Config::new())?.trip();
/// let saved = before.save();
/// assert_eq!(saved.circuits[0].name, "mail");
///
/// let after = Registry::new();
/// let mail = after.circuit("mail", Config::new())?;
/// let restored = after.restore(&saved, Duration::from_secs(3600));
/// assert_eq!(restored.opened, ["mail"]);
/// assert_eq!(mail.state(), State::Open);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
#[non_exhaustive]
pub struct Saved {
    /// The version of this format. Others are not restored.
    pub version: u32,
    /// When it was saved, by the wall clock.
    pub saved_at: SystemTime,
    /// The circuits, in the order of names.
    pub circuits: Vec<SavedCircuit>,
}

impl Saved {
    const VERSION: u32 = 1;
}

/// A circuit that was not closed.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, Registry, State};
///
/// let own = Registry::new();
/// own.circuit("mail", Config::new())?.trip();
/// let mail = &own.save().circuits[0];
/// assert_eq!((mail.state, mail.reopenings), (State::Open, 0));
/// assert_eq!(mail.reason.unwrap().to_string(), "trip()");
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(::serde::Serialize, ::serde::Deserialize))]
#[non_exhaustive]
pub struct SavedCircuit {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// What was left of its cooldown.
    pub left: Duration,
    /// Its re-openings since it was last closed.
    pub reopenings: u32,
    /// What opened it.
    pub reason: Option<TripReason>,
}

/// What [`Registry::restore`] did.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Config, Registry};
///
/// let before = Registry::new();
/// before.circuit("mail", Config::new())?.trip();
/// let restored = Registry::new().restore(&before.save(), Duration::from_secs(3600));
/// let unknown = ("mail".to_owned(), "there is no such circuit");
/// assert_eq!(restored.left_alone, [unknown]);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The circuits that are open now.
    pub opened: Vec<String>,
    /// The circuits that were left as they are, with the reason.
    pub left_alone: Vec<(String, &'static str)>,
}

impl Registry {
    /// Returns what outlives the process: the circuits that are not closed, what is left of their cooldowns, how often
    /// they have re-opened, and what opened them.
    #[must_use]
    pub fn save(&self) -> Saved {
        let saved = self.read(|entry| {
            let Standing { state, left, reopenings, reason } = entry.circuit.standing();
            let name = entry.name().to_owned();
            (state != State::Closed).then_some(SavedCircuit {
                name,
                state,
                left,
                reopenings,
                reason,
            })
        });
        let mut circuits: Vec<_> = saved.into_iter().flatten().collect();
        circuits.sort_by(|one, other| one.name.cmp(&other.name));
        Saved { version: Saved::VERSION, saved_at: SystemTime::now(), circuits }
    }

    /// Opens circuits that were open or half-open when they were saved, for what is left of their cooldowns. The cause is
    /// [`Restored`](crate::Cause::Restored). A circuit whose cooldown is over by now allows a probe at once.
    ///
    /// A circuit is left alone if
    ///
    /// * it has evidence of its own, is not closed, or was given an order,
    /// * nobody knows its name,
    /// * it was forced open or disabled: settings and orders say so again, or do not,
    /// * it was saved longer than `max_age` ago, or in the future.
    pub fn restore(&self, saved: &Saved, max_age: Duration) -> Restored {
        let mut restored = Restored::default();
        let age = SystemTime::now().duration_since(saved.saved_at);
        for circuit in &saved.circuits {
            let opened = match age {
                _ if saved.version != Saved::VERSION => Err("it was saved by another version"),
                Err(_) => Err("it was saved in the future"),
                Ok(age) if age > max_age => Err("it was saved too long ago"),
                Ok(age) => self.reopen(circuit, age),
            };
            match opened {
                Ok(()) => restored.opened.push(circuit.name.clone()),
                Err(reason) => restored.left_alone.push((circuit.name.clone(), reason)),
            }
        }
        restored
    }

    fn reopen(&self, saved: &SavedCircuit, age: Duration) -> Result<(), &'static str> {
        if !matches!(saved.state, State::Open | State::HalfOpen) {
            return Err("it was not open on evidence");
        }
        let keyed = || self.keyed_with(&saved.name)?.named(&saved.name);
        let entry = self.circuits.get(&saved.name).or_else(keyed);
        let entry = entry.ok_or("there is no such circuit")?;
        let SavedCircuit { left, reopenings, reason, state, .. } = saved.clone();
        let left = left.saturating_sub(age);
        let standing = Standing { state, left, reopenings, reason };
        if entry.circuit.restore(standing) { Ok(()) } else { Err("it has evidence of its own") }
    }
}
