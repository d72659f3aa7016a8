//! The metrics under the names of resilience4j's Micrometer module.

use super::{Family, Kind};
use crate::circuit::{Rejections, Timings};
use crate::report::Snapshot;
use crate::rules::State;
use crate::settings::WindowSize;

pub(super) const FAMILIES: [Family; 12] = [
    Family {
        name: "resilience4j_circuitbreaker_state",
        kind: Kind::Gauge,
        help: "Whether the circuit is in that state: 1 for one state, 0 for the others.",
        read: |it, out| {
            out.each(
                "state",
                State::ALL.iter().map(|state| (state.as_str(), u8::from(it.state == *state))),
            )?;
            out.each("state", [("metrics_only", 0)])
        },
    },
    Family {
        name: "resilience4j_circuitbreaker_calls_seconds",
        kind: Kind::Summary,
        help: "Calls that ended, and how long they took in all, where that is measured.",
        read: |it, out| {
            let calls = it.calls;
            out.each(
                "kind",
                [
                    ("successful", calls.success),
                    ("failed", calls.failure),
                    ("ignored", calls.ignored),
                ],
            )?;
            out.sums("kind", timed(it).map(|(kind, timings)| (kind, timings.total())))
        },
    },
    Family {
        name: "resilience4j_circuitbreaker_calls_seconds_max",
        kind: Kind::Gauge,
        help: "The longest call, where that is measured.",
        read: |it, out| {
            out.each("kind", timed(it).map(|(kind, timings)| (kind, timings.max.as_secs_f64())))
        },
    },
    Family {
        name: "resilience4j_circuitbreaker_not_permitted_calls_total",
        kind: Kind::Counter,
        help: "Calls that the circuit refused.",
        read: |it, out| out.each("kind", [("not_permitted", refused_by_circuit(it))]),
    },
    Family {
        name: "resilience4j_circuitbreaker_calls_total",
        kind: Kind::Counter,
        help: "Calls that the circuit refused, under the older name that dashboards ask for.",
        read: |it, out| out.each("kind", [("not_permitted", refused_by_circuit(it))]),
    },
    Family {
        name: "resilience4j_circuitbreaker_buffered_calls",
        kind: Kind::Gauge,
        help: "Calls in the window; the probes while half-open.",
        read: |it, out| {
            let (successful, failed) = buffered(it);
            out.each("kind", [("successful", successful), ("failed", failed)])
        },
    },
    Family {
        name: "resilience4j_circuitbreaker_max_buffered_calls",
        kind: Kind::Gauge,
        help: "Calls that the window holds at most, where it is one of calls.",
        read: |it, out| {
            out.known(match it.config.settings().window {
                WindowSize::Calls(calls) => Some(calls),
                WindowSize::Time(_) => None,
            })
        },
    },
    Family {
        name: "resilience4j_circuitbreaker_slow_calls",
        kind: Kind::Gauge,
        help: "Calls in the window that were slow.",
        read: |it, out| out.value(it.window_slow_calls),
    },
    Family {
        name: "resilience4j_circuitbreaker_failure_rate",
        kind: Kind::Gauge,
        help: "Share of failed calls in the window in percent, -1 before the minimum of calls.",
        read: |it, out| out.value(percent(it.failure_rate)),
    },
    Family {
        name: "resilience4j_circuitbreaker_slow_call_rate",
        kind: Kind::Gauge,
        help: "Share of slow calls in the window in percent, -1 before the minimum of calls.",
        read: |it, out| out.value(percent(it.slow_call_rate)),
    },
    Family {
        name: "resilience4j_bulkhead_available_concurrent_calls",
        kind: Kind::Gauge,
        help: "How many more calls may be under way.",
        read: |it, out| {
            let limit = it.config.settings().max_concurrent;
            out.known(limit.map(|limit| u64::from(limit).saturating_sub(it.in_flight)))
        },
    },
    Family {
        name: "resilience4j_bulkhead_max_allowed_concurrent_calls",
        kind: Kind::Gauge,
        help: "How many calls may be under way at once.",
        read: |it, out| out.known(it.config.settings().max_concurrent),
    },
];

/// Refusals by the circuit. In resilience4j the bulkhead is separate and does not count its refusals.
fn refused_by_circuit(it: &Snapshot) -> u64 {
    let Rejections { open, half_open_full, forced_open, recovering, bulkhead_full: _ } =
        it.rejected;
    [open, half_open_full, forced_open, recovering].into_iter().fold(0, u64::saturating_add)
}

/// The calls that count in the current state: (not failed, failed).
fn buffered(it: &Snapshot) -> (u64, u64) {
    if it.state == State::HalfOpen {
        return (it.probes.successes, it.probes.failures);
    }
    let failed = it.window_failures;
    (it.window_calls.saturating_sub(failed).into(), failed.into())
}

fn percent(share: Option<f64>) -> f64 {
    share.map_or(-1.0, |share| share * 100.0)
}

/// How long calls took, by kind, where that is measured.
fn timed(it: &Snapshot) -> impl Iterator<Item = (&'static str, &Timings)> {
    let timed = [("successful", &it.timings), ("failed", &it.failure_timings)];
    timed.into_iter().filter_map(|(kind, timings)| Some((kind, timings.as_ref()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::CircuitBreaker;
    use crate::settings::Config;

    #[test]
    fn x02_refusals_whose_sum_is_too_long_are_shown_as_the_most_there_are() {
        let mut snapshot = CircuitBreaker::new("busy", Config::new()).unwrap().snapshot();
        snapshot.rejected.open = u64::MAX - 1;
        snapshot.rejected.half_open_full = 1;
        assert_eq!(refused_by_circuit(&snapshot), u64::MAX);
        snapshot.rejected.forced_open = 1;
        snapshot.rejected.bulkhead_full = 1;
        assert_eq!(refused_by_circuit(&snapshot), u64::MAX);
    }

    #[test]
    fn r27_refusals_of_a_recovering_circuit_are_its_own_and_those_of_the_bulkhead_are_not() {
        let mut snapshot = CircuitBreaker::new("busy", Config::new()).unwrap().snapshot();
        (snapshot.rejected.recovering, snapshot.rejected.bulkhead_full) = (3, 5);
        assert_eq!(refused_by_circuit(&snapshot), 3);
    }
}
