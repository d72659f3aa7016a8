//! The metrics. The [crate's documentation](crate) lists them for users.

use std::sync::Arc;
use std::time::Instant;

use breaker_runtime::{Mode, Snapshot, State, Timings};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrumentBuilder, Meter};

use crate::points::Points;
use crate::source::{Circuit, Source};

const CALLS: &str = "{call}";
const CIRCUITS: &str = "{circuit}";
const SECONDS: &str = "s";
const SHARE: &str = "1";

/// Makes every instrument. The meter provider keeps their callbacks.
pub(crate) fn build(meter: &Meter, source: &Arc<Source>) {
    let instruments = Instruments { meter, source };
    instruments.state();
    instruments.calls();
    instruments.durations();
    instruments.load();
    instruments.evidence();
}

/// Writes the points of one circuit.
type Read<T> = fn(&Snapshot, &Points<'_, T>);

struct Instruments<'a> {
    meter: &'a Meter,
    source: &'a Arc<Source>,
}

impl Instruments<'_> {
    fn state(&self) {
        self.up_down_counter(
            "breaker.state",
            CIRCUITS,
            "Whether the circuit is in that state: 1 for one state, 0 for the others.",
            |it, out| {
                let is_in = |state: &State| (state.as_str(), i64::from(it.state == *state));
                out.each("circuitbreaker.state", State::ALL.iter().map(is_in));
            },
        );
        self.gauge_f64(
            "breaker.state_age",
            SECONDS,
            "How long the circuit has been in its state.",
            |it, out| out.value(it.since.as_secs_f64()),
        );
        self.up_down_counter(
            "breaker.mode",
            CIRCUITS,
            "How the circuit is run: 1 for one mode, 0 for the others.",
            |it, out| {
                let is_run = |mode: &Mode| (mode.as_str(), i64::from(it.mode == *mode));
                out.each("circuitbreaker.mode", Mode::ALL.iter().map(is_run));
            },
        );
        self.counter("breaker.transitions", "{transition}", "Changes of state.", transitions);
        self.counter_f64(
            "breaker.open_time",
            SECONDS,
            "How long the circuit was open in all. Forced open is not open.",
            |it, out| out.value(it.open_time.as_secs_f64()),
        );
        self.gauge_f64(
            "breaker.outage",
            SECONDS,
            "How long the circuit has not been closed, all re-openings included. Only in an outage.",
            |it, out| out.known(it.outage.map(|outage| outage.since.as_secs_f64())),
        );
        self.gauge_f64(
            "breaker.retry_after",
            SECONDS,
            "Time until a probe may run, 0 when one is due. Only while open.",
            |it, out| out.known(it.retry_after.map(|left| left.as_secs_f64())),
        );
        self.gauge_f64(
            "breaker.recovering_ratio",
            SHARE,
            "Share of calls that is let in, 0.1 to 1. Only while recovering.",
            |it, out| out.known(it.recovering_share),
        );
        self.gauge(
            "breaker.config_conflicts",
            "{conflict}",
            "Configs stated for the name that the circuit does not go by.",
            |it, out| out.value(it.conflict_count),
        );
    }

    fn calls(&self) {
        self.counter("breaker.calls", CALLS, "Calls that ended, by outcome.", |it, out| {
            let calls = it.calls;
            let by_outcome = [
                ("success", calls.success),
                ("failure", calls.failure),
                ("ignored", calls.ignored),
                ("cancelled", calls.cancelled),
            ];
            out.each("outcome", by_outcome);
        });
        self.counter(
            "breaker.rejected",
            CALLS,
            "Calls that were refused without running, by reason.",
            |it, out| {
                let rejected = it.rejected;
                let by_reason = [
                    ("open", rejected.open),
                    ("half_open_full", rejected.half_open_full),
                    ("forced_open", rejected.forced_open),
                    ("bulkhead_full", rejected.bulkhead_full),
                    ("recovering", rejected.recovering),
                ];
                out.each("reason", by_reason);
            },
        );
        self.counter(
            "breaker.would_reject",
            CALLS,
            "Calls that ran only because the circuit was observed, by the reason for a refusal.",
            |it, out| {
                let would_reject = it.would_reject;
                let by_reason = [
                    ("open", would_reject.open),
                    ("half_open_full", would_reject.half_open_full),
                    ("bulkhead_full", would_reject.bulkhead_full),
                    ("recovering", would_reject.recovering),
                ];
                out.each("reason", by_reason);
            },
        );
        self.counter(
            "breaker.slow_calls",
            CALLS,
            "Recorded calls that took longer than slow_call.",
            |it, out| out.value(it.calls.slow),
        );
        self.counter(
            "breaker.hung_calls",
            CALLS,
            "Calls that were in flight for longer than hung_after, and failed by that.",
            |it, out| out.value(it.calls.hung),
        );
        self.counter(
            "breaker.timed_out_calls",
            CALLS,
            "Calls that took longer than call_timeout.",
            |it, out| out.value(it.calls.timed_out),
        );
        self.counter("breaker.panicked_calls", CALLS, "Calls that panicked.", |it, out| {
            out.value(it.calls.panicked);
        });
        self.counter(
            "breaker.late_calls",
            CALLS,
            "Calls whose outcome came when the circuit had moved on.",
            |it, out| out.value(it.calls.late),
        );
    }

    /// A histogram in the form that Prometheus gives it, because the API has no observable one.
    fn durations(&self) {
        self.counter(
            "breaker.call_duration.bucket",
            CALLS,
            "Calls that took at most le seconds, shorter ones included. Only with timings.",
            buckets,
        );
        self.counter(
            "breaker.call_duration.count",
            CALLS,
            "Calls whose duration is in the buckets. Only with timings.",
            |it, out| out.each("outcome", timed(it).map(|(outcome, it)| (outcome, it.count))),
        );
        self.counter_f64(
            "breaker.call_duration.sum",
            SECONDS,
            "About how long these calls took together. Only with timings.",
            |it, out| {
                let sums = timed(it).map(|(outcome, it)| (outcome, it.total().as_secs_f64()));
                out.each("outcome", sums);
            },
        );
    }

    fn load(&self) {
        self.up_down_counter("breaker.in_flight", CALLS, "Calls under way.", |it, out| {
            out.value(signed(it.in_flight));
        });
        self.up_down_counter("breaker.probes_in_flight", CALLS, "Probes under way.", |it, out| {
            out.value(signed(it.probes.in_flight));
        });
        self.gauge(
            "breaker.max_concurrent",
            CALLS,
            "How many calls may be under way at once, where that is limited.",
            |it, out| out.known(it.config.settings().max_concurrent.map(u64::from)),
        );
    }

    fn evidence(&self) {
        self.gauge("breaker.window_calls", CALLS, "Calls in the window.", |it, out| {
            out.value(it.window_calls.into());
        });
        self.gauge(
            "breaker.window_failures",
            CALLS,
            "Calls in the window that failed.",
            |it, out| out.value(it.window_failures.into()),
        );
        self.gauge(
            "breaker.window_slow_calls",
            CALLS,
            "Calls in the window that were slow.",
            |it, out| out.value(it.window_slow_calls.into()),
        );
        self.gauge(
            "breaker.minimum_calls",
            CALLS,
            "Calls that the window must hold before a ratio is judged.",
            |it, out| out.value(it.config.settings().minimum_calls.into()),
        );
        self.gauge_f64(
            "breaker.failure_ratio",
            SHARE,
            "Share of failed calls in the window, 0 to 1. Not before minimum_calls.",
            |it, out| out.known(it.failure_rate),
        );
        self.gauge_f64(
            "breaker.failure_ratio_threshold",
            SHARE,
            "Share of failed calls that opens the circuit, 0 to 1.",
            |it, out| out.known(it.config.settings().failure_rate),
        );
        self.gauge_f64(
            "breaker.slow_call_ratio",
            SHARE,
            "Share of slow calls in the window, 0 to 1. Not before minimum_calls.",
            |it, out| out.known(it.slow_call_rate),
        );
        self.gauge_f64(
            "breaker.slow_call_ratio_threshold",
            SHARE,
            "Share of slow calls that opens the circuit, 0 to 1.",
            |it, out| out.known(it.config.settings().slow_call_rate),
        );
        self.gauge(
            "breaker.consecutive_failures",
            CALLS,
            "Failures in a row. 0 unless closed or recovering.",
            |it, out| out.value(it.consecutive_failures.into()),
        );
        self.gauge(
            "breaker.consecutive_failures_threshold",
            CALLS,
            "Failures in a row that open the circuit.",
            |it, out| out.known(it.config.settings().failure_threshold.map(u64::from)),
        );
    }

    fn counter(&self, name: &'static str, unit: &'static str, says: &'static str, read: Read<u64>) {
        self.reading(self.meter.u64_observable_counter(name), unit, says, read).build();
    }

    fn counter_f64(
        &self,
        name: &'static str,
        unit: &'static str,
        says: &'static str,
        read: Read<f64>,
    ) {
        self.reading(self.meter.f64_observable_counter(name), unit, says, read).build();
    }

    fn up_down_counter(
        &self,
        name: &'static str,
        unit: &'static str,
        says: &'static str,
        read: Read<i64>,
    ) {
        self.reading(self.meter.i64_observable_up_down_counter(name), unit, says, read).build();
    }

    fn gauge(&self, name: &'static str, unit: &'static str, says: &'static str, read: Read<u64>) {
        self.reading(self.meter.u64_observable_gauge(name), unit, says, read).build();
    }

    fn gauge_f64(
        &self,
        name: &'static str,
        unit: &'static str,
        says: &'static str,
        read: Read<f64>,
    ) {
        self.reading(self.meter.f64_observable_gauge(name), unit, says, read).build();
    }

    /// Has an instrument read all circuits when it is collected.
    fn reading<'m, I, T: 'static>(
        &self,
        instrument: AsyncInstrumentBuilder<'m, I, T>,
        unit: &'static str,
        says: &'static str,
        read: Read<T>,
    ) -> AsyncInstrumentBuilder<'m, I, T> {
        let (name, source) = (instrument.name.clone(), Arc::clone(self.source));
        instrument.with_unit(unit).with_description(says).with_callback(move |instrument| {
            for Circuit { name, snapshot } in source.circuits(&name, Instant::now()).iter() {
                read(snapshot, &Points { instrument, name });
            }
        })
    }
}

