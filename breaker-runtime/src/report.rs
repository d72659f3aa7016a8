//! What a circuit knows, as people and machines read it.

mod explain;
mod label;
#[cfg(test)]
mod model;
mod snapshot;
mod table;

pub use snapshot::{RegistrySnapshot, Snapshot};
