//! Which events listeners get, in which order, and what they cannot break.
//!
//! All tests of this file share the registry, so each listens to circuits of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use breaker_runtime::{
    Cause, CircuitBreaker, Clock, Config, Event, EventKind, ManualClock, Outcome, Registry,
    RejectedReason, State, Subscription, registry,
};

fn circuit(name: &str, config: Config) -> Arc<CircuitBreaker> {
    registry().get_or_create(name, config).expect("the config is valid")
}

/// Keeps the events of one circuit.
fn listen(name: &'static str) -> (Subscription, Arc<Mutex<Vec<Event>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    let subscription = registry().subscribe(move |event| {
        if event.name == name {
            kept.lock().unwrap().push(event.clone());
        }
    });
    (subscription, heard)
}

fn transitions(heard: &Mutex<Vec<Event>>) -> Vec<String> {
    let heard = heard.lock().unwrap();
    let transitions = heard.iter().filter_map(|event| match &event.kind {
        EventKind::Transition(transition) => Some(transition.to_string()),
        _ => None,
    });
    transitions.collect()
}

fn fail(circuit: &CircuitBreaker) {
    let _ = circuit.call(|| Err::<(), _>(()));
}

#[test]
fn r21_a_whole_outage_is_told_in_order_each_event_once() {
    let (_subscription, heard) = listen("events.outage");
    let config = Config::new()
        .failure_threshold(2)
        .success_threshold(1)
        .cooldown(std::time::Duration::from_nanos(1));
    let circuit = circuit("events.outage", config);
    fail(&circuit);
    fail(&circuit);
    fail(&circuit);
    let _ = circuit.call(|| Ok::<_, ()>(()));

    let expected = [
        "closed -> open: 2 failures in a row",
        "open -> half_open: the cooldown is over",
        "half_open -> open: 1 probe failed",
        "open -> half_open: the cooldown is over",
        "half_open -> closed: 1 good probe",
    ];
    assert_eq!(transitions(&heard), expected);
    let sequences: Vec<_> = heard.lock().unwrap().iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5]);
}

#[test]
fn r16_a_control_that_changes_nothing_is_not_told_and_a_reset_is() {
    let (_subscription, heard) = listen("events.controls");
    let circuit = circuit("events.controls", Config::new());
    circuit.reset();
    circuit.force_open();
    circuit.force_open();
    circuit.trip();
    circuit.disable();
    circuit.disable();
    circuit.reset();
    circuit.trip();
    circuit.trip();
    let expected = [
        "closed -> closed: reset()",
        "closed -> forced_open: force_open()",
        "forced_open -> disabled: disable()",
        "disabled -> closed: reset()",
        "closed -> open: trip()",
    ];
    assert_eq!(transitions(&heard), expected);
}

#[test]
fn a_transition_tells_the_numbers_that_decided_it() {
    let (_subscription, heard) = listen("events.numbers");
    let circuit = circuit("events.numbers", Config::new().failure_rate(0.5).minimum_calls(4));
    for works in [true, true, false, false] {
        let _ = circuit.call(|| if works { Ok(()) } else { Err(()) });
    }
    let heard = heard.lock().unwrap();
    let EventKind::Transition(transition) = &heard[0].kind else { panic!("a transition") };
    let Cause::Tripped(reason) = transition.cause else { panic!("a trip") };
    assert_eq!((reason.failed, reason.calls, reason.share), (2, 4, Some(0.5)));
    assert!(transition.retry_after.is_some());
}

#[test]
fn refusals_and_late_outcomes_are_told() {
    let (_subscription, heard) = listen("events.refusals");
    let circuit = circuit("events.refusals", Config::new());
    let (late, cancelled) = (circuit.try_acquire().unwrap(), circuit.try_acquire().unwrap());
    circuit.force_open();
    assert!(circuit.try_acquire().is_err());
    late.failure();
    drop(cancelled);

    let heard = heard.lock().unwrap();
    let forced = RejectedReason::ForcedOpen;
    assert!(matches!(heard[1].kind, EventKind::Rejected { reason, .. } if reason == forced));
    assert!(matches!(heard[2].kind, EventKind::Late { outcome: Some(Outcome::Failure) }));
    assert!(matches!(heard[3].kind, EventKind::Late { outcome: None }));
    assert_eq!(heard.len(), 4);
}

