//! One circuit per key, in bounded memory: the option `key`.
//!
//! *Why it exists:* a client that talks to many hosts needs a circuit for each, or one sick host closes
//! the door to all. Keys come from outside, though, and may come without end. So there is a bound, and
//! what has to go is what is least worth keeping, never evidence and never a call in flight.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Write as _};
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use crate::breaker::CircuitBreaker;
use crate::clock::{Instant, Source};
use crate::name::{LONGEST, Name};
use crate::provenance::Provenance;
use crate::registry::registry;
use crate::sync::Mutex;

/// How long nobody looks again for something to evict after nothing could be.
const BARREN: Duration = Duration::from_millis(10);
/// Lookups of different keys rarely meet on one lock.
const SHARDS: usize = 16;

type Shard = HashMap<Arc<str>, Member>;

/// The circuits of one name, by key, and the one that all share for whom there is no room.
#[derive(Debug)]
pub(crate) struct Keyed {
    clock: Source,
    shared: Arc<CircuitBreaker>,
    limit: usize,
    hasher: RandomState,
    shards: [RwLock<Shard>; SHARDS],
    ages: Mutex<Ages>,
}

#[derive(Debug)]
struct Member {
    circuit: Arc<CircuitBreaker>,
    /// When it was last asked for.
    touched: AtomicU64,
}

/// The members by age, brought up to date only when one must go.
#[derive(Debug)]
struct Ages {
    known: BTreeSet<(Instant, Arc<str>)>,
    barren_until: Instant,
}

impl Keyed {
    pub(crate) fn new(shared: Arc<CircuitBreaker>, limit: usize) -> Self {
        Self {
            // Members that are asked for in one step of a coarse clock would be of the same age.
            clock: shared.clock().precise(),
            shared,
            limit,
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| RwLock::default()),
            ages: Mutex::new(Ages { known: BTreeSet::new(), barren_until: Instant::ZERO }),
        }
    }

    /// The circuit for a key, or the shared one if the key makes no name or there is no room. Whoever
    /// holds it keeps it from being evicted. Allocates nothing for a key that is known.
    pub(crate) fn circuit(&self, key: &dyn fmt::Display) -> Arc<CircuitBreaker> {
        let mut name = NameBuffer::default();
        let written = write!(name, "{}/{key}", self.shared.name());
        if written.is_err() || name.length.is_none() {
            return Arc::clone(&self.shared);
        }
        self.named(name.as_str())
    }

    /// As [`circuit`](Keyed::circuit), by the full name.
    pub(crate) fn named(&self, name: &str) -> Arc<CircuitBreaker> {
        self.touch(name, self.clock.now()).unwrap_or_else(|| self.add(name))
    }

    /// The circuit of that full name. Looking does not make it younger.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<CircuitBreaker>> {
        let shard = self.shard(name).read().unwrap_or_else(PoisonError::into_inner);
        shard.get(name).map(|member| Arc::clone(&member.circuit))
    }

    /// All of them, in no order.
    pub(crate) fn circuits(&self) -> Vec<Arc<CircuitBreaker>> {
        let read = |shard: &RwLock<Shard>| {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            shard.values().map(|member| Arc::clone(&member.circuit)).collect::<Vec<_>>()
        };
        self.shards.iter().flat_map(read).collect()
    }

    fn shard(&self, name: &str) -> &RwLock<Shard> {
        let hash = self.hasher.hash_one(name);
        // The map inside takes other bits of another hash, so the lowest are as good as any.
        &self.shards[usize::from(hash.to_le_bytes()[0]) % SHARDS]
    }

    fn shard_mut(&self, name: &str) -> RwLockWriteGuard<'_, Shard> {
        self.shard(name).write().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self, name: &str, now: Instant) -> Option<Arc<CircuitBreaker>> {
        let shard = self.shard(name).read().unwrap_or_else(PoisonError::into_inner);
        let member = shard.get(name)?;
        member.touched.store(now.as_nanos(), Ordering::Relaxed);
        Some(Arc::clone(&member.circuit))
    }

    fn add(&self, name: &str) -> Arc<CircuitBreaker> {
        if Name::check(name).is_err() {
            return Arc::clone(&self.shared);
        }
        // One at a time: nobody can be faster between the look and the insertion.
        let mut ages = self.ages.lock();
        let now = self.clock.now();
        if let Some(circuit) = self.touch(name, now) {
            return circuit;
        }
        // A name may have been taken before the first key came.
        if let Some(circuit) = registry().plain(name) {
            return circuit;
        }
        if ages.known.len() >= self.limit && !self.make_room(&mut ages, now) {
            return Arc::clone(&self.shared);
        }
        let name: Arc<str> = name.into();
        let checked = Name::Shared(Arc::clone(&name));
        let provenance = self.shared.provenance().map(Provenance::of_a_key).unwrap_or_default();
        let circuit = Arc::new(CircuitBreaker::listed(checked, self.shared.config(), provenance));
        let touched = AtomicU64::new(now.as_nanos());
        let member = Member { circuit: Arc::clone(&circuit), touched };
        ages.known.insert((now, Arc::clone(&name)));
        self.shard_mut(&name).insert(name, member);
        circuit
    }

    /// Evicts the member that was asked for least recently among those that may go.
    fn make_room(&self, ages: &mut Ages, now: Instant) -> bool {
        // Farther ahead than that it is of a clock that went back.
        if now < ages.barren_until && ages.barren_until.since(now) <= BARREN {
            return false;
        }
        let mut kept = Vec::new();
        let mut evicted = false;
        while let Some((known, name)) = ages.known.pop_first() {
            let mut shard = self.shard_mut(&name);
            let Some(member) = shard.get_mut(&name) else { continue };
            let touched = Instant::from_nanos(*member.touched.get_mut());
            // Not by the count: this way, all that the last holder did is seen here.
            let is_held = Arc::get_mut(&mut member.circuit).is_none();
            if touched > known && touched <= now {
                drop(shard);
                ages.known.insert((touched, name));
            } else if touched <= now && !is_held && member.circuit.is_disposable(now.since(touched))
            {
                self.shared.absorb(&member.circuit);
                shard.remove(&name);
                evicted = true;
                break;
            } else {
                drop(shard);
                kept.push((touched, name));
            }
        }
        ages.known.extend(kept);
        if !evicted {
            ages.barren_until = now.after(BARREN);
        }
        evicted
    }
}

