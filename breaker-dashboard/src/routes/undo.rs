//! Takes orders back, for ten seconds.
//!
//! *Why it exists:* at three in the morning, somebody switches the wrong circuit. What stood before is known then, and
//! ten seconds later nobody remembers it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breaker_runtime::{
    CircuitBreaker, ConfigErrors, Mode, ModeOverride, OptionOverride, Override, Snapshot, State,
};
use tokio::time::Instant;

use super::order::Step;
use crate::access::random_text;

/// How long an order can be taken back.
const PATIENCE: Duration = Duration::from_secs(10);
/// The maximum number of orders that can be taken back. Each may be about a thousand circuits.
const MOST: usize = 16;
/// The shortest limit of an override. It replaces another one, and is over at once.
const AT_ONCE: Duration = Duration::from_nanos(1);

/// The latest orders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Undos(Arc<Mutex<VecDeque<Kept>>>);

#[derive(Debug)]
struct Kept {
    token: String,
    given: Instant,
    id: u64,
    text: String,
    backs: Vec<(String, Back)>,
}

/// An order that is to be taken back.
#[derive(Debug)]
pub(super) struct Undone {
    /// Its number in the log.
    pub(super) id: u64,
    pub(super) text: String,
    /// The time since it was given.
    pub(super) age: Duration,
    /// Each circuit, and what stood before.
    pub(super) backs: Vec<(String, Back)>,
}

impl Undos {
    /// Keeps an order. Returns its token, or `None` if it cannot be taken back.
    pub(super) fn keep(&self, id: u64, text: String, backs: Vec<(String, Back)>) -> Option<String> {
        if backs.is_empty() {
            return None;
        }
        let (token, given) = (random_text::<16>()?, Instant::now());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.given.elapsed() < PATIENCE);
        if kept.len() == MOST {
            kept.pop_front();
        }
        kept.push_back(Kept { token: token.clone(), given, id, text, backs });
        Some(token)
    }

    /// The order of a token, which is valid once.
    pub(super) fn take(&self, token: &str) -> Option<Undone> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|kept| kept.token == token)?;
        let Kept { given, id, text, backs, .. } = kept.remove(at)?;
        let age = given.elapsed();
        (age < PATIENCE).then_some(Undone { id, text, age, backs })
    }
}

/// How to take back what an order did to one circuit.
#[derive(Debug)]
pub(super) enum Back {
    /// An order about the mode, with its number.
    Mode {
        number: u64,
        before: Standing,
    },
    /// A trip, with the epoch that it began.
    Trip {
        epoch: u64,
        before: Standing,
    },
    Option {
        given: OptionOverride,
        before: Option<OptionOverride>,
    },
    /// The overrides that were ended.
    Overrides(Vec<OptionOverride>),
}

/// How a circuit was run.
#[derive(Debug)]
pub(super) struct Standing {
    order: Option<ModeOverride>,
    /// The mode of its settings.
    usual: Mode,
    was_open: bool,
}

impl Back {
    /// Why an order cannot be taken back.
    pub(super) const LATER: &str = "a later order replaced it, or it has ended";

    /// `None` if nothing changed, or if nobody knows what stood before.
    pub(super) fn new(step: &Step<'_>, before: &Snapshot, after: &Snapshot) -> Option<Self> {
        let standing = Standing::of(before);
        match step {
            Step::Reset => None,
            Step::Trip => {
                let is_opened = before.state == State::Closed && after.state == State::Open;
                is_opened.then_some(Self::Trip { epoch: after.epoch, before: standing })
            }
            Step::EndOverrides => {
                (!before.overrides.is_empty()).then(|| Self::Overrides(before.overrides.clone()))
            }
            Step::Override(Override::Option(option, _)) => {
                let of = |snapshot: &Snapshot| {
                    let overrides = snapshot.overrides.iter();
                    overrides.clone().find(|it| it.option == *option).cloned()
                };
                Some(Self::Option { given: of(after)?, before: of(before) })
            }
            Step::Override(_) => {
                let number = after.mode_override.as_ref()?.number;
                Some(Self::Mode { number, before: standing })
            }
        }
    }

    /// Takes it back, `age` after it was given.
    pub(super) fn take(self, circuit: &CircuitBreaker, age: Duration) -> Result<(), &'static str> {
        let now = circuit.snapshot();
        let is_last = match &self {
            Self::Mode { number, .. } => {
                now.mode_override.as_ref().is_some_and(|order| order.number == *number)
            }
            Self::Trip { epoch, .. } => now.epoch == *epoch,
            Self::Option { given, .. } => now.overrides.iter().any(|it| {
                let is_earlier = it.left.is_some() == given.left.is_some() && it.left <= given.left;
                it.option == given.option && it.value == given.value && is_earlier
            }),
            Self::Overrides(_) => now.overrides.is_empty(),
        };
        if !is_last {
            return Err(Self::LATER);
        }
        let done = match self {
            Self::Mode { before, .. } | Self::Trip { before, .. } => before.restore(circuit, age),
            Self::Option { given, before } => {
                if let Some(before) = before.filter(|it| !is_over(it.left, age)) {
                    again(circuit, &before, age)
                } else {
                    let what = Override::Option(given.option, &given.value);
                    circuit.override_for(what, Some(AT_ONCE), given.by.as_deref().unwrap_or(""))
                }
            }
            Self::Overrides(all) => {
                let mut still = all.iter().filter(|it| !is_over(it.left, age));
                still.try_for_each(|it| again(circuit, it, age))
            }
        };
        done.map_err(|_| "the earlier order conflicts with the present settings")
    }
}

impl Standing {
    fn of(circuit: &Snapshot) -> Self {
        Self {
            order: circuit.mode_override.clone(),
            usual: circuit.config.settings().mode,
            was_open: matches!(circuit.state, State::Open | State::HalfOpen),
        }
    }

    fn restore(self, circuit: &CircuitBreaker, age: Duration) -> Result<(), ConfigErrors> {
        // Ends the order that is taken back, whatever it hides.
        circuit.reset();
        if let Some(ModeOverride { mode, by, left, then, .. }) = self.order {
            let by = by.unwrap_or_default();
            if let Some(hidden) = then.filter(|then| *then != self.usual) {
                circuit.override_for(Override::Mode(hidden), None, "")?;
            }
            if !is_over(left, age) {
                let left = left.map(|left| left.saturating_sub(age));
                circuit.override_for(Override::Mode(mode), left, &by)?;
            }
        }
        if self.was_open {
            circuit.trip();
        }
        Ok(())
    }
}

/// Gives an override again, for what is left of its time.
fn again(circuit: &CircuitBreaker, it: &OptionOverride, age: Duration) -> Result<(), ConfigErrors> {
    let left = it.left.map(|left| left.saturating_sub(age));
    let by = it.by.as_deref().unwrap_or("");
    circuit.override_for(Override::Option(it.option, &it.value), left, by)
}

fn is_over(left: Option<Duration>, age: Duration) -> bool {
    left.is_some_and(|left| left <= age)
}
