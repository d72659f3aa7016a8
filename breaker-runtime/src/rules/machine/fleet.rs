//! Advice of a fleet: opening on the word of other members, and leave to probe for all of them (F2 to F6).
//!
//! Advice is trusted for a time only. After that the circuit acts as if alone, so a fleet that falls silent holds
//! nothing.

use std::mem;
use std::time::Duration;

use super::{Cause, Good, Instant, Machine, Phase, Settings, TripReason};
use crate::rules::{Advice, Advised, Lease, Opening};

/// Without a rate, a circuit with this share of bad calls or more does not veto.
const HALF_BAD_WITHOUT_RATE: f64 = 0.25;

/// The advice that a circuit goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trust {
    /// Everything here counts until then.
    until: Instant,
    /// The fleet holds an open circuit until then, whatever its own cooldown.
    held: Instant,
    /// Another member has the lease until then.
    other: Instant,
    /// This member has the lease until then.
    own: Instant,
    /// The circuit is half-open by that lease.
    is_probing: bool,
    /// A call found the cooldown over, and the fleet was not asked yet.
    wants_probe: bool,
    has_asked: bool,
    /// Since when the fleet keeps it from probing.
    kept_since: Option<Instant>,
    vetoed: Option<TripReason>,
}

impl Trust {
    const NONE: Self = Self {
        until: Instant::ZERO,
        held: Instant::ZERO,
        other: Instant::ZERO,
        own: Instant::ZERO,
        is_probing: false,
        wants_probe: false,
        has_asked: false,
        kept_since: None,
        vetoed: None,
    };

    /// When the circuit's lease ends, or the advice that gave it.
    fn lent_until(&self) -> Instant {
        self.own.min(self.until)
    }
}

/// Stands here because circuits in no fleet never need it.
impl Machine {
    /// Takes advice, which counts for `trusted_for`.
    pub(crate) fn advise(
        &mut self,
        advice: Advice,
        trusted_for: Duration,
        good: Good,
        now: Instant,
    ) -> Advised {
        let now = self.catch_up(now);
        if let Phase::ForcedOpen | Phase::Disabled = self.phase {
            return Advised::Ignored;
        }
        let is_closed = matches!(self.phase, Phase::Closed(_) | Phase::Recovering(_));
        match advice {
            Advice::Alone => self.forget_advice(),
            Advice::Close if is_closed => {
                self.forget_advice();
                return Advised::Ignored;
            }
            Advice::Close => self.recover(Cause::RecoveredElsewhere, now),
            Advice::Open(opening) => return self.open_as_voted(opening, trusted_for, good, now),
            Advice::Ask | Advice::Wait(_) | Advice::Probe(_) if is_closed => {
                return Advised::Ignored;
            }
            Advice::Ask => self.lend(Instant::ZERO, Instant::ZERO, trusted_for, now),
            Advice::Wait(left) => {
                let other = now.after(left.min(self.longest_wait()));
                self.lend(Instant::ZERO, other, trusted_for, now);
                self.keep_from_probing(now);
            }
            Advice::Probe(left) => {
                let own = now.after(left.min(self.settings.probe_timeout));
                self.lend(own, Instant::ZERO, trusted_for, now);
            }
        }
        Advised::Followed
    }

    fn open_as_voted(
        &mut self,
        opening: Opening,
        trusted_for: Duration,
        good: Good,
        now: Instant,
    ) -> Advised {
        let until = now.after(opening.left().min(self.settings.cooldown_max));
        let reason = opening.reason();
        let is_good = self.vetoes(good, now);
        match &mut self.phase {
            Phase::Closed(_) | Phase::Recovering(_) if opening.left().is_zero() => {
                self.forget_advice();
                return Advised::Ignored;
            }
            Phase::Closed(_) | Phase::Recovering(_) if is_good => {
                self.trust(trusted_for, now).vetoed = Some(reason);
                return Advised::Vetoed;
            }
            Phase::Closed(_) | Phase::Recovering(_) => {
                self.open_until(until, reason, now);
                self.escalate(opening.escalation());
            }
            // Its own evidence stays what it is (F2).
            Phase::Open { .. } => {
                self.escalate(opening.escalation());
                let trust = self.trust(trusted_for, now);
                (trust.held, trust.kept_since) = (until.max(trust.held), None);
            }
            // Its own probes decide.
            Phase::HalfOpen { .. } | Phase::ForcedOpen | Phase::Disabled => {
                return Advised::Ignored;
            }
        }
        self.lend(Instant::ZERO, Instant::ZERO, trusted_for, now);
        Advised::Followed
    }

