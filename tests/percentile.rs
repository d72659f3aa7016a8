//! `slow_call_rate = 1 - p` is the percentile rule: "sorted latencies, the one at floor(n p), is over
//! `slow_call`". The share is read from decimals, as the attribute reads it.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock, State, TripKind};
use proptest::prelude::*;

const MILLI: Duration = Duration::from_millis(1);

/// `0.05` for 95 percent.
fn share_above(percent: u32) -> f64 {
    format!("0.{:02}", 100 - percent).parse().unwrap()
}

/// Whether that many calls of these latencies trip. The last one failed, and is therefore judged.
fn trips(latencies: &[Duration], slow_call: Duration, percent: u32) -> bool {
    let calls = u32::try_from(latencies.len()).unwrap();
    let config = Config::new()
        .failure_threshold(u32::MAX)
        .slow_call(slow_call)
        .slow_call_rate(share_above(percent))
        .count_window(calls)
        .minimum_calls(calls);
    let time = ManualClock::new();
    let circuit = CircuitBreaker::with_clock("p", config, Clock::Manual(time.clone())).unwrap();
    for (number, latency) in latencies.iter().enumerate() {
        assert_eq!(circuit.state(), State::Closed, "nothing is judged before the last call");
        let permit = circuit.try_acquire().unwrap();
        time.advance(*latency);
        if number + 1 == latencies.len() { permit.failure() } else { permit.success() }
    }
    let reason = circuit.snapshot().trip_reason;
    assert!(reason.is_none_or(|reason| reason.kind == TripKind::SlowCallRate));
    reason.is_some()
}

fn percentile_exceeds(latencies: &[Duration], slow_call: Duration, percent: u32) -> bool {
    let mut sorted = latencies.to_vec();
    sorted.sort();
    sorted[sorted.len() * percent as usize / 100] > slow_call
}

#[test]
fn the_share_and_the_percentile_agree_for_every_number_of_calls_and_every_percent() {
    for calls in 1..=200_usize {
        for percent in 1..=99 {
            let needed = calls - calls * percent as usize / 100;
            for slow in [needed - 1, needed] {
                let mut latencies = vec![MILLI; calls - slow];
                latencies.resize(calls, MILLI * 2);
                let exceeds = percentile_exceeds(&latencies, MILLI, percent);
                assert_eq!(exceeds, slow == needed, "the rule itself");
                let trips = trips(&latencies, MILLI, percent);
                assert_eq!(trips, exceeds, "{slow} slow of {calls} calls, p{percent}");
            }
        }
    }
}

proptest! {
    #[test]
    fn the_share_and_the_percentile_agree_on_any_latencies(
        latencies in prop::collection::vec(0_u32..60, 1..200),
        slow_call in 1_u32..60,
        percent in 1_u32..=99,
    ) {
        let latencies: Vec<_> = latencies.into_iter().map(|latency| MILLI * latency).collect();
        let slow_call = MILLI * slow_call;
        prop_assert_eq!(
            trips(&latencies, slow_call, percent),
            percentile_exceeds(&latencies, slow_call, percent),
        );
    }
}