#[test]
fn a_listener_of_changes_is_told_of_no_call_also_beside_one_that_is() {
    let circuit = circuit("events.changes", Config::new());
    let (told, heard) = mpsc::channel();
    let subscription = registry().subscribe_to_changes(move |event| {
        if event.name == "events.changes" {
            let _ = told.send(event.kind.clone());
        }
    });
    let outage = || {
        let late = circuit.try_acquire().unwrap();
        circuit.trip();
        assert!(circuit.try_acquire().is_err());
        late.failure();
        circuit.reset();
    };
    outage();
    let (everything, all) = listen("events.changes");
    outage();
    drop((subscription, everything));
    let heard: Vec<_> = heard.iter().collect();
    assert_eq!(heard.len(), 4);
    assert!(heard.iter().all(|kind| matches!(kind, EventKind::Transition(_))));
    assert_eq!(all.lock().unwrap().len(), 4);
    assert_eq!(circuit.snapshot().rejected.open, 2);
}

#[test]
fn r22_a_conflict_is_told_once_and_to_later_listeners_too() {
    let (_subscription, heard) = listen("events.conflict");
    let differing = Config::new().failure_threshold(9);
    let _ = circuit("events.conflict", Config::new().failure_threshold(3));
    let _ = circuit("events.conflict", differing);
    let _ = circuit("events.conflict", differing);
    let (_subscription, heard_later) = listen("events.conflict");
    for (heard, sequence) in [(heard, 1), (heard_later, 0)] {
        let heard = heard.lock().unwrap();
        let EventKind::Conflict(conflict) = &heard[0].kind else { panic!("a conflict") };
        assert_eq!((heard.len(), heard[0].sequence), (1, sequence));
        assert_eq!(conflict.refused.config, differing);
    }
}

#[test]
fn a_circuit_outside_the_registry_is_nobodys_news() {
    let (_subscription, heard) = listen("events.private");
    CircuitBreaker::new("events.private", Config::new()).unwrap().trip();
    assert!(heard.lock().unwrap().is_empty());
}

#[test]
fn r21_a_panicking_listener_harms_nobody() {
    let (_first, heard_first) = listen("events.panic");
    let _second = registry().subscribe(|event| {
        assert!(event.name != "events.panic", "on purpose");
    });
    let (_third, heard_third) = listen("events.panic");
    let circuit = circuit("events.panic", Config::new());
    assert!(catch_unwind(AssertUnwindSafe(|| circuit.trip())).is_ok());
    circuit.reset();
    for heard in [heard_first, heard_third] {
        assert_eq!(transitions(&heard).len(), 2);
    }
    assert_eq!(circuit.state(), State::Closed);
}

#[test]
fn r20_a_listener_may_use_the_circuit_and_the_registry() {
    let (_witness, heard) = listen("events.reentrant");
    let _subscription = registry().subscribe(|event| {
        if event.name == "events.reentrant" {
            let circuit = registry().get("events.reentrant").unwrap();
            let _ = (registry().snapshot(), registry().conflicts(), registry().circuits());
            let _ = circuit.call(|| Ok::<_, ()>(()));
            if circuit.state() == State::Open {
                circuit.reset();
            }
            drop(registry().subscribe(|_| {}));
        }
    });
    circuit("events.reentrant", Config::new()).trip();
    assert_eq!(
        transitions(&heard),
        ["closed -> open: trip()", "open -> closed: reset()"],
        "what a listener causes is told after what it was told"
    );
}