    /// Counts the re-openings that the fleet has seen, if these are more.
    fn escalate(&mut self, reopenings: u32) {
        let trouble = self.trouble();
        trouble.reopenings = trouble.reopenings.max(reopenings);
    }

    /// Whether its own calls are too good to open on the word of others: enough of them, with less than half of what
    /// opens it.
    fn vetoes(&self, good: Good, now: Instant) -> bool {
        let Some((evidence, good)) = self.judged(good) else { return false };
        let Settings { failure_rate, slow_call_rate, minimum_calls, .. } = *self.settings;
        let tally = evidence.tally(good, now);
        let is_good = |share: f64, rate: Option<f64>| rate.is_none_or(|rate| share < rate / 2.0);
        let run_only = (failure_rate, slow_call_rate) == (None, None);
        tally.calls >= minimum_calls.into()
            && is_good(tally.failed_share(), failure_rate)
            && is_good(tally.slow_share(), slow_call_rate)
            && (!run_only || tally.failed_share() < HALF_BAD_WITHOUT_RATE)
    }

    /// Says who has the lease from now on. A circuit that probes with a lease and has none any more opens again.
    fn lend(&mut self, own: Instant, other: Instant, trusted_for: Duration, now: Instant) {
        let is_half_open = matches!(self.phase, Phase::HalfOpen { .. });
        let trust = self.trust(trusted_for, now);
        (trust.own, trust.other, trust.has_asked) = (own, other, false);
        let is_lent = is_half_open && !now.has_reached(trust.lent_until());
        let was_lent = mem::replace(&mut trust.is_probing, is_lent);
        if was_lent && now.has_reached(own) {
            self.stop_probing(now);
        }
    }

    fn stop_probing(&mut self, at: Instant) {
        self.enter(Phase::Open { until: at, draw: 0.0 }, Cause::LeaseEnded, at);
    }

    fn trust(&mut self, trusted_for: Duration, now: Instant) -> &mut Trust {
        let trust = self.history().trust.get_or_insert_with(|| Trust::NONE.into());
        trust.until = now.after(trusted_for);
        trust
    }

    fn forget_advice(&mut self) {
        if let Some(history) = &mut self.history {
            history.trust = None;
        }
    }

    /// What comes from others must not hold a circuit for longer than its own settings could.
    fn longest_wait(&self) -> Duration {
        self.settings.cooldown_max.max(self.settings.probe_timeout)
    }

    /// When a circuit that was kept from probing goes on as if alone.
    fn kept_until(&self, trust: &Trust) -> Instant {
        trust.kept_since.map_or(Instant::NEVER, |since| since.after(self.longest_wait()))
    }

    /// The advice that counts at `now`.
    fn trusted(&self, now: Instant) -> Option<&Trust> {
        let trust = self.history.as_ref()?.trust.as_deref()?;
        (!now.has_reached(trust.until.min(self.kept_until(trust)))).then_some(trust)
    }

    /// When an open circuit may be asked again: after its cooldown, when the fleet holds it no longer, and after the
    /// probes of another member.
    pub(super) fn refuses_until(&self, cooldown_ends: Instant) -> Instant {
        let trust = self.history.as_ref().and_then(|history| history.trust.as_deref());
        trust.map_or(cooldown_ends, |trust| {
            let waits = trust.other.min(trust.until).max(trust.held);
            cooldown_ends.max(waits.min(self.kept_until(trust)))
        })
    }

