//! Settings that change while calls run (R24).

mod common;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_runtime::{
    CircuitBreaker, Clock, Config, ManualClock, OwnedPermit, Registry, RejectedReason, State,
    WindowSize,
};
use common::{SECOND, circuit};

fn fail(circuit: &CircuitBreaker, calls: usize) {
    (0..calls).for_each(|_| circuit.try_acquire().expect("it is closed").failure());
}

fn succeed(circuit: &CircuitBreaker, calls: usize) {
    (0..calls).for_each(|_| circuit.try_acquire().expect("it is closed").success());
}

fn held(circuit: &Arc<CircuitBreaker>) -> OwnedPermit {
    circuit.try_acquire_owned().expect("it is let in")
}

#[test]
fn r24_a_wrong_config_changes_nothing() {
    let (circuit, _) = circuit(Config::new().failure_threshold(3));
    let error = circuit.reconfigure(Config::new().failure_threshold(0)).unwrap_err();
    assert_eq!(error.to_string(), "`failure_threshold` must be at least 1");
    assert_eq!(circuit.snapshot().config, Config::new().failure_threshold(3));
}

#[test]
fn r24_state_epoch_totals_and_calls_in_flight_stay() {
    let (circuit, _) = circuit(Config::new());
    circuit.trip();
    circuit.reset();
    succeed(&circuit, 3);
    let permit = circuit.try_acquire().unwrap();
    let before = circuit.snapshot();
    circuit.reconfigure(Config::new().count_window(7).cooldown(SECOND)).unwrap();
    let after = circuit.snapshot();
    assert_eq!(
        (after.state, after.epoch, after.calls),
        (State::Closed, before.epoch, before.calls)
    );
    permit.success();
    assert_eq!((circuit.snapshot().calls.late, circuit.snapshot().window_calls), (0, 4));
}

#[test]
fn r24_nothing_trips_by_it_and_the_next_bad_call_is_judged_by_the_new_settings() {
    let (circuit, _) = circuit(Config::new().failure_threshold(9));
    fail(&circuit, 4);
    circuit.reconfigure(Config::new().failure_threshold(2)).unwrap();
    assert_eq!(circuit.state(), State::Closed);
    fail(&circuit, 1);
    assert_eq!(circuit.snapshot().trip_reason.unwrap().failed, 5);
}

#[test]
fn r24_a_count_window_keeps_its_newest_calls() {
    let window = |calls| Config::new().failure_rate(1.0).count_window(calls).minimum_calls(1);
    let (circuit, _) = circuit(window(6));
    succeed(&circuit, 2);
    fail(&circuit, 1);
    succeed(&circuit, 2);
    let shown = |circuit: &CircuitBreaker| {
        let snapshot = circuit.snapshot();
        (snapshot.window_calls, snapshot.window_failures, snapshot.consecutive_successes)
    };
    circuit.reconfigure(window(4)).unwrap();
    assert_eq!(shown(&circuit), (4, 1, Some(2)));
    circuit.reconfigure(window(2)).unwrap();
    assert_eq!(shown(&circuit), (2, 0, Some(2)));
    circuit.reconfigure(window(9)).unwrap();
    assert_eq!(shown(&circuit), (2, 0, Some(2)));
    fail(&circuit, 1);
    assert_eq!(shown(&circuit), (3, 1, Some(0)));
}

#[test]
fn r24_a_time_window_keeps_what_is_young_enough() {
    let window = |length| Config::new().failure_threshold(99).time_window(length);
    let (circuit, time) = circuit(window(SECOND * 60));
    fail(&circuit, 1);
    time.advance(SECOND * 18);
    fail(&circuit, 1);
    succeed(&circuit, 1);
    time.advance(SECOND * 6);
    let shown = |circuit: &CircuitBreaker| {
        let snapshot = circuit.snapshot();
        (snapshot.window_calls, snapshot.window_failures)
    };
    circuit.reconfigure(window(SECOND * 20)).unwrap();
    assert_eq!(shown(&circuit), (2, 1), "those of six seconds ago");
    circuit.reconfigure(window(SECOND * 600)).unwrap();
    assert_eq!(shown(&circuit), (2, 1), "what is gone is gone");
    time.advance(SECOND * 500);
    assert_eq!(shown(&circuit), (2, 1));
    time.advance(SECOND * 100);
    assert_eq!(shown(&circuit), (0, 0));
}