#[test]
fn g08_after_a_subscription_is_dropped_its_listener_is_not_called() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let (entered, has_entered) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let subscription = registry().subscribe(move |event| {
        if event.name == "events.dropped" {
            entered.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let circuit = circuit("events.dropped", Config::new());
    thread::scope(|scope| {
        scope.spawn(|| circuit.trip());
        has_entered.recv().unwrap();
        let dropped = scope.spawn(|| {
            drop(subscription);
            calls.load(Ordering::SeqCst)
        });
        release.send(()).unwrap();
        assert_eq!(dropped.join().unwrap(), 1, "the drop waits for the call under way");
    });
    circuit.reset();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_listener_may_end_its_own_subscription() {
    let own = Arc::new(Mutex::new(None::<Subscription>));
    let calls = Arc::new(AtomicUsize::new(0));
    let (held, counted) = (Arc::clone(&own), Arc::clone(&calls));
    let subscription = registry().subscribe(move |event| {
        if event.name == "events.once" {
            counted.fetch_add(1, Ordering::SeqCst);
            let subscription = held.lock().unwrap().take();
            drop(subscription);
        }
    });
    *own.lock().unwrap() = Some(subscription);
    let circuit = circuit("events.once", Config::new());
    circuit.trip();
    circuit.reset();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// Subscribes a listener that stands still in the first event of a circuit. Returns what tells that it does, and
/// what lets it go on.
fn stall(name: &'static str) -> (Subscription, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (entered, has_entered) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (entered, released) = (Mutex::new(Some(entered)), Mutex::new(released));
    let subscription = registry().subscribe(move |event| {
        if event.name == name
            && let Some(entered) = entered.lock().unwrap().take()
        {
            entered.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
        }
    });
    (subscription, has_entered, release)
}

#[test]
fn l08_while_one_call_tells_a_slow_listener_the_others_go_on_and_no_change_is_lost() {
    let (_slow, has_entered, release) = stall("events.slow");
    let (_subscription, heard) = listen("events.slow");
    let circuit = circuit("events.slow", Config::new());
    thread::scope(|scope| {
        scope.spawn(|| circuit.reset());
        has_entered.recv().unwrap();
        for _ in 0..1500 {
            circuit.reset();
        }
        release.send(()).unwrap();
    });
    circuit.reset();
    let heard = heard.lock().unwrap();
    assert!(heard.iter().map(|event| event.sequence).eq(1..=1502));
    assert!(heard.iter().all(|event| event.missed == 0));
}

#[test]
fn r35_refusals_that_come_while_another_is_told_are_told_as_one_number() {
    let (_slow, has_entered, release) = stall("events.merged");
    let (_subscription, heard) = listen("events.merged");
    let circuit = circuit("events.merged", Config::new());
    let late = circuit.try_acquire().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| circuit.trip());
        has_entered.recv().unwrap();
        be_refused(&circuit, 500);
        circuit.reset();
        circuit.force_open();
        be_refused(&circuit, 1);
        late.success();
        release.send(()).unwrap();
    });
    be_refused(&circuit, 1);
    let heard = heard.lock().unwrap();
    let numbers: Vec<_> = heard.iter().map(|event| (event.sequence, event.missed)).collect();
    assert_eq!(numbers, [(1, 0), (501, 499), (502, 0), (503, 0), (505, 1), (506, 0)]);
    assert!(matches!(heard[4].kind, EventKind::Late { .. }), "the last of those that were merged");
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.rejected.total() + snapshot.calls.late + 3, 506);
}

#[test]
fn r21_listeners_of_changes_have_numbers_of_their_own() {
    let circuit = circuit("events.numbers.own", Config::new());
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    let _changes = registry().subscribe_to_changes(move |event| {
        if event.name == "events.numbers.own" {
            kept.lock().unwrap().push((event.sequence, event.missed));
        }
    });
    let (_subscription, heard) = listen("events.numbers.own");
    circuit.trip();
    be_refused(&circuit, 3);
    circuit.reset();
    assert_eq!(*told.lock().unwrap(), [(1, 0), (2, 0)]);
    assert!(heard.lock().unwrap().iter().map(|event| event.sequence).eq(1..=5));
}

