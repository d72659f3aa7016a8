//! What the callers saw, to be compared with what the circuits counted.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use breaker_runtime::{CircuitBreaker, RejectedReason, Snapshot, State, registry};

/// Far longer than anything here takes, and far shorter than a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of one call, as its caller saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Success,
    Failed,
    Ignored,
    Panicked,
    TimedOut,
    Refused(RejectedReason),
    /// Dropped while its body ran.
    Cancelled,
    /// Dropped like that, where that is a failure.
    Abandoned,
    /// Dropped before its body ran: in line for the bulkhead.
    NeverStarted,
}

/// The calls of one circuit, or of all circuits of one key.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    success: AtomicU64,
    failure: AtomicU64,
    ignored: AtomicU64,
    cancelled: AtomicU64,
    timed_out: AtomicU64,
    panicked: AtomicU64,
    open: AtomicU64,
    half_open_full: AtomicU64,
    forced_open: AtomicU64,
    bulkhead_full: AtomicU64,
    never_started: AtomicU64,
}

impl Ledger {
    pub(crate) fn enter(&self, seen: Seen) {
        let add = |count: &AtomicU64| count.fetch_add(1, Ordering::Relaxed);
        match seen {
            Seen::Success => add(&self.success),
            Seen::Failed | Seen::Abandoned => add(&self.failure),
            Seen::Ignored => add(&self.ignored),
            Seen::Cancelled => add(&self.cancelled),
            Seen::NeverStarted => add(&self.never_started),
            Seen::Panicked => {
                add(&self.panicked);
                add(&self.failure)
            }
            Seen::TimedOut => {
                add(&self.timed_out);
                add(&self.failure)
            }
            Seen::Refused(RejectedReason::Open) => add(&self.open),
            Seen::Refused(RejectedReason::HalfOpenFull) => add(&self.half_open_full),
            Seen::Refused(RejectedReason::ForcedOpen) => add(&self.forced_open),
            Seen::Refused(RejectedReason::BulkheadFull) => add(&self.bulkhead_full),
            Seen::Refused(other) => panic!("no circuit here refuses as {other}"),
        };
    }

    /// Calls that got an answer, or began.
    pub(crate) fn asked(&self) -> u64 {
        let refused = [&self.open, &self.half_open_full, &self.forced_open, &self.bulkhead_full];
        let ended = [&self.success, &self.failure, &self.ignored, &self.cancelled];
        refused.into_iter().chain(ended).map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// R19, counter by counter, at rest.
    #[track_caller]
    pub(crate) fn check(&self, circuits: &[Snapshot]) {
        type Counter = fn(&Snapshot) -> u64;
        let counted = |of: Counter| circuits.iter().map(of).sum::<u64>();
        let pairs: [(&str, &AtomicU64, Counter); 10] = [
            ("success", &self.success, |it| it.calls.success),
            ("failure", &self.failure, |it| it.calls.failure),
            ("ignored", &self.ignored, |it| it.calls.ignored),
            ("cancelled", &self.cancelled, |it| it.calls.cancelled),
            ("timed_out", &self.timed_out, |it| it.calls.timed_out),
            ("panicked", &self.panicked, |it| it.calls.panicked),
            ("open", &self.open, |it| it.rejected.open),
            ("half_open_full", &self.half_open_full, |it| it.rejected.half_open_full),
            ("forced_open", &self.forced_open, |it| it.rejected.forced_open),
            ("bulkhead_full", &self.bulkhead_full, |it| it.rejected.bulkhead_full),
        ];
        let name = &circuits[0].name;
        for (what, seen, of) in pairs {
            assert_eq!(seen.load(Ordering::Relaxed), counted(of), "{what} of {name}");
        }
        let started = counted(|it| it.calls.started);
        assert_eq!(self.asked(), started + counted(|it| it.rejected.total()), "asked of {name}");
        for circuit in circuits {
            let calls = circuit.calls;
            let ended = calls.success + calls.failure + calls.ignored + calls.cancelled;
            assert_eq!(calls.started, ended, "{circuit:?}");
            assert_eq!((circuit.in_flight, circuit.probes.in_flight), (0, 0), "{circuit:?}");
            assert!(calls.late <= ended && calls.slow <= ended, "{circuit:?}");
        }
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            ("good", &self.success),
            ("failed", &self.failure),
            ("ignored", &self.ignored),
            ("cancelled", &self.cancelled),
            ("timed out", &self.timed_out),
            ("panicked", &self.panicked),
            ("open", &self.open),
            ("half-open full", &self.half_open_full),
            ("forced open", &self.forced_open),
            ("bulkhead full", &self.bulkhead_full),
            ("left the line", &self.never_started),
        ];
        for (what, count) in counts {
            write!(f, "{} {what}, ", count.load(Ordering::Relaxed))?;
        }
        write!(f, "{} asked", self.asked())
    }
}

/// Snapshots of the circuit of that name and of those of its keys; that one is the first.
pub(crate) fn family(name: &str) -> Vec<Snapshot> {
    let is_of_it = |snapshot: &Snapshot| {
        let rest = snapshot.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    registry().snapshot().circuits.into_iter().filter(is_of_it).collect()
}

/// The circuit closes, by itself unless a person has switched it, and then opens and closes once more.
///
/// `wait` moves its time on. Nothing of it may be in use by now, so every place in it is free.
#[track_caller]
pub(crate) fn assert_well(circuit: &CircuitBreaker, ledger: &Ledger, mut wait: impl FnMut()) {
    if matches!(circuit.state(), State::ForcedOpen | State::Disabled) {
        circuit.reset();
    }
    heal(circuit, ledger, &mut wait);
    assert_every_slot_is_free(circuit, ledger);
    circuit.trip();
    assert_eq!(circuit.state(), State::Open);
    heal(circuit, ledger, &mut wait);
    assert_every_slot_is_free(circuit, ledger);
}

#[track_caller]
fn heal(circuit: &CircuitBreaker, ledger: &Ledger, wait: &mut impl FnMut()) {
    let began = Instant::now();
    while circuit.state() != State::Closed {
        assert!(began.elapsed() < PATIENCE, "it is stuck: {:?}", circuit.snapshot());
        match circuit.try_acquire() {
            Ok(permit) => {
                permit.success();
                ledger.enter(Seen::Success);
            }
            Err(rejected) => {
                ledger.enter(Seen::Refused(rejected.reason()));
                wait();
            }
        }
        thread::yield_now();
    }
}

#[track_caller]
fn assert_every_slot_is_free(circuit: &CircuitBreaker, ledger: &Ledger) {
    let Some(slots) = circuit.snapshot().config.settings().max_concurrent else { return };
    let held: Vec<_> = (0..slots).map_while(|_| circuit.try_acquire().ok()).collect();
    assert_eq!(held.len() as u64, u64::from(slots), "a slot of {} was lost", circuit.name());
    let refused = circuit.try_acquire().expect_err("every slot is in use");
    assert_eq!(refused.reason(), RejectedReason::BulkheadFull);
    for permit in held {
        drop(permit);
        ledger.enter(Seen::Cancelled);
    }
    ledger.enter(Seen::Refused(refused.reason()));
}
