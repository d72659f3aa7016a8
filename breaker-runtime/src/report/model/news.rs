//! What listeners must hear, and one who writes it down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::circuit::{
    Attention, Audience, CircuitBreaker, Clock, Description, Epoch, Global, Membership, News,
    Overridden, Terms,
};
use crate::rules::{Instant, Refusal, State, Transition};
use crate::settings::{Config, ConfigError, Name, Told};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// From one state to another, why, and the time until a probe may run.
    Change(State, State, &'static str, Option<Duration>),
    ProbeWanted,
}

impl From<Transition> for Item {
    fn from(change: Transition) -> Self {
        let Transition { from, to, cause, retry_after, .. } = change;
        Self::Change(from, to, cause.as_str(), retry_after)
    }
}

/// Hears all that a circuit tells, and notes the changes of state and the wishes to probe.
#[derive(Debug, Default)]
pub(super) struct Listener(Arc<Notes>);

#[derive(Debug, Default)]
struct Notes {
    items: Global<Vec<Item>>,
    is_waiting: AtomicBool,
}

impl Listener {
    /// A circuit that tells this listener.
    pub(super) fn circuit(&self, config: Config, clock: Clock) -> CircuitBreaker {
        let attention = Attention::default();
        attention.set(1, 1);
        let membership = Membership::new(Arc::new(attention), Arc::<Notes>::clone(&self.0));
        CircuitBreaker::valid(Name::Static("circuit"), &Terms::of(config), clock, Some(membership))
    }

    /// What it has heard since the last time.
    pub(super) fn take(&self) -> Vec<Item> {
        std::mem::take(&mut self.0.items.lock())
    }
}

impl Audience for Notes {
    fn post(&self, _: Epoch, news: &mut dyn Iterator<Item = News>) {
        self.is_waiting.store(true, Ordering::Relaxed);
        self.items.lock().extend(news.filter_map(|news| match news {
            News::Transition(change, _) => Some(change.into()),
            News::ProbeWanted => Some(Item::ProbeWanted),
            News::Rejected(_) | News::Late(_) => None,
        }));
    }

    fn post_refusal(&self, _: Refusal) {}

    fn refuse(&self, _: Epoch, _: Refusal, count: &dyn Fn()) -> Option<()> {
        count();
        Some(())
    }

    fn deliver(&self) -> bool {
        self.is_waiting.swap(false, Ordering::Relaxed)
    }

    fn restate(&self, config: Config) -> Result<Terms, ConfigError> {
        Ok(Terms::of(config))
    }

    fn override_option(&self, _: Told, _: Overridden) -> Result<Terms, String> {
        Err("no step overrides an option".to_owned())
    }

    fn end_overrides(&self) -> Terms {
        Terms::of(Config::new())
    }

    fn lapse(&self, _: Instant) -> Terms {
        Terms::of(Config::new())
    }

    fn describe(&self) -> Description {
        Description::default()
    }
}
