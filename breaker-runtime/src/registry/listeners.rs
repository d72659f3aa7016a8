//! Listeners: subscribing, unsubscribing, and calling them.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, Weak};

use super::event::{Event, EventKind, Happened};
use crate::circuit::{AtomicBool, Attention, Condvar, Global, Mutex, Topic, thread_local};
use crate::settings::Conflict;

/// Keeps a listener subscribed. Dropping it unsubscribes the listener.
///
/// The drop waits for running calls of the listener, so the listener is not called after the drop returns. Only a
/// drop inside a listener does not wait.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc::channel;
/// use breaker_runtime::{Config, Registry};
///
/// let own = Registry::new();
/// let (told, events) = channel();
/// let subscription = own.subscribe(move |event| drop(told.send(event.name.to_string())));
/// own.get_or_create("mail", Config::new())?.trip();
/// drop(subscription);
/// own.get_or_create("mail", Config::new())?.reset(); // nobody listens
/// assert_eq!(events.iter().collect::<Vec<_>>(), ["mail"]);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[must_use = "dropping a subscription ends it"]
pub struct Subscription {
    listeners: Arc<Listeners>,
    /// Taken by the drop alone.
    listener: Option<Arc<Listener>>,
}

impl Subscription {
    /// Keeps the listener subscribed for as long as the registry lives.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::registry;
    ///
    /// registry().subscribe(|event| println!("{}: {:?}", event.name, event.kind)).detach();
    /// ```
    pub fn detach(mut self) {
        if let Some(listener) = self.listener.take() {
            self.listeners.detached.lock().push(listener);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let Some(listener) = self.listener.take() else { return };
        self.listeners.remove(&listener);
        listener.is_retired.store(true, Ordering::Release);
        let end = Arc::clone(&listener.end);
        drop(listener);
        // Code inside a listener must not wait for other listeners: they may wait for it.
        if INSIDE.with(Cell::get) == 0 {
            end.wait();
        }
    }
}

thread_local! {
    /// How many listeners the thread is inside of. Without a destructor, so that it can always be read.
    #[allow(clippy::missing_const_for_thread_local, reason = "loom's have no const form")]
    static INSIDE: Cell<usize> = Cell::new(0);
}

/// Held by its subscription, and by each call of it for as long as the call lasts. So when it is dropped,
/// no call of it runs.
pub(super) struct Listener {
    tell: Box<dyn Fn(&Event) + Send + Sync>,
    is_retired: AtomicBool,
    /// Conflicts that it got when it subscribed, and may get again on the usual way.
    told: Mutex<Vec<Conflict>>,
    end: Arc<End>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}

impl Listener {
    fn hear(&self, event: &Event) {
        if self.is_retired.load(Ordering::Acquire) || self.has_been_told(event) {
            return;
        }
        INSIDE.with(|inside| inside.set(inside.get() + 1));
        contain(|| (self.tell)(event));
        INSIDE.with(|inside| inside.set(inside.get() - 1));
    }

    /// Whether the event is a conflict that was delivered already. Asked once, so that the list gets empty.
    fn has_been_told(&self, event: &Event) -> bool {
        let EventKind::Conflict(conflict) = &event.kind else { return false };
        let mut told = self.told.lock();
        let known = told.iter().position(|told| *told == **conflict);
        event.sequence > 0 && known.map(|at| told.swap_remove(at)).is_some()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Before what `tell` captured is dropped: that may take long.
        self.end.come();
    }
}

/// The end of a listener: it is not called after that.
struct End {
    has_come: Mutex<bool>,
    came: Condvar,
}

impl End {
    fn come(&self) {
        *self.has_come.lock() = true;
        self.came.notify_all();
    }

    fn wait(&self) {
        let mut has_come = self.has_come.lock();
        while !*has_come {
            has_come = self.came.wait(has_come).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Runs code of a listener's. A panic ends here.
pub(super) fn contain(run: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
        discard(payload);
    }
}

/// Drops what a listener panicked with. What panics even then is not dropped any more.
#[cold]
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(remains) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(remains);
    }
}

/// A listener as those know it who call it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    hears_of: Topic,
    listener: Weak<Listener>,
}

