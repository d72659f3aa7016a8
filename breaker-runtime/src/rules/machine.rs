//! The state machine: every rule of a circuit, and nothing else.
//!
//! Its methods take `&mut self` and `now`. They use no lock, no clock and no user code, so a test moves time by
//! passing a later instant. [`CircuitBreaker`](crate::CircuitBreaker) adds the lock and the fast path.

mod asked;
mod downtime;
mod evidence;
mod fleet;
mod orders;
mod outage;
mod probes;
mod reading;
mod recovery;
#[cfg(feature = "test-util")]
mod staged;
mod words;

use std::mem;
use std::time::Duration;

use crate::rules::{
    Bad, Cause, Ended, Ending, Good, Instant, Left, Order, Probes, Refusal, RejectedReason, State,
    Transition, TransitionCounts, TripKind, TripReason,
};
use crate::settings::{Interned, Mode, Settings};
pub(crate) use downtime::Downtime;
use evidence::Evidence;
use fleet::Trust;
use orders::Orders;
use outage::FirstOpening;
pub(crate) use probes::ProbeId;
use probes::{Probe, Running};
pub(crate) use reading::Reading;
use recovery::Recovery;
use words::Words;

/// The bits of an epoch. After the last one, epochs start at 0 again (R10).
pub(crate) const EPOCH_BITS: u32 = 40;

#[derive(Debug)]
pub(crate) struct Machine {
    settings: Interned,
    phase: Phase,
    created: Instant,
    epoch: u64,
    since: Instant,
    /// The latest time seen. If the clock goes back, this stands still (R17), so deadlines stay in order.
    now: Instant,
    trouble: Option<Box<Trouble>>,
    history: Option<Box<History>>,
    jitter: fastrand::Rng,
}

/// What a circuit remembers once it has seen a bad call. Allocated then, so that healthy circuits stay small.
#[derive(Clone, Copy, Debug, Default)]
struct Trouble {
    trip_reason: Option<TripReason>,
    /// Re-openings since the last close (R15).
    reopenings: u32,
    probes: Probes,
    /// The failed probes that were slow.
    slow_probes: u32,
    last_failure: Option<Instant>,
    /// Kept while good calls have dates: until the circuit closes or is disabled.
    last_success: Option<Instant>,
}

/// What a circuit remembers once it has changed state or was given an order. One box, so that a circuit that never
/// failed stays small.
#[derive(Clone, Debug, Default)]
struct History {
    past: Past,
    orders: Option<Box<Orders>>,
    /// Transitions that were not posted yet, in order.
    news: Vec<Transition>,
    /// What a fleet advises. Few circuits are in one.
    trust: Option<Box<Trust>>,
    words: Option<Box<Words>>,
    /// Only in an outage.
    first_opening: Option<Box<FirstOpening>>,
}

/// Counts of transitions and time spent open, since the circuit was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) transitions: TransitionCounts,
    /// Total time open.
    pub(crate) open: Duration,
}

#[derive(Debug)]
enum Phase {
    Closed(Evidence),
    Open {
        until: Instant,
        /// Where in its spread the cooldown is, from -1 to 1.
        draw: f64,
    },
    HalfOpen {
        probes: Running,
        next: ProbeId,
    },
    /// Closed again, for a share of the calls. Boxed, because few circuits ever are.
    Recovering(Box<Recovery>),
    ForcedOpen,
    Disabled,
}

/// What can end without a call.
#[derive(Clone, Copy, Debug)]
enum Over {
    Probe(ProbeId),
    Order,
    Lease,
}

/// What an admitted call presents when it is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) epoch: u64,
    pub(crate) probe: Option<ProbeId>,
}

impl Ticket {
    /// For a call that is not a probe.
    #[inline]
    pub(crate) const fn of(epoch: u64) -> Self {
        Self { epoch, probe: None }
    }
}

/// A call that was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    pub(crate) ticket: Ticket,
    /// Why it would have been refused if the circuit were not observed.
    pub(crate) would_reject: Option<RejectedReason>,
}

/// What settling did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// The outcome counted.
    Recorded,
    /// The outcome does not count in this state.
    Neutral,
    /// The outcome belongs to another epoch, or to a lost probe (R10, R12).
    Late,
}

