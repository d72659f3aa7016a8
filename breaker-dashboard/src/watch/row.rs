//! What a page needs of a circuit every second. It asks for the rest.

use breaker_runtime::{FleetView, Lease, Mode, ModeOverride, Outage, Snapshot, State, TripReason};
use serde::Serialize;

use super::Seen;
use super::durations::Minute;
use super::history::{History, Point};
use super::rank::Rank;
use super::sentence;

/// What only changes if something happens.
#[derive(Serialize)]
struct Lasting<'a> {
    name: &'a str,
    state: State,
    mode: Mode,
    rank: Rank,
    probe_due: bool,
    recovering_share: Option<f64>,
    trip_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probes: Option<Probed>,
    failure_rate: Option<f64>,
    failure_limit: Option<f64>,
    slow_call_rate: Option<f64>,
    slow_call_limit: Option<f64>,
    consecutive_failures: u32,
    failure_threshold: Option<u32>,
    window_calls: u32,
    minimum_calls: u32,
    in_flight: u64,
    started: u64,
    failed: u64,
    rejected: u64,
    would_reject: u64,
    would_open: Option<u64>,
    per_second: f64,
    refused_per_second: f64,
    failed_per_second: f64,
    minute_calls: Point,
    #[serde(skip_serializing_if = "Option::is_none")]
    minute: Option<Minute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slow_call: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_reason: Option<&'a str>,
    overridden: usize,
    fleet: Option<&'a FleetView>,
    vetoed: Option<TripReason>,
    point: [u64; 3],
}

/// The probes of a half-open circuit.
#[derive(Serialize)]
struct Probed {
    successes: u64,
    failures: u64,
    /// The successes that close it.
    needed: u32,
}

/// An outage, with its first reason in words.
#[derive(Serialize)]
struct Down {
    since: f64,
    first: String,
    reopenings: u32,
}

impl From<&Outage> for Down {
    fn from(outage: &Outage) -> Self {
        let (since, first) = (outage.since.as_secs_f64(), outage.first.to_string());
        Self { since, first, reopenings: outage.reopenings }
    }
}

/// What changes by itself, as time goes by.
#[derive(Serialize)]
struct Passing<'a> {
    since: f64,
    outage: Option<Down>,
    retry_after: Option<f64>,
    explanation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sentence: Option<String>,
    r#override: Option<&'a ModeOverride>,
    lease: Option<Lease>,
}

/// A row as JSON.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    json: Vec<u8>,
    /// The length of the part that lasts.
    lasting: usize,
    unwritten: Unwritten,
}

/// What happens to the part that passes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Unwritten {
    /// Of the order about the mode.
    order: Option<u64>,
    lease: Option<std::mem::Discriminant<Lease>>,
    outage: Option<(TripReason, u32)>,
    /// A closed circuit is explained without a time.
    explanation: Option<String>,
}

impl Row {
    pub(super) fn new(circuit: &Snapshot, rank: Rank, seen: &Seen) -> Self {
        let explanation = circuit.explain();
        let is_timeless = circuit.state == State::Closed && circuit.mode_override.is_none();
        let unwritten = Unwritten {
            order: circuit.mode_override.as_ref().map(|order| order.number),
            lease: circuit.lease.as_ref().map(std::mem::discriminant),
            outage: circuit.outage.map(|outage| (outage.first, outage.reopenings)),
            explanation: is_timeless.then(|| explanation.clone()),
        };
        let passing = Passing {
            since: circuit.since.as_secs_f64(),
            outage: circuit.outage.as_ref().map(Down::from),
            retry_after: circuit.retry_after.map(|left| left.as_secs_f64()),
            explanation,
            sentence: sentence(circuit),
            r#override: circuit.mode_override.as_ref(),
            lease: circuit.lease,
        };
        // A vector takes everything that is written to it.
        let mut json = serde_json::to_vec(&lasting(circuit, rank, seen)).unwrap_or_default();
        let lasting = json.len().saturating_sub(1);
        if let Ok(passing) = serde_json::to_vec(&passing) {
            // Two objects become one.
            json.truncate(lasting);
            json.push(b',');
            json.extend(&passing[1..]);
        }
        Self { json, lasting, unwritten }
    }

    /// Whether its sentence says how long something takes.
    pub(super) fn has_times(&self) -> bool {
        self.unwritten.explanation.is_none()
    }

    /// Whether something happened to the circuit, besides that it got older.
    pub(super) fn differs(&self, before: &Self) -> bool {
        self.json[..self.lasting] != before.json[..before.lasting]
            || self.unwritten != before.unwritten
    }
}

impl AsRef<[u8]> for Row {
    fn as_ref(&self) -> &[u8] {
        &self.json
    }
}

