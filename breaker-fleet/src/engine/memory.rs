//! An engine in memory, for members of one process: tests, simulations and examples.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::time::Instant;

use super::{Ask, Beat, Engine, EngineError, Leased, Report, Word};
use crate::inbox::lock;
use crate::ledger::Ledger;

/// An engine in memory. Clones are the same engine, so each member of a test gets one.
///
/// It goes by tokio's clock, paused time included.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use breaker_fleet::{Fleet, Memory, Policy};
/// use breaker_runtime::{Config, Registry, State};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Memory::new();
/// let mut members = Vec::new();
/// for _ in 0..3 {
///     let registry = Arc::new(Registry::new());
///     registry.circuit("payments", Config::new().failure_threshold(1))?;
///     let fleet = Fleet::on(engine.clone()).policy("payments", Policy::Quorum);
///     members.push((fleet.registry(Arc::clone(&registry)).join().await?, registry));
/// }
/// for (_, registry) in &members[..2] {
///     registry.get("payments").unwrap().try_acquire()?.failure();
/// }
/// let third = members[2].1.get("payments").unwrap();
/// while third.state() == State::Closed {
///     tokio::task::yield_now().await;
/// }
/// assert!(third.snapshot().explain().contains("2 of 3 members voted to open it"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Memory {
    shared: Arc<Shared>,
    /// The version that was last waited for.
    seen: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    ledger: Mutex<Ledger>,
    began: Instant,
    version: watch::Sender<u64>,
}

impl Memory {
    /// An empty engine.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_fleet::{Engine, Memory};
    ///
    /// let engine = Memory::new();
    /// assert_eq!(engine.describe(), "memory");
    /// ```
    #[must_use]
    pub fn new() -> Self {
        let ledger = Mutex::new(Ledger::new(fastrand::u64(1..)));
        let shared = Shared { ledger, began: Instant::now(), version: watch::Sender::new(0) };
        Self { shared: Arc::new(shared), seen: AtomicU64::new(0) }
    }

    /// Runs a closure on the ledger, and notifies waiters if that changed it.
    fn with<R>(&self, act: impl FnOnce(&mut Ledger, u64) -> R) -> R {
        let Shared { ledger, began, version } = &*self.shared;
        let now = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut ledger = lock(ledger);
        let done = act(&mut ledger, now);
        let latest = ledger.version();
        version.send_if_modified(|known| std::mem::replace(known, latest) != latest);
        done
    }
}

impl Clone for Memory {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), seen: AtomicU64::new(0) }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine for Memory {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    async fn beat(&self, beat: Beat<'_>) -> Result<Report, EngineError> {
        Ok(self.with(|ledger, now| ledger.beat(beat, now)))
    }

    async fn tell(&self, words: &[Word]) -> Result<(), EngineError> {
        self.with(|ledger, now| words.iter().for_each(|word| ledger.tell(word, now)));
        Ok(())
    }

    async fn lease(&self, ask: Ask<'_>) -> Result<Leased, EngineError> {
        Ok(self.with(|ledger, now| ledger.lease(ask, now)))
    }

    async fn changed(&self) {
        let mut versions = self.shared.version.subscribe();
        let latest = *versions.borrow_and_update();
        if self.seen.swap(latest, Ordering::Relaxed) == latest {
            // The sender lives as long as `self`.
            let _ = versions.changed().await;
            self.seen.store(*versions.borrow(), Ordering::Relaxed);
        }
    }
}