#[test]
fn r24_a_window_of_another_kind_begins_empty_and_the_run_of_failures_stays() {
    let by_calls = Config::new().failure_threshold(4);
    let by_time = by_calls.time_window(SECOND * 10);
    let (circuit, _) = circuit(by_calls);
    fail(&circuit, 2);
    circuit.reconfigure(by_time).unwrap();
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.window_calls, snapshot.consecutive_failures), (0, 2));
    fail(&circuit, 1);
    circuit.reconfigure(by_calls).unwrap();
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.window_calls, snapshot.consecutive_failures), (0, 3));
    succeed(&circuit, 1);
    circuit.reconfigure(by_time).unwrap();
    assert_eq!(circuit.snapshot().consecutive_failures, 0, "the success ended it");
    succeed(&circuit, 5);
    assert_eq!((circuit.snapshot().window_calls, circuit.snapshot().calls.success), (5, 6));
}

#[test]
fn r24_good_calls_are_counted_once_whatever_the_window_becomes() {
    let by_time = Config::new().time_window(SECOND * 10);
    let (circuit, _) = circuit(Config::new());
    for round in 1..=4 {
        succeed(&circuit, 2);
        circuit.reconfigure(by_time).unwrap();
        succeed(&circuit, 3);
        circuit.trip();
        circuit.reset();
        succeed(&circuit, 1);
        circuit.reconfigure(Config::new()).unwrap();
        let calls = circuit.snapshot().calls;
        assert_eq!((calls.success, calls.late), (6 * round, 0));
    }
}

#[test]
fn r24_an_open_circuit_probes_one_new_cooldown_after_it_opened() {
    let (circuit, time) = circuit(Config::new().cooldown(SECOND * 60));
    circuit.trip();
    time.advance(SECOND * 10);
    circuit.reconfigure(Config::new().cooldown(SECOND * 15)).unwrap();
    assert_eq!(circuit.try_acquire().unwrap_err().retry_after(), Some(SECOND * 5));
    circuit.reconfigure(Config::new().cooldown(SECOND * 5)).unwrap();
    assert!(circuit.snapshot().probe_due, "not before now, but now");
    circuit.reconfigure(Config::new().cooldown(SECOND * 30)).unwrap();
    assert_eq!(circuit.snapshot().retry_after, Some(SECOND * 20));
}

#[test]
fn r24_the_escalation_and_the_spread_of_an_open_circuit_stay() {
    let config = Config::new().cooldown_multiplier(2.0).cooldown_max(SECOND * 1_000);
    let (circuit, time) = circuit(config.cooldown(SECOND * 10));
    circuit.trip();
    time.advance(SECOND * 10);
    circuit.try_acquire().unwrap().failure();
    assert_eq!(circuit.snapshot().retry_after, Some(SECOND * 20));
    circuit.reconfigure(config.cooldown(SECOND * 30)).unwrap();
    assert_eq!(circuit.snapshot().retry_after, Some(SECOND * 60));

    let jittered = Config::new().cooldown_jitter(0.5);
    circuit.reset();
    circuit.reconfigure(jittered.cooldown(SECOND * 100)).unwrap();
    circuit.trip();
    let waits = circuit.snapshot().retry_after.unwrap();
    circuit.reconfigure(jittered.cooldown(SECOND * 200)).unwrap();
    let longer = circuit.snapshot().retry_after.unwrap();
    let twice = waits * 2;
    assert!(longer.abs_diff(twice) < Duration::from_micros(1), "{longer:?} against {twice:?}");
}

#[test]
fn r24_probes_in_flight_get_the_new_timeout_but_are_not_lost_before_now() {
    let (circuit, time) = circuit(Config::new().cooldown(SECOND).half_open_max_calls(2));
    circuit.trip();
    time.advance(SECOND);
    let _probe = circuit.try_acquire().unwrap();
    time.advance(SECOND * 9);
    let _younger = circuit.try_acquire().unwrap();
    let timeout = |seconds| Config::new().cooldown(SECOND).probe_timeout(SECOND * seconds);
    circuit.reconfigure(timeout(20)).unwrap();
    time.advance(SECOND * 10);
    assert_eq!(circuit.snapshot().probes.lost, 0);
    circuit.reconfigure(timeout(5)).unwrap();
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.probes.in_flight), (State::HalfOpen, 2), "not by itself");
    let _ = circuit.try_acquire();
    assert_eq!(circuit.snapshot().probes.lost, 1, "they were due, and one is enough to open");
}

