//! The state machine: every rule of a circuit, and nothing else.
//!
//! It takes `&mut self` and a `now`; no lock, no clock, no user code. A test moves time by passing a
//! later instant. Around it, [`CircuitBreaker`](crate::CircuitBreaker) holds the lock and the fast path.

mod evidence;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::clock::Instant;
use crate::config::Settings;
use crate::error::{Refusal, RejectedReason};
use crate::outcome::{Ended, Ending};
use crate::snapshot::Probes;
use crate::state::{Cause, State, Transition, TripKind, TripReason};
use crate::transitions::TransitionCounts;
use crate::window::{Good, Tally};
use crate::word::Epoch;
use evidence::Evidence;

#[derive(Debug)]
pub(crate) struct Machine {
    settings: Settings,
    phase: Phase,
    created: Instant,
    epoch: u64,
    since: Instant,
    /// The latest time seen. A clock that goes back stands still here (R17), so deadlines stay in order.
    now: Instant,
    trouble: Option<Box<Trouble>>,
    past: Option<Box<Past>>,
    /// What nobody has taken yet, in order.
    news: Vec<Transition>,
    jitter: fastrand::Rng,
}

/// What a circuit remembers that has seen bad calls. A healthy one has no room for it.
#[derive(Clone, Copy, Debug, Default)]
struct Trouble {
    trip_reason: Option<TripReason>,
    /// Openings since the last close, the first left out (R15).
    reopenings: u32,
    probes: Probes,
    /// Those of the failed probes that were slow.
    slow_probes: u32,
    last_failure: Option<Instant>,
    last_success: Option<Instant>,
}

/// What a circuit has been through since it was made, if it ever left its first state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) transitions: TransitionCounts,
    /// How long it was open.
    pub(crate) open: Duration,
}

#[derive(Debug)]
enum Phase {
    Closed(Evidence),
    Open { until: Instant },
    HalfOpen { deadlines: BTreeMap<ProbeId, Instant>, next: ProbeId },
    ForcedOpen,
    Disabled,
}

/// Tells a probe from its neighbours of the same epoch. Later probes have greater ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProbeId(NonZeroU64);

impl ProbeId {
    /// This id, and the next in its place.
    fn take(&mut self) -> Self {
        let next = Self(self.0.saturating_add(1));
        std::mem::replace(self, next)
    }
}

/// What an admitted call must show when it is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) epoch: Epoch,
    pub(crate) probe: Option<ProbeId>,
}

impl Ticket {
    /// For a call that is no probe.
    #[inline]
    pub(crate) const fn of(epoch: Epoch) -> Self {
        Self { epoch, probe: None }
    }
}

/// What settling did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// The outcome counted.
    Recorded,
    /// The outcome counts for nothing in this state.
    Neutral,
    /// The outcome belongs to another epoch, or to a probe that was given up (R10, R12).
    Late,
}

/// The good calls of a closed circuit, counted outside the machine.
pub(crate) trait GoodCalls {
    /// Ends the run since the last bad call and returns how long it was, with the verdict that `judge` gave
    /// on it. If there is a verdict, good calls must be refused from that very moment on.
    fn end_run<V>(&self, judge: impl Fn(u32) -> Option<V>) -> (u32, Option<V>);

    /// How many there have ever been.
    fn all(&self) -> u64;
}

/// A consistent reading of the machine.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) state: State,
    pub(crate) since: Duration,
    pub(crate) epoch: u64,
    pub(crate) trip_reason: Option<TripReason>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) probe_due: bool,
    pub(crate) tally: Tally,
    pub(crate) consecutive_failures: u32,
    pub(crate) consecutive_successes: Option<u32>,
    pub(crate) probes: Probes,
    pub(crate) past: Past,
    pub(crate) last_failure: Option<Duration>,
    pub(crate) last_success: Option<Duration>,
}

