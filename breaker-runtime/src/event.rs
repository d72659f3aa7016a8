//! What happens to circuits, told to whoever subscribed.
//!
//! *Why it exists:* a program wants to log, count and alert when a circuit opens, and must be able to do
//! so without the power to break the circuit. Listeners are therefore called after every lock is
//! released, one event of a circuit after the other, and their panics end with them.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::error::RejectedReason;
use crate::outcome::Outcome;
use crate::provenance::Conflict;
use crate::state::Transition;
use crate::sync::{AtomicBool, Condvar, Global, Mutex, thread_local};

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
    /// The number of the event among those of its circuit, from 1; a gap tells how many were lost because
    /// listeners were too slow. 0 for conflicts that were there before the listener.
    pub sequence: u64,
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

impl EventKind {
    fn topic(&self) -> Topic {
        match self {
            Self::Transition(_) | Self::Conflict(_) => Topic::Circuits,
            Self::Rejected { .. } | Self::Late { .. } => Topic::Calls,
        }
    }
}

/// What an event is about. Of circuits there is news now and then, of calls as often as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Circuits,
    Calls,
}

/// Keeps a listener subscribed. When it is dropped, and the drop has returned, the listener is not called
/// any more: the drop waits for calls of it that are under way. A drop inside any listener does not wait.
#[must_use = "dropping a subscription ends it"]
pub struct Subscription(Arc<Listener>);

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        LISTENERS.remove(&self.0);
        self.0.retire();
    }
}

thread_local! {
    /// How many listeners the thread is inside of. Without a destructor, so that it can always be read.
    #[allow(clippy::missing_const_for_thread_local, reason = "loom's have no const form")]
    static INSIDE: Cell<usize> = Cell::new(0);
}

struct Listener {
    hears_of_calls: bool,
    tell: Box<dyn Fn(&Event) + Send + Sync>,
    duty: Mutex<Duty>,
    returned: Condvar,
}

struct Duty {
    retired: bool,
    /// Conflicts that it was told of when it subscribed, and may be told of again on the usual way.
    told: Vec<Conflict>,
    /// The calls of the listener that are under way.
    inside: usize,
}

impl Listener {
    fn hear(&self, event: &Event) {
        if event.kind.topic() == Topic::Calls && !self.hears_of_calls {
            return;
        }
        {
            let mut duty = self.duty.lock();
            if duty.retired || duty.has_told(event) {
                return;
            }
            duty.inside += 1;
        }
        INSIDE.with(|inside| inside.set(inside.get() + 1));
        contain(|| (self.tell)(event));
        INSIDE.with(|inside| inside.set(inside.get() - 1));

        self.duty.lock().inside -= 1;
        self.returned.notify_all();
    }