#[test]
fn r24_a_lowered_bulkhead_evicts_nobody() {
    let bulkhead = |limit| Config::new().max_concurrent(limit);
    let (circuit, _) = circuit(bulkhead(3));
    let mut permits = [(); 3].map(|()| Some(circuit.try_acquire().unwrap()));
    circuit.reconfigure(bulkhead(1)).unwrap();
    for permit in &mut permits {
        let rejected = circuit.try_acquire().unwrap_err();
        assert_eq!(rejected.reason(), RejectedReason::BulkheadFull);
        permit.take().unwrap().success();
    }
    let _only = circuit.try_acquire().unwrap();
    assert!(circuit.try_acquire().is_err());
}

#[test]
fn r24_a_raised_bulkhead_hands_slots_to_the_line_at_once() {
    let bulkhead = |limit| Config::new().max_concurrent(limit).max_wait(SECOND * 60);
    for wider in [bulkhead(3), Config::new()] {
        let circuit = CircuitBreaker::new("line", bulkhead(1)).unwrap();
        let first = circuit.try_acquire().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _entered = runtime.enter();
        let mut waits =
            [(); 2].map(|()| Box::pin(circuit.call_async(|| async { Ok::<_, ()>("ran") })));
        let context = &mut Context::from_waker(Waker::noop());
        for call in &mut waits {
            assert!(call.as_mut().poll(context).is_pending());
        }
        circuit.reconfigure(wider).unwrap();
        for call in &mut waits {
            assert_eq!(call.as_mut().poll(context), Poll::Ready(Ok("ran")));
        }
        first.success();
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.in_flight, snapshot.calls.success), (0, 3));
    }
}

#[test]
fn r24_a_bulkhead_that_is_switched_on_or_off_miscounts_nothing() {
    let (circuit, _) = circuit(Config::new());
    let circuit = Arc::new(circuit);
    let on = Config::new().max_concurrent(2);
    let without_slot = held(&circuit);
    circuit.reconfigure(on).unwrap();
    let with_slots = [held(&circuit), held(&circuit)];
    assert!(circuit.try_acquire().is_err());
    without_slot.success();
    assert!(circuit.try_acquire().is_err(), "it held no slot, so it gives none back");
    circuit.reconfigure(Config::new()).unwrap();
    with_slots.into_iter().for_each(OwnedPermit::success);
    circuit.reconfigure(on).unwrap();
    let _both = [held(&circuit), held(&circuit)];
    assert!(circuit.try_acquire().is_err(), "all slots were given back, and none twice");
}

#[test]
fn r24_a_call_that_began_without_a_start_time_is_not_slow() {
    let (circuit, time) = circuit(Config::new());
    let untimed = circuit.try_acquire().unwrap();
    circuit.reconfigure(Config::new().slow_call(SECOND)).unwrap();
    let timed = circuit.try_acquire().unwrap();
    time.advance(SECOND * 2);
    untimed.success();
    assert_eq!(circuit.snapshot().calls.slow, 0);
    timed.success();
    assert_eq!(circuit.snapshot().calls.slow, 1);
    let timed = circuit.try_acquire().unwrap();
    time.advance(SECOND * 2);
    circuit.reconfigure(Config::new()).unwrap();
    timed.success();
    assert_eq!(circuit.snapshot().calls.slow, 1, "nothing is slow any more");
}

#[test]
fn r24_calls_are_measured_by_what_measured_their_beginning() {
    let slow = |millis| Config::new().slow_call(Duration::from_millis(millis));
    let circuit = CircuitBreaker::new("stopwatch", slow(10_000)).unwrap();
    let by_clock = circuit.try_acquire().unwrap();
    circuit.reconfigure(slow(50)).unwrap();
    let by_counter = circuit.try_acquire().unwrap();
    by_clock.success();
    circuit.reconfigure(slow(10_000)).unwrap();
    by_counter.success();
    assert_eq!(circuit.snapshot().calls.slow, 0);
}

