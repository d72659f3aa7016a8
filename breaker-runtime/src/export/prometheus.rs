//! Metrics as Prometheus text.
//!
//! Pull only: a snapshot has every number already. Nothing is kept, counted or cached for metrics, so calls cost the
//! same with and without this feature.

mod breaker;
mod resilience4j;

use std::fmt;
use std::time::Duration;

use crate::circuit::{FleetStatus, Timings};
use crate::report::{RegistrySnapshot, Snapshot};

/// The names of the metrics. The numbers are the same, with the exceptions listed at [`Resilience4j`].
///
/// The prefixes differ, so one scrape can return both texts, one after the other.
///
/// [`Resilience4j`]: MetricNames::Resilience4j
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, MetricNames, registry};
///
/// registry().get_or_create("payments", Config::new())?;
/// let snapshot = registry().snapshot();
/// let ours = snapshot.prometheus(MetricNames::Breaker).to_string();
/// assert!(ours.contains(r#"breaker_state{name="payments",state="closed"} 1"#));
/// let theirs = snapshot.prometheus(MetricNames::Resilience4j).to_string();
/// assert!(theirs.contains(r#"resilience4j_circuitbreaker_state{name="payments",state="closed"} 1"#));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetricNames {
    /// `breaker_..`: every metric. [`PrometheusText`] lists them.
    #[default]
    Breaker,
    /// `resilience4j_circuitbreaker_..` and `resilience4j_bulkhead_..`, with the names and labels of resilience4j's
    /// Micrometer module. Dashboards made for it work unchanged.
    ///
    /// As in resilience4j, rates are in percent, and -1 below `minimum_calls`. These are different:
    ///
    /// * `.._calls_seconds` has a `_sum` and a `_max` only with the option [`timings`](crate::Config::timings), and
    ///   never a `_bucket`. The `_max` is the longest call so far, not of the last minutes.
    /// * Cancelled calls are left out, because resilience4j has no `kind` for them.
    /// * `not_permitted` counts refusals by the circuit only, and not those of a full bulkhead.
    /// * `.._slow_calls` has no `kind`, because it is not known which of them failed.
    /// * A change of state clears the window, so an open circuit has no buffered calls and a rate of -1.
    /// * The state `metrics_only` does not exist here and is always 0. An [observed](crate::Mode::Observe) circuit is
    ///   in the state that it would be in, and nothing says that it is observed.
    Resilience4j,
}

impl fmt::Display for MetricNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Breaker => "breaker",
            Self::Resilience4j => "resilience4j",
        })
    }
}

impl RegistrySnapshot {
    /// Writes the circuits as [Prometheus text], with metric names of your choice.
    ///
    /// [Prometheus text]: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Write;
    /// use breaker_runtime::{MetricNames, PrometheusText, registry};
    ///
    /// /// Answers a scrape.
    /// fn answer(mut scraper: impl Write) -> std::io::Result<()> {
    ///     let content_type = PrometheusText::CONTENT_TYPE;
    ///     write!(scraper, "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n")?;
    ///     write!(scraper, "{}", registry().snapshot().prometheus(MetricNames::Breaker))
    /// }
    /// # answer(Vec::new()).unwrap();
    /// ```
    #[must_use]
    pub fn prometheus(&self, names: MetricNames) -> PrometheusText<'_> {
        PrometheusText { circuits: &self.circuits, fleet: self.fleet.as_ref(), names }
    }
}