/// The good calls of a closed circuit, counted outside the machine.
pub(crate) trait GoodCalls {
    /// Ends the run since the last bad call. Returns its length and the verdict of `judge` on it. If there is a
    /// verdict, no later good call may count.
    fn end_run<V>(&self, judge: impl Fn(u32) -> Option<V>) -> (u32, Option<V>);

    /// The good calls of this epoch at one moment. A call that is not included comes after any decision on this number.
    fn all(&self) -> u64;

    /// Switches counting to the new settings, and returns the count so far: the run, or the sum if it was counted by
    /// time. If counting by time begins, the sum is that of earlier calls in this epoch.
    fn refit(&self, settings: &Settings) -> Good;
}

impl Machine {
    /// A closed circuit without evidence. `seed` is for the jitter only.
    pub(crate) fn new(settings: Settings, now: Instant, seed: u64) -> Self {
        Self {
            phase: Phase::Closed(Evidence::none(&settings, now)),
            settings: settings.into(),
            created: now,
            epoch: 0,
            since: now,
            now,
            trouble: None,
            history: None,
            jitter: fastrand::Rng::with_seed(seed),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn state(&self) -> State {
        match self.phase {
            Phase::Closed(_) => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
            Phase::Recovering(_) => State::Recovering,
            Phase::ForcedOpen => State::ForcedOpen,
            Phase::Disabled => State::Disabled,
        }
    }

    /// Whether a call would be let in (R6, R7). An observed circuit lets every call in (R25).
    pub(crate) fn check(&mut self, now: Instant) -> Result<(), Refusal> {
        let now = self.catch_up(now);
        self.end_recovery(now);
        let verdict = self.verdict(now);
        if verdict.is_err() {
            self.count_asking(now);
            self.want_probe(now);
        }
        verdict.or_else(|refusal| if self.is_observing() { Ok(()) } else { Err(refusal) })
    }

    fn verdict(&self, now: Instant) -> Result<(), Refusal> {
        match &self.phase {
            Phase::ForcedOpen => {
                let end = self.change_of_mode().map_or(Instant::NEVER, |(end, _)| end);
                Err(Refusal::forced_open(now.left_to(end)))
            }
            Phase::Open { until, .. } => {
                let end = self.refuses_until(*until);
                if now.has_reached(end) && !self.must_ask(now) {
                    Ok(())
                } else {
                    Err(Refusal::open(now.left_to(end)))
                }
            }
            Phase::HalfOpen { probes, .. }
                if probes.len() >= self.settings.half_open_max_calls as usize =>
            {
                Err(Refusal::new(RejectedReason::HalfOpenFull))
            }
            Phase::Recovering(recovery) if !recovery.lets_in(now) => {
                Err(Refusal::new(RejectedReason::Recovering))
            }
            Phase::Closed(_) | Phase::HalfOpen { .. } | Phase::Recovering(_) | Phase::Disabled => {
                Ok(())
            }
        }
    }

    /// Admits a call, as a probe if necessary, or says why not.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Admitted, Refusal> {
        let now = self.catch_up(now);
        self.end_recovery(now);
        let mut ticket = Ticket::of(self.epoch);
        let verdict = self.verdict(now);
        self.count_asking(now);
        if let Err(refusal) = verdict {
            self.want_probe(now);
            // Its outcome is not counted here, because it has no place among the probes (R25).
            let would_reject = Some(refusal.reason).filter(|_| self.is_observing());
            return would_reject
                .map(|reason| Admitted { ticket, would_reject: Some(reason) })
                .ok_or(refusal);
        }
        if let Phase::Open { .. } = self.phase {
            self.begin_half_open(now);
            ticket.epoch = self.epoch;
        }
        if let Phase::HalfOpen { probes, next } = &mut self.phase {
            let probe = next.take();
            probes.add(probe, Probe::new(now, &self.settings));
            ticket.probe = Some(probe);
        }
        Ok(Admitted { ticket, would_reject: None })
    }

    /// Takes note of a call that asked and has its verdict (R27). A call that [`check`](Self::check) lets in asks
    /// again.
    fn count_asking(&mut self, now: Instant) {
        if let Phase::Recovering(recovery) = &mut self.phase {
            recovery.ask(now);
        }
    }

    /// After what time calls in flight hang, if it matters now (R26).
    pub(crate) fn hung_after(&self) -> Option<Duration> {
        match self.phase {
            Phase::Closed(_) | Phase::Recovering(_) => self.settings.hung_after,
            _ => None,
        }
    }

    /// How long the published state holds: until the end of the cooldown, or until the window has to
    /// [`turn`](Machine::turn). Zero means "ask every time". An open circuit asks if a timed order will change its
    /// mode, because that may end before the cooldown does.
    pub(crate) fn holds_until(&self) -> Instant {
        match &self.phase {
            Phase::Closed(evidence) => {
                let end = self.change_of_mode().map_or(Instant::NEVER, |(end, _)| end);
                evidence.holds_until().min(end)
            }
            Phase::Open { until, .. } if !self.asks_when_open() => self.refuses_until(*until),
            Phase::Open { .. }
            | Phase::HalfOpen { .. }
            | Phase::Recovering(_)
            | Phase::ForcedOpen
            | Phase::Disabled => Instant::ZERO,
        }
    }

    /// The time until `end`, from the latest time seen.
    pub(crate) fn left_to(&self, end: Instant) -> Left {
        self.now.left_to(end)
    }

    /// Whether the circuit is closed only until a timed order ends (R34). Its calls must check the time.
    pub(crate) fn is_closed_for_a_time(&self) -> bool {
        matches!(self.phase, Phase::Closed(_)) && self.change_of_mode().is_some()
    }

    /// Whether it is closed and needs the sum of all good calls instead of their run.
    pub(crate) fn counts_all(&self) -> bool {
        matches!(&self.phase, Phase::Closed(evidence) if evidence.counts_all())
    }

    /// Forgets the bad calls that a full run has pushed out of the window. Returns their memory, to be dropped later.
    pub(crate) fn forget(&mut self) -> Option<impl Sized + use<>> {
        match &mut self.phase {
            Phase::Closed(evidence) => evidence.forget(),
            _ => None,
        }
    }

    /// Moves a time window to the bucket of `now`, before a good call is counted.
    pub(crate) fn turn(&mut self, good: &impl GoodCalls, now: Instant) {
        let now = self.catch_up(now);
        if let Phase::Closed(evidence) = &mut self.phase
            && now >= evidence.holds_until()
        {
            evidence.turn(good.all(), now);
        }
    }

    /// Takes the outcome of an admitted call (R1, R2, R8, R10-R12). Good calls of a closed circuit are only counted
    /// and do not come here.
    pub(crate) fn settle(
        &mut self,
        ticket: Ticket,
        ended: Ended,
        good: &impl GoodCalls,
        now: Instant,
    ) -> Settlement {
        let now = self.catch_up(now);
        if ticket.epoch != self.epoch {
            return Settlement::Late;
        }
        match (&mut self.phase, ticket.probe) {
            (Phase::Closed(_) | Phase::Recovering(_), _) if ended.is_bad() => {
                self.take(Bad::Ended(ended), good, now)
            }
            (Phase::HalfOpen { probes, .. }, Some(probe)) => {
                if !probes.remove(probe) {
                    return Settlement::Late;
                }
                match ended.ending {
                    Ending::Failure => self.trouble().last_failure = Some(now),
                    Ending::Success => self.trouble().last_success = Some(now),
                    Ending::Ignored | Ending::Cancelled => {}
                }
                self.settle_probe(ended, now)
            }
            (Phase::Recovering(recovery), _) => recovery.count(&self.settings, ended.ending, now),
            _ => Settlement::Neutral,
        }
    }

    /// Takes bad calls of a closed circuit, which end the run of good ones, or of a recovering one.
    fn take(&mut self, bad: Bad, good: &impl GoodCalls, now: Instant) -> Settlement {
        let verdict = match &mut self.phase {
            Phase::Closed(evidence) => {
                let judge = |good| evidence.judge(&self.settings, good, bad, now);
                let (good, verdict) = if evidence.counts_all() {
                    let good = Good { run: 0, all: good.all() };
                    (good, judge(good))
                } else {
                    let (run, verdict) = good.end_run(|run| judge(Good { run, all: 0 }));
                    (Good { run, all: 0 }, verdict)
                };
                evidence.record(good, bad, now);
                verdict
            }
            Phase::Recovering(recovery) => recovery.take(&self.settings, bad, now),
            _ => return Settlement::Neutral,
        };
        if bad.call().is_failed() {
            self.trouble().last_failure = Some(now);
        }
        if let Some(reason) = verdict {
            self.open(reason, now);
        }
        Settlement::Recorded
    }

    /// Counts calls of that epoch that hang (R26). Each is a failure, and they are judged together.
    pub(crate) fn hang(
        &mut self,
        epoch: u64,
        calls: u32,
        good: &impl GoodCalls,
        now: Instant,
    ) -> Settlement {
        let now = self.catch_up(now);
        if epoch != self.epoch {
            return Settlement::Late;
        }
        self.take(Bad::Hung(calls), good, now)
    }

    /// Opens a closed or half-open circuit as if by evidence; does nothing elsewhere (R16).
    pub(crate) fn trip(&mut self, now: Instant) {
        let now = self.catch_up(now);
        match self.phase {
            Phase::Closed(_) | Phase::HalfOpen { .. } | Phase::Recovering(_) => {
                self.open(TripReason::MANUAL, now);
            }
            Phase::Open { .. } | Phase::ForcedOpen | Phase::Disabled => {}
        }
    }

    pub(crate) fn force_open(&mut self, now: Instant) {
        self.order(Order::by_code(Mode::ForcedOpen), now);
    }

    pub(crate) fn disable(&mut self, now: Instant) {
        self.order(Order::by_code(Mode::Disabled), now);
    }

    /// Closes with empty counts, from any state; a closed circuit is emptied (R16).
    pub(crate) fn reset(&mut self, now: Instant) {
        self.order(Order::reset(), now);
    }

    /// Applies lost probes and ended orders.
    pub(crate) fn observe(&mut self, now: Instant) {
        self.catch_up(now);
    }

    /// Applies other settings (R24). State, epoch and counts stay. This never trips or closes the circuit.
    pub(crate) fn reconfigure(
        &mut self,
        settings: impl Into<Interned>,
        good: &impl GoodCalls,
        now: Instant,
    ) {
        let settings = settings.into();
        let now = self.catch_up(now);
        let draw = if let Phase::Open { draw, .. } = self.phase { draw } else { 0.0 };
        let before = self.cooldown(draw);
        self.settings = settings.clone();
        let epoch = self.epoch;
        self.run_as(self.mode(), Cause::Configured, now);
        if self.epoch != epoch {
            // What it begins with in another mode is made by the new settings.
            return;
        }
        let cooldown = self.cooldown(draw);
        let is_asked = self.is_asked();
        match &mut self.phase {
            Phase::Closed(evidence) => {
                let good = good.refit(&settings);
                evidence.refit(settings.window, good, self.created, now);
            }
            // Its time does not come from the cooldown (R28).
            Phase::Open { until, .. } if is_asked => {
                let longest = self.since.after(settings.open_for_max).max(now);
                *until = (*until).min(longest);
            }
            // One that was restored keeps what is left, unless the cooldown is another one.
            Phase::Open { until, .. } if cooldown != before => {
                *until = self.since.after(cooldown).max(now);
            }
            Phase::HalfOpen { probes, .. } => {
                for probe in probes.iter_mut() {
                    probe.deadline = Probe::new(probe.admitted, &settings).deadline.max(now);
                }
            }
            Phase::Recovering(recovery) => recovery.refit(&settings, self.created, now),
            Phase::Open { .. } | Phase::ForcedOpen | Phase::Disabled => {}
        }
    }

    /// Whether it judges but refuses no call (R25).
    pub(crate) fn is_observing(&self) -> bool {
        self.mode() == Mode::Observe
    }

    /// Whether there were transitions since they were taken, or there is a wish to probe.
    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        let has_changed = self.history.as_ref().is_some_and(|history| !history.news.is_empty());
        has_changed || self.wishes_to_probe()
    }