    /// What is left of the cooldown of a circuit that is open on its own evidence: its vote (F2).
    pub(crate) fn evidence_left(&self, now: Instant) -> Option<Duration> {
        if let Some(ahead) = self.ahead(now) {
            return ahead.evidence_left(now);
        }
        let Phase::Open { until, .. } = self.phase else { return None };
        let reason = self.trouble.as_ref()?.trip_reason?;
        let left = now.max(self.now).left_to(until).as_duration();
        reason.kind.is_evidence().then_some(left.unwrap_or(Duration::MAX))
    }

    /// Whether a probe needs leave that the circuit does not have.
    pub(super) fn must_ask(&self, now: Instant) -> bool {
        self.trusted(now).is_some_and(|trust| now.has_reached(trust.own))
    }

    /// A call was refused. If the cooldown is over, that is because the fleet must be asked first.
    pub(super) fn want_probe(&mut self, now: Instant) {
        let Phase::Open { until, .. } = self.phase else { return };
        let is_over = now.has_reached(self.refuses_until(until));
        if let Some(trust) = self.history.as_mut().and_then(|history| history.trust.as_mut())
            && is_over
            && !trust.has_asked
        {
            (trust.has_asked, trust.wants_probe) = (true, true);
            self.keep_from_probing(now);
        }
    }

    /// From `now` on, or from the end of its cooldown on, an open circuit would probe if it were alone.
    fn keep_from_probing(&mut self, now: Instant) {
        let Phase::Open { until, .. } = self.phase else { return };
        if let Some(trust) = self.history.as_mut().and_then(|history| history.trust.as_mut()) {
            trust.kept_since.get_or_insert(now.max(until));
        }
    }

    /// Whether a call wanted to probe since the last time that this was asked.
    pub(crate) fn take_wish_to_probe(&mut self) -> bool {
        let trust = self.history.as_mut().and_then(|history| history.trust.as_mut());
        trust.is_some_and(|trust| mem::take(&mut trust.wants_probe))
    }

    /// What a change of phase leaves of the advice.
    pub(super) fn outlive_advice(&mut self, now: Instant) {
        let phase = &self.phase;
        let Some(history) = &mut self.history else { return };
        let Some(trust) = &mut history.trust else { return };
        match phase {
            Phase::Open { .. } => {
                (trust.own, trust.is_probing, trust.has_asked) = (Instant::ZERO, false, false);
                (trust.held, trust.kept_since, trust.vetoed) = (Instant::ZERO, None, None);
            }
            Phase::HalfOpen { .. } => {
                trust.kept_since = None;
                trust.is_probing = !now.has_reached(trust.lent_until());
            }
            Phase::Closed(_) | Phase::Recovering(_) | Phase::ForcedOpen | Phase::Disabled => {
                history.trust = None;
            }
        }
    }

    /// When a circuit that probes by a lease stops that.
    pub(super) fn lease_end(&self) -> Option<Instant> {
        let trust = self.history.as_ref()?.trust.as_deref()?;
        trust.is_probing.then(|| trust.lent_until())
    }

    /// The lease is over. If the fleet fell silent before that, the circuit goes on as if alone.
    pub(super) fn end_lease(&mut self, at: Instant) {
        if self.trusted(at).is_some() {
            self.stop_probing(at);
        } else {
            self.forget_advice();
        }
    }

    pub(super) fn lease(&self, now: Instant) -> Option<Lease> {
        if let Phase::Closed(_) | Phase::Recovering(_) = self.phase {
            return None;
        }
        let trust = self.trusted(now)?;
        let left = |end| now.left_to(end).as_duration().unwrap_or(Duration::MAX);
        Some(if !now.has_reached(trust.own) {
            Lease::Own(left(trust.own))
        } else if !now.has_reached(trust.other) {
            Lease::Other(left(trust.other))
        } else {
            Lease::Unasked
        })
    }

    pub(super) fn vetoed(&self, now: Instant) -> Option<TripReason> {
        self.trusted(now)?.vetoed
    }
}
