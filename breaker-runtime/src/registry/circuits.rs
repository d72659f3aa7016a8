//! The circuits of a registry by name, without those of keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::listing::Entry;
use crate::circuit::RwLock;

/// Circuits by name. Never those of keys, which have a place of their own.
#[derive(Debug, Default)]
pub(super) struct Circuits(pub(super) RwLock<BTreeMap<Arc<str>, Entry>>);

impl Circuits {
    pub(super) fn get(&self, name: &str) -> Option<Entry> {
        self.0.read().get(name).cloned()
    }

    /// In the order of names.
    pub(super) fn all(&self) -> Vec<Entry> {
        self.0.read().values().cloned().collect()
    }

    /// Keeps the circuit, unless another thread was faster, and returns the one that is kept.
    pub(super) fn insert(&self, made: Entry) -> Entry {
        self.0.write().entry(made.name().into()).or_insert(made).clone()
    }

    /// Takes a circuit out that no annotated function shares.
    pub(super) fn remove(&self, name: &str) -> Option<Entry> {
        let mut circuits = self.0.write();
        circuits.get(name).filter(|entry| !entry.has_sites())?;
        circuits.remove(name)
    }
}