    /// Returns the transitions since the last call.
    pub(crate) fn take_news(&mut self) -> Vec<Transition> {
        self.history.as_mut().map(|history| mem::take(&mut history.news)).unwrap_or_default()
    }

    /// Whether a circuit that was not used for `untouched` can be evicted: it has no evidence, or only evidence older
    /// than ten cooldowns.
    pub(crate) fn is_disposable(&self, good: Good, untouched: Duration, now: Instant) -> bool {
        if let Some(ahead) = self.ahead(now) {
            return ahead.is_disposable(Good::default(), untouched, now);
        }
        if self.change_of_mode().is_some() {
            return false;
        }
        let ages = self.settings.cooldown.saturating_mul(10);
        match &self.phase {
            Phase::Closed(evidence) => {
                let now = now.max(self.now);
                // A call may have been asked for long before it ended.
                let untouched = evidence.age(now).map_or(untouched, |age| age.min(untouched));
                evidence.is_spotless(good, now) || untouched >= ages
            }
            Phase::Open { until, .. } => {
                let end = self.refuses_until(*until);
                now.has_reached(end) && now.since(end) >= ages
            }
            Phase::HalfOpen { probes, .. } => {
                let now = now.max(self.now);
                let trouble = self.trouble.as_deref().copied().unwrap_or_default();
                // A probe that is never settled has its outcome at its deadline (R12).
                let outcomes = [trouble.last_failure, trouble.last_success].into_iter().flatten();
                let mut outcomes = outcomes.chain(probes.iter().map(|probe| probe.deadline));
                untouched >= ages && outcomes.all(|at| now.since(at) >= ages)
            }
            Phase::Recovering(_) => untouched >= ages,
            // An order would be lost. Settings are laid over the next circuit of that key, too.
            Phase::ForcedOpen | Phase::Disabled => {
                self.orders().and_then(|orders| orders.in_force(self.settings.mode, now)).is_none()
            }
        }
    }

