//! What readers see, in a form that the reference can make too.

use std::time::Duration;

use super::{Model, Reason, as_credit, rejections_of};
use crate::report::Snapshot;
use crate::rules::{Lease, ModeOverride, Probes, Reading, State, TransitionCounts};
use crate::settings::Mode;

/// An override as it is shown, but for who gave it.
#[derive(Debug, PartialEq)]
pub(super) struct Ordered {
    pub(super) mode: Mode,
    pub(super) left: Option<Duration>,
    pub(super) then: Option<Mode>,
    pub(super) number: u64,
}

impl From<&ModeOverride> for Ordered {
    fn from(shown: &ModeOverride) -> Self {
        let ModeOverride { mode, left, then, number, .. } = *shown;
        Self { mode, left, then, number }
    }
}

/// What is compared after every step.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) state: State,
    pub(super) since: Duration,
    pub(super) epoch: u64,
    pub(super) reason: Option<Reason>,
    pub(super) retry_after: Option<Duration>,
    pub(super) probe_due: bool,
    /// What a call brings to a recovering circuit.
    pub(super) share: Option<u64>,
    pub(super) calls: u64,
    pub(super) failed: u64,
    pub(super) slow: u64,
    pub(super) consecutive_failures: u64,
    pub(super) consecutive_successes: Option<u32>,
    pub(super) probes: Probes,
    /// Every change of state, in the order of states.
    pub(super) ways: Vec<(State, State)>,
    pub(super) open_time: Duration,
    pub(super) last_failure: Option<Duration>,
    pub(super) ordered: Option<Ordered>,
    pub(super) last_success: Option<Duration>,
    pub(super) lease: Option<Lease>,
    /// The votes that it does not follow.
    pub(super) vetoed: Option<u64>,
    pub(super) reopenings: u32,
    /// How long it is not closed, and why at first.
    pub(super) outage: Option<(Duration, Reason)>,
}

impl From<Reading> for Seen {
    fn from(reading: Reading) -> Self {
        Self {
            state: reading.state,
            since: reading.since,
            epoch: reading.epoch,
            reason: reading.trip_reason.map(Reason::from),
            retry_after: reading.retry_after,
            probe_due: reading.probe_due,
            share: reading.recovering_share.map(as_credit),
            calls: reading.tally.calls,
            failed: reading.tally.failed,
            slow: reading.tally.slow,
            consecutive_failures: reading.consecutive_failures.into(),
            consecutive_successes: reading.consecutive_successes,
            probes: reading.probes,
            ways: ways_of(&reading.past.transitions),
            open_time: reading.past.open,
            last_failure: reading.last_failure,
            ordered: reading.mode_override.as_ref().map(Ordered::from),
            last_success: reading.last_success,
            lease: reading.lease,
            vetoed: reading.vetoed.map(|verdict| verdict.failed.into()),
            reopenings: reading.reopenings,
            outage: reading.outage.map(|outage| (outage.since, outage.first.into())),
        }
    }
}

pub(super) fn ways_of(counts: &TransitionCounts) -> Vec<(State, State)> {
    let each = |(from, to, count)| (0..count).map(move |_| (from, to));
    counts.iter().flat_map(each).collect()
}

/// Fails unless the snapshot shows what the model has seen.
#[track_caller]
pub(super) fn assert_shows(snapshot: &Snapshot, model: &Model) {
    let seen = model.reading();
    let is_judged = seen.calls >= u64::from(model.settings.minimum_calls);
    let share = |count: u64| {
        let count = f64::from(u32::try_from(count).unwrap());
        is_judged.then(|| count / f64::from(u32::try_from(seen.calls).unwrap()))
    };
    let slow_rate = share(seen.slow).filter(|_| model.settings.slow_call.is_some());
    assert_eq!(snapshot.state, seen.state);
    assert_eq!(snapshot.since, seen.since);
    assert_eq!(snapshot.epoch, seen.epoch);
    assert_eq!(snapshot.trip_reason.map(Reason::from), seen.reason);
    assert_eq!(snapshot.retry_after, seen.retry_after);
    assert_eq!(snapshot.probe_due, seen.probe_due);
    assert_eq!(snapshot.recovering_share.map(as_credit), seen.share);
    assert_eq!(snapshot.failure_rate, share(seen.failed));
    assert_eq!(snapshot.slow_call_rate, slow_rate);
    assert_eq!(u64::from(snapshot.window_calls), seen.calls);
    assert_eq!(u64::from(snapshot.window_failures), seen.failed);
    assert_eq!(u64::from(snapshot.window_slow_calls), seen.slow);
    assert_eq!(u64::from(snapshot.consecutive_failures), seen.consecutive_failures);
    assert_eq!(snapshot.consecutive_successes, seen.consecutive_successes);
    assert_eq!(snapshot.probes, seen.probes);
    assert_eq!(snapshot.transitions, seen.ways.len() as u64);
    assert_eq!(ways_of(&snapshot.transition_counts), seen.ways);
    assert_eq!(snapshot.open_time, seen.open_time);
    assert_eq!(snapshot.last_failure, seen.last_failure);
    assert_eq!(snapshot.mode_override.as_ref().map(Ordered::from), seen.ordered);
    assert_eq!(snapshot.last_success, seen.last_success);
    assert_eq!(snapshot.lease, seen.lease);
    assert_eq!(snapshot.vetoed.map(|verdict| verdict.failed.into()), seen.vetoed);
    assert_eq!(snapshot.reopenings, seen.reopenings);
    assert_eq!(snapshot.outage.map(|it| (it.since, it.first.into())), seen.outage);
    let reopenings = snapshot.outage.map(|outage| outage.reopenings);
    assert_eq!(reopenings, seen.outage.map(|_| seen.reopenings));
    assert_eq!(snapshot.calls, model.calls());
    assert_eq!(snapshot.in_flight, (model.let_in - model.ended.len()) as u64);
    assert_eq!(snapshot.rejected, model.rejections());
    assert_eq!(snapshot.would_reject, rejections_of(&model.would_reject));
    let order = seen.ordered.as_ref();
    assert_eq!(snapshot.mode, order.map_or(model.settings.mode, |order| order.mode));
}
