//! Reports on circuits, for people and machines: snapshots, `explain()`, the table.

mod explain;
mod label;
#[cfg(any(test, fuzzing))]
pub(crate) mod model;
mod snapshot;
mod table;

pub use snapshot::{OptionOverride, RegistrySnapshot, Snapshot};
