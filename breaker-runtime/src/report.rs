//! What a circuit knows, as people and machines read it.

mod explain;
mod label;
#[cfg(any(test, fuzzing))]
pub(crate) mod model;
mod snapshot;
mod table;

pub use snapshot::{RegistrySnapshot, Snapshot};
