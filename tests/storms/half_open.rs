//! Herds at half-open: exactly as many probes as allowed, and the verdict that their ends call for.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::{
    CallError, CircuitBreaker, Config, Permit, Rejected, State, circuit_breaker, registry,
};

use crate::alone;
use crate::common::{assert_balanced, circuit, panic_quietly, pass_cooldown, poll};
use crate::load::{Lots, drill, scaled, seed};

const THREADS: u64 = 64;
const STORMS: u64 = 500;

/// How a probe ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Success,
    Failure,
    Panicked,
    Cancelled,
    Ignored,
}

impl End {
    /// Drawn by lot, in storms where all goes well, much goes wrong, or everything may happen.
    fn draw(seed: u64, storm: u64, thread: u64) -> Self {
        let temper = Lots::new(seed, storm).draw(3);
        let lot = Lots::new(seed, storm * THREADS + thread + 1).draw(16);
        match (temper, lot) {
            (0, _) | (1, 0..=1) | (2, 0..=9) => Self::Success,
            (1, 2..=12) | (2, 10..=11) => Self::Failure,
            (1, 13) | (2, 12) => Self::Panicked,
            (1, 14) | (2, 13) => Self::Cancelled,
            _ => Self::Ignored,
        }
    }
}

/// One storm after the other, seen from inside the bodies.
struct Scene {
    /// All threads have asked: the bodies that run hold out until then.
    asked: Barrier,
    inside: AtomicU64,
    most_inside: AtomicU64,
    ran: AtomicU64,
    refused: AtomicU64,
    ended: [AtomicU64; 5],
}

impl Scene {
    fn new() -> Self {
        Self {
            asked: Barrier::new(usize::try_from(THREADS).unwrap()),
            inside: AtomicU64::new(0),
            most_inside: AtomicU64::new(0),
            ran: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            ended: Default::default(),
        }
    }

    fn body(&self, end: End) -> Result<(), ()> {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_inside.fetch_max(inside, Ordering::SeqCst);
        self.ran.fetch_add(1, Ordering::SeqCst);
        self.ended[end as usize].fetch_add(1, Ordering::SeqCst);
        self.asked.wait();
        self.inside.fetch_sub(1, Ordering::SeqCst);
        match end {
            End::Panicked => panic_quietly("a probe panics"),
            End::Failure => Err(()),
            _ => Ok(()),
        }
    }

    async fn body_async(&self, end: End) -> Result<(), ()> {
        let answer = self.body(end);
        if end == End::Cancelled {
            std::future::pending::<()>().await;
        }
        answer
    }

    fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::SeqCst);
        self.asked.wait();
    }

    /// What this storm has come to; the next one begins from nothing.
    fn take(&self) -> Outcome {
        let take = |count: &AtomicU64| count.swap(0, Ordering::SeqCst);
        let [success, failure, panicked, cancelled, ignored] = &self.ended;
        Outcome {
            ran: take(&self.ran),
            refused: take(&self.refused),
            most_inside: take(&self.most_inside),
            good: take(success),
            bad: take(failure) + take(panicked),
            neutral: take(cancelled) + take(ignored),
        }
    }
}

#[derive(Debug)]
struct Outcome {
    ran: u64,
    refused: u64,
    most_inside: u64,
    good: u64,
    bad: u64,
    neutral: u64,
}

/// The totals over all storms.
#[derive(Default)]
struct Tally {
    asked: u64,
    good: u64,
    bad: u64,
    neutral: u64,
    verdicts: [u64; 3],
}

