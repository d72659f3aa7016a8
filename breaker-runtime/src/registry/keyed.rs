//! One circuit per key, in bounded memory: the option `key`.
//!
//! *Why it exists:* a client of many hosts needs one circuit per host, or one broken host blocks all of them. But
//! keys come from outside, and there may be endlessly many. So their number is limited, and the least useful circuit
//! is evicted: never one with recent evidence, and never one with a call in flight.

mod held;
mod key;
mod member;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::mem;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

pub use self::held::Held;
use self::held::{Own, Places};
use self::key::{Key, KeyBuffer};
use self::member::Member;
use super::circuits::Circuits;
use super::listing::Entry;
use crate::circuit::{CircuitBreaker, Mutex, Source};
use crate::report::Snapshot;
use crate::rules::Instant;
use crate::settings::Name;

/// How long not to search again after nothing could be evicted.
const BARREN: Duration = Duration::from_millis(10);
/// Lookups of different keys rarely meet on one lock.
const SHARDS: usize = 16;

/// Hashed by the standard library's `SipHash` with random seeds. Keys come from outside, and who does not know the seeds
/// cannot make them collide.
type Shard = HashMap<Key, Arc<Member>>;

/// Circuits by key, from [`Registry::keyed`](crate::Registry::keyed). Clones share the circuits.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, Registry};
///
/// let own = Registry::new();
/// let tenants = own.keyed("tenants", Config::new(), 1_000)?;
/// assert_eq!(tenants.get(17).name(), "tenants/17");
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Keyed(Arc<KeyedCircuits>);

impl Keyed {
    pub(super) fn new(circuits: Arc<KeyedCircuits>) -> Self {
        Self(circuits)
    }

    /// The circuit of a key. While you hold it, it is not evicted.
    ///
    /// You get the shared circuit `name` if there is no room for another key, or if the key cannot be part of a name:
    /// the whole name is too long, or contains control characters.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let own = Registry::new();
    /// let hosts = own.keyed("http", Config::new(), 1)?;
    /// let alpha = hosts.get("alpha.example");
    /// assert_eq!(hosts.get("beta.example").name(), "http"); // no room while `alpha` is held
    /// # drop(alpha);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn get(&self, key: impl fmt::Display) -> Arc<CircuitBreaker> {
        self.0.circuit(&key)
    }

    /// The name before the `/`, which is also the name of the shared circuit.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let own = Registry::new();
    /// let tenants = own.keyed("tenants", Config::new(), 1_000)?;
    /// assert_eq!(tenants.name(), "tenants");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }
}

/// The circuits of one name, by key, and the one that all share for whom there is no room.
#[derive(Debug)]
pub(super) struct KeyedCircuits {
    clock: Source,
    /// The same in steps, where the order within one does not matter.
    coarse_clock: Source,
    shared: Entry,
    /// A name may have been taken before the first key came.
    taken: Arc<Circuits>,
    /// The bound that the sites or code state.
    stated_limit: usize,
    shards: [RwLock<Shard>; SHARDS],
    ages: Mutex<Ages>,
}

/// The members by age, brought up to date only when one must go.
#[derive(Debug)]
struct Ages {
    known: BTreeSet<(Instant, Arc<str>)>,
    barren_until: Instant,
    evictions: u64,
}

impl Ages {
    /// After the clock went back, members that were asked for before that are as old as now.
    fn limit_to(&mut self, now: Instant) {
        if self.known.last().is_some_and(|(latest, _)| *latest > now) {
            let known = mem::take(&mut self.known).into_iter();
            self.known = known.map(|(at, name)| (at.min(now), name)).collect();
        }
    }
}

impl KeyedCircuits {
    pub(super) fn new(shared: Entry, taken: Arc<Circuits>, limit: usize) -> Self {
        Self {
            // Members that are asked for in one step of a coarse clock would be of the same age.
            clock: shared.circuit.clock().precise(),
            coarse_clock: shared.circuit.clock().coarse(),
            shared,
            taken,
            stated_limit: limit,
            shards: std::array::from_fn(|_| RwLock::default()),
            ages: Mutex::new(Ages {
                known: BTreeSet::new(),
                barren_until: Instant::ZERO,
                evictions: 0,
            }),
        }
    }

    /// The bound that a layer or an override states, or else its own.
    fn limit(&self) -> usize {
        let from_outside = self.shared.circuit.max_keys();
        from_outside.map_or(self.stated_limit, |keys| usize::try_from(keys).unwrap_or(usize::MAX))
    }

