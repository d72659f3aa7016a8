//! What a circuit says of why it opened.

mod common;

use breaker_runtime::{Config, TripKind};

use common::{SECOND, due};

#[test]
fn the_reason_of_a_reopening_counts_good_failed_and_slow_probes() {
    let config = Config::new().slow_call(SECOND).half_open_failure_threshold(2);
    let (circuit, time) = due(config);
    circuit.try_acquire().unwrap().success();
    let slow = circuit.try_acquire().unwrap();
    time.advance(SECOND * 2);
    slow.success();
    circuit.try_acquire().unwrap().failure();

    let reason = circuit.snapshot().trip_reason.expect("it opened again");
    assert_eq!(reason.kind, TripKind::FailedProbes);
    assert_eq!((reason.calls, reason.failed, reason.slow), (3, 2, 1));
    assert_eq!((reason.share, reason.threshold), (None, Some(2.0)));
}

#[test]
fn the_next_half_open_counts_its_probes_anew() {
    let config = Config::new().slow_call(SECOND).half_open_failure_threshold(1);
    let (circuit, time) = due(config);
    let slow = circuit.try_acquire().unwrap();
    time.advance(SECOND * 2);
    slow.success();
    common::pass_cooldown(&circuit, &time);
    circuit.try_acquire().unwrap().failure();

    let reason = circuit.snapshot().trip_reason.expect("it opened again");
    assert_eq!((reason.calls, reason.failed, reason.slow), (1, 1, 0));
}
