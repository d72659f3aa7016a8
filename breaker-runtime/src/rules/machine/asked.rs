//! Failures that ask the circuit to open for a time (R28).

use std::time::Duration;

use super::{GoodCalls, Machine, Phase, Settlement, Ticket};
use crate::rules::{Ended, Instant, TripKind, TripReason};

impl Machine {
    /// The same for a failure that asks to stay away for a time (R28). Zero is no answer.
    pub(crate) fn settle_asking(
        &mut self,
        ticket: Ticket,
        ended: Ended,
        asked: Duration,
        good: &impl GoodCalls,
        now: Instant,
    ) -> Settlement {
        let now = self.catch_up(now);
        if asked.is_zero() || ticket.epoch != self.epoch {
            return self.settle(ticket, ended, good, now);
        }
        match (&mut self.phase, ticket.probe) {
            (Phase::HalfOpen { probes, .. }, Some(probe)) => {
                if probes.remove(&probe).is_none() {
                    return Settlement::Late;
                }
                self.trouble().probes.failures += 1;
            }
            (Phase::Closed(_) | Phase::Recovering(_), _) => {}
            _ => return self.settle(ticket, ended, good, now),
        }
        self.open_as_asked(asked, ended.slow, now);
        Settlement::Recorded
    }

    /// Whether a failure asked for the present opening, or for the last one.
    pub(super) fn is_asked(&self) -> bool {
        let reason = self.trouble.as_ref().and_then(|trouble| trouble.trip_reason);
        reason.is_some_and(|reason| reason.kind == TripKind::Asked)
    }

    fn open_as_asked(&mut self, asked: Duration, slow: bool, now: Instant) {
        let asked = asked.min(self.settings.open_for_max);
        let reason = TripReason {
            kind: TripKind::Asked,
            failed: 1,
            slow: slow.into(),
            calls: 1,
            hung: 0,
            share: None,
            threshold: Some(asked.as_secs_f64()),
        };
        self.trouble().last_failure = Some(now);
        self.open_until(now.after(asked), reason, now);
    }
}