    /// The evidence that is judged, and the good calls that go with it: `good` while closed.
    fn judged(&self, good: Good) -> Option<(&Evidence, Good)> {
        match &self.phase {
            Phase::Closed(evidence) => Some((evidence, good)),
            Phase::Recovering(recovery) => Some((recovery.evidence(), recovery.good())),
            _ => None,
        }
    }

    /// Applies everything that ended by `now`, in order and dated when it ended. These are lost probes (R12), a timed
    /// order (R34), and the lease of a circuit that probes for its fleet.
    #[inline]
    fn catch_up(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        // What ends by itself came with a change of state, or with an order.
        if self.history.is_some() && self.now.has_reached(self.next_end()) {
            self.end_what_is_over();
        }
        debug_assert!(self.first_over().is_none(), "`next_end` knows of all that ends");
        self.now
    }

    #[cold]
    #[inline(never)]
    fn end_what_is_over(&mut self) {
        while let Some((at, over)) = self.first_over() {
            match over {
                Over::Probe(probe) => self.lose(probe, at),
                Over::Order => self.end_order(at),
                Over::Lease => self.end_lease(at),
            }
        }
    }

    /// When the first thing ends by itself.
    #[inline]
    fn next_end(&self) -> Instant {
        let or_never = |end: Option<Instant>| end.unwrap_or(Instant::NEVER);
        let probe = or_never(self.first_deadline().map(|(at, _)| at));
        let order = or_never(self.orders().and_then(Orders::end));
        probe.min(order).min(or_never(self.lease_end()))
    }