/// Room for one name, so that a known key is found without allocating.
struct NameBuffer {
    bytes: [u8; LONGEST],
    /// `None` when a text did not fit: what came after it must not make another name.
    length: Option<usize>,
}

impl Default for NameBuffer {
    fn default() -> Self {
        Self { bytes: [0; LONGEST], length: Some(0) }
    }
}

impl NameBuffer {
    fn as_str(&self) -> &str {
        // Only whole texts were written.
        std::str::from_utf8(&self.bytes[..self.length.unwrap_or(0)]).unwrap_or_default()
    }
}

impl fmt::Write for NameBuffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = self.length.take().ok_or(fmt::Error)?;
        let end = start + text.len();
        let room = self.bytes.get_mut(start..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = Some(end);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ManualClock};
    use crate::config::Config;

    /// Room for so many keys, and the clock by which they age.
    fn keyed(limit: usize) -> (Keyed, ManualClock) {
        let time = ManualClock::new();
        let clock = Clock::Manual(time.clone());
        let shared = CircuitBreaker::with_clock("hosts", Config::new(), clock).unwrap();
        (Keyed::new(shared.into(), limit), time)
    }

    fn ask(keyed: &Keyed, key: &str, time: &ManualClock) {
        time.advance(Duration::from_nanos(1));
        keyed.circuit(&key).try_acquire().unwrap().success();
    }

    fn names(keyed: &Keyed) -> Vec<String> {
        let mut names: Vec<_> =
            keyed.circuits().iter().map(|circuit| circuit.name().to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn looking_at_a_circuit_does_not_make_it_younger() {
        let (keyed, time) = keyed(2);
        for key in ["a", "b"] {
            ask(&keyed, key, &time);
        }
        assert!(keyed.get("hosts/a").is_some() && keyed.get("hosts/c").is_none());
        ask(&keyed, "c", &time);
        assert_eq!(names(&keyed), ["hosts/b", "hosts/c"]);
    }

    #[test]
    fn on_the_systems_clock_too_the_key_asked_for_last_stays() {
        for round in 0..20 {
            let shared = CircuitBreaker::new(format!("hosts.{round}"), Config::new()).unwrap();
            let keyed = Keyed::new(shared.into(), 2);
            for key in ["a", "b", "a", "c"] {
                keyed.circuit(&key);
            }
            let [a, c] = ["a", "c"].map(|key| format!("hosts.{round}/{key}"));
            assert_eq!(names(&keyed), [a, c]);
        }
    }

    #[test]
    fn a_circuit_that_somebody_holds_stays() {
        let (keyed, time) = keyed(1);
        let held = keyed.circuit(&"held");
        ask(&keyed, "other", &time);
        assert!(Arc::ptr_eq(&held, &keyed.circuit(&"held")));
        assert_eq!(keyed.shared.snapshot().calls.success, 1);
    }

    #[test]
    fn after_a_search_in_vain_nobody_searches_for_a_while() {
        let (keyed, time) = keyed(1);
        let held = keyed.circuit(&"held");
        ask(&keyed, "a", &time);
        drop(held);
        time.advance(BARREN.saturating_sub(Duration::from_nanos(2)));
        ask(&keyed, "a", &time);
        assert_eq!(names(&keyed), ["hosts/held"]);
        ask(&keyed, "a", &time);
        assert_eq!(names(&keyed), ["hosts/a"]);
    }

    #[test]
    fn a_circuit_that_is_asked_for_at_this_very_moment_stays() {
        let (keyed, time) = keyed(2);
        for key in ["busy", "idle"] {
            ask(&keyed, key, &time);
        }
        let later = keyed.clock.now().after(Duration::from_secs(1));
        keyed.touch("hosts/busy", later).unwrap();
        ask(&keyed, "new", &time);
        assert_eq!(names(&keyed), ["hosts/busy", "hosts/new"]);
    }

    #[test]
    fn a_key_that_panics_or_fails_when_it_is_shown_harms_nobody() {
        struct Unshowable(bool);
        impl fmt::Display for Unshowable {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.0 {
                    std::panic::resume_unwind(Box::new("no text"))
                } else {
                    Err(fmt::Error)
                }
            }
        }
        let (keyed, time) = keyed(1);
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            keyed.circuit(&Unshowable(true));
        }));
        assert!(unwound.is_err());
        assert!(Arc::ptr_eq(&keyed.circuit(&Unshowable(false)), &keyed.shared));
        ask(&keyed, "a", &time);
        assert_eq!(names(&keyed), ["hosts/a"]);
    }

    #[test]
    fn a_name_is_as_long_as_a_name_may_be_to_the_byte() {
        let (keyed, _) = keyed(9);
        let longest = "k".repeat(LONGEST - "hosts/".len());
        assert_eq!(keyed.circuit(&longest).name(), format!("hosts/{longest}"));
        assert!(Arc::ptr_eq(&keyed.circuit(&format!("{longest}k")), &keyed.shared));
        assert!(Arc::ptr_eq(&keyed.circuit(&"a\tb"), &keyed.shared));
        assert_eq!(keyed.circuit(&"").name(), "hosts/");
    }
}