/// Metrics of circuits. `Display` writes the text that Prometheus scrapes.
///
/// Each sample of a circuit has the label `name`, the circuit's name. Unknown values are left out; they are never 0 or
/// -1. Counters exist from the start, so `rate()` and `increase()` see the first increment.
///
/// | metric | type | what it says |
/// |---|---|---|
/// | `breaker_state{state}` | gauge | 1 for the current state, 0 for the other five |
/// | `breaker_state_age_seconds` | gauge | time in the current state |
/// | `breaker_mode{mode}` | gauge | 1 for the current mode, 0 for the other three: `normal`, `observe`, `disabled`, `forced_open` |
/// | `breaker_transitions_total{from,to}` | counter | changes of state |
/// | `breaker_open_seconds_total` | counter | total time open, without forced open |
/// | `breaker_outage_seconds` | gauge | time since the circuit was last closed, all re-openings included; only in an [outage](crate::Outage) |
/// | `breaker_retry_after_seconds` | gauge | time until a probe may run, 0 if one is due; only while open, and not if open until reset |
/// | `breaker_recovering_ratio` | gauge | share of calls that is let in, 0.1 to 1; only while recovering |
/// | `breaker_calls_total{outcome}` | counter | calls that ended: `success`, `failure`, `ignored`, `cancelled` |
/// | `breaker_rejected_total{reason}` | counter | refused calls: `open`, `half_open_full`, `forced_open`, `bulkhead_full`, `recovering` |
/// | `breaker_would_reject_total{reason}` | counter | calls that ran only because the circuit was observed: `open`, `half_open_full`, `bulkhead_full`, `recovering` |
/// | `breaker_call_duration_seconds{outcome}` | histogram | how long calls took: `success`, `failure`; only with `timings` |
/// | `breaker_slow_calls_total` | counter | recorded calls that took longer than `slow_call` |
/// | `breaker_hung_calls_total` | counter | calls that were in flight for longer than `hung_after`, and failed by that |
/// | `breaker_timed_out_calls_total` | counter | calls that took longer than `call_timeout` |
/// | `breaker_panicked_calls_total` | counter | calls that panicked |
/// | `breaker_late_calls_total` | counter | calls that ended too late to count |
/// | `breaker_in_flight` | gauge | calls in flight |
/// | `breaker_max_concurrent` | gauge | the limit on calls in flight, if there is one |
/// | `breaker_probes_in_flight` | gauge | probes in flight |
/// | `breaker_window_calls` | gauge | calls in the window |
/// | `breaker_window_failures` | gauge | failed calls in the window |
/// | `breaker_window_slow_calls` | gauge | slow calls in the window |
/// | `breaker_minimum_calls` | gauge | calls the window must hold before a ratio is judged |
/// | `breaker_failure_ratio` | gauge | share of failed calls in the window, 0 to 1; only from `minimum_calls` on |
/// | `breaker_failure_ratio_threshold` | gauge | the share that opens the circuit, if set |
/// | `breaker_slow_call_ratio` | gauge | share of slow calls in the window, 0 to 1; only from `minimum_calls` on, and with `slow_call` |
/// | `breaker_slow_call_ratio_threshold` | gauge | the share that opens the circuit, if set |
/// | `breaker_consecutive_failures` | gauge | failures in a row; 0 unless closed or recovering |
/// | `breaker_consecutive_failures_threshold` | gauge | failures in a row that open the circuit, if set |
/// | `breaker_config_conflicts` | gauge | conflicting configs stated for the name |
///
/// These are only there if the registry is in a fleet. The first three are about the registry and have no label. The
/// others are about circuits that are shared.
///
/// | metric | type | what it says |
/// |---|---|---|
/// | `breaker_fleet_connected` | gauge | 1 while the fleet is connected, 0 while circuits act as if alone |
/// | `breaker_fleet_members` | gauge | live members, this one included; only while connected |
/// | `breaker_fleet_disconnects_total` | counter | how often the connection was lost |
/// | `breaker_fleet_votes` | gauge | members that found the dependency sick; only while connected |
/// | `breaker_fleet_votes_needed` | gauge | votes that open the circuit everywhere; only while connected |
/// | `breaker_fleet_prober` | gauge | 1 while this member probes for all, otherwise 0 |
/// | `breaker_fleet_settings` | gauge | different settings among the members that voted; only while connected |
/// | `breaker_fleet_vetoed` | gauge | 1 while the circuit stays closed against the fleet's verdict, otherwise 0 |
///
/// Each circuit has about forty samples, and 34 more with `timings`. With `key` there is one circuit per key, and
/// `max_keys` limits their number. When the circuit of a key is evicted, its totals move to the circuit that the keys
/// share. So query sums, which never decrease: `sum by (job) (breaker_calls_total)`.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, MetricNames, registry};
///
/// let payments = registry().get_or_create("payments", Config::new())?;
/// payments.try_acquire()?.success();
/// let text = registry().snapshot().prometheus(MetricNames::Breaker).to_string();
/// assert!(text.contains("# TYPE breaker_calls_total counter\n"));
/// assert!(text.contains("breaker_calls_total{name=\"payments\",outcome=\"success\"} 1\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PrometheusText<'a> {
    circuits: &'a [Snapshot],
    fleet: Option<&'a FleetStatus>,
    names: MetricNames,
}

impl PrometheusText<'_> {
    /// The `Content-Type` of the text.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::PrometheusText;
    ///
    /// assert!(PrometheusText::CONTENT_TYPE.starts_with("text/plain; version=0.0.4"));
    /// ```
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";
}

impl fmt::Display for PrometheusText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let circuits =
            || self.circuits.iter().map(|circuit| (Some(circuit.name.as_str()), circuit));
        match self.names {
            MetricNames::Breaker => {
                write_all(f, &breaker::FAMILIES, circuits)?;
                write_all(f, &breaker::FLEET, || self.fleet.map(|fleet| (None, fleet)))?;
                write_all(f, &breaker::SHARED, circuits)
            }
            MetricNames::Resilience4j => write_all(f, &resilience4j::FAMILIES, circuits),
        }
    }
}

