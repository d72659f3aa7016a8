//! How a dependency is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::sleep;

/// How long a slow dependency takes.
const SLOW: Duration = Duration::from_millis(100);

const WELL: u8 = 0;
const ILL: u8 = 1;
const SLOW_BUT_WELL: u8 = 2;
const SLOW_AND_ILL: u8 = 3;

/// How a dependency is, and how often it was asked. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    health: AtomicU8,
    asked: AtomicU64,
}

impl Health {
    /// Nothing works.
    pub fn fall_ill(&self) {
        self.turn(ILL);
    }

    /// Nothing works, and to say so takes time.
    pub fn fall_ill_slowly(&self) {
        self.turn(SLOW_AND_ILL);
    }

    /// All works, but takes its time.
    pub fn slow_down(&self) {
        self.turn(SLOW_BUT_WELL);
    }

    /// All works.
    pub fn recover(&self) {
        self.turn(WELL);
    }

    /// The requests that the dependency has got so far, by its own count.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// Counts a request, takes its time if it is slow, and returns whether it works.
    pub(super) async fn works(&self) -> bool {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        let health = self.0.health.load(Ordering::Relaxed);
        if matches!(health, SLOW_BUT_WELL | SLOW_AND_ILL) {
            sleep(SLOW).await;
        }
        matches!(health, WELL | SLOW_BUT_WELL)
    }

    fn turn(&self, health: u8) {
        self.0.health.store(health, Ordering::Relaxed);
    }
}