/// Up-down counters of whole numbers are signed.
fn signed(count: u64) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// How long calls took, by outcome. Nothing without `timings`.
fn timed(it: &Snapshot) -> impl Iterator<Item = (&'static str, &Timings)> {
    let by_outcome = [("success", &it.timings), ("failure", &it.failure_timings)];
    by_outcome.into_iter().filter_map(|(outcome, it)| Some((outcome, it.as_ref()?)))
}

fn buckets(it: &Snapshot, out: &Points<'_, u64>) {
    for (outcome, timings) in timed(it) {
        for (limit, calls) in timings.cumulative() {
            let le = limit.map(|limit| format!("{:?}", limit.as_secs_f64()));
            let le = le.unwrap_or_else(|| "+Inf".to_owned());
            let attributes =
                [out.name.clone(), KeyValue::new("outcome", outcome), KeyValue::new("le", le)];
            out.instrument.observe(calls, &attributes);
        }
    }
}

fn transitions(it: &Snapshot, out: &Points<'_, u64>) {
    for (from, to, count) in it.transition_counts.for_metrics() {
        let attributes = [
            out.name.clone(),
            KeyValue::new("from", from.as_str()),
            KeyValue::new("to", to.as_str()),
        ];
        out.instrument.observe(count, &attributes);
    }
}
