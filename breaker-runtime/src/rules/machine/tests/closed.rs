//! What opens a closed circuit, and what does not open it.

use super::*;

#[test]
fn r01_the_nth_consecutive_failure_trips_and_the_one_before_does_not() {
    for limit in 1..=4 {
        let mut bench = Bench::new(Config::new().failure_threshold(limit));
        bench.calls(limit as usize - 1, FAILED);
        assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, limit - 1));
        bench.call(FAILED);
        assert_eq!(bench.state(), State::Open);
    }
}

#[test]
fn r01_the_reason_holds_the_run_and_its_limit() {
    let mut bench = Bench::new(Config::new().failure_threshold(3));
    bench.calls(2, GOOD);
    bench.calls(3, FAILED);
    let expected = TripReason {
        kind: TripKind::ConsecutiveFailures,
        failed: 3,
        slow: 0,
        calls: 3,
        hung: 0,
        share: None,
        threshold: Some(3.0),
    };
    assert_eq!(reason(&bench), expected);
}

#[test]
fn r01_a_success_sets_the_run_of_failures_to_0() {
    for success in [GOOD, slow(GOOD)] {
        let mut bench = Bench::new(TIMED.failure_threshold(3));
        bench.calls(2, FAILED);
        bench.call(success);
        assert_eq!(bench.read().consecutive_failures, 0);
        bench.calls(2, FAILED);
        assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, 2));
        bench.call(FAILED);
        assert_eq!(bench.state(), State::Open);
    }
}

#[test]
fn r01_ignored_and_cancelled_calls_leave_the_run_of_failures() {
    for nothing in [IGNORED, slow(IGNORED), CANCELLED, slow(CANCELLED)] {
        let mut bench = Bench::new(TIMED.failure_threshold(3));
        bench.calls(2, FAILED);
        bench.call(nothing);
        assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, 2));
        bench.call(FAILED);
        assert_eq!(bench.state(), State::Open);
    }
}

#[test]
fn r01_a_slow_cancelled_call_does_not_bring_back_a_run_that_a_success_ended() {
    let mut bench = Bench::new(TIMED.failure_threshold(3));
    bench.calls(2, FAILED);
    bench.call(GOOD);
    bench.call(slow(CANCELLED));
    assert_eq!(bench.read().consecutive_failures, 0);
}

#[test]
fn r01_a_slow_failure_is_one_failure() {
    let mut bench = Bench::new(TIMED.failure_threshold(2));
    bench.call(slow(FAILED));
    assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, 1));
    bench.call(slow(FAILED));
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r01_time_does_not_end_a_run_of_failures() {
    let mut bench = Bench::new(Config::new().failure_threshold(2));
    bench.call(FAILED);
    bench.wait(Duration::from_secs(365 * 86_400));
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r01_no_run_trips_when_only_a_rate_is_named_but_it_is_counted() {
    let mut bench = Bench::new(Config::new().failure_rate(1.0).minimum_calls(100));
    bench.calls(99, FAILED);
    assert_eq!((bench.state(), bench.read().consecutive_failures), (State::Closed, 99));
}

#[test]
fn r02_a_share_equal_to_the_threshold_trips() {
    let mut bench = Bench::new(Config::new().failure_rate(0.5).minimum_calls(4));
    bench.calls(3, GOOD);
    bench.calls(2, FAILED);
    assert_eq!(bench.state(), State::Closed, "2 of 5");
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open, "3 of 6");
}

#[test]
fn r02_every_percentage_trips_at_exactly_its_count() {
    for percent in 1..=100_u32 {
        let rate = f64::from(percent) / 100.0;
        let mut bench = Bench::new(Config::new().failure_rate(rate).minimum_calls(100));
        bench.calls(100 - percent as usize, GOOD);
        bench.calls(percent as usize - 1, FAILED);
        assert_eq!(bench.state(), State::Closed, "before the last of {percent} in 100");
        bench.call(FAILED);
        assert_eq!(bench.state(), State::Open, "{percent} in 100");
    }
}