fn lasting<'a>(circuit: &'a Snapshot, rank: Rank, seen: &'a Seen) -> Lasting<'a> {
    let history = seen.histories.of(&circuit.name);
    let settings = circuit.config.settings();
    let minute = history.and_then(History::durations_of_minute);
    let rates = history.map(History::rates).unwrap_or_default();
    Lasting {
        name: &circuit.name,
        state: circuit.state,
        mode: circuit.mode,
        rank,
        probe_due: circuit.probe_due,
        recovering_share: circuit.recovering_share,
        trip_reason: circuit.trip_reason.map(|reason| reason.to_string()),
        probes: (circuit.state == State::HalfOpen).then_some(Probed {
            successes: circuit.probes.successes,
            failures: circuit.probes.failures,
            needed: settings.success_threshold,
        }),
        failure_rate: circuit.failure_rate,
        failure_limit: settings.failure_rate,
        slow_call_rate: circuit.slow_call_rate,
        slow_call_limit: settings.slow_call_rate,
        consecutive_failures: circuit.consecutive_failures,
        failure_threshold: settings.failure_threshold,
        window_calls: circuit.window_calls,
        minimum_calls: settings.minimum_calls,
        in_flight: circuit.in_flight,
        started: circuit.calls.started,
        failed: circuit.calls.failure,
        rejected: circuit.rejected.total(),
        would_reject: circuit.would_reject.total(),
        would_open: would_open(circuit),
        per_second: rates.all,
        refused_per_second: rates.rejected,
        failed_per_second: rates.failed,
        minute_calls: history.map(History::minute).unwrap_or_default(),
        minute,
        slow_call: minute.and(settings.slow_call).map(|limit| limit.as_secs_f64()),
        override_reason: circuit
            .mode_override
            .as_ref()
            .and_then(|_| seen.log.reason_of(&circuit.name)),
        overridden: circuit.overrides.len(),
        fleet: circuit.fleet.as_ref(),
        vetoed: circuit.vetoed,
        point: history.map_or([0; 3], |history| history.last().as_array()),
    }
}

/// How often a circuit that is observed would have opened. `None` for others, and if it ever refused a call: then some
/// of its openings were real, and nobody knows which.
pub(crate) fn would_open(circuit: &Snapshot) -> Option<u64> {
    let rejected = circuit.rejected;
    let has_refused = rejected.total() > rejected.bulkhead_full;
    (circuit.mode == Mode::Observe && !has_refused).then(|| {
        let ways = circuit.transition_counts.iter();
        ways.filter(|(_, to, _)| *to == State::Open).map(|(.., count)| count).sum()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock, Override, Registry};
    use serde_json::Value;

    use super::*;

    fn row(circuit: &CircuitBreaker, seen: &Seen) -> Row {
        let snapshot = circuit.snapshot();
        Row::new(&snapshot, Rank::of(&snapshot), seen)
    }

    #[test]
    fn a_row_is_one_object_with_what_lasts_and_what_passes() {
        let circuit = CircuitBreaker::new("a", Config::new()).unwrap();
        circuit.trip();
        let row: Value = serde_json::from_slice(row(&circuit, &Seen::default()).as_ref()).unwrap();
        assert_eq!((&row["name"], &row["trip_reason"]), (&"a".into(), &"trip()".into()));
        assert!(row["explanation"].is_string() && row["since"].is_f64());
        assert_eq!(
            (&row["outage"]["first"], &row["outage"]["reopenings"]),
            (&"trip()".into(), &0.into())
        );
        assert!(row["outage"]["since"].is_f64());
    }

    #[test]
    fn a_row_that_only_got_older_does_not_differ() {
        let (none, time) = (Seen::default(), ManualClock::new());
        let clock = Clock::Manual(time.clone());
        let circuit = CircuitBreaker::with_clock("a", Config::new(), clock).unwrap();
        let mut before = row(&circuit, &none);
        let mut differs = |what: &str, is_expected: bool| {
            let now = row(&circuit, &none);
            assert_eq!(now.differs(&before), is_expected, "{what}");
            before = now;
        };
        time.advance(Duration::from_secs(1));
        differs("closed for longer", false);
        circuit.trip();
        differs("opened", true);
        time.advance(Duration::from_secs(1));
        differs("open for longer", false);
        assert!(circuit.try_acquire().is_err());
        differs("refused a call", true);
        time.advance(Duration::from_secs(60));
        differs("a probe is due", true);
        let order = |seconds| {
            let time = Duration::from_secs(seconds);
            circuit.override_for(Override::Mode(Mode::Disabled), Some(time), "").unwrap();
        };
        order(60);
        differs("disabled", true);
        time.advance(Duration::from_secs(1));
        differs("disabled for less", false);
        order(600);
        differs("disabled anew", true);
    }

    #[test]
    fn r25_a_circuit_that_never_refused_anything_says_how_often_it_would_have_opened() {
        let own = Registry::new();
        let circuit = own.circuit("queue", Config::new().mode(Mode::Observe)).unwrap();
        assert_eq!(would_open(&circuit.snapshot()), Some(0));
        for _ in 0..2 {
            circuit.trip();
            circuit.reset();
        }
        assert_eq!(would_open(&circuit.snapshot()), Some(2));
        circuit.override_for(Override::Mode(Mode::Normal), None, "").unwrap();
        assert_eq!(would_open(&circuit.snapshot()), None, "it is not observed");
        circuit.trip();
        assert!(circuit.try_acquire().is_err());
        circuit.override_for(Override::Mode(Mode::Observe), None, "").unwrap();
        assert_eq!(would_open(&circuit.snapshot()), None, "one of them was real");
    }
}