    /// What ended first, and when.
    fn first_over(&self) -> Option<(Instant, Over)> {
        let probe = self.first_deadline().map(|(at, probe)| (at, Over::Probe(probe)));
        let order = self.orders().and_then(Orders::end).map(|at| (at, Over::Order));
        let lease = self.lease_end().map(|at| (at, Over::Lease));
        // If several end at once, the first in this list comes first.
        let first = [probe, order, lease].into_iter().flatten().min_by_key(|(at, _)| *at);
        first.filter(|(at, _)| self.now.has_reached(*at))
    }

    fn history(&mut self) -> &mut History {
        self.history.get_or_insert_default()
    }

    fn trouble(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default()
    }

    /// Opens for a cooldown.
    fn open(&mut self, reason: TripReason, now: Instant) {
        self.note_opening(reason, now);
        let draw = if self.settings.cooldown_jitter > 0.0 {
            self.jitter.f64().mul_add(2.0, -1.0)
        } else {
            0.0
        };
        let until = now.after(self.cooldown(draw));
        self.enter(Phase::Open { until, draw }, Cause::Tripped(reason), now);
    }

    /// Opens for a time that others decide.
    fn open_until(&mut self, until: Instant, reason: TripReason, now: Instant) {
        self.note_opening(reason, now);
        self.enter(Phase::Open { until, draw: 0.0 }, Cause::Tripped(reason), now);
    }

