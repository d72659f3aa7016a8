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
use crate::clock::Instant;
use crate::name::{LONGEST, Name};
use crate::site::Site;
use crate::sync::Mutex;

/// How long nobody looks again for something to evict after nothing could be.
const BARREN: Duration = Duration::from_millis(100);
/// Lookups of different keys rarely meet on one lock.
const SHARDS: usize = 16;

type Shard = HashMap<Arc<str>, Member>;

/// The circuits of one name, by key, and the one that all share for whom there is no room.
#[derive(Debug)]
pub(crate) struct Keyed {
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
            shared,
            limit,
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| RwLock::default()),
            ages: Mutex::new(Ages { known: BTreeSet::new(), barren_until: Instant::ZERO }),
        }
    }

    /// The circuit for a key, or the shared one if the key makes no name or there is no room. Whoever
    /// holds it keeps it from being evicted. Allocates nothing for a key that is known.
    pub(crate) fn circuit(
        &self,
        key: &dyn fmt::Display,
        site: &'static Site,
    ) -> Arc<CircuitBreaker> {
        let mut name = NameBuffer::default();
        if write!(name, "{}/{key}", self.shared.name()).is_err() {
            return Arc::clone(&self.shared);
        }
        let now = self.shared.now();
        self.touch(name.as_str(), now).unwrap_or_else(|| self.add(name.as_str(), site, now))
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

    fn add(&self, name: &str, site: &'static Site, now: Instant) -> Arc<CircuitBreaker> {
        // One at a time: nobody can be faster between the look and the insertion.
        let mut ages = self.ages.lock();
        if let Some(circuit) = self.touch(name, now) {
            return circuit;
        }
        let name: Arc<str> = name.into();
        let Ok(checked) = Name::shared(Arc::clone(&name)) else { return Arc::clone(&self.shared) };
        if ages.known.len() >= self.limit && !self.make_room(&mut ages, now) {
            return Arc::clone(&self.shared);
        }
        let circuit = Arc::new(CircuitBreaker::listed(checked, *self.shared.config()));
        circuit.provenance().add(site);
        let touched = AtomicU64::new(now.as_nanos());
        let member = Member { circuit: Arc::clone(&circuit), touched };
        ages.known.insert((now, Arc::clone(&name)));
        self.shard_mut(&name).insert(name, member);
        circuit
    }

    /// Evicts the member that was asked for least recently among those that may go.
    fn make_room(&self, ages: &mut Ages, now: Instant) -> bool {
        if now < ages.barren_until {
            return false;
        }
        let mut kept = Vec::new();
        let mut evicted = false;
        while let Some((known, name)) = ages.known.pop_first() {
            let mut shard = self.shard_mut(&name);
            let Some(member) = shard.get(&name) else { continue };
            let touched = Instant::from_nanos(member.touched.load(Ordering::Relaxed));
            let is_held = Arc::strong_count(&member.circuit) > 1;
            if touched > known && touched <= now {
                drop(shard);
                ages.known.insert((touched, name));
            } else if !is_held && member.circuit.is_disposable(now.since(touched)) {
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
    length: usize,
}

impl Default for NameBuffer {
    fn default() -> Self {
        Self { bytes: [0; LONGEST], length: 0 }
    }
}

impl NameBuffer {
    fn as_str(&self) -> &str {
        // Only whole texts were written.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl fmt::Write for NameBuffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
