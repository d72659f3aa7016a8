//! Observed circuits: every rule runs, and no call is refused (R25).

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::{
    CircuitBreaker, Config, EventKind, Layer, ManualClock, Mode, Override, Registry,
    RejectedReason, State, Statement, circuit_breaker, registry,
};
use common::{COOLDOWN, SECOND, assert_balanced, circuit, fail, pass_cooldown, succeed};
use tokio::time::advance;

const OBSERVE: Override<'_> = Override::Mode(Mode::Observe);

/// An observed circuit that opens at the second failure in a row.
fn observed() -> (CircuitBreaker, ManualClock) {
    circuit(Config::new().failure_threshold(2).mode(Mode::Observe))
}

#[test]
fn r25_the_attribute_can_have_a_function_observed() {
    #[circuit_breaker(name = "observe.attribute", failure_threshold = 2, mode = observe)]
    fn price(works: bool) -> Option<u32> {
        works.then_some(99)
    }
    assert_eq!([price(false), price(false)], [None, None]);
    assert_eq!(registry().get("observe.attribute").unwrap().state(), State::Open);
    assert_eq!([price(true), price(true)], [Some(99), Some(99)], "each call runs");
    let snapshot = registry().snapshot_of("observe.attribute").unwrap();
    assert_eq!((snapshot.mode, snapshot.calls.started), (Mode::Observe, 4));
    assert_eq!((snapshot.rejected.total(), snapshot.would_reject.open), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn r25_an_observed_async_function_runs_also_where_it_would_wait_for_a_place() {
    #[circuit_breaker(name = "observe.async", max_concurrent = 1, max_wait = "1h", mode = observe)]
    async fn fetch() -> Result<u32, breaker_runtime::Rejected> {
        tokio::time::sleep(SECOND).await;
        Ok(7)
    }
    let began = tokio::time::Instant::now();
    let answers = tokio::join!(fetch(), fetch(), fetch());
    assert!(answers.0.is_ok() && answers.1.is_ok() && answers.2.is_ok());
    assert_eq!(began.elapsed().as_secs(), 1, "nobody waited for a place");
    let snapshot = registry().snapshot_of("observe.async").unwrap();
    assert_eq!((snapshot.would_reject.bulkhead_full, snapshot.rejected.total()), (2, 0));
}

#[test]
fn r25_code_and_an_override_can_have_a_circuit_observed() {
    let own = Registry::new();
    let stated = own.circuit("stated", Config::new().mode(Mode::Observe)).unwrap();
    let ordered = own.circuit("ordered", Config::new()).unwrap();
    let overridden = own.circuit("overridden", Config::new()).unwrap();
    let layered = own.circuit("layered", Config::new()).unwrap();
    own.override_for("ordered", OBSERVE, None, "10.0.0.7").unwrap();
    own.override_for("overridden", Override::Option("mode", "observe"), None, "10.0.0.7").unwrap();
    let statements = vec![Statement::new("layered", "mode", "observe", "breaker.toml:3")];
    own.apply(Layer::File, statements).unwrap();
    for circuit in [stated, ordered, overridden, layered] {
        fail(&circuit, 5);
        assert_eq!(circuit.state(), State::Open, "{}", circuit.name());
        succeed(&circuit, 3);
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.mode, snapshot.would_reject.open), (Mode::Observe, 3));
        assert_balanced(&snapshot, 8);
    }
}

#[test]
fn r25_what_would_be_refused_is_counted_by_its_reason() {
    let config = Config::new().failure_threshold(1).half_open_max_calls(1).max_concurrent(2);
    let (circuit, time) = circuit(config.mode(Mode::Observe));
    let held = [(); 3].map(|()| circuit.try_acquire().unwrap());
    assert_eq!(circuit.snapshot().would_reject.bulkhead_full, 1);
    held.into_iter().for_each(breaker_runtime::Permit::success);
    fail(&circuit, 1);
    succeed(&circuit, 4);
    assert_eq!(circuit.snapshot().would_reject.open, 4);
    pass_cooldown(&circuit, &time);
    let probe = circuit.try_acquire().unwrap();
    let beside = circuit.try_acquire().unwrap();
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.would_reject.half_open_full), (State::HalfOpen, 1));
    assert_eq!((snapshot.would_reject.forced_open, snapshot.would_reject.total()), (0, 6));
    probe.success();
    beside.success();
    assert_balanced(&circuit.snapshot(), 10);
    assert_eq!(circuit.snapshot().rejected.total(), 0);
}

#[test]
fn r25_the_state_shown_is_the_one_that_it_would_be_in_and_probes_count() {
    let (circuit, time) = observed();
    fail(&circuit, 2);
    assert_eq!(circuit.state(), State::Open);
    // While it would be open, outcomes count for nothing.
    succeed(&circuit, 10);
    assert_eq!((circuit.state(), circuit.snapshot().window_calls), (State::Open, 0));
    pass_cooldown(&circuit, &time);
    fail(&circuit, 1);
    assert_eq!(circuit.state(), State::Open, "the probe failed");
    pass_cooldown(&circuit, &time);
    succeed(&circuit, 2);
    assert_eq!((circuit.state(), circuit.snapshot().probes.successes), (State::HalfOpen, 2));
    succeed(&circuit, 1);
    assert_eq!(circuit.state(), State::Closed);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.started, snapshot.rejected.total()), (16, 0));
}

#[test]
fn r25_a_call_beside_the_probes_moves_nothing() {
    let (circuit, time) =
        circuit(Config::new().failure_threshold(1).half_open_max_calls(1).mode(Mode::Observe));
    fail(&circuit, 1);
    pass_cooldown(&circuit, &time);
    let probe = circuit.try_acquire().unwrap();
    fail(&circuit, 3);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.probes.failures), (State::HalfOpen, 0));
    probe.success();
    assert_eq!(circuit.snapshot().probes.successes, 1);
}