impl Tally {
    /// Holds one storm to the rules.
    fn check(&mut self, circuit: &CircuitBreaker, probes: u64, outcome: &Outcome) {
        assert_eq!(outcome.most_inside, probes, "{outcome:?}");
        assert_eq!((outcome.ran, outcome.refused), (probes, THREADS - probes), "{outcome:?}");
        assert_eq!(outcome.good + outcome.bad + outcome.neutral, probes);

        let snapshot = circuit.snapshot();
        let limit = failures_that_open(probes);
        let verdict = if outcome.bad >= limit {
            assert_eq!(snapshot.probes.failures, limit, "those after it are late: {outcome:?}");
            State::Open
        } else if outcome.good == probes {
            assert_eq!((snapshot.probes.successes, snapshot.probes.failures), (probes, 0));
            State::Closed
        } else {
            let counted = (snapshot.probes.successes, snapshot.probes.failures);
            assert_eq!(counted, (outcome.good, outcome.bad), "{outcome:?}");
            State::HalfOpen
        };
        assert_eq!((snapshot.state, snapshot.probes.in_flight), (verdict, 0), "{outcome:?}");

        self.verdicts
            [usize::from(verdict == State::Open) + 2 * usize::from(verdict == State::HalfOpen)] +=
            1;
        self.asked += THREADS;
        self.good += outcome.good;
        self.bad += outcome.bad;
        self.neutral += outcome.neutral;
        assert_eq!((snapshot.calls.success, snapshot.calls.failure), (self.good, self.bad));
        assert_eq!(snapshot.calls.ignored + snapshot.calls.cancelled, self.neutral);
        assert_eq!(snapshot.in_flight, 0);
        assert_balanced(&snapshot, self.asked);
    }

    /// Makes the next probe due, from the state that the last storm left.
    fn make_due(&mut self, circuit: &CircuitBreaker, probes: u64) {
        if circuit.state() == State::HalfOpen {
            let held: Vec<_> = (0..=probes).map_while(|_| circuit.try_acquire().ok()).collect();
            assert_eq!(held.len() as u64, probes, "every slot is free again");
            drop(held);
            self.asked += probes + 1;
            self.neutral += probes;
        }
        circuit.trip();
    }
}

fn failures_that_open(probes: u64) -> u64 {
    probes.div_ceil(2)
}

fn settle(permit: Permit<'_>, end: End, scene: &Scene) {
    if end == End::Panicked {
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let _dropped_by_the_panic = permit;
            scene.body(end)
        }));
        return;
    }
    let _ = scene.body(end);
    match end {
        End::Success => permit.success(),
        End::Failure => permit.failure(),
        End::Ignored => permit.ignore(),
        End::Cancelled | End::Panicked => drop(permit),
    }
}

/// Calls in one of three ways.
fn call(circuit: &CircuitBreaker, way: u64, end: End, scene: &Scene) {
    let is_refused =
        |answer: &Result<(), CallError<()>>| matches!(answer, Err(CallError::Rejected(_)));
    let refused = match (way % 3, end) {
        (0, End::Success | End::Failure | End::Panicked) => {
            catch_unwind(AssertUnwindSafe(|| is_refused(&circuit.call(|| scene.body(end)))))
                .unwrap_or(false)
        }
        (1, End::Success | End::Failure | End::Panicked | End::Cancelled) => {
            catch_unwind(AssertUnwindSafe(|| {
                let call = pin!(circuit.call_async(|| scene.body_async(end)));
                matches!(poll(call), Poll::Ready(answer) if is_refused(&answer))
            }))
            .unwrap_or(false)
        }
        _ => match circuit.try_acquire() {
            Ok(permit) => {
                settle(permit, end, scene);
                false
            }
            Err(_) => true,
        },
    };
    if refused {
        scene.refuse();
    }
}

