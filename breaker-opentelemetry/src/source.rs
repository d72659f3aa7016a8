//! The circuits that instruments read: one snapshot per collection.
//!
//! *Why it exists:* a collection runs one callback per instrument, and no callback knows to which collection it
//! belongs. But each runs once per collection. So an instrument that asks again for the same snapshot begins the next
//! one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use breaker_runtime::{RegistrySnapshot, Snapshot};
use opentelemetry::KeyValue;

/// The maximum age of a snapshot. With two readers, an instrument may be left that has not read the last one.
const LONGEST: Duration = Duration::from_secs(1);

pub(crate) struct Source {
    read: Box<dyn Fn() -> RegistrySnapshot + Send + Sync>,
    latest: Mutex<Option<Latest>>,
}

struct Latest {
    taken: Instant,
    circuits: Arc<[Circuit]>,
    /// The instruments that have read it.
    readers: Vec<String>,
}

pub(crate) struct Circuit {
    /// The attribute that all its points share.
    pub(crate) name: KeyValue,
    pub(crate) snapshot: Snapshot,
}

impl Source {
    pub(crate) fn new(read: impl Fn() -> RegistrySnapshot + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { read: Box::new(read), latest: Mutex::new(None) })
    }

    /// The circuits for that instrument.
    pub(crate) fn circuits(&self, instrument: &str, now: Instant) -> Arc<[Circuit]> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let usable = latest.take().filter(|it| it.is_for(instrument, now));
        let read = latest.insert(usable.unwrap_or_else(|| Latest::of((self.read)(), now)));
        read.readers.push(instrument.to_owned());
        Arc::clone(&read.circuits)
    }
}

impl Latest {
    fn of(snapshot: RegistrySnapshot, now: Instant) -> Self {
        let circuits = snapshot.circuits.into_iter().map(|snapshot| {
            let name: Arc<str> = snapshot.name.as_str().into();
            Circuit { name: KeyValue::new("circuitbreaker.name", name), snapshot }
        });
        Self { taken: now, circuits: circuits.collect(), readers: Vec::new() }
    }

    fn is_for(&self, instrument: &str, now: Instant) -> bool {
        let has_read = self.readers.iter().any(|it| it == instrument);
        !has_read && now.saturating_duration_since(self.taken) <= LONGEST
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use breaker_runtime::Registry;

    use super::*;

    fn counted() -> (Arc<Source>, Arc<AtomicU32>) {
        let (own, taken) = (Registry::new(), Arc::new(AtomicU32::new(0)));
        let count = Arc::clone(&taken);
        let read = move || {
            count.fetch_add(1, Ordering::Relaxed);
            own.snapshot()
        };
        (Source::new(read), taken)
    }

    #[test]
    fn all_instruments_of_a_collection_read_one_snapshot_and_the_next_reads_another() {
        let (source, taken) = counted();
        let now = Instant::now();
        for collection in 1..=3 {
            for instrument in ["breaker.state", "breaker.calls", "breaker.rejected"] {
                source.circuits(instrument, now);
            }
            assert_eq!(taken.load(Ordering::Relaxed), collection);
        }
    }

    #[test]
    fn a_snapshot_that_has_grown_old_is_not_read() {
        let (source, taken) = counted();
        let now = Instant::now();
        source.circuits("breaker.state", now);
        source.circuits("breaker.calls", now + LONGEST + Duration::from_millis(1));
        assert_eq!(taken.load(Ordering::Relaxed), 2);
    }
}