/// Everybody who listens to a registry, in the order of subscription.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    attention: Arc<Attention>,
    /// Grows with each change of `all`.
    version: AtomicU64,
    pub(super) all: Global<Vec<Known>>,
    /// Listeners that were detached and stay subscribed.
    pub(super) detached: Global<Vec<Arc<Listener>>>,
}

impl Listeners {
    /// What circuits read to know whether anybody listens.
    pub(super) fn attention(&self) -> Arc<Attention> {
        Arc::clone(&self.attention)
    }

    /// Whether there are listeners for that topic. Without them, no event is made.
    pub(super) fn hear_of(&self, topic: Topic) -> bool {
        self.attention.is_paid_to(topic)
    }

    /// Subscribes a listener, of calls too or of circuits alone, and tells it alone of what was there before.
    pub(crate) fn add(
        self: &Arc<Self>,
        of: Topic,
        tell: impl Fn(&Event) + Send + Sync + 'static,
        before: impl FnOnce() -> Vec<Conflict>,
    ) -> Subscription {
        let listener = Arc::new(Listener {
            tell: Box::new(tell),
            is_retired: AtomicBool::new(false),
            told: Mutex::new(Vec::new()),
            end: Arc::new(End { has_come: Mutex::new(false), came: Condvar::new() }),
        });
        let conflicts = {
            // A thread that tells it of a new conflict waits until it is known which are old.
            let mut told = listener.told.lock();
            {
                let mut all = self.all.lock();
                all.push(Known { hears_of: of, listener: Arc::downgrade(&listener) });
                self.recount(&all);
            }
            let conflicts = before();
            told.clone_from(&conflicts);
            conflicts
        };
        for conflict in conflicts {
            let name = conflict.name.clone();
            let kind = EventKind::Conflict(conflict.into());
            listener.hear(&Event { name, sequence: 0, missed: 0, kind, error: None });
        }
        Subscription { listeners: Arc::clone(self), listener: Some(listener) }
    }

    fn remove(&self, listener: &Arc<Listener>) {
        let mut all = self.all.lock();
        all.retain(|known| !std::ptr::eq(known.listener.as_ptr(), Arc::as_ptr(listener)));
        self.recount(&all);
    }

    pub(super) fn recount(&self, all: &[Known]) {
        let of_calls = all.iter().filter(|known| known.hears_of == Topic::Calls).count();
        self.attention.set(all.len(), of_calls);
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// What it takes to tell events of one circuit, kept from one event to the next: so telling allocates nothing.
#[derive(Debug)]
pub(super) struct Teller {
    name: String,
    listeners: Vec<Known>,
    version: Option<u64>,
}

/// An event with its numbers among all, and among the changes if it is one.
#[derive(Debug)]
pub(super) struct Numbered {
    pub(super) of_all: u64,
    pub(super) of_changes: u64,
    /// How many events before it were merged for listeners of all events.
    pub(super) missed: u64,
    pub(super) happened: Happened,
}

impl Teller {
    pub(super) fn new(circuit: &str) -> Self {
        Self { name: circuit.to_owned(), listeners: Vec::new(), version: None }
    }

    /// Tells everybody. Called without any lock.
    pub(super) fn tell(
        &mut self,
        Numbered { of_all, of_changes, missed, happened: Happened { kind, error } }: Numbered,
        listeners: &Listeners,
    ) {
        self.catch_up(listeners);
        let topic = kind.topic();
        let mut event =
            Event { name: std::mem::take(&mut self.name), sequence: 0, missed: 0, kind, error };
        for known in &self.listeners {
            (event.sequence, event.missed) = match (known.hears_of, topic) {
                (Topic::Calls, _) => (of_all, missed),
                (Topic::Circuits, Topic::Circuits) => (of_changes, 0),
                (Topic::Circuits, Topic::Calls) => continue,
            };
            if let Some(listener) = known.listener.upgrade() {
                listener.hear(&event);
                // What it captured may have a destructor.
                if let Some(last) = Arc::into_inner(listener) {
                    contain(|| drop(last));
                }
            }
        }
        self.name = event.name;
    }

    fn catch_up(&mut self, listeners: &Listeners) {
        let version = Some(listeners.version.load(Ordering::Acquire));
        if self.version != version {
            // Read before the list is: a list that is newer than its number is read once more.
            self.version = version;
            self.listeners.clone_from(&listeners.all.lock());
        }
    }
}