#[test]
fn r14_failures_that_cross_the_threshold_together_are_one_transition_and_one_event() {
    const THREADS: usize = 16;
    let (_subscription, heard) = listen("events.together");
    let config = Config::new().failure_threshold(u32::try_from(THREADS).unwrap());
    let circuit = circuit("events.together", config);
    for round in 1..=100 {
        let barrier = Barrier::new(THREADS);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let permit = circuit.try_acquire().unwrap();
                    barrier.wait();
                    permit.failure();
                });
            }
        });
        assert_eq!(circuit.state(), State::Open);
        let trips = transitions(&heard).iter().filter(|text| text.contains("-> open")).count();
        assert_eq!(trips, round);
        circuit.reset();
    }
}

/// Panics when it is dropped, and so does what it panics with.
struct Bomb(u8);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 > 0 {
            std::panic::panic_any(Self(self.0 - 1));
        }
    }
}

#[test]
fn p05_a_listener_whose_remains_panic_harms_nobody() {
    let own = Arc::new(Mutex::new(None::<Subscription>));
    let (held, bomb) = (Arc::clone(&own), Bomb(2));
    let subscription = registry().subscribe(move |event| {
        if event.name == "events.bomb" {
            let _armed = &bomb;
            let subscription = held.lock().unwrap().take();
            drop(subscription);
        }
    });
    *own.lock().unwrap() = Some(subscription);
    let (_witness, heard) = listen("events.bomb");
    let circuit = circuit("events.bomb", Config::new());
    circuit.trip();
    circuit.reset();
    assert_eq!(transitions(&heard).len(), 2);
}

#[test]
fn g07_listeners_that_end_their_subscription_at_once_do_not_wait_for_each_other() {
    let (own, barrier) = (Arc::new(Mutex::new(None::<Subscription>)), Arc::new(Barrier::new(2)));
    let (held, both) = (Arc::clone(&own), Arc::clone(&barrier));
    let subscription = registry().subscribe(move |event| {
        if event.name.starts_with("events.once.") {
            both.wait();
            // The guard lives as long as the drop: the other thread waits for it inside the listener.
            held.lock().unwrap().take();
        }
    });
    *own.lock().unwrap() = Some(subscription);
    let circuits = ["events.once.a", "events.once.b"].map(|name| circuit(name, Config::new()));
    thread::scope(|scope| {
        for circuit in &circuits {
            scope.spawn(|| circuit.trip());
        }
    });
    assert!(own.lock().unwrap().is_none());
}

#[test]
fn r21_a_refusal_is_told_after_the_change_that_led_to_it() {
    let (_subscription, heard) = listen("events.lapse");
    let config = Config::new()
        .cooldown(std::time::Duration::from_secs(60))
        .probe_timeout(std::time::Duration::from_nanos(1));
    let circuit = circuit("events.lapse", config);
    circuit.trip();
    assert!(circuit.try_acquire().is_err());
    let heard = heard.lock().unwrap();
    assert!(matches!(heard[0].kind, EventKind::Transition(_)));
    assert!(matches!(heard[1].kind, EventKind::Rejected { .. }));
}

#[test]
fn g07_two_listeners_may_end_each_others_subscriptions() {
    let slots: [Arc<Mutex<Option<Subscription>>>; 2] = Default::default();
    let both = Arc::new(Barrier::new(2));
    for (own, other) in [(0, 1), (1, 0)] {
        let (others, both) = (Arc::clone(&slots[other]), Arc::clone(&both));
        let name = ["events.cross.0", "events.cross.1"][own];
        let subscription = registry().subscribe(move |event| {
            if event.name == name {
                both.wait();
                let subscription = others.lock().unwrap().take();
                drop(subscription);
            }
        });
        *slots[own].lock().unwrap() = Some(subscription);
    }
    let circuits = ["events.cross.0", "events.cross.1"].map(|name| circuit(name, Config::new()));
    thread::scope(|scope| {
        for circuit in &circuits {
            scope.spawn(|| circuit.trip());
        }
    });
    assert!(slots.iter().all(|slot| slot.lock().unwrap().is_none()));
}

