//! What readers see of the machine. Reading changes nothing.

use std::sync::Arc;
use std::time::Duration;

use super::recovery::Recovery;
use super::{Evidence, Machine, Past, Phase, Trouble};
use crate::rules::{Good, Instant, Lease, ModeOverride, Outage, Probes, State, Tally, TripReason};
use crate::settings::Mode;

/// A consistent reading of the machine.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) state: State,
    pub(crate) since: Duration,
    pub(crate) epoch: u64,
    pub(crate) trip_reason: Option<TripReason>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) recovering_share: Option<f64>,
    pub(crate) probe_due: bool,
    pub(crate) tally: Tally,
    pub(crate) consecutive_failures: u32,
    pub(crate) consecutive_successes: Option<u32>,
    pub(crate) probes: Probes,
    pub(crate) past: Past,
    pub(crate) last_failure: Option<Duration>,
    pub(crate) last_success: Option<Duration>,
    pub(crate) mode: Mode,
    pub(crate) mode_override: Option<ModeOverride>,
    pub(crate) lease: Option<Lease>,
    pub(crate) vetoed: Option<TripReason>,
    pub(crate) reopenings: u32,
    pub(crate) outage: Option<Outage>,
    /// The words of the last failure that had any.
    pub(crate) last_error: Option<Arc<str>>,
    /// The words of the failure that opened the circuit.
    pub(crate) trip_error: Option<Arc<str>>,
}

impl Machine {
    /// The state at `now`. Changes nothing.
    pub(crate) fn state_at(&self, now: Instant) -> State {
        self.ahead(now).map_or(self.state(), |ahead| ahead.state())
    }

    /// Reads the machine at `now`, with these good calls. Changes nothing.
    pub(crate) fn read(&self, good: Good, now: Instant) -> Reading {
        if let Some(ahead) = self.ahead(now) {
            return ahead.read(Good::default(), now);
        }
        let now = now.max(self.now);
        let ago = |at: Option<Instant>| at.map(|at| now.since(at));
        let Trouble { trip_reason, reopenings, probes, last_failure, last_success, .. } =
            self.trouble.as_deref().copied().unwrap_or_default();
        let mut reading = Reading {
            state: self.state(),
            since: now.since(self.since),
            epoch: self.epoch,
            trip_reason,
            retry_after: None,
            recovering_share: None,
            probe_due: false,
            tally: Tally::default(),
            consecutive_failures: 0,
            consecutive_successes: None,
            probes,
            past: self.past(now),
            last_failure: ago(last_failure),
            last_success: ago(last_success),
            mode: self.mode_at(now),
            mode_override: self
                .orders()
                .and_then(|orders| orders.in_force(self.settings.mode, now)),
            lease: self.lease(now),
            vetoed: self.vetoed(now),
            reopenings,
            outage: self.outage(now),
            last_error: self.words().map(|words| Arc::clone(&words.last)),
            trip_error: self.words().and_then(|words| words.of_trip.clone()),
        };
        if let Some((evidence, good)) = self.judged(good) {
            reading.tally = evidence.tally(good, now);
            reading.consecutive_failures = evidence.failures_after(good);
            reading.consecutive_successes = evidence.successes_after(good);
        }
        match &self.phase {
            Phase::Open { until, .. } => {
                let end = self.refuses_until(*until);
                reading.retry_after = now.left_to(end).as_duration();
                reading.probe_due = now.has_reached(end) && !self.must_ask(now);
            }
            Phase::HalfOpen { probes, .. } => reading.probes.in_flight = probes.len() as u64,
            Phase::Recovering(recovery) => reading.recovering_share = Some(recovery.share(now)),
            Phase::Closed(_) | Phase::ForcedOpen | Phase::Disabled => {}
        }
        reading
    }

    /// A copy that has caught up, if a timed order (R34) or a lease has ended without a call since. Both clear the
    /// evidence, so the copy has none.
    pub(super) fn ahead(&self, now: Instant) -> Option<Self> {
        let now = now.max(self.now);
        let ends = [self.change_of_mode().map(|(end, _)| end), self.lease_end()];
        ends.into_iter().flatten().find(|end| now.has_reached(*end))?;
        let phase = match &self.phase {
            Phase::Closed(_) => Phase::Closed(Evidence::none(&self.settings, self.created)),
            // The end of an order leaves it at once.
            Phase::Recovering(_) => {
                let none = Recovery::new(&self.settings, Duration::ZERO, self.created, now);
                Phase::Recovering(none.into())
            }
            Phase::Open { until, draw } => Phase::Open { until: *until, draw: *draw },
            Phase::HalfOpen { probes, next } => {
                Phase::HalfOpen { probes: probes.clone(), next: *next }
            }
            Phase::ForcedOpen => Phase::ForcedOpen,
            Phase::Disabled => Phase::Disabled,
        };
        let mut ahead = Self {
            phase,
            settings: self.settings.clone(),
            trouble: self.trouble.clone(),
            history: self.history.clone(),
            jitter: self.jitter.clone(),
            ..*self
        };
        ahead.catch_up(now);
        Some(ahead)
    }

    /// Transitions and open time, up to `now`.
    pub(crate) fn past(&self, now: Instant) -> Past {
        if let Some(ahead) = self.ahead(now) {
            return ahead.past(now);
        }
        let mut past = self.history.as_ref().map(|history| history.past).unwrap_or_default();
        if let Phase::Open { .. } = self.phase {
            past.open = past.open.saturating_add(now.max(self.now).since(self.since));
        }
        past
    }
}