    fn retire(&self) {
        let mut duty = self.duty.lock();
        duty.retired = true;
        // Whoever is inside a listener must not wait for others that are: they may wait for it.
        while duty.inside > 0 && INSIDE.with(Cell::get) == 0 {
            duty = self.returned.wait(duty).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Duty {
    /// Whether the event is a conflict that was told already. Asked once, so that the list gets empty.
    fn has_told(&mut self, event: &Event) -> bool {
        let EventKind::Conflict(conflict) = &event.kind else { return false };
        let known = self.told.iter().position(|told| *told == **conflict);
        event.sequence > 0 && known.map(|at| self.told.swap_remove(at)).is_some()
    }
}

/// Runs code of a listener's. A panic ends here, and so does one of its payload's destructor; what that
/// one leaves is not dropped any more.
fn contain(run: impl FnOnce()) {
    let payload = catch_unwind(AssertUnwindSafe(run)).err();
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(payload);
    }
}

/// Everybody who listens, in the order of subscription.
pub(crate) struct Listeners {
    /// How many there are, and how many of them hear of calls. Read before anything is built for one.
    count: AtomicUsize,
    of_calls: AtomicUsize,
    all: Global<Vec<Arc<Listener>>>,
}

pub(crate) static LISTENERS: Listeners = Listeners {
    count: AtomicUsize::new(0),
    of_calls: AtomicUsize::new(0),
    all: Global::new(Vec::new()),
};

impl Listeners {
    /// Whether anybody hears of that. A circuit that nobody listens to builds no events.
    pub(crate) fn any(&self, topic: Topic) -> bool {
        let count = match topic {
            Topic::Circuits => &self.count,
            Topic::Calls => &self.of_calls,
        };
        count.load(Ordering::Acquire) > 0
    }

    /// Subscribes a listener, of calls too or of circuits alone, and tells it alone of what was there before.
    pub(crate) fn add(
        &self,
        of: Topic,
        tell: impl Fn(&Event) + Send + Sync + 'static,
        before: impl FnOnce() -> Vec<Conflict>,
    ) -> Subscription {
        let listener = Arc::new(Listener {
            hears_of_calls: of == Topic::Calls,
            tell: Box::new(tell),
            duty: Mutex::new(Duty { retired: false, told: Vec::new(), inside: 0 }),
            returned: Condvar::new(),
        });
        let conflicts = {
            // Whoever wants to tell it of a new conflict waits until it is known which are old.
            let mut duty = listener.duty.lock();
            {
                let mut all = self.all.lock();
                all.push(Arc::clone(&listener));
                self.recount(&all);
            }
            let conflicts = before();
            duty.told.clone_from(&conflicts);
            conflicts
        };
        for conflict in conflicts {
            let name = conflict.name.clone();
            listener.hear(&Event { name, sequence: 0, kind: EventKind::Conflict(conflict.into()) });
        }
        Subscription(listener)
    }

    fn remove(&self, listener: &Arc<Listener>) {
        let mut all = self.all.lock();
        all.retain(|known| !Arc::ptr_eq(known, listener));
        self.recount(&all);
    }

    fn recount(&self, all: &[Arc<Listener>]) {
        let of_calls = all.iter().filter(|listener| listener.hears_of_calls).count();
        self.count.store(all.len(), Ordering::Release);
        self.of_calls.store(of_calls, Ordering::Release);
    }

    fn tell(&self, event: &Event) {
        let all = self.all.lock().clone();
        for listener in all {
            listener.hear(event);
            // It may be the last one to know it, and what it captured may have a destructor.
            contain(|| drop(listener));
        }
    }
}

/// The most events of one circuit that wait for slow listeners. More are counted and let go.
const LONGEST_QUEUE: usize = 1024;

/// The events of one circuit that are yet to be told (R21).
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    /// Read before the lock is taken: most often there is nothing to tell.
    is_waiting: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<(u64, EventKind)>,
    last: u64,
    /// Somebody is telling them. Whoever comes meanwhile only adds to the queue.
    is_told: bool,
}

impl Outbox {
    /// Adds an event. Called under the lock that puts the circuit's events in order.
    pub(crate) fn post(&self, kind: EventKind) {
        let mut queue = self.queue.lock();
        self.is_waiting.store(true, Ordering::Release);
        queue.last += 1;
        let sequence = queue.last;
        if queue.waiting.len() < LONGEST_QUEUE {
            queue.waiting.push_back((sequence, kind));
        }
    }

    /// Tells what waits, unless another thread, or a caller further up this one, is at it. Called without
    /// any lock.
    pub(crate) fn deliver(&self, name: &str) {
        if !self.is_waiting.load(Ordering::Acquire) {
            return;
        }
        let mut queue = self.queue.lock();
        if queue.is_told {
            return;
        }
        queue.is_told = true;
        while let Some((sequence, kind)) = queue.waiting.pop_front() {
            drop(queue);
            LISTENERS.tell(&Event { name: name.to_owned(), sequence, kind });
            queue = self.queue.lock();
        }
        queue.is_told = false;
        self.is_waiting.store(false, Ordering::Release);
    }
}