/// Writes families, each with the samples of all of `these`. What is a circuit has a name.
fn write_all<'a, T: 'a, I>(
    out: &mut fmt::Formatter<'_>,
    families: &[Family<T>],
    these: impl Fn() -> I,
) -> fmt::Result
where
    I: IntoIterator<Item = (Option<&'a str>, &'a T)>,
{
    for &Family { name, kind, help, read } in families {
        let mut samples = Samples { name, kind, help, circuit: None, is_headed: false, out };
        for (circuit, it) in these() {
            samples.circuit = circuit;
            read(it, &mut samples)?;
        }
    }
    Ok(())
}

/// All samples of one metric.
struct Family<T = Snapshot> {
    name: &'static str,
    kind: Kind,
    /// Needs no escaping: no backslash, and one line.
    help: &'static str,
    /// Writes the samples of one circuit, or of the fleet.
    read: fn(&T, &mut Samples<'_, '_>) -> fmt::Result,
}

#[derive(Clone, Copy)]
enum Kind {
    Gauge,
    Counter,
    /// A summary without quantiles.
    Summary,
    Histogram,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Summary => "summary",
            Self::Histogram => "histogram",
        }
    }
}

/// Writes the samples of a family. The family's head comes before the first sample, so a family without samples writes
/// nothing.
struct Samples<'a, 'f> {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    circuit: Option<&'a str>,
    is_headed: bool,
    out: &'a mut fmt::Formatter<'f>,
}

impl Samples<'_, '_> {
    /// Writes a sample whose only label is the name.
    fn value(&mut self, value: impl fmt::Display) -> fmt::Result {
        self.write(None, value)
    }

    /// Writes a sample if its value is known.
    fn known(&mut self, value: Option<impl fmt::Display>) -> fmt::Result {
        value.map_or(Ok(()), |value| self.value(value))
    }

    /// Writes samples that differ in one label.
    fn each<V: fmt::Display>(
        &mut self,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, V)>,
    ) -> fmt::Result {
        values
            .into_iter()
            .try_for_each(|(of, value)| self.write(Some(format_args!(",{label}=\"{of}\"")), value))
    }

    fn write(
        &mut self,
        labels: Option<fmt::Arguments<'_>>,
        value: impl fmt::Display,
    ) -> fmt::Result {
        let suffix = if let Kind::Summary = self.kind { "_count" } else { "" };
        self.write_as(suffix, labels, value)
    }

    /// Writes the sums of a summary.
    fn sums(
        &mut self,
        label: &str,
        sums: impl IntoIterator<Item = (&'static str, Duration)>,
    ) -> fmt::Result {
        sums.into_iter().try_for_each(|(of, sum)| {
            let labels = Some(format_args!(",{label}=\"{of}\""));
            self.write_as("_sum", labels, sum.as_secs_f64())
        })
    }

    /// Writes how long calls took, and how many they are.
    fn timings(&mut self, outcome: &str, timings: Option<&Timings>) -> fmt::Result {
        let Some(timings) = timings else { return Ok(()) };
        let mut write = |suffix, le: &str, value: &dyn fmt::Display| {
            let labels = format_args!(",outcome=\"{outcome}\"{le}");
            self.write_as(suffix, Some(labels), value)
        };
        for (limit, calls) in timings.cumulative() {
            let le = limit.map(|limit| format!("{:?}", limit.as_secs_f64()));
            let le = le.as_deref().unwrap_or("+Inf");
            write("_bucket", &format!(",le=\"{le}\""), &calls)?;
        }
        write("_sum", "", &timings.total().as_secs_f64())?;
        write("_count", "", &timings.count)
    }

    fn write_as(
        &mut self,
        suffix: &str,
        labels: Option<fmt::Arguments<'_>>,
        value: impl fmt::Display,
    ) -> fmt::Result {
        let Self { name, help, kind, .. } = *self;
        if !self.is_headed {
            write!(self.out, "# HELP {name} {help}\n# TYPE {name} {}\n", kind.word())?;
            self.is_headed = true;
        }
        write!(self.out, "{name}{suffix}")?;
        if let Some(circuit) = self.circuit {
            write!(self.out, "{{name=\"{}\"", Escaped(circuit))?;
            if let Some(labels) = labels {
                self.out.write_fmt(labels)?;
            }
            self.out.write_str("}")?;
        }
        writeln!(self.out, " {value}")
    }
}

/// Escapes the value of a label: backslashes, quotes and line feeds.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(['\\', '"', '\n']) {
            let plain = part.trim_end_matches(['\\', '"', '\n']);
            f.write_str(plain)?;
            f.write_str(match &part[plain.len()..] {
                "\\" => r"\\",
                "\"" => "\\\"",
                "\n" => r"\n",
                _ => "",
            })?;
        }
        Ok(())
    }
}