/// Makes that many calls, which the open circuit refuses.
fn be_refused(circuit: &CircuitBreaker, calls: usize) {
    for _ in 0..calls {
        assert!(circuit.try_acquire().is_err());
    }
}

#[test]
fn r35_no_change_of_state_is_lost_however_many_calls_are_refused_meanwhile() {
    let (_slow, has_entered, release) = stall("events.flood");
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    let _changes = registry().subscribe_to_changes(move |event| {
        if event.name == "events.flood" {
            kept.lock().unwrap().push(event.clone());
        }
    });
    let circuit = circuit("events.flood", Config::new());
    thread::scope(|scope| {
        scope.spawn(|| circuit.trip());
        has_entered.recv().unwrap();
        for _ in 0..15 {
            be_refused(&circuit, 500);
            circuit.reset();
            circuit.trip();
        }
        release.send(()).unwrap();
    });
    let sequences: Vec<_> = told.lock().unwrap().iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=31).collect::<Vec<_>>());
    assert!(
        transitions(&told).iter().step_by(2).all(|change| change.starts_with("closed -> open"))
    );
}

#[test]
fn r35_a_call_returns_although_each_event_that_it_tells_brings_another() {
    let (told, events) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
    let (counted, summed) = (Arc::clone(&told), Arc::clone(&events));
    let circuit = circuit("events.echo", Config::new());
    circuit.trip();
    let called = Arc::clone(&circuit);
    let _subscription = registry().subscribe(move |event| {
        if event.name != "events.echo" {
            return;
        }
        summed.fetch_add(1 + event.missed, Ordering::SeqCst);
        if counted.fetch_add(1, Ordering::SeqCst) < 1_000
            && matches!(event.kind, EventKind::Rejected { .. })
        {
            be_refused(&called, 1);
            thread::scope(|scope| scope.spawn(|| be_refused(&called, 1)).join().unwrap());
        }
    });
    be_refused(&circuit, 1);
    let told = told.load(Ordering::SeqCst);
    assert!(told <= 10, "one call told {told} events");
    circuit.reset();
    let rejected = circuit.snapshot().rejected.total();
    assert_eq!(events.load(Ordering::SeqCst), rejected + 1, "the reset told what was left");
}

#[test]
fn r26_calls_that_hang_while_a_listener_runs_are_told_before_the_call_goes_on() {
    const MINUTE: Duration = Duration::from_secs(60);
    let time = ManualClock::new();
    let registry = Registry::with_clock(Clock::Manual(time.clone()));
    let config = Config::new().failure_threshold(1).success_threshold(1).cooldown(MINUTE);
    let config = config.hung_after(Duration::from_millis(10)).recovery(MINUTE);
    let circuit = registry.circuit("slow listener", config).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let _subscription = registry.subscribe_to_changes({
        let (circuit, heard, time) = (Arc::clone(&circuit), Arc::clone(&heard), time.clone());
        move |event| {
            let EventKind::Transition(transition) = &event.kind else { return };
            heard.lock().unwrap().push(transition.to);
            if (transition.from, transition.to) == (State::Recovering, State::Closed) {
                std::mem::forget(circuit.try_acquire()); // a call that hangs
                time.advance(MINUTE);
            }
        }
    });
    fail(&circuit);
    time.advance(MINUTE);
    circuit.try_acquire().unwrap().success();
    time.advance(MINUTE);
    let permit = circuit.try_acquire().unwrap();
    let states = [State::Open, State::HalfOpen, State::Recovering, State::Closed, State::Open];
    assert_eq!(*heard.lock().unwrap(), states);
    permit.success();
}
