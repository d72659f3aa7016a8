//! The state machine: every rule of a circuit, and nothing else.
//!
//! Its methods take `&mut self` and `now`. They use no lock, no clock and no user code, so a test moves time by
//! passing a later instant. [`CircuitBreaker`](crate::CircuitBreaker) adds the lock and the fast path.

mod downtime;
mod evidence;
mod fleet;
mod orders;
mod recovery;
#[cfg(feature = "test-util")]
mod staged;

use std::collections::BTreeMap;
use std::mem;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use crate::rules::{
    Bad, Cause, Ended, Ending, Good, Instant, Lease, Left, ModeOverride, Order, Probes, Refusal,
    RejectedReason, State, Tally, Transition, TransitionCounts, TripKind, TripReason,
};
use crate::settings::{Interned, Mode, Settings};
pub(crate) use downtime::Downtime;
use evidence::Evidence;
use fleet::Trust;
use orders::Orders;
use recovery::Recovery;

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
}

/// What failures said about themselves.
#[derive(Clone, Debug)]
struct Words {
    last: Arc<str>,
    /// Those of the failure that opened the circuit, until it opens for another reason or closes.
    of_trip: Option<Arc<str>>,
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
        probes: BTreeMap<ProbeId, Probe>,
        next: ProbeId,
    },
    /// Closed again, for a share of the calls. Boxed, because few circuits ever are.
    Recovering(Box<Recovery>),
    ForcedOpen,
    Disabled,
}

/// Identifies a probe within its epoch. Later probes have greater ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProbeId(NonZeroU64);

impl ProbeId {
    /// Returns this id and advances to the next.
    fn take(&mut self) -> Self {
        let next = Self(self.0.saturating_add(1));
        std::mem::replace(self, next)
    }
}

/// What can end without a call.
#[derive(Clone, Copy, Debug)]
enum Over {
    Probe(ProbeId),
    Order,
    Lease,
}

/// A probe in flight.
#[derive(Clone, Copy, Debug)]
struct Probe {
    admitted: Instant,
    deadline: Instant,
}

impl Probe {
    fn new(admitted: Instant, settings: &Settings) -> Self {
        Self { admitted, deadline: admitted.after(settings.probe_timeout) }
    }
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
    /// The words of the last failure that had any.
    pub(crate) last_error: Option<Arc<str>>,
    /// The words of the failure that opened the circuit.
    pub(crate) trip_error: Option<Arc<str>>,
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

