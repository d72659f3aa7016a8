//! Circuit breakers of [`breaker_runtime`] as OpenTelemetry metrics.
//!
//! # Why it exists
//!
//! Every circuit counts its calls anyway. This crate shows these numbers to the OpenTelemetry SDK: it makes observable
//! instruments, and they read a snapshot of the registry when the SDK collects. Nothing is counted a second time, and a
//! call costs the same with and without this crate. It depends on the API of OpenTelemetry, not on an SDK.
//!
//! ```
//! use breaker_runtime::circuit_breaker;
//! use opentelemetry::global;
//! use opentelemetry_sdk::metrics::SdkMeterProvider;
//!
//! #[circuit_breaker(name = "prices")]
//! fn price(sku: &str) -> Option<u32> {
//!     sku.parse().ok()
//! }
//!
//! // With a reader that exports, such as `with_periodic_exporter(..)`.
//! let provider = SdkMeterProvider::builder().build();
//! global::set_meter_provider(provider.clone());
//!
//! breaker_opentelemetry::observe(&global::meter("shop"));
//! # price("7");
//! # provider.shutdown()?;
//! # Ok::<(), opentelemetry_sdk::error::OTelSdkError>(())
//! ```
//!
//! # Metrics
//!
//! Every point has the attribute `circuitbreaker.name`. Unknown values are left out; they are never 0 or -1.
//!
//! | metric | kind | unit | what it says |
//! |---|---|---|---|
//! | `breaker.state` | up-down counter | `{circuit}` | by `circuitbreaker.state`: 1 for the current state, 0 for the others |
//! | `breaker.state_age` | gauge | `s` | time in the current state |
//! | `breaker.mode` | up-down counter | `{circuit}` | by `circuitbreaker.mode`: 1 for the current mode, 0 for the others |
//! | `breaker.transitions` | counter | `{transition}` | changes of state, by `from` and `to` |
//! | `breaker.open_time` | counter | `s` | total time open, without forced open |
//! | `breaker.outage` | gauge | `s` | time since the circuit was last closed, all re-openings included; only in an outage |
//! | `breaker.retry_after` | gauge | `s` | time until a probe may run, 0 if one is due; only while open, and not if open until reset |
//! | `breaker.recovering_ratio` | gauge | `1` | share of calls that is let in, 0.1 to 1; only while recovering |
//! | `breaker.calls` | counter | `{call}` | calls that ended, by `outcome`: `success`, `failure`, `ignored`, `cancelled` |
//! | `breaker.rejected` | counter | `{call}` | refused calls, by `reason`: `open`, `half_open_full`, `forced_open`, `bulkhead_full`, `recovering` |
//! | `breaker.would_reject` | counter | `{call}` | calls that ran only because the circuit was observed, by `reason` |
//! | `breaker.slow_calls` | counter | `{call}` | recorded calls that took longer than `slow_call` |
//! | `breaker.hung_calls` | counter | `{call}` | calls that were in flight for longer than `hung_after`, and failed by that |
//! | `breaker.timed_out_calls` | counter | `{call}` | calls that took longer than `call_timeout` |
//! | `breaker.panicked_calls` | counter | `{call}` | calls that panicked |
//! | `breaker.call_duration.bucket` | counter | `{call}` | calls that took at most `le` seconds, by `outcome`; only with `timings` |
//! | `breaker.call_duration.count` | counter | `{call}` | calls that are in the buckets, by `outcome`; only with `timings` |
//! | `breaker.call_duration.sum` | counter | `s` | about how long they took together, by `outcome`; only with `timings` |
//! | `breaker.late_calls` | counter | `{call}` | calls that ended too late to count |
//! | `breaker.in_flight` | up-down counter | `{call}` | calls in flight |
//! | `breaker.probes_in_flight` | up-down counter | `{call}` | probes in flight |
//! | `breaker.max_concurrent` | gauge | `{call}` | the limit on calls in flight, if there is one |
//! | `breaker.window_calls` | gauge | `{call}` | calls in the window |
//! | `breaker.window_failures` | gauge | `{call}` | failed calls in the window |
//! | `breaker.window_slow_calls` | gauge | `{call}` | slow calls in the window |
//! | `breaker.minimum_calls` | gauge | `{call}` | calls the window must hold before a ratio is judged |
//! | `breaker.failure_ratio` | gauge | `1` | share of failed calls in the window, 0 to 1; only from `minimum_calls` on |
//! | `breaker.failure_ratio_threshold` | gauge | `1` | the share that opens the circuit, if set |
//! | `breaker.slow_call_ratio` | gauge | `1` | share of slow calls in the window, 0 to 1; only from `minimum_calls` on, and with `slow_call` |
//! | `breaker.slow_call_ratio_threshold` | gauge | `1` | the share that opens the circuit, if set |
//! | `breaker.consecutive_failures` | gauge | `{call}` | failures in a row; 0 unless closed or recovering |
//! | `breaker.consecutive_failures_threshold` | gauge | `{call}` | failures in a row that open the circuit, if set |
//! | `breaker.config_conflicts` | gauge | `{conflict}` | conflicting configs stated for the name |
//!
//! The up-down counters add up: the sum of `breaker.state` where `circuitbreaker.state` is `open` is the number of open
//! circuits.
//!
//! All instruments of one collection read the same snapshot, so their numbers belong together.
//!
//! # How long calls take
//!
//! The three metrics `breaker.call_duration` are one histogram, in the form that Prometheus gives to classic
//! histograms. A real histogram of OpenTelemetry is written to once per call: the API has no observable one. That would
//! count every call a second time, and cost each of them more than the circuit itself does.
//!
//! * `le` is the upper limit of a bucket in seconds, as text: `"0.5"`, and `"+Inf"` for all calls. A bucket has the
//!   calls of the shorter ones, too. The limits are [`Timings::BOUNDS`](breaker_runtime::Timings::BOUNDS).
//! * `outcome` is `success` or `failure`. Ignored and cancelled calls are in neither.
//! * Once they are in Prometheus, `histogram_quantile` reads them. The exporter may append `_total` to the names:
//!
//!   ```text
//!   histogram_quantile(0.95, sum by (circuitbreaker_name, le) (rate(breaker_call_duration_bucket_total{outcome="success"}[5m])))
//!   ```
//! * Other backends have no function for it. There, the share of calls within a limit is a bucket divided by `count`,
//!   and the mean is `sum` divided by `count`.
//!
//! # How long it lasts
//!
//! The instruments last as long as the meter provider, because OpenTelemetry cannot remove a callback. To stop
//! them, shut the provider down. To leave some of them out, give the provider a view that drops them.
//!
//! A second [`observe`] on a meter of the same scope changes nothing: the SDK merges instruments of the same name.
//!
//! # How many points
//!
//! A circuit has about forty points, and at most six in one instrument, but for `breaker.transitions` and
//! `breaker.call_duration.bucket`. With `timings` it has 34 more, 30 of them in the latter. Attributes come from the
//! registry, never from calls: with `key`, `max_keys` limits the number of circuits.
//!
//! The SDK keeps 2000 points per instrument, and merges the others into one. That is enough for 330
//! circuits, 66 of them with `timings`. If you may have more, raise the limit:
//!
//! ```
//! use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream};
//!
//! let provider = SdkMeterProvider::builder()
//!     .with_view(|instrument: &Instrument| {
//!         let is_ours = instrument.name().starts_with("breaker.");
//!         is_ours.then(|| Stream::builder().with_cardinality_limit(20_000).build().ok())?
//!     })
//!     .build();
//! # let _ = provider;
//! ```
//!
//! A view that removes `circuitbreaker.name` does not add up the circuits: the SDK keeps the last of them. Take sums
//! where you query.
//!
//! When the circuit of a key is evicted, its totals move to the circuit that the keys share. The sum over all circuits
//! stays right, but the shared circuit's counters jump. So take the sum first, then the rate. With delta temporality
//! there is no such sum: there, the calls of an evicted key are counted again under the shared name.

mod instruments;
mod observe;
mod points;
mod source;

pub use crate::observe::{observe, observe_registry};