#[test]
fn r25_an_explanation_says_that_it_is_observed_and_what_it_would_have_refused() {
    let (circuit, time) = observed();
    let says = || circuit.snapshot().explain();
    assert_eq!(says(), "observed: closed: 0 of the 2 failures in a row that open it");
    fail(&circuit, 2);
    time.advance(SECOND * 12);
    assert_eq!(says(), "observed: open for 12s: 2 failures in a row; probes in 48s");
    succeed(&circuit, 1);
    assert_eq!(
        says(),
        "observed: open for 12s: 2 failures in a row; probes in 48s; would have rejected 1 call"
    );
    succeed(&circuit, 311);
    assert!(says().ends_with("; would have rejected 312 calls"), "{}", says());
}

#[tokio::test(start_paused = true)]
async fn r25_from_observe_to_normal_the_state_stays_and_calls_are_refused_then() {
    let own = Registry::new();
    let queue = own
        .circuit("queue", Config::new().failure_threshold(2).cooldown(COOLDOWN).mode(Mode::Observe))
        .unwrap();
    fail(&queue, 2);
    advance(SECOND * 10).await;
    succeed(&queue, 1);
    let epoch = queue.snapshot().epoch;
    own.override_for("queue", Override::Option("mode", "normal"), Some(SECOND * 20), "10.0.0.7")
        .unwrap();
    let snapshot = queue.snapshot();
    assert_eq!((snapshot.mode, snapshot.state), (Mode::Normal, State::Open));
    assert_eq!((snapshot.epoch, snapshot.since), (epoch, SECOND * 10));
    let rejected = queue.try_acquire().unwrap_err();
    assert_eq!(rejected.reason(), RejectedReason::Open);
    assert_eq!(rejected.retry_after(), Some(SECOND * 50));
    // The override ends by itself: it is observed again, in the same state.
    advance(SECOND * 20).await;
    succeed(&queue, 1);
    let snapshot = queue.snapshot();
    assert_eq!((snapshot.mode, snapshot.state), (Mode::Observe, State::Open));
    assert_eq!((snapshot.would_reject.open, snapshot.rejected.open), (2, 1));
}

#[test]
fn r25_from_normal_to_observe_the_state_stays_and_calls_run_then() {
    let (circuit, _) = circuit(Config::new().failure_threshold(1));
    fail(&circuit, 1);
    assert!(circuit.try_acquire().is_err());
    circuit.override_for(OBSERVE, None, "10.0.0.7").unwrap();
    assert_eq!(circuit.state(), State::Open);
    succeed(&circuit, 1);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.rejected.open, snapshot.would_reject.open), (1, 1));
}

#[test]
fn r34_an_order_to_observe_ends_by_itself_and_leaves_the_state() {
    let (circuit, time) = circuit(Config::new().failure_threshold(1).cooldown(COOLDOWN));
    circuit.override_for(OBSERVE, Some(SECOND * 30), "10.0.0.7").unwrap();
    fail(&circuit, 1);
    succeed(&circuit, 1);
    time.advance(SECOND * 30);
    assert_eq!(circuit.snapshot().mode, Mode::Normal, "a reader sees it as ended");
    let rejected = circuit.try_acquire().unwrap_err();
    assert_eq!(
        (rejected.reason(), rejected.retry_after()),
        (RejectedReason::Open, Some(SECOND * 30))
    );
}

#[test]
fn r25_an_order_to_refuse_is_obeyed_by_a_circuit_whose_settings_say_observe() {
    let (circuit, _) = observed();
    circuit.force_open();
    let rejected = circuit.try_acquire().unwrap_err();
    assert_eq!(rejected.reason(), RejectedReason::ForcedOpen);
    assert_eq!(circuit.snapshot().mode, Mode::ForcedOpen);
    circuit.reset();
    assert_eq!((circuit.snapshot().mode, circuit.state()), (Mode::Observe, State::Closed));
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.rejected.forced_open, snapshot.would_reject.total()), (1, 0));
}

#[test]
fn r25_listeners_hear_of_the_states_that_it_would_be_in() {
    let own = Registry::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    let _listening = own.subscribe(move |event| {
        let told = match &event.kind {
            EventKind::Transition(transition) => transition.to_string(),
            EventKind::Reconfigured(changes) => changes[0].to_string(),
            other => format!("unexpected: {other}"),
        };
        kept.lock().unwrap().push(told);
    });
    let config = Config::new().failure_threshold(1).cooldown(Duration::MAX);
    let queue = own.circuit("queue", config.mode(Mode::Observe)).unwrap();
    fail(&queue, 1);
    succeed(&queue, 5);
    queue.override_for(Override::Option("mode", "normal"), None, "10.0.0.7").unwrap();
    assert_eq!(
        *heard.lock().unwrap(),
        [
            "closed -> open: 1 failure in a row",
            "mode=normal (was observe, code; from override by 10.0.0.7)",
        ]
    );
}

#[test]
fn r34_ending_overrides_of_options_leaves_orders_about_the_mode() {
    let own = Registry::new();
    let queue = own.circuit("queue", Config::new()).unwrap();
    queue.override_for(Override::Option("cooldown", "5s"), None, "10.0.0.7").unwrap();
    queue.override_for(OBSERVE, None, "10.0.0.7").unwrap();
    queue.end_overrides();
    let snapshot = queue.snapshot();
    assert!(snapshot.overrides.is_empty());
    assert_eq!((snapshot.mode, snapshot.config.settings().cooldown), (Mode::Observe, COOLDOWN));
}