    /// The name that the names of all keys begin with.
    pub(super) fn name(&self) -> &str {
        self.shared.name()
    }

    /// The circuit of a key, or the shared one if the key makes no name or there is no room. It is not evicted while
    /// it is held. Does not allocate for a known key.
    pub(super) fn circuit(&self, key: &dyn fmt::Display) -> Arc<CircuitBreaker> {
        let mut buffer = KeyBuffer::after(self.name());
        if !buffer.take(key) {
            return Arc::clone(&self.shared.circuit);
        }
        self.entry(buffer.as_str()).unwrap_or_else(|| self.shared.clone()).circuit
    }

    fn entry(&self, key: &str) -> Option<Entry> {
        let known = self.touch(key, |member| member.entry().clone());
        known.or_else(|| Some(self.add(key)?.0))
    }

    /// The same for one call.
    pub(super) fn held_shown(&'static self, key: &dyn fmt::Display) -> Held {
        let mut buffer = KeyBuffer::after(self.name());
        if buffer.take(key) { self.held(buffer.as_str()) } else { Held::shared(self) }
    }

    /// The same for one call with a key that is text.
    pub(super) fn held(&'static self, key: &str) -> Held {
        // Before it is hashed: it makes no name, and may be of any length.
        if key.len() > key::room_after(self.name()) {
            return Held::shared(self);
        }
        Held::remembered(self, key.as_bytes()).unwrap_or_else(|| self.held_slowly(key))
    }

    #[inline(never)]
    fn held_slowly(&'static self, key: &str) -> Held {
        // Nobody evicts it meanwhile: that takes the lock.
        let known = self.touch(key, |member| member.hold().then(|| Arc::clone(member)));
        match known.flatten() {
            Some(member) => Held::own(self, Own::Member(member, Places::of(key.as_bytes()))),
            None => self.held_first(key),
        }
    }

    #[cold]
    fn held_first(&'static self, key: &str) -> Held {
        match self.add(key) {
            None => Held::shared(self),
            Some((_held_meanwhile, Some(member))) if member.hold() => {
                Held::own(self, Own::Member(member, Places::of(key.as_bytes())))
            }
            Some((entry, _)) => Held::own(self, Own::Circuit(entry.circuit)),
        }
    }

    /// The entry of that full name; `None` if it is no name or there is no room.
    pub(super) fn named(&self, name: &str) -> Option<Entry> {
        self.entry(self.key_of(name)?)
    }

    /// The entry of that full name. Looking does not make it younger.
    pub(super) fn get(&self, name: &str) -> Option<Entry> {
        let key = self.key_of(name)?;
        let shard = self.shard(key).read().unwrap_or_else(PoisonError::into_inner);
        shard.get(key).map(|member| member.entry().clone())
    }