#[test]
fn r24_listeners_and_annotations_of_a_circuit_stay() {
    let own = Registry::new();
    let circuit = own.circuit("queue", Config::new()).unwrap();
    let (told, heard) = std::sync::mpsc::channel();
    let _listening = own.subscribe_to_changes(move |event| {
        let _ = told.send(event.sequence);
    });
    circuit.trip();
    circuit.reconfigure(Config::new().cooldown(SECOND)).unwrap();
    circuit.reset();
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn r24_a_shorter_cooldown_is_kept_by_the_precise_clock() {
    let circuit = CircuitBreaker::with_clock("clock", Config::new(), Clock::System).unwrap();
    circuit.reconfigure(Config::new().cooldown(Duration::from_millis(5))).unwrap();
    circuit.trip();
    let left = circuit.snapshot().retry_after.unwrap();
    assert!(left <= Duration::from_millis(5), "{left:?}");
}

#[test]
fn r22_code_decides_where_no_function_states_an_option() {
    let own = Registry::new();
    let circuit = own.circuit("late", Config::new()).unwrap();
    circuit.try_acquire().unwrap().failure();
    let window = Config::new().count_window(9);
    let again = own.get_or_create("late", window).unwrap();
    assert!(Arc::ptr_eq(&circuit, &again));
    assert_eq!(circuit.snapshot().config.settings().window, WindowSize::Calls(9));
    assert_eq!(circuit.snapshot().consecutive_failures, 1);
    assert!(own.conflicts().is_empty());
    own.get_or_create("late", Config::new().count_window(8)).unwrap();
    assert_eq!(own.conflicts().len(), 1, "the first that states something decides");
}

#[test]
fn registries_share_nothing() {
    let (one, other) = (Registry::new(), Registry::new());
    let (told, heard) = std::sync::mpsc::channel();
    let _listening = one.subscribe(move |event| {
        let _ = told.send(event.name.clone());
    });
    for registry in [&one, &other] {
        registry.circuit("same", Config::new()).unwrap().trip();
        registry.keyed("hosts", Config::new(), 9).unwrap().get("a");
    }
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), ["same"]);
    one.reset_all();
    assert_eq!(other.get("same").unwrap().state(), State::Open);
    assert_eq!(one.names(), ["hosts", "hosts/a", "same"]);
    assert!(breaker_runtime::registry().get("same").is_none());
}

#[test]
fn a_circuit_that_code_made_can_be_removed_and_made_anew() {
    let own = Registry::new();
    let old = own.circuit("queue", Config::new()).unwrap();
    old.trip();
    assert!(Arc::ptr_eq(&own.remove("queue").unwrap(), &old));
    assert!(own.remove("queue").is_none());
    assert_eq!(own.circuit("queue", Config::new()).unwrap().state(), State::Closed);
    let keyed = own.keyed("hosts", Config::new(), 2).unwrap();
    let _held = keyed.get("a");
    assert!(own.remove("hosts").is_none() && own.remove("hosts/a").is_none());
}

#[test]
fn a_detached_listener_is_dropped_with_its_registry() {
    let told = Arc::new(());
    let own = Registry::new();
    let captured = Arc::clone(&told);
    own.subscribe(move |_| drop(Arc::clone(&captured))).detach();
    own.circuit("queue", Config::new()).unwrap().trip();
    assert_eq!(Arc::strong_count(&told), 2);
    drop(own);
    assert_eq!(Arc::strong_count(&told), 1);
}

/// A clock that stands still, for a circuit whose time no test moves.
#[test]
fn an_owned_permit_settles_once_and_keeps_its_circuit() {
    let clock = Clock::Manual(ManualClock::new());
    let circuit = Arc::new(CircuitBreaker::with_clock("owned", Config::new(), clock).unwrap());
    held(&circuit).success();
    held(&circuit).failure();
    held(&circuit).ignore();
    drop(held(&circuit));
    let calls = circuit.snapshot().calls;
    assert_eq!((calls.success, calls.failure, calls.ignored, calls.cancelled), (1, 1, 1, 1));
    let permit = held(&circuit);
    let weak = Arc::downgrade(&circuit);
    drop(circuit);
    assert_eq!(weak.upgrade().unwrap().snapshot().in_flight, 1);
    drop(permit);
    assert!(weak.upgrade().is_none());
}
