//! Half-open: the probes in flight, their verdict, and lost probes (R7, R8, R12).

use std::collections::VecDeque;
use std::num::NonZeroU64;

use super::{Machine, Phase, Settlement, Ticket, Trouble, count};
use crate::rules::{Cause, Ended, Ending, Instant, Probes, TripKind, TripReason};
use crate::settings::Settings;

/// Identifies a probe within its epoch. Later probes have greater ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProbeId(NonZeroU64);

impl ProbeId {
    /// Returns this id and advances to the next.
    pub(super) fn take(&mut self) -> Self {
        let next = Self(self.0.saturating_add(1));
        std::mem::replace(self, next)
    }
}

/// A probe in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub(super) admitted: Instant,
    pub(super) deadline: Instant,
}

impl Probe {
    pub(super) fn new(admitted: Instant, settings: &Settings) -> Self {
        Self { admitted, deadline: admitted.after(settings.probe_timeout) }
    }
}

/// The probes in flight, in the order of their ids, which is that of their deadlines. There are few.
#[derive(Clone, Debug, Default)]
pub(super) struct Running(VecDeque<(ProbeId, Probe)>);

impl Running {
    /// Adds one with a greater id than all others.
    pub(super) fn add(&mut self, id: ProbeId, probe: Probe) {
        self.0.push_back((id, probe));
    }

    /// Says whether it was there.
    pub(super) fn remove(&mut self, id: ProbeId) -> bool {
        // Most often it is the only one, or the one that began first.
        if self.0.front().is_some_and(|(first, _)| *first == id) {
            return self.0.pop_front().is_some();
        }
        let at = self.0.binary_search_by_key(&id, |(id, _)| *id);
        at.is_ok_and(|at| self.0.remove(at).is_some())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn first(&self) -> Option<(ProbeId, Probe)> {
        self.0.front().copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Probe> {
        self.0.iter().map(|(_, probe)| probe)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Probe> {
        self.0.iter_mut().map(|(_, probe)| probe)
    }
}

impl Machine {
    pub(super) fn begin_half_open(&mut self, now: Instant) {
        let trouble = self.trouble();
        (trouble.probes, trouble.slow_probes) = (Probes::default(), 0);
        let (probes, next) = (Running::default(), ProbeId(NonZeroU64::MIN));
        self.enter(Phase::HalfOpen { probes, next }, Cause::CooldownOver, now);
    }

    /// Restarts the deadline of a probe that is not lost yet. It gets a new id, because later ids have later deadlines.
    /// Does not look for lost probes, so it causes no event.
    pub(crate) fn begin_again(&mut self, ticket: Ticket, now: Instant) -> Ticket {
        self.now = self.now.max(now);
        if ticket.epoch == self.epoch
            && let (Phase::HalfOpen { probes, next }, Some(probe)) = (&mut self.phase, ticket.probe)
            && probes.remove(probe)
        {
            let again = next.take();
            probes.add(again, Probe::new(self.now, &self.settings));
            return Ticket { probe: Some(again), ..ticket };
        }
        ticket
    }

    pub(super) fn settle_probe(&mut self, ended: Ended, now: Instant) -> Settlement {
        if ended.is_bad() {
            self.fail_probe(ended.slow, now);
        } else if ended.ending == Ending::Success {
            let probes = &mut self.trouble().probes;
            probes.successes += 1;
            let successes = probes.successes;
            if successes >= self.settings.success_threshold.into() {
                self.recover(Cause::Recovered(successes), now);
            }
        } else {
            return Settlement::Neutral;
        }
        Settlement::Recorded
    }

    pub(super) fn fail_probe(&mut self, slow: bool, now: Instant) {
        let trouble = self.trouble();
        trouble.probes.failures += 1;
        trouble.slow_probes += u32::from(slow);
        let Trouble { probes, slow_probes, .. } = *trouble;
        let limit = self.settings.half_open_failure_threshold;
        if probes.failures >= limit.into() {
            let reason = TripReason {
                kind: TripKind::FailedProbes,
                failed: count(probes.failures),
                slow: slow_probes,
                calls: count(probes.failures + probes.successes),
                hung: 0,
                share: None,
                threshold: Some(limit.into()),
            };
            self.open(reason, now);
        }
    }

    /// The probe with the earliest deadline.
    pub(super) fn first_deadline(&self) -> Option<(Instant, ProbeId)> {
        let Phase::HalfOpen { probes, .. } = &self.phase else { return None };
        probes.first().map(|(id, probe)| (probe.deadline, id))
    }

    pub(super) fn lose(&mut self, probe: ProbeId, at: Instant) {
        if let Phase::HalfOpen { probes, .. } = &mut self.phase {
            probes.remove(probe);
        }
        self.trouble().probes.lost += 1;
        self.fail_probe(false, at);
    }
}
