//! Circuits under storms of calls. Threads disturb each other, every count stays exact, and no circuit gets stuck.
//!
//! `BREAKER_SCALE` multiplies the sizes: 20 is the full measure, which wants `--release`. `BREAKER_SEED` draws
//! the same lots again.

mod common;
#[path = "common/load.rs"]
mod load;

#[path = "storms/calls.rs"]
mod calls;
#[path = "storms/controls.rs"]
mod controls;
#[path = "storms/events.rs"]
mod events;
#[path = "storms/firsts.rs"]
mod firsts;
#[path = "storms/guarded.rs"]
mod guarded;
#[path = "storms/half_open.rs"]
mod half_open;
#[path = "storms/herds.rs"]
mod herds;
#[path = "storms/ledger.rs"]
mod ledger;
#[path = "storms/settings.rs"]
mod settings;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Each storm has the processor, and the listeners of the registry, for itself.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
