//! `Held`: the circuit of one call by key, and what threads remember of their last keys.
//!
//! *Why it exists:* a lookup takes a lock that other threads take too, and a hash. A thread that calls for the same keys
//! again finds their members at hand: it takes one out, holds it for the call, and puts it back.

use std::cell::Cell;
use std::ops::Deref;
use std::ptr;
use std::sync::Arc;

use super::KeyedCircuits;
use super::key::spread;
use super::member::Member;
use crate::circuit::CircuitBreaker;

/// The circuit of a call. While the call lasts, it is not evicted.
#[derive(Debug)]
pub struct Held {
    keyed: &'static KeyedCircuits,
    /// `None` if the call goes through the circuit that all share for whom there is no room.
    own: Option<Own>,
}

/// The circuit of one key.
#[derive(Debug)]
pub(super) enum Own {
    /// With where a thread remembers it.
    Member(Arc<Member>, Places),
    /// It is no member, or just being looked at by who evicts.
    Circuit(Arc<CircuitBreaker>),
}

/// A member that a thread remembers.
struct Remembered {
    keyed: &'static KeyedCircuits,
    member: Arc<Member>,
}

/// The places in which a thread remembers a key. It shares them with other keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places(u8);

/// How many different places keys have. A thread remembers twice as many members at most.
const PLACES: usize = 16;

thread_local! {
    /// Only members of the registry of the process, which is there to the end: so a thread keeps nobody else's memory.
    static REMEMBERED: [[Cell<Option<Remembered>>; 2]; PLACES] =
        const { [const { [const { Cell::new(None) }; 2] }; PLACES] };
}

impl Places {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "there are few")]
    pub(super) fn of(key: &[u8]) -> Self {
        Self((spread(key) % PLACES) as u8)
    }

    /// `None` if the thread is ending.
    #[inline]
    fn look<R>(self, act: impl FnOnce(&[Cell<Option<Remembered>>; 2]) -> R) -> Option<R> {
        REMEMBERED.try_with(|all| act(&all[usize::from(self.0) % PLACES])).ok()
    }
}

impl Remembered {
    fn key(&self) -> &[u8] {
        let name = self.member.entry().name().as_bytes();
        name.get(self.keyed.name().len() + 1..).unwrap_or_default()
    }

    fn is_of(&self, keyed: &'static KeyedCircuits, key: &[u8]) -> bool {
        ptr::eq(self.keyed, keyed) && self.key() == key
    }
}

impl Held {
    pub(super) fn own(keyed: &'static KeyedCircuits, own: Own) -> Self {
        Self { keyed, own: Some(own) }
    }

    pub(super) fn shared(keyed: &'static KeyedCircuits) -> Self {
        Self { keyed, own: None }
    }

    #[inline]
    fn circuit(&self) -> &Arc<CircuitBreaker> {
        match &self.own {
            Some(Own::Member(member, _)) => &member.entry().circuit,
            Some(Own::Circuit(circuit)) => circuit,
            None => &self.keyed.shared.circuit,
        }
    }

    /// The circuit of a key that this thread remembers, unless it was evicted.
    #[inline]
    pub(super) fn remembered(keyed: &'static KeyedCircuits, key: &[u8]) -> Option<Self> {
        let places = Places::of(key);
        let taken = places.look(|both| {
            both.iter().find_map(|place| {
                let other = match place.take() {
                    Some(it) if it.is_of(keyed, key) => return Some(it.member),
                    other => other,
                };
                place.set(other);
                None
            })
        });
        let member = taken.flatten().filter(|member| member.hold())?;
        member.touch_roughly(keyed.coarse_clock.now());
        Some(Self::own(keyed, Own::Member(member, places)))
    }
}

impl Deref for Held {
    type Target = CircuitBreaker;

    #[inline]
    fn deref(&self) -> &CircuitBreaker {
        self.circuit()
    }
}