    /// The key in a full name.
    fn key_of<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_prefix(self.name())?.strip_prefix('/')
    }

    /// All of them, in no order, for users: they hold what they get.
    pub(super) fn circuits(&self) -> Vec<Arc<CircuitBreaker>> {
        self.members().iter().map(|member| Arc::clone(&member.entry().circuit)).collect()
    }

    /// All of them, in no order, for readers.
    pub(super) fn members(&self) -> Vec<Arc<Member>> {
        let read = |shard: &RwLock<Shard>| {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            shard.values().map(Arc::clone).collect::<Vec<_>>()
        };
        self.shards.iter().flat_map(read).collect()
    }

    /// A snapshot of the circuit of that full name.
    pub(super) fn snapshot_of(&self, name: &str) -> Option<Snapshot> {
        let member = {
            let key = self.key_of(name)?;
            let shard = self.shard(key).read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(shard.get(key)?)
        };
        Some(member.entry().circuit.snapshot())
    }

    /// A snapshot of the shared circuit and of each member. Each call is in one of them, also if its
    /// circuit is evicted meanwhile, so that sums never go backwards.
    pub(super) fn snapshots(&self) -> Vec<Snapshot> {
        self.snapshots_of(&self.members())
    }

    fn snapshots_of(&self, members: &[Arc<Member>]) -> Vec<Snapshot> {
        let (shared, evictions) = {
            let ages = self.ages.lock();
            (self.shared.circuit.snapshot(), ages.evictions)
        };
        // Those evicted by then are in the totals of the shared circuit. Those evicted later are not.
        let is_apart = |member: &&Arc<Member>| !(1..=evictions).contains(&member.evicted());
        let apart = members.iter().filter(is_apart).map(|member| member.entry().circuit.snapshot());
        std::iter::once(shared).chain(apart).collect()
    }

    /// The last bytes are as good as a hash: if they are all alike, lookups only meet more often.
    fn shard(&self, key: &str) -> &RwLock<Shard> {
        &self.shards[key::spread(key.as_bytes()) % SHARDS]
    }

    fn shard_mut(&self, key: &str) -> RwLockWriteGuard<'_, Shard> {
        self.shard(key).write().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch<R>(&self, key: &str, take: impl FnOnce(&Arc<Member>) -> R) -> Option<R> {
        let now = self.clock.now();
        self.touch_at(key, now, take)
    }

    fn touch_at<R>(
        &self,
        key: &str,
        now: Instant,
        take: impl FnOnce(&Arc<Member>) -> R,
    ) -> Option<R> {
        let shard = self.shard(key).read().unwrap_or_else(PoisonError::into_inner);
        let member = shard.get(key)?;
        member.touch(now);
        Some(take(member))
    }

    /// The entry of a key. Its member, unless another circuit took the name before the first key came.
    fn add(&self, key: &str) -> Option<(Entry, Option<Arc<Member>>)> {
        let mut buffer = KeyBuffer::for_a_name();
        let fits = buffer.take(&format_args!("{}/{key}", self.name()));
        let name = Some(buffer.as_str()).filter(|_| fits)?;
        Name::check(name).ok()?;
        // One at a time: no other thread can insert the key between the look and the insertion.
        let mut ages = self.ages.lock();
        let now = self.clock.now();
        let known = |member: &Arc<Member>| (member.entry().clone(), Some(Arc::clone(member)));
        if let Some(known) = self.touch_at(key, now, known) {
            return Some(known);
        }
        if let Some(taken) = self.taken.get(name) {
            return Some((taken, None));
        }
        // A limit that was lowered meanwhile may have left more than one too many.
        while ages.known.len() >= self.limit() {
            if !self.make_room(&mut ages, now) {
                return None;
            }
        }
        let name: Arc<str> = name.into();
        let entry = self.shared.of_a_key(Name::Shared(Arc::clone(&name)));
        let member = Arc::new(Member::new(entry.clone(), now));
        ages.known.insert((now, Arc::clone(&name)));
        let inserted = Arc::clone(&member);
        self.shard_mut(key).insert(Key::in_name(name, key.len()), inserted);
        entry.catch_up();
        Some((entry, Some(member)))
    }

    /// Evicts the member that was asked for least recently among those that may go.
    fn make_room(&self, ages: &mut Ages, now: Instant) -> bool {
        // Farther ahead than that it is of a clock that went back.
        if now < ages.barren_until && ages.barren_until.since(now) <= BARREN {
            return false;
        }
        ages.limit_to(now);
        let mut kept = Vec::new();
        let mut evicted = false;
        while let Some((known, name)) = ages.known.pop_first() {
            let Some(key) = self.key_of(&name) else { continue };
            let mut shard = self.shard_mut(key);
            let Some(member) = shard.get(key) else { continue };
            // No lookup runs under the lock, and the clock of remembered keys is never ahead. So a time in the future is
            // from before the clock went back.
            let now = self.clock.now();
            let touched = member.touched();
            let touched = if touched > now { known } else { touched };
            if touched > known {
                drop(shard);
                ages.known.insert((touched, name));
            } else if member.close(|circuit| circuit.is_disposable(now.since(touched))) {
                ages.evictions += 1;
                self.shared.circuit.absorb(&member.entry().circuit);
                member.evict(ages.evictions);
                shard.remove(key);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{Clock, ManualClock};
    use crate::registry::provenance::Provenance;
    use crate::settings::LONGEST;

    /// Room for that many keys, and the clock by which they age.
    fn keyed(limit: usize) -> (KeyedCircuits, ManualClock) {
        let time = ManualClock::new();
        (on_clock("hosts", limit, Clock::Manual(time.clone())), time)
    }

    fn on_clock(name: &'static str, limit: usize, clock: Clock) -> KeyedCircuits {
        let provenance = Provenance::default();
        let shared = Entry::new(Name::Static(name), clock, provenance, &Arc::default());
        KeyedCircuits::new(shared, Arc::default(), limit)
    }

    fn ask(keyed: &KeyedCircuits, key: &str, time: &ManualClock) {
        time.advance(Duration::from_nanos(1));
        keyed.circuit(&key).try_acquire().unwrap().success();
    }

    fn names(keyed: &KeyedCircuits) -> Vec<String> {
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
        for _ in 0..20 {
            let keyed = on_clock("hosts", 2, Clock::System);
            for key in ["a", "b", "a", "c"] {
                keyed.circuit(&key);
            }
            assert_eq!(names(&keyed), ["hosts/a", "hosts/c"]);
        }
    }

    #[test]
    fn a_circuit_that_somebody_holds_stays() {
        let (keyed, time) = keyed(1);
        let held = keyed.circuit(&"held");
        ask(&keyed, "other", &time);
        assert!(Arc::ptr_eq(&held, &keyed.circuit(&"held")));
        assert_eq!(keyed.shared.circuit.snapshot().calls.success, 1);
    }

    #[test]
    fn a_circuit_that_somebody_could_come_to_hold_stays() {
        let (keyed, time) = keyed(1);
        let weak = Arc::downgrade(&keyed.circuit(&"weak"));
        ask(&keyed, "other", &time);
        assert!(Arc::ptr_eq(&weak.upgrade().unwrap(), &keyed.circuit(&"weak")));
    }

    #[test]
    fn r35_a_circuit_that_is_only_read_may_go_and_is_read_to_the_end() {
        let (keyed, time) = keyed(1);
        ask(&keyed, "read", &time);
        let readers = keyed.members();
        ask(&keyed, "new", &time);
        assert_eq!(names(&keyed), ["hosts/new"]);
        assert_eq!(readers[0].entry().circuit.snapshot().calls.success, 1);
        assert_eq!(keyed.shared.circuit.snapshot().calls.success, 1, "that of the one that went");
    }

    #[test]
    fn r35_a_call_of_a_circuit_that_goes_while_all_are_read_is_seen_once() {
        let (keyed, time) = keyed(1);
        ask(&keyed, "old", &time);
        let members = keyed.members();
        ask(&keyed, "new", &time);
        let seen = keyed.snapshots_of(&members);
        let seen: Vec<_> = seen.iter().map(|it| (it.name.as_str(), it.calls.success)).collect();
        assert_eq!(seen, [("hosts", 1)]);
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
        time.advance(Duration::from_nanos(1));
        keyed.touch("busy", |_| ()).unwrap();
        ask(&keyed, "new", &time);
        assert_eq!(names(&keyed), ["hosts/busy", "hosts/new"]);
    }

    #[test]
    fn a_key_that_was_asked_for_before_the_clock_went_back_may_go() {
        let (keyed, time) = keyed(2);
        for key in ["a", "b"] {
            ask(&keyed, key, &time);
        }
        let ahead = keyed.clock.now().after(Duration::from_secs(1_000));
        for key in ["a", "b"] {
            keyed.touch_at(key, ahead, |_| ()).unwrap();
        }
        ask(&keyed, "c", &time);
        assert_eq!(names(&keyed), ["hosts/b", "hosts/c"]);
        ask(&keyed, "d", &time);
        assert_eq!(names(&keyed), ["hosts/c", "hosts/d"]);
    }

    #[test]
    fn keys_are_told_apart_by_age_again_once_the_clock_went_back() {
        let (keyed, time) = keyed(3);
        for key in ["a", "b", "c"] {
            ask(&keyed, key, &time);
        }
        let ahead = keyed.clock.now().after(Duration::from_secs(1_000));
        let aged =
            keyed.ages.lock().known.iter().map(|(_, name)| (ahead, Arc::clone(name))).collect();
        keyed.ages.lock().known = aged;
        for key in ["a", "b", "c"] {
            keyed.touch_at(key, ahead, |_| ()).unwrap();
        }
        for key in ["d", "e", "c", "f"] {
            ask(&keyed, key, &time);
        }
        assert_eq!(names(&keyed), ["hosts/c", "hosts/e", "hosts/f"]);
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
        assert!(Arc::ptr_eq(&keyed.circuit(&Unshowable(false)), &keyed.shared.circuit));
        ask(&keyed, "a", &time);
        assert_eq!(names(&keyed), ["hosts/a"]);
    }

    #[test]
    fn a_name_is_as_long_as_a_name_may_be_to_the_byte() {
        let (keyed, _) = keyed(9);
        let longest = "k".repeat(LONGEST - "hosts/".len());
        assert_eq!(keyed.circuit(&longest).name(), format!("hosts/{longest}"));
        assert!(Arc::ptr_eq(&keyed.circuit(&format!("{longest}k")), &keyed.shared.circuit));
        assert!(Arc::ptr_eq(&keyed.circuit(&"a\tb"), &keyed.shared.circuit));
        assert_eq!(keyed.circuit(&"").name(), "hosts/");
    }
}