    /// Closes on good probes: at once, or for a growing share of the calls (R27).
    fn recover(&mut self, cause: Cause, now: Instant) {
        let Some(lasts) = self.settings.recovery else { return self.close(cause, now) };
        if let Some(trouble) = &mut self.trouble {
            trouble.last_success = None;
        }
        let recovery = Recovery::new(&self.settings, lasts, self.created, now);
        self.enter(Phase::Recovering(recovery.into()), cause, now);
    }

    /// Closes once the recovery is over.
    fn end_recovery(&mut self, now: Instant) {
        if matches!(&self.phase, Phase::Recovering(recovery) if recovery.is_over(now)) {
            self.close(Cause::RecoveryOver, now);
        }
    }

    fn close(&mut self, cause: Cause, now: Instant) {
        if let Some(trouble) = &mut self.trouble {
            (trouble.reopenings, trouble.trip_reason, trouble.last_success) = (0, None, None);
        }
        self.end_outage();
        let evidence = Evidence::none(&self.settings, self.created);
        self.enter(Phase::Closed(evidence), cause, now);
    }

    /// The one place where the phase changes (R9).
    fn enter(&mut self, phase: Phase, cause: Cause, now: Instant) {
        let from = self.state();
        self.phase = phase;
        self.epoch = (self.epoch + 1) % (1 << EPOCH_BITS);
        let lasted = now.since(self.since);
        self.since = now;
        self.outlive_advice(now);
        let retry_after = match &self.phase {
            Phase::Open { until, .. } => now.left_to(self.refuses_until(*until)).as_duration(),
            _ => None,
        };
        let to = self.state();
        if from != to {
            let past = &mut self.history().past;
            past.transitions.add(from, to, 1);
            if from == State::Open {
                past.open = past.open.saturating_add(lasted);
            }
        }
        if let State::Open | State::Closed = to
            && let Some(words) = &mut self.history().words
        {
            words.of_trip = None;
        }
        let observed = self.is_observing();
        self.history().news.push(Transition { from, to, cause, retry_after, observed });
    }

    /// Adds the transitions and open time of an evicted circuit.
    pub(crate) fn absorb(&mut self, gone: Past) {
        if gone != Past::default() {
            let past = &mut self.history().past;
            past.transitions.absorb(&gone.transitions);
            past.open = past.open.saturating_add(gone.open);
        }
    }

    /// `min(cooldown x multiplier^reopenings, jittered, cooldown_max)` (R15).
    fn cooldown(&self, draw: f64) -> Duration {
        let Settings { cooldown, cooldown_multiplier, cooldown_max, cooldown_jitter, .. } =
            *self.settings;
        let reopenings = self.trouble.as_ref().map_or(0, |trouble| trouble.reopenings);
        let is_growing = reopenings > 0 && cooldown_multiplier > 1.0;
        if !is_growing && cooldown_jitter == 0.0 {
            // Exact: a float would round the nanoseconds of a cooldown of months.
            return cooldown;
        }
        let growth = cooldown_multiplier.powf(reopenings.into());
        let spread = cooldown_jitter.mul_add(draw, 1.0);
        Duration::try_from_secs_f64(cooldown.as_secs_f64() * growth * spread)
            .map_or(cooldown_max, |cooldown| cooldown.min(cooldown_max))
    }
}

/// The count, saturating at `u32::MAX`.
pub(crate) fn count(calls: u64) -> u32 {
    u32::try_from(calls).unwrap_or(u32::MAX)
}

#[cfg(any(test, fuzzing))]
#[cfg_attr(not(test), allow(dead_code, reason = "the fuzzer uses less than the tests do"))]
pub(crate) mod bench;
#[cfg(test)]
mod disposable;
#[cfg(test)]
mod tests;
