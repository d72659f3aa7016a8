//! The circuits of a registry by name, without those of keys.

use std::collections::BTreeMap;
use std::ops::Bound;
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

    /// In the order of names. Locks for a few entries at a time, so adding a circuit never waits for the whole list.
    pub(super) fn all(&self) -> Vec<Entry> {
        const AT_ONCE: usize = 16;
        let mut all: Vec<Entry> = Vec::with_capacity(self.0.read().len() + AT_ONCE);
        loop {
            let before = all.len();
            let last = all.last().cloned();
            let after = last.as_ref().map_or(Bound::Unbounded, |last| Bound::Excluded(last.name()));
            all.reserve(AT_ONCE);
            let circuits = self.0.read();
            let next = circuits.range::<str, _>((after, Bound::Unbounded)).take(AT_ONCE);
            all.extend(next.map(|(_, entry)| entry.clone()));
            drop(circuits);
            if all.len() < before + AT_ONCE {
                return all;
            }
        }
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

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::thread;

    use super::*;
    use crate::circuit::Clock;
    use crate::registry::listing::Surroundings;
    use crate::registry::provenance::Provenance;
    use crate::settings::Name;

    fn entry(number: u32, around: &Arc<Surroundings>) -> Entry {
        let name = Name::Shared(format!("circuit {number:03}").into());
        Entry::new(name, Clock::System, Provenance::default(), around)
    }

    /// Sizes around those of one lock.
    #[test]
    fn all_circuits_are_listed_once_in_the_order_of_their_names() {
        for count in [0, 1, 15, 16, 17, 32, 100] {
            let (circuits, around) = (Circuits::default(), Arc::default());
            for number in (0..count).rev() {
                circuits.insert(entry(number, &around));
            }
            let names: Vec<_> =
                circuits.all().iter().map(|entry| entry.name().to_owned()).collect();
            let expected: Vec<_> =
                (0..count).map(|number| format!("circuit {number:03}")).collect();
            assert_eq!(names, expected);
        }
    }

    #[test]
    fn a_circuit_is_listed_however_many_come_and_go_meanwhile() {
        let (circuits, around) = (Circuits::default(), Arc::default());
        let (stays, goes): (Vec<u32>, Vec<u32>) = (0..200).partition(|number| number % 2 == 0);
        for number in &stays {
            circuits.insert(entry(*number, &around));
        }
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in goes.iter().cycle().take(1_000) {
                    circuits.insert(entry(*number, &around));
                    circuits.remove(&format!("circuit {number:03}"));
                }
            });
            for _ in 0..50 {
                let all = circuits.all();
                assert!(all.is_sorted_by(|one, other| one.name() < other.name()));
                let is_listed =
                    |number: &u32| all.iter().any(|it| it.name() == format!("circuit {number:03}"));
                assert!(stays.iter().all(is_listed));
            }
        });
    }
}