impl From<Held> for Arc<CircuitBreaker> {
    fn from(held: Held) -> Self {
        Self::clone(held.circuit())
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        if let Some(Own::Member(member, places)) = self.own.take() {
            member.release();
            let remembered = Remembered { keyed: self.keyed, member };
            places.look(|[first, second]| {
                // Its own place is empty, unless the call was inside of another one for the key.
                let before = first.replace(Some(remembered));
                if before.is_some() {
                    second.set(before);
                }
            });
        }
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::circuit::{Clock, ManualClock};
    use crate::registry::keyed::Entry;
    use crate::registry::provenance::Provenance;
    use crate::settings::Name;

    fn keyed(limit: usize) -> (&'static KeyedCircuits, ManualClock) {
        let time = ManualClock::new();
        let (clock, provenance) = (Clock::Manual(time.clone()), Provenance::default());
        let shared = Entry::new(Name::Static("hosts"), clock, provenance, &Arc::default());
        (Box::leak(Box::new(KeyedCircuits::new(shared, Arc::default(), limit))), time)
    }

    fn is_remembered(keyed: &'static KeyedCircuits, key: &str) -> bool {
        Held::remembered(keyed, key.as_bytes()).is_some()
    }

    /// Whether it holds the member of that key.
    fn is_of(held: &Held, key: &str) -> bool {
        matches!(&held.own, Some(Own::Member(..))) && held.name() == format!("hosts/{key}")
    }

    #[test]
    fn a_thread_remembers_the_keys_of_its_last_calls() {
        let (keyed, _) = keyed(9);
        assert!(!is_remembered(keyed, "alpha"));
        assert!(is_of(&keyed.held("alpha"), "alpha"));
        let again = Held::remembered(keyed, b"alpha").unwrap();
        assert!(is_of(&again, "alpha"));
        // A call inside of a call: the member is out.
        assert!(!is_remembered(keyed, "alpha") && is_of(&keyed.held("alpha"), "alpha"));
        drop(again);
        assert!(is_remembered(keyed, "alpha") && !is_remembered(keyed, "beta"));
        assert!(!thread::scope(|scope| {
            scope.spawn(|| is_remembered(keyed, "alpha")).join().unwrap()
        }));
    }

    #[test]
    fn a_thread_remembers_a_key_that_another_thread_was_the_first_to_call_for() {
        let (keyed, _) = keyed(9);
        thread::scope(|scope| scope.spawn(|| drop(keyed.held("alpha"))).join().unwrap());
        assert!(!is_remembered(keyed, "alpha"));
        drop(keyed.held("alpha"));
        assert!(is_remembered(keyed, "alpha"));
    }

    #[test]
    fn keys_of_another_name_are_not_mixed_up() {
        let ((first, _), (second, _)) = (keyed(9), keyed(9));
        drop(first.held("alpha"));
        assert!(!is_remembered(second, "alpha"));
        let [first, second] = [first, second].map(|keyed| keyed.circuit(&"alpha"));
        assert!(!Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn r35_what_is_held_stays_and_what_is_only_remembered_may_go() {
        let (keyed, time) = keyed(1);
        let held = keyed.held("old");
        time.advance(Duration::from_secs(1));
        assert!(keyed.held("new").own.is_none(), "there is no room");
        drop(held);
        time.advance(Duration::from_secs(1));
        assert!(is_of(&keyed.held("new"), "new"));
        assert!(!is_remembered(keyed, "old"), "it was evicted");
        assert!(keyed.get("hosts/old").is_none() && keyed.held("new").own.is_some());
    }

    #[test]
    fn r35_a_key_that_is_remembered_ages_as_it_is_asked_for() {
        let (keyed, time) = keyed(2);
        for key in ["a", "b", "a", "c"] {
            time.advance(Duration::from_secs(1));
            drop(keyed.held(key));
        }
        let is_known = ["a", "b", "c"].map(|key| keyed.get(&format!("hosts/{key}")).is_some());
        assert_eq!(is_known, [true, false, true]);
    }

    #[test]
    fn a_held_circuit_can_be_kept_and_is_not_evicted_then() {
        let (keyed, time) = keyed(1);
        let kept: Arc<CircuitBreaker> = keyed.held("old").into();
        time.advance(Duration::from_secs(1));
        assert!(keyed.held("new").own.is_none());
        assert!(Arc::ptr_eq(&kept, &keyed.circuit(&"old")));
    }

    #[test]
    fn r35_no_call_is_lost_while_keys_come_and_go() {
        const THREADS: usize = 8;
        const CALLS: usize = 20_000;
        let (keyed, time) = keyed(3);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let time = time.clone();
                scope.spawn(move || {
                    for call in 0..CALLS {
                        // Mostly the key of before, and often one that was evicted meanwhile.
                        let held = keyed.held_shown(&((thread + call / 5) % 7));
                        held.try_acquire().unwrap().success();
                        time.advance(Duration::from_nanos(1));
                    }
                });
            }
        });
        let calls: u64 = keyed.snapshots().iter().map(|circuit| circuit.calls.success).sum();
        assert_eq!(calls, (THREADS * CALLS) as u64);
        assert!(keyed.members().len() <= 3);
        assert!(keyed.shared.circuit.snapshot().calls.success > 0, "some were evicted");
    }
}
