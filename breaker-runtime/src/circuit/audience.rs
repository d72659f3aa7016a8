//! The trait through which a circuit reports events. The registry implements it, so a circuit knows no registry.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::word::Epoch;
use crate::rules::{Ending, Refusal, Transition};
use crate::settings::{Conflict, Site};

/// What an event is about. Circuits have news now and then; calls have news as often as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Circuits,
    Calls,
}

/// What a circuit has to tell.
#[derive(Debug)]
pub(crate) enum News {
    Transition(Transition),
    Rejected(Refusal),
    /// A call ended when the circuit had moved on.
    Late(Ending),
}

impl News {
    fn topic(&self) -> Topic {
        match self {
            Self::Transition(_) => Topic::Circuits,
            Self::Rejected(_) | Self::Late(_) => Topic::Calls,
        }
    }
}

/// How many listeners there are. A circuit reads it before it makes any news.
#[derive(Debug, Default)]
pub(crate) struct Attention {
    circuits: AtomicUsize,
    calls: AtomicUsize,
}

impl Attention {
    /// So many listeners hear of circuits, and so many of those hear of calls too.
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

/// Hears of one circuit, and knows which functions share it.
pub(crate) trait Audience: fmt::Debug + Send + Sync {
    /// Takes news, in their order, to be delivered later. `epoch` is where the circuit is after them. Called
    /// under the lock that puts the news of the circuit in order, so no user code runs in here.
    fn post(&self, epoch: Epoch, news: &mut dyn Iterator<Item = News>);

    /// Takes a refusal that has no place in that order, and delivers nothing.
    fn post_refusal(&self, refusal: Refusal);

    /// Takes and delivers a refusal of that epoch without the lock. Calls `count` when it has taken it. `None`,
    /// and nothing is done, if the news of that epoch are yet to be posted.
    fn refuse(&self, epoch: Epoch, refusal: Refusal, count: &dyn Fn()) -> Option<()>;

    /// Delivers what was posted, and says whether that was anything. Called without any lock: user code runs
    /// in here.
    fn deliver(&self) -> bool;

    /// What there is to say of the circuit's origin.
    fn describe(&self) -> Description;
}

/// Where a circuit's settings come from.
#[derive(Debug, Default)]
pub(crate) struct Description {
    /// The function whose config the circuit goes by.
    pub(crate) decided_by: Option<&'static Site>,
    pub(crate) sites: Vec<&'static Site>,
    /// The newest, oldest first.
    pub(crate) conflicts: Vec<Conflict>,
    /// How many there were in all.
    pub(crate) conflict_count: u64,
}

/// A circuit's place in a registry.
#[derive(Clone, Debug)]
pub(crate) struct Membership {
    pub(crate) attention: Arc<Attention>,
    pub(crate) audience: Arc<dyn Audience>,
}

impl Membership {
    /// Posts what somebody wants to hear of. Whoever hears of calls hears of circuits too.
    pub(crate) fn post(&self, epoch: Epoch, news: impl Iterator<Item = News>) {
        let is_paid_to_calls = self.attention.is_paid_to(Topic::Calls);
        let mut news =
            news.filter(|news| is_paid_to_calls || news.topic() == Topic::Circuits).peekable();
        if self.attention.is_paid_to(Topic::Circuits) && news.peek().is_some() {
            self.audience.post(epoch, &mut news);
        }
    }

    /// The audience, if anybody wants to hear of that.
    pub(crate) fn audience(&self, topic: Topic) -> Option<&dyn Audience> {
        self.attention.is_paid_to(topic).then_some(&*self.audience)
    }
}