impl Machine {
    /// A closed circuit with no evidence. `seed` is for the jitter alone.
    pub(crate) fn new(settings: Settings, now: Instant, seed: u64) -> Self {
        Self {
            phase: Phase::Closed(Evidence::none(&settings, now)),
            settings,
            created: now,
            epoch: 0,
            since: now,
            now,
            trouble: None,
            past: None,
            news: Vec::new(),
            jitter: fastrand::Rng::with_seed(seed),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn epoch(&self) -> Epoch {
        Epoch::of(self.epoch)
    }

    pub(crate) fn state(&self) -> State {
        match self.phase {
            Phase::Closed(_) => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
            Phase::ForcedOpen => State::ForcedOpen,
            Phase::Disabled => State::Disabled,
        }
    }

    /// Whether a call would be let in (R6, R7).
    pub(crate) fn check(&mut self, now: Instant) -> Result<(), Refusal> {
        let now = self.catch_up(now);
        match &self.phase {
            Phase::ForcedOpen => Err(Refusal::new(RejectedReason::ForcedOpen)),
            Phase::Open { until } if !now.has_reached(*until) => {
                Err(Refusal::open(now.left_to(*until)))
            }
            Phase::HalfOpen { deadlines, .. }
                if deadlines.len() >= self.settings.half_open_max_calls as usize =>
            {
                Err(Refusal::new(RejectedReason::HalfOpenFull))
            }
            Phase::Closed(_) | Phase::Open { .. } | Phase::HalfOpen { .. } | Phase::Disabled => {
                Ok(())
            }
        }
    }

    /// Lets a call in, as a probe if there is need to, or says why not.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Ticket, Refusal> {
        self.check(now)?;
        let now = self.now;
        if let Phase::Open { .. } = self.phase {
            let trouble = self.trouble();
            (trouble.probes, trouble.slow_probes) = (Probes::default(), 0);
            let (deadlines, next) = (BTreeMap::new(), ProbeId(NonZeroU64::MIN));
            self.enter(Phase::HalfOpen { deadlines, next }, Cause::CooldownOver, now);
        }
        let mut ticket = Ticket::of(self.epoch());
        if let Phase::HalfOpen { deadlines, next } = &mut self.phase {
            let probe = next.take();
            deadlines.insert(probe, now.after(self.settings.probe_timeout));
            ticket.probe = Some(probe);
        }
        Ok(ticket)
    }

    /// Gives a probe all of its time from now on, if it was not given up yet. It gets a new id, as later ids
    /// have later deadlines. Probes that are lost meanwhile are left to others: no event comes of this.
    pub(crate) fn begin_again(&mut self, ticket: Ticket, now: Instant) -> Ticket {
        self.now = self.now.max(now);
        if ticket.epoch == self.epoch()
            && let (Phase::HalfOpen { deadlines, next }, Some(probe)) =
                (&mut self.phase, ticket.probe)
            && deadlines.remove(&probe).is_some()
        {
            let again = next.take();
            deadlines.insert(again, self.now.after(self.settings.probe_timeout));
            return Ticket { probe: Some(again), ..ticket };
        }
        ticket
    }

    /// Until when nothing but a call to this machine changes what it says: the end of a cooldown, or the
    /// edge at which a window wants to [`turn`](Machine::turn).
    pub(crate) fn holds_until(&self) -> Instant {
        match &self.phase {
            Phase::Closed(evidence) => evidence.holds_until(),
            Phase::Open { until } => *until,
            Phase::HalfOpen { .. } | Phase::ForcedOpen | Phase::Disabled => Instant::ZERO,
        }
    }

    /// Whether it needs to know of all good calls of a closed circuit, and not only of their run.
    pub(crate) fn counts_all(&self) -> bool {
        matches!(&self.phase, Phase::Closed(evidence) if evidence.counts_all())
    }

    /// Takes note of the time before a good call of a closed circuit is counted.
    pub(crate) fn turn(&mut self, good: &impl GoodCalls, now: Instant) {
        let now = self.catch_up(now);
        if let Phase::Closed(evidence) = &mut self.phase
            && now >= evidence.holds_until()
        {
            evidence.turn(good.all(), now);
        }
    }

    /// Takes the outcome of an admitted call (R1, R2, R8, R10-R12). A good call of a closed circuit does
    /// not come here: it is only counted.
    pub(crate) fn settle(
        &mut self,
        ticket: Ticket,
        ended: Ended,
        good: &impl GoodCalls,
        now: Instant,
    ) -> Settlement {
        let now = self.catch_up(now);
        if ticket.epoch != self.epoch() {
            return Settlement::Late;
        }
        match (&mut self.phase, ticket.probe) {
            (Phase::Closed(evidence), _) => {
                if !ended.is_bad() {
                    return Settlement::Neutral;
                }
                let all = if evidence.counts_all() { good.all() } else { 0 };
                let judge = |run| evidence.judge(&self.settings, Good { run, all }, ended, now);
                let (run, verdict) = good.end_run(judge);
                evidence.record(Good { run, all }, ended, now);
                self.remember(ended.ending, now);
                if let Some(reason) = verdict {
                    self.open(reason, now);
                }
                Settlement::Recorded
            }
            (Phase::HalfOpen { deadlines, .. }, Some(probe)) => {
                if deadlines.remove(&probe).is_none() {
                    return Settlement::Late;
                }
                self.remember(ended.ending, now);
                self.settle_probe(ended, now)
            }
            _ => Settlement::Neutral,
        }
    }

    fn settle_probe(&mut self, ended: Ended, now: Instant) -> Settlement {
        if ended.is_bad() {
            self.fail_probe(ended.slow, now);
        } else if ended.ending == Ending::Success {
            let probes = &mut self.trouble().probes;
            probes.successes += 1;
            let successes = probes.successes;
            if successes >= self.settings.success_threshold.into() {
                self.close(Cause::Recovered(successes), now);
            }
        } else {
            return Settlement::Neutral;
        }
        Settlement::Recorded
    }

    fn fail_probe(&mut self, slow: bool, now: Instant) {
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
                share: None,
                threshold: Some(limit.into()),
            };
            self.reopen(reason, now);
        }
    }

    /// Opens a closed or half-open circuit as if by evidence; does nothing elsewhere (R16).
    pub(crate) fn trip(&mut self, now: Instant) {
        let now = self.catch_up(now);
        match self.phase {
            Phase::Closed(_) => self.open(TripReason::MANUAL, now),
            Phase::HalfOpen { .. } => self.reopen(TripReason::MANUAL, now),
            Phase::Open { .. } | Phase::ForcedOpen | Phase::Disabled => {}
        }
    }

    pub(crate) fn force_open(&mut self, now: Instant) {
        let now = self.catch_up(now);
        if !matches!(self.phase, Phase::ForcedOpen) {
            self.enter(Phase::ForcedOpen, Cause::ForcedOpen, now);
        }
    }

    pub(crate) fn disable(&mut self, now: Instant) {
        let now = self.catch_up(now);
        if !matches!(self.phase, Phase::Disabled) {
            self.enter(Phase::Disabled, Cause::Disabled, now);
        }
    }

    /// Closes with empty counts, from any state; a closed circuit is emptied (R16). If the clock went back,
    /// it begins anew here: a test with paused time must not wait for where another one has been.
    pub(crate) fn reset(&mut self, now: Instant) {
        if now < self.now {
            self.now = now;
            self.created = self.created.min(now);
        }
        let now = self.catch_up(now);
        self.close(Cause::Reset, now);
    }

    /// The changes since this was last called.
    pub(crate) fn take_news(&mut self) -> Vec<Transition> {
        std::mem::take(&mut self.news)
    }

    /// Whether a circuit that nobody asked for in so long holds nothing worth keeping: no evidence, or
    /// only what is ten cooldowns old.
    pub(crate) fn is_disposable(&self, good: Good, untouched: Duration, now: Instant) -> bool {
        let ages = self.settings.cooldown.saturating_mul(10);
        match &self.phase {
            Phase::Closed(evidence) => {
                let now = now.max(self.now);
                // A call may have been asked for long before it ended.
                let untouched = evidence.age(now).map_or(untouched, |age| age.min(untouched));
                evidence.is_spotless(good, now) || untouched >= ages
            }
            Phase::Open { until } => now.has_reached(*until) && now.since(*until) >= ages,
            Phase::HalfOpen { .. } | Phase::ForcedOpen | Phase::Disabled => false,
        }
    }

    /// What the machine looks like at `now`, with so many good calls. Changes nothing.
    pub(crate) fn read(&self, good: Good, now: Instant) -> Reading {
        let now = now.max(self.now);
        let ago = |at: Option<Instant>| at.map(|at| now.since(at));
        let Trouble { trip_reason, probes, last_failure, last_success, .. } =
            self.trouble.as_deref().copied().unwrap_or_default();
        let mut reading = Reading {
            state: self.state(),
            since: now.since(self.since),
            epoch: self.epoch,
            trip_reason,
            retry_after: None,
            probe_due: false,
            tally: Tally::default(),
            consecutive_failures: 0,
            consecutive_successes: None,
            probes,
            past: self.past(now),
            last_failure: ago(last_failure),
            last_success: ago(last_success),
        };
        match &self.phase {
            Phase::Closed(evidence) => {
                reading.tally = evidence.tally(good, now);
                reading.consecutive_failures = evidence.failures_after(good);
                reading.consecutive_successes = evidence.successes_after(good);
            }
            Phase::Open { until } => {
                reading.retry_after = now.left_to(*until).as_duration();
                reading.probe_due = now.has_reached(*until);
            }
            Phase::HalfOpen { deadlines, .. } => reading.probes.in_flight = deadlines.len() as u64,
            Phase::ForcedOpen | Phase::Disabled => {}
        }
        reading
    }

    /// Takes the probes that were lost meanwhile, each at its own deadline (R12).
    fn catch_up(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        while let Phase::HalfOpen { deadlines, .. } = &mut self.phase
            && let Some(earliest) = deadlines.first_entry()
            && self.now.has_reached(*earliest.get())
        {
            let lost_at = earliest.remove();
            self.trouble().probes.lost += 1;
            self.fail_probe(false, lost_at);
        }
        self.now
    }

    fn trouble(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default()
    }

    fn open(&mut self, reason: TripReason, now: Instant) {
        self.trouble().trip_reason = Some(reason);
        let until = now.after(self.next_cooldown());
        self.enter(Phase::Open { until }, Cause::Tripped(reason), now);
    }

    fn reopen(&mut self, reason: TripReason, now: Instant) {
        let trouble = self.trouble();
        trouble.reopenings = trouble.reopenings.saturating_add(1);
        self.open(reason, now);
    }

    fn close(&mut self, cause: Cause, now: Instant) {
        if let Some(trouble) = &mut self.trouble {
            (trouble.reopenings, trouble.trip_reason) = (0, None);
        }
        let evidence = Evidence::none(&self.settings, self.created);
        self.enter(Phase::Closed(evidence), cause, now);
    }

    /// The one place where the phase changes (R9).
    fn enter(&mut self, phase: Phase, cause: Cause, now: Instant) {
        let from = self.state();
        let retry_after = match &phase {
            Phase::Open { until } => now.left_to(*until).as_duration(),
            _ => None,
        };
        self.phase = phase;
        self.epoch = self.epoch.wrapping_add(1);
        let lasted = now.since(self.since);
        self.since = now;
        let to = self.state();
        if from != to {
            let past = self.past.get_or_insert_default();
            past.transitions.add(from, to, 1);
            if from == State::Open {
                past.open = past.open.saturating_add(lasted);
            }
        }
        self.news.push(Transition { from, to, cause, retry_after });
    }

    /// What it has been through, up to `now`.
    pub(crate) fn past(&self, now: Instant) -> Past {
        let mut past = self.past.as_deref().copied().unwrap_or_default();
        if let Phase::Open { .. } = self.phase {
            past.open = past.open.saturating_add(now.max(self.now).since(self.since));
        }
        past
    }

    /// Takes on what another circuit, which is no more, has been through.
    pub(crate) fn absorb(&mut self, gone: Past) {
        if gone != Past::default() {
            let past = self.past.get_or_insert_default();
            past.transitions.absorb(&gone.transitions);
            past.open = past.open.saturating_add(gone.open);
        }
    }

    fn remember(&mut self, ending: Ending, now: Instant) {
        match ending {
            Ending::Failure => self.trouble().last_failure = Some(now),
            Ending::Success => self.trouble().last_success = Some(now),
            Ending::Ignored | Ending::Cancelled => {}
        }
    }

    /// `min(cooldown x multiplier^reopenings, jittered, cooldown_max)` (R15).
    fn next_cooldown(&mut self) -> Duration {
        let Settings { cooldown, cooldown_multiplier, cooldown_max, cooldown_jitter, .. } =
            self.settings;
        let reopenings = self.trouble().reopenings;
        let is_growing = reopenings > 0 && cooldown_multiplier > 1.0;
        if !is_growing && cooldown_jitter == 0.0 {
            // Exact: a float would round the nanoseconds of a cooldown of months.
            return cooldown;
        }
        let growth = cooldown_multiplier.powf(reopenings.into());
        let spread = cooldown_jitter.mul_add(self.jitter.f64().mul_add(2.0, -1.0), 1.0);
        Duration::try_from_secs_f64(cooldown.as_secs_f64() * growth * spread)
            .map_or(cooldown_max, |cooldown| cooldown.min(cooldown_max))
    }
}

/// A count that is shown; more than can be shown is "very many".
pub(crate) fn count(calls: u64) -> u32 {
    u32::try_from(calls).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod bench;
#[cfg(test)]
mod disposable;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
