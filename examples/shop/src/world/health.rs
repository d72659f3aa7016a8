//! How a dependency is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::time::sleep;

/// How long a slow dependency takes.
const SLOW: Duration = Duration::from_millis(100);

const WELL: u8 = 0;
const ILL: u8 = 1;
const SLOW_BUT_WELL: u8 = 2;

/// How a dependency is. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<AtomicU8>);

impl Health {
    /// Nothing works.
    pub fn fall_ill(&self) {
        self.0.store(ILL, Ordering::Relaxed);
    }

    /// All works, but takes its time.
    pub fn slow_down(&self) {
        self.0.store(SLOW_BUT_WELL, Ordering::Relaxed);
    }

    /// All works.
    pub fn recover(&self) {
        self.0.store(WELL, Ordering::Relaxed);
    }

    /// Takes its time if it is slow, and returns whether it works.
    pub(super) async fn works(&self) -> bool {
        let health = self.0.load(Ordering::Relaxed);
        if health == SLOW_BUT_WELL {
            sleep(SLOW).await;
        }
        health != ILL
    }
}