fn storm_by_hand(probes: u32) {
    let _alone = alone();
    let seed = seed();
    let most = u64::from(probes);
    let limit = u32::try_from(failures_that_open(most)).unwrap();
    let limits = Config::new()
        .half_open_max_calls(probes)
        .success_threshold(probes)
        .half_open_failure_threshold(limit);
    let (circuit, time) = circuit(limits);
    let (scene, tally) = (Scene::new(), RefCell::new(Tally::default()));
    // Let in before the circuit opened: it ends in the middle of the storm, and moves nothing (R10).
    let stale = Mutex::new(None::<Permit<'_>>);
    drill(
        THREADS,
        scaled(STORMS),
        |thread, storm| {
            let stale = if thread == 0 { stale.lock().unwrap().take() } else { None };
            match stale {
                Some(permit) if storm % 2 == 0 => permit.failure(),
                Some(permit) => permit.success(),
                None => {}
            }
            call(&circuit, thread + storm, End::draw(seed, storm, thread), &scene);
        },
        |storm| {
            let mut tally = tally.borrow_mut();
            if circuit.state() == State::Closed {
                *stale.lock().unwrap() = circuit.try_acquire().ok();
                tally.asked += 1;
                tally.bad += u64::from(storm % 2 == 0);
                tally.good += u64::from(storm % 2 == 1);
            }
            tally.make_due(&circuit, most);
            pass_cooldown(&circuit, &time);
        },
        |_| tally.borrow_mut().check(&circuit, most, &scene.take()),
    );
    println!("{probes} probes: closed, opened, undecided {:?}", tally.borrow().verdicts);
}

#[test]
fn s01_of_64_threads_exactly_1_probe_runs_at_a_time_and_decides() {
    storm_by_hand(1);
}

#[test]
fn s01_of_64_threads_exactly_3_probes_run_at_a_time_and_decide() {
    storm_by_hand(3);
}

#[test]
fn s01_of_64_threads_exactly_10_probes_run_at_a_time_and_decide() {
    storm_by_hand(10);
}

#[derive(Debug, PartialEq)]
enum Fault {
    Refused,
    Down,
    Absent,
}

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self::Refused
    }
}

#[circuit_breaker(
    name = "storms.half_open",
    cooldown = "1ns",
    probe_timeout = "1h",
    half_open_max_calls = 3,
    success_threshold = 3,
    half_open_failure_threshold = 2,
    ignore_if = |fault| *fault == Fault::Absent
)]
fn annotated(scene: &Scene, end: End) -> Result<(), Fault> {
    scene.body(end).map_err(|()| Fault::Down)?;
    if end == End::Ignored { Err(Fault::Absent) } else { Ok(()) }
}

#[circuit_breaker(name = "storms.half_open")]
async fn annotated_async(scene: &Scene, end: End) -> Result<(), Fault> {
    scene.body_async(end).await.map_err(|()| Fault::Down)
}

fn call_annotated(way: u64, end: End, scene: &Scene) {
    let answer = catch_unwind(AssertUnwindSafe(|| match (way % 2, end) {
        (0, End::Cancelled) | (1, End::Success | End::Failure | End::Panicked) => {
            match poll(pin!(annotated_async(scene, end))) {
                Poll::Ready(answer) => answer,
                Poll::Pending => Ok(()),
            }
        }
        // Only a future can be cancelled, and only the sync function ignores anything.
        (_, End::Cancelled) => annotated(scene, End::Ignored),
        _ => annotated(scene, end),
    }));
    if matches!(answer, Ok(Err(Fault::Refused))) {
        scene.refuse();
    }
}

#[test]
fn s01_of_64_threads_exactly_3_probes_of_annotated_functions_run_at_a_time_and_decide() {
    const PROBES: u64 = 3;
    let _alone = alone();
    let seed = seed();
    let circuit: Arc<CircuitBreaker> = registry().get("storms.half_open").unwrap();
    let (scene, tally) = (Scene::new(), RefCell::new(Tally::default()));
    drill(
        THREADS,
        scaled(STORMS),
        |thread, storm| call_annotated(thread + storm, End::draw(seed, storm, thread), &scene),
        |_| {
            tally.borrow_mut().make_due(&circuit, PROBES);
            while circuit.snapshot().retry_after != Some(Duration::ZERO) {
                std::thread::yield_now();
            }
        },
        |_| tally.borrow_mut().check(&circuit, PROBES, &scene.take()),
    );
    println!("annotated: closed, opened, undecided {:?}", tally.borrow().verdicts);
}