#[test]
fn r02_the_reason_of_a_rate_holds_the_window_that_was_judged() {
    let config = TIMED.failure_rate(0.5).slow_call_rate(1.0).minimum_calls(4);
    let mut bench = Bench::new(config);
    bench.calls(2, GOOD);
    bench.call(slow(FAILED));
    bench.call(FAILED);
    let expected = TripReason {
        kind: TripKind::FailureRate,
        failed: 2,
        slow: 1,
        calls: 4,
        hung: 0,
        share: Some(0.5),
        threshold: Some(0.5),
    };
    assert_eq!(reason(&bench), expected);
}

#[test]
fn r02_the_reason_of_the_slow_rate_holds_the_window_that_was_judged() {
    let mut bench = Bench::new(TIMED.slow_call_rate(0.75).minimum_calls(4));
    bench.call(GOOD);
    bench.calls(3, slow(GOOD));
    let expected = TripReason {
        kind: TripKind::SlowCallRate,
        failed: 0,
        slow: 3,
        calls: 4,
        hung: 0,
        share: Some(0.75),
        threshold: Some(0.75),
    };
    assert_eq!(reason(&bench), expected);
}

#[test]
fn r02_no_rate_is_judged_below_minimum_calls() {
    let mut bench = Bench::new(Config::new().failure_rate(0.1).minimum_calls(4));
    bench.calls(3, FAILED);
    assert_eq!(bench.state(), State::Closed);
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r02_a_fast_success_never_trips_and_the_next_failure_does() {
    let mut bench = Bench::new(Config::new().failure_rate(0.5).minimum_calls(4));
    bench.calls(3, FAILED);
    bench.calls(2, GOOD);
    assert_eq!(bench.state(), State::Closed, "3 of 5 failed, not judged");
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r02_a_slow_success_is_judged_by_the_slow_rate() {
    let mut bench = Bench::new(TIMED.slow_call_rate(0.5).minimum_calls(4));
    bench.calls(2, GOOD);
    bench.call(slow(GOOD));
    assert_eq!(bench.state(), State::Closed);
    bench.call(slow(GOOD));
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r02_a_slow_success_is_judged_by_the_failure_rate_too() {
    let mut bench = Bench::new(TIMED.failure_rate(0.5).slow_call_rate(1.0).minimum_calls(4));
    bench.calls(3, FAILED);
    bench.call(slow(GOOD));
    assert_eq!(reason(&bench).kind, TripKind::FailureRate);
}

#[test]
fn r02_a_failure_is_judged_by_the_slow_rate_too() {
    let config = TIMED.failure_rate(1.0).slow_call_rate(0.5).minimum_calls(4);
    let mut bench = Bench::new(config);
    bench.calls(2, slow(GOOD));
    bench.call(GOOD);
    bench.call(FAILED);
    assert_eq!(reason(&bench).kind, TripKind::SlowCallRate);
}

#[test]
fn r02_a_slow_cancelled_call_is_judged() {
    let mut bench = Bench::new(TIMED.slow_call_rate(0.5).minimum_calls(2));
    bench.call(GOOD);
    bench.call(slow(CANCELLED));
    assert_eq!(reason(&bench).kind, TripKind::SlowCallRate);
}

#[test]
fn r02_calls_that_are_not_recorded_are_not_judged() {
    for nothing in [IGNORED, slow(IGNORED), CANCELLED] {
        let mut bench = Bench::new(TIMED.failure_rate(0.5).minimum_calls(2));
        bench.calls(1, FAILED);
        bench.call(GOOD);
        bench.call(nothing);
        assert_eq!(bench.state(), State::Closed);
    }
}

#[test]
fn r02_slow_calls_open_at_one_half_by_default() {
    let mut bench = Bench::new(TIMED.minimum_calls(4));
    bench.calls(3, GOOD);
    bench.calls(2, slow(GOOD));
    assert_eq!(bench.state(), State::Closed, "2 of 5");
    bench.call(slow(GOOD));
    assert_eq!(bench.state(), State::Open, "3 of 6");
}

#[test]
fn r02_a_rate_that_is_off_never_trips() {
    let mut bench = Bench::new(TIMED.failure_threshold(100).slow_call_rate(1.0).minimum_calls(1));
    bench.calls(50, FAILED);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn r02_where_a_run_and_a_rate_are_reached_together_the_reason_is_the_run() {
    let config = Config::new().failure_threshold(2).failure_rate(0.5).minimum_calls(2);
    let mut bench = Bench::new(config);
    bench.calls(2, FAILED);
    assert_eq!(reason(&bench).kind, TripKind::ConsecutiveFailures);
}

#[test]
fn r02_the_verdict_counts_the_good_calls_since_the_last_bad_one() {
    let mut bench = Bench::new(Config::new().failure_rate(0.5).count_window(10).minimum_calls(2));
    bench.calls(7, GOOD);
    bench.call(FAILED);
    bench.calls(4, GOOD);
    bench.call(FAILED);
    assert_eq!((bench.state(), tally(&bench)), (State::Closed, (10, 2, 0)));
}

#[test]
fn r03_the_window_holds_exactly_the_last_n_calls() {
    let mut bench = Bench::new(Config::new().failure_threshold(9).count_window(4));
    bench.call(FAILED);
    assert_eq!(tally(&bench), (1, 1, 0));
    bench.calls(3, GOOD);
    assert_eq!(tally(&bench), (4, 1, 0));
    bench.call(GOOD);
    assert_eq!(tally(&bench), (4, 0, 0));
}

#[test]
fn r03_a_failure_that_left_the_window_does_not_help_to_trip() {
    let mut bench = Bench::new(Config::new().failure_rate(0.5).count_window(4));
    bench.call(FAILED);
    bench.calls(3, GOOD);
    bench.call(FAILED);
    assert_eq!((bench.state(), tally(&bench)), (State::Closed, (4, 1, 0)));
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r03_a_window_of_one_call_is_that_call() {
    let mut bench = Bench::new(Config::new().failure_rate(1.0).count_window(1));
    bench.calls(5, GOOD);
    assert_eq!(tally(&bench), (1, 0, 0));
    bench.call(FAILED);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn r03_ignored_and_cancelled_calls_are_not_in_the_window() {
    let mut bench = Bench::new(TIMED.count_window(4));
    bench.calls(2, GOOD);
    bench.call(FAILED);
    for nothing in [IGNORED, slow(IGNORED), CANCELLED] {
        assert_eq!(bench.call(nothing), Settlement::Neutral);
        assert_eq!(tally(&bench), (3, 1, 0));
        assert_eq!(bench.read().consecutive_successes, Some(0));
    }
}

#[test]
fn r03_a_slow_cancelled_call_is_in_the_window_as_slow() {
    let mut bench = Bench::new(TIMED.count_window(4));
    bench.call(GOOD);
    assert_eq!(bench.call(slow(CANCELLED)), Settlement::Recorded);
    assert_eq!(tally(&bench), (2, 0, 1));
    assert_eq!(bench.read().consecutive_successes, Some(0));
}

#[test]
fn r05_a_slow_failure_is_counted_once_in_each_share() {
    let mut bench = Bench::new(TIMED);
    bench.call(GOOD);
    bench.call(slow(FAILED));
    assert_eq!(tally(&bench), (2, 1, 1));
}

#[test]
fn good_calls_in_a_row_are_counted_up_to_the_window() {
    let mut bench = Bench::new(TIMED.count_window(3));
    let seen: Vec<_> = [GOOD, GOOD, GOOD, GOOD, CANCELLED, slow(GOOD), GOOD, FAILED]
        .into_iter()
        .map(|call: Ended| {
            bench.call(call);
            bench.read().consecutive_successes.unwrap()
        })
        .collect();
    assert_eq!(seen, [1, 2, 3, 3, 3, 0, 1, 0]);
    bench.trip();
    assert_eq!(bench.read().consecutive_successes, None);
}