    /// The state at `now`. Changes nothing.
    pub(crate) fn state_at(&self, now: Instant) -> State {
        self.ahead(now).map_or(self.state(), |ahead| ahead.state())
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
            // Its outcome counts for nothing here, as it has no place among the probes (R25).
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
            probes.insert(probe, Probe::new(now, &self.settings));
            ticket.probe = Some(probe);
        }
        Ok(Admitted { ticket, would_reject: None })
    }

    /// Takes note of a call that asked and has its verdict (R27). A call that [`check`](Self::check) lets in asks again.
    fn count_asking(&mut self, now: Instant) {
        if let Phase::Recovering(recovery) = &mut self.phase {
            recovery.ask(now);
        }
    }

    /// Restarts the deadline of a probe that is not lost yet. It gets a new id, because later ids have later deadlines.
    /// Does not look for lost probes, so it causes no event.
    pub(crate) fn begin_again(&mut self, ticket: Ticket, now: Instant) -> Ticket {
        self.now = self.now.max(now);
        if ticket.epoch == self.epoch
            && let (Phase::HalfOpen { probes, next }, Some(probe)) = (&mut self.phase, ticket.probe)
            && probes.remove(&probe).is_some()
        {
            let again = next.take();
            probes.insert(again, Probe::new(self.now, &self.settings));
            return Ticket { probe: Some(again), ..ticket };
        }
        ticket
    }

    /// After what time calls in flight hang, if it matters now (R26).
    pub(crate) fn hung_after(&self) -> Option<Duration> {
        match self.phase {
            Phase::Closed(_) | Phase::Recovering(_) => self.settings.hung_after,
            _ => None,
        }
    }

    /// How long the published state holds: until the end of the cooldown, or until the window has to
    /// [`turn`](Machine::turn). Zero means "ask every time". An open circuit asks if a timed order will change its mode,
    /// because that may end before the cooldown does.
    pub(crate) fn holds_until(&self) -> Instant {
        match (&self.phase, self.change_of_mode()) {
            (Phase::Closed(evidence), Some((end, _))) => evidence.holds_until().min(end),
            (Phase::Closed(evidence), None) => evidence.holds_until(),
            (Phase::Open { until, .. }, None) if !self.asks_when_open() => {
                self.refuses_until(*until)
            }
            (
                Phase::Open { .. }
                | Phase::HalfOpen { .. }
                | Phase::Recovering(_)
                | Phase::ForcedOpen
                | Phase::Disabled,
                _,
            ) => Instant::ZERO,
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
                if probes.remove(&probe).is_none() {
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
        let (verdict, is_reopening) = match &mut self.phase {
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
                (verdict, false)
            }
            Phase::Recovering(recovery) => (recovery.take(&self.settings, bad, now), true),
            _ => return Settlement::Neutral,
        };
        if bad.call().is_failed() {
            self.trouble().last_failure = Some(now);
        }
        match verdict {
            Some(reason) if is_reopening => self.reopen(reason, now),
            Some(reason) => self.open(reason, now),
            None => {}
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
    fn is_asked(&self) -> bool {
        let reason = self.trouble.as_ref().and_then(|trouble| trouble.trip_reason);
        reason.is_some_and(|reason| reason.kind == TripKind::Asked)
    }

    fn open_as_asked(&mut self, asked: Duration, slow: bool, now: Instant) {
        let asked = asked.min(self.settings.open_for_max);
        let is_reopening = !matches!(self.phase, Phase::Closed(_));
        let reason = TripReason {
            kind: TripKind::Asked,
            failed: 1,
            slow: slow.into(),
            calls: 1,
            hung: 0,
            share: None,
            threshold: Some(asked.as_secs_f64()),
        };
        let trouble = self.trouble();
        trouble.last_failure = Some(now);
        trouble.reopenings = trouble.reopenings.saturating_add(is_reopening.into());
        self.open_until(now.after(asked), 0.0, reason, now);
    }

    fn settle_probe(&mut self, ended: Ended, now: Instant) -> Settlement {
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
                hung: 0,
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
            Phase::HalfOpen { .. } | Phase::Recovering(_) => self.reopen(TripReason::MANUAL, now),
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
                for probe in probes.values_mut() {
                    probe.deadline = Probe::new(probe.admitted, &settings).deadline.max(now);
                }
            }
            Phase::Recovering(recovery) => recovery.refit(&settings, self.created, now),
            Phase::Open { .. } | Phase::ForcedOpen | Phase::Disabled => {}
        }
    }

    /// Changes the mode, permanently or for a time (R16, R34). If the clock went back, a reset starts again from `now`:
    /// a test with paused time must not wait for the time of an earlier test.
    pub(crate) fn order(&mut self, mut order: Order, now: Instant) {
        if order.mode == Some(Mode::Normal) && order.limit.is_none() {
            // What is as usual anyway needs no order.
            order.mode = order.mode.filter(|mode| *mode != self.settings.mode);
        }
        if order.mode.is_none_or(|mode| mode == Mode::Normal) && now < self.now {
            self.now = now;
            self.created = self.created.min(now);
        }
        let now = self.catch_up(now);
        let empties = order.mode.is_none_or(|mode| mode == Mode::Normal);
        self.history().orders.get_or_insert_default().take(order, now);
        let mode = self.mode();
        let cause = match mode {
            Mode::Normal | Mode::Observe => Cause::Reset,
            Mode::Disabled => Cause::Disabled,
            Mode::ForcedOpen => Cause::ForcedOpen,
        };
        if empties && mode.judges() {
            self.close(cause, now);
        } else {
            self.run_as(mode, cause, now);
        }
    }

    /// Whether the end of the cooldown does not say until when calls are refused: it is observed, or will be.
    fn asks_when_open(&self) -> bool {
        self.is_observing() || self.orders().is_some_and(|orders| orders.end().is_some())
    }

    /// How the circuit is run: as ordered, or else as its settings say.
    fn mode(&self) -> Mode {
        let settings = self.settings.mode;
        self.orders().map_or(settings, |orders| orders.mode(settings))
    }

    /// The same at a time when a timed order may have ended unnoticed.
    fn mode_at(&self, now: Instant) -> Mode {
        let settings = self.settings.mode;
        let in_force = self.orders().and_then(|orders| orders.in_force(settings, now));
        in_force.map_or(settings, |order| order.mode)
    }

    /// Whether it judges but refuses no call (R25).
    pub(crate) fn is_observing(&self) -> bool {
        self.mode() == Mode::Observe
    }

    /// Changes nothing if the circuit is run like that already, and between judging with and without refusals.
    fn run_as(&mut self, mode: Mode, cause: Cause, now: Instant) {
        match (mode, &self.phase) {
            (Mode::Normal | Mode::Observe, Phase::Disabled | Phase::ForcedOpen) => {
                self.close(cause, now);
            }
            (Mode::Normal | Mode::Observe, _)
            | (Mode::Disabled, Phase::Disabled)
            | (Mode::ForcedOpen, Phase::ForcedOpen) => {}
            (Mode::Disabled, _) => {
                // The calls of a disabled circuit are not dated.
                if let Some(trouble) = &mut self.trouble {
                    trouble.last_success = None;
                }
                self.enter(Phase::Disabled, cause, now);
            }
            (Mode::ForcedOpen, _) => self.enter(Phase::ForcedOpen, cause, now),
        }
    }

    /// When the timed order ends, and the mode after it, if the circuit is in another state then.
    fn change_of_mode(&self) -> Option<(Instant, Mode)> {
        let (until, ordered, then) = self.orders()?.change(self.settings.mode)?;
        let changes = ordered != then && !(ordered.judges() && then.judges());
        changes.then_some((until, then))
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
                let mut outcomes = outcomes.chain(probes.values().map(|probe| probe.deadline));
                untouched >= ages && outcomes.all(|at| now.since(at) >= ages)
            }
            Phase::Recovering(_) => untouched >= ages,
            // An order would be lost. Settings are laid over the next circuit of that key, too.
            Phase::ForcedOpen | Phase::Disabled => {
                self.orders().and_then(|orders| orders.in_force(self.settings.mode, now)).is_none()
            }
        }
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

    /// The evidence that is judged, and the good calls that go with it: `good` while closed.
    fn judged(&self, good: Good) -> Option<(&Evidence, Good)> {
        match &self.phase {
            Phase::Closed(evidence) => Some((evidence, good)),
            Phase::Recovering(recovery) => Some((recovery.evidence(), recovery.good())),
            _ => None,
        }
    }

    /// A copy that has caught up, if a timed order (R34) or a lease has ended without a call since. Both clear the
    /// evidence, so the copy has none.
    fn ahead(&self, now: Instant) -> Option<Self> {
        let now = now.max(self.now);
        let ends = [self.change_of_mode().map(|(end, _)| end), self.lease_end()];
        ends.into_iter().flatten().find(|end| now.has_reached(*end))?;
        let phase = match &self.phase {
            Phase::Closed(_) => Phase::Closed(Evidence::none(&self.settings, self.created)),
            Phase::Recovering(recovery) => {
                Phase::Recovering(recovery.emptied(&self.settings, self.created).into())
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

    /// Applies everything that ended by `now`, in order and dated when it ended: lost probes (R12), a timed order (R34),
    /// and the lease of a circuit that probes for its fleet.
    fn catch_up(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        // What ends by itself came with a change of state, or with an order.
        if self.history.is_none() {
            return self.now;
        }
        loop {
            let probe = self.first_deadline().map(|(at, probe)| (at, Over::Probe(probe)));
            let order = self.orders().and_then(Orders::end).map(|at| (at, Over::Order));
            let lease = self.lease_end().map(|at| (at, Over::Lease));
            // Of those that end at once, the first in this list comes first.
            let first = [probe, order, lease].into_iter().flatten().min_by_key(|(at, _)| *at);
            match first.filter(|(at, _)| self.now.has_reached(*at)) {
                Some((at, Over::Probe(probe))) => self.lose(probe, at),
                Some((at, Over::Order)) => self.end_order(at),
                Some((at, Over::Lease)) => self.end_lease(at),
                None => return self.now,
            }
        }
    }

    /// The probe with the earliest deadline.
    fn first_deadline(&self) -> Option<(Instant, ProbeId)> {
        let Phase::HalfOpen { probes, .. } = &self.phase else { return None };
        probes.first_key_value().map(|(id, probe)| (probe.deadline, *id))
    }

    fn lose(&mut self, probe: ProbeId, at: Instant) {
        if let Phase::HalfOpen { probes, .. } = &mut self.phase {
            probes.remove(&probe);
        }
        self.trouble().probes.lost += 1;
        self.fail_probe(false, at);
    }

    fn end_order(&mut self, at: Instant) {
        let change = self.change_of_mode();
        if let Some(orders) = &mut self.history().orders {
            orders.retire();
        }
        if let Some((_, mode)) = change {
            self.run_as(mode, Cause::OverrideEnded, at);
        }
    }

    fn history(&mut self) -> &mut History {
        self.history.get_or_insert_default()
    }

    fn orders(&self) -> Option<&Orders> {
        self.history.as_ref()?.orders.as_deref()
    }

    fn trouble(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default()
    }

    fn open(&mut self, reason: TripReason, now: Instant) {
        let draw = if self.settings.cooldown_jitter > 0.0 {
            self.jitter.f64().mul_add(2.0, -1.0)
        } else {
            0.0
        };
        self.open_until(now.after(self.cooldown(draw)), draw, reason, now);
    }

    fn open_until(&mut self, until: Instant, draw: f64, reason: TripReason, now: Instant) {
        self.trouble().trip_reason = Some(reason);
        self.enter(Phase::Open { until, draw }, Cause::Tripped(reason), now);
    }

    fn begin_half_open(&mut self, now: Instant) {
        let trouble = self.trouble();
        (trouble.probes, trouble.slow_probes) = (Probes::default(), 0);
        let (probes, next) = (BTreeMap::new(), ProbeId(NonZeroU64::MIN));
        self.enter(Phase::HalfOpen { probes, next }, Cause::CooldownOver, now);
    }

    fn reopen(&mut self, reason: TripReason, now: Instant) {
        let trouble = self.trouble();
        trouble.reopenings = trouble.reopenings.saturating_add(1);
        self.open(reason, now);
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

    fn words(&self) -> Option<&Words> {
        self.history.as_ref()?.words.as_deref()
    }

    /// Keeps the words of the failure that was recorded last.
    pub(crate) fn note(&mut self, words: Arc<str>) {
        let history = self.history();
        let has_opened = history.news.last().is_some_and(|last| last.to == State::Open);
        let of_trip = if has_opened {
            Some(Arc::clone(&words))
        } else {
            history.words.take().and_then(|known| known.of_trip)
        };
        history.words = Some(Words { last: words, of_trip }.into());
    }

    /// The words of the failure that led to that transition, which is the last one.
    pub(crate) fn words_of(&self, change: &Transition) -> Option<Arc<str>> {
        let is_opening = change.to == State::Open;
        self.words().filter(|_| is_opening).and_then(|words| words.of_trip.clone())
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
