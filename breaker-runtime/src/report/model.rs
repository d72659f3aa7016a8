//! Compares the machine and the circuit's snapshots with a naive reference. The reference keeps every outcome and every
//! probe, and counts them again for each question, so it is slow and simple.
//!
//! A [`Case`] is made from bytes. The fuzzer supplies its own, and the tests let proptest pick and shrink them.
//! Proptest could read the fuzzer's bytes too, but each of its alternatives halves what is left of them.

mod case;
mod fleet;
mod news;
mod seen;

use std::time::Duration;

use arbitrary::Result;

use crate::circuit::{Calls, CircuitBreaker, Clock, ManualClock, Permit, Rejections};
use crate::rules::{
    Bench, Ended, Ending, Machine, Override, Probes, RejectedReason, Settlement, State, Ticket,
    TripKind, TripReason, slow,
};
use crate::settings::{Config, Mode, Settings, WindowSize};
pub(crate) use case::Case;
use case::Step;
use fleet::Told;
use news::{Item, Listener};
use seen::{Ordered, Seen, assert_shows};

const STEPS: usize = 100;
/// What lets in one call of a recovering circuit.
const CREDIT: u64 = 1_000_000_000;

/// When the circuit is made, on its clock.
const MADE: u64 = 7;

/// Shares are whole twentieths here, so that the reference compares without rounding.
const TWENTIETHS: u64 = 20;

fn ticks(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn in_ticks(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "twentieths are small")]
fn as_share(twentieths: u64) -> f64 {
    twentieths as f64 / TWENTIETHS as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a billion")]
fn as_credit(share: f64) -> u64 {
    (share * 1e9).round() as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 20")]
fn as_twentieths(share: f64) -> u64 {
    (share * 20.0).round() as u64
}

/// What the reference gives to a call that it lets in.
#[derive(Clone, Copy, Debug)]
struct Leave {
    number: usize,
    epoch: u64,
    began: u64,
    /// Calls were timed when it began.
    is_timed: bool,
}

/// A call in flight that may hang.
#[derive(Clone, Copy, Debug)]
struct Watched {
    number: usize,
    epoch: u64,
    began: u64,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    call: Ended,
    /// How old it is taken for: when it was heard, or when its bucket began.
    at: Duration,
    /// It has not ended.
    is_hung: bool,
    is_forgotten: bool,
}

/// A mode that somebody wants, until a tick or for good.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    /// `None` is that of the settings.
    mode: Option<Mode>,
    until: Option<u64>,
}

#[derive(Clone, Debug)]
struct Probe {
    number: usize,
    admitted: u64,
    deadline: u64,
    end: Option<ProbeEnd>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ProbeEnd {
    Good,
    Bad,
    Lost,
    Neither,
}

/// Why it opened.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Reason {
    kind: TripKind,
    failed: u64,
    /// Of the failures in a row.
    hung: u64,
    /// The ticks that a failure asked for.
    asked: Option<u64>,
}

impl Reason {
    fn new(kind: TripKind, failed: u64) -> Self {
        Self { kind, failed, hung: 0, asked: None }
    }
}

impl From<TripReason> for Reason {
    fn from(TripReason { kind, failed, hung, threshold, .. }: TripReason) -> Self {
        let asked = threshold.filter(|_| kind == TripKind::Asked);
        let asked = asked.map(|seconds| in_ticks(Duration::from_secs_f64(seconds)));
        Self { hung: hung.into(), asked, ..Self::new(kind, failed.into()) }
    }
}

#[derive(Clone, Debug)]
struct Model {
    settings: Settings,
    now: u64,
    state: State,
    since: u64,
    /// The states that it has been in, the first left out; a reset of a closed circuit is one more.
    history: Vec<State>,
    /// The changes of state, and the ticks that it was open before the present state.
    ways: Vec<(State, State)>,
    was_open: u64,
    /// The outcomes that a closed circuit has heard since it closed, whatever they were.
    heard: Vec<Heard>,
    probes: Vec<Probe>,
    /// Everything that was wanted so far, and whether the end of the last has taken effect.
    wanted: Vec<Wanted>,
    has_ended: bool,
    /// When the cooldown of an open circuit is over.
    until: u64,
    /// The fleet holds it open until then, and has kept it from probing since.
    held: u64,
    kept_since: Option<u64>,
    /// Re-openings since the last close, or those that the fleet has told of.
    reopenings: u32,
    reason: Option<Reason>,
    /// Each state that it entered, when, and why it was open then.
    entered: Vec<(State, u64, Option<Reason>)>,
    last_failure: Option<u64>,
    last_success: Option<u64>,
    /// Every call that was let in, and what became of those that ended.
    let_in: usize,
    ended: Vec<(Ended, Settlement)>,
    /// The calls in flight that may hang yet, and those that did.
    watched: Vec<Watched>,
    hung: Vec<usize>,
    /// What each call brought that asked since the recovery began.
    brought: Vec<u64>,
    refused: Vec<RejectedReason>,
    would_reject: Vec<RejectedReason>,
    /// Everything that the fleet has told, and for which piece of that, in which epoch, it was asked for more.
    told: Vec<Told>,
    asked: Vec<(usize, u64)>,
    /// When it last looked for what was over.
    lapsed: u64,
    /// What listeners must hear next.
    news: Vec<Item>,
}

impl Model {
    fn new(config: Config) -> Self {
        Self {
            settings: config.settings(),
            now: 0,
            state: State::Closed,
            since: 0,
            history: vec![],
            ways: vec![],
            was_open: 0,
            heard: vec![],
            probes: vec![],
            wanted: vec![],
            has_ended: false,
            until: 0,
            held: 0,
            kept_since: None,
            reopenings: 0,
            reason: None,
            entered: vec![],
            last_failure: None,
            last_success: None,
            let_in: 0,
            ended: vec![],
            watched: vec![],
            hung: vec![],
            brought: vec![],
            refused: vec![],
            would_reject: vec![],
            told: vec![],
            asked: vec![],
            lapsed: 0,
            news: vec![],
        }
    }

    fn epoch(&self) -> u64 {
        self.history.len() as u64
    }

    fn enter(&mut self, state: State, cause: &'static str, at: u64) {
        let from = self.state;
        if from != state {
            self.ways.push((from, state));
        }
        if self.state == State::Open {
            self.was_open += at - self.since;
        }
        self.history.push(state);
        self.entered.push((state, at, self.reason));
        self.state = state;
        self.since = at;
        self.heard.clear();
        self.kept_since = None;
        self.brought.clear();
        if state == State::HalfOpen {
            self.probes.clear();
        } else {
            self.held = 0;
        }
        if state == State::Closed {
            (self.reason, self.reopenings) = (None, 0);
        }
        // From here on, good calls have no date.
        if matches!(state, State::Closed | State::Recovering | State::Disabled) {
            self.last_success = None;
        }
        let left = (state == State::Open).then(|| ticks(self.refuses_until().saturating_sub(at)));
        self.news.push(Item::Change(from, state, cause, left));
    }

    fn open(&mut self, kind: TripKind, failed: u64, at: u64) {
        self.reason = Some(Reason { hung: self.hung_in_a_row(kind), ..Reason::new(kind, failed) });
        self.reopenings += u32::from(self.state != State::Closed);
        self.until = at + self.cooldown();
        self.enter(State::Open, "tripped", at);
    }

    fn recover(&mut self, cause: &'static str, at: u64) {
        let recovers = self.settings.recovery.is_some();
        self.enter(if recovers { State::Recovering } else { State::Closed }, cause, at);
    }

    /// The cooldown after that many re-openings.
    fn cooldown(&self) -> u64 {
        let Settings { cooldown, cooldown_multiplier, cooldown_max, .. } = self.settings;
        let mut wait = in_ticks(cooldown);
        for _ in 0..self.reopenings {
            wait = in_ticks(ticks(wait).mul_f64(cooldown_multiplier)).min(in_ticks(cooldown_max));
        }
        wait
    }

    fn probes_that(&self, is: impl Fn(Option<ProbeEnd>) -> bool) -> u64 {
        self.probes.iter().filter(|probe| is(probe.end)).count() as u64
    }

    fn failed_probes(&self) -> u64 {
        self.probes_that(|end| matches!(end, Some(ProbeEnd::Bad | ProbeEnd::Lost)))
    }

    /// Judges the probes of that end, one of which has just come to it.
    fn judge_probes(&mut self, end: ProbeEnd, at: u64) {
        let failed = self.failed_probes();
        let good = self.probes_that(|end| end == Some(ProbeEnd::Good));
        match end {
            ProbeEnd::Bad | ProbeEnd::Lost => {
                if failed >= u64::from(self.settings.half_open_failure_threshold) {
                    self.open(TripKind::FailedProbes, failed, at);
                }
            }
            ProbeEnd::Good => {
                if good >= u64::from(self.settings.success_threshold) {
                    self.recover("recovered", at);
                }
            }
            ProbeEnd::Neither => {}
        }
    }

    fn reconfigure(&mut self, config: Config) {
        self.lapse();
        let settings = config.settings();
        match (self.settings.window, settings.window) {
            (WindowSize::Calls(old), WindowSize::Calls(new)) => {
                self.forget_all_but(|_, newer| newer < old.min(new) as usize);
            }
            (WindowSize::Time(old), WindowSize::Time(new)) => {
                let now = self.now;
                self.forget_all_but(|heard, _| is_in_time(heard, old, now));
                for heard in &mut self.heard {
                    heard.at = bucket_of(old) * u32::try_from(number(heard.at, old)).unwrap();
                }
                self.forget_all_but(|heard, _| is_in_time(heard, new, now));
            }
            _ => self.forget_all_but(|_, _| false),
        }
        if self.settings.hung_after != settings.hung_after {
            self.watched.clear();
        }
        let before = self.cooldown();
        self.settings = settings;
        self.run_as(self.mode(), "configured", self.now);
        if self.state == State::Open {
            if self.reason.is_some_and(|reason| reason.kind == TripKind::Asked) {
                let longest = self.since + in_ticks(settings.open_for_max);
                self.until = self.until.min(longest.max(self.now));
            } else if self.cooldown() != before {
                self.until = self.since + self.cooldown();
            }
        }
        for probe in &mut self.probes {
            let deadline = probe.admitted + in_ticks(settings.probe_timeout);
            probe.deadline = deadline.max(self.now);
        }
    }

    /// Forgets the recorded calls but for some. These are chosen by how many newer ones there are, too.
    fn forget_all_but(&mut self, is_kept: impl Fn(&Heard, usize) -> bool) {
        let recorded = self.heard.iter_mut().rev().filter(|heard| is_recorded(heard.call));
        for (newer, heard) in recorded.filter(|heard| !heard.is_forgotten).enumerate() {
            heard.is_forgotten = !is_kept(heard, newer);
        }
    }

    fn lapse(&mut self) {
        for deadline in 0..=self.now {
            for at in 0..self.probes.len() {
                let probe = &mut self.probes[at];
                let is_due = probe.end.is_none() && probe.deadline == deadline;
                if self.state == State::HalfOpen && is_due {
                    probe.end = Some(ProbeEnd::Lost);
                    self.judge_probes(ProbeEnd::Lost, deadline);
                }
            }
            if !self.has_ended && self.end_of_last() == Some(deadline) {
                self.has_ended = true;
                self.run_as(self.permanent(), "override_ended", deadline);
            }
            self.end_lease(deadline);
        }
        self.lapsed = self.now;
    }

    fn end_of_last(&self) -> Option<u64> {
        self.wanted.last()?.until
    }

    /// The mode that was wanted last without an end.
    fn permanent(&self) -> Mode {
        let for_good = self.wanted.iter().rev().find(|wanted| wanted.until.is_none());
        for_good.and_then(|wanted| wanted.mode).unwrap_or(self.settings.mode)
    }

    /// The mode that is wanted now, as far as the ends of orders have taken effect.
    fn mode(&self) -> Mode {
        let timed = self.wanted.last().filter(|last| last.until.is_some() && !self.has_ended);
        timed.and_then(|timed| timed.mode).unwrap_or(self.permanent())
    }

    /// Whether the end of the last brings another state.
    fn changes_by_itself(&self) -> bool {
        let last = self.wanted.last().filter(|last| last.until.is_some());
        let mode = last.and_then(|last| last.mode);
        mode.is_some_and(|mode| {
            mode != self.permanent() && !(mode.judges() && self.permanent().judges())
        })
    }

    fn want(&mut self, mode: Option<Mode>, limit: Option<u64>) {
        self.lapse();
        let is_as_usual = limit.is_none() && mode == Some(Mode::Normal);
        let mode = mode.filter(|mode| !(is_as_usual && self.settings.mode == *mode));
        self.wanted.push(Wanted { mode, until: limit.map(|limit| self.now + limit) });
        self.has_ended = false;
        let cause = match self.mode() {
            Mode::Normal | Mode::Observe => "reset",
            Mode::Disabled => "disabled",
            Mode::ForcedOpen => "forced_open",
        };
        if mode.is_none_or(|mode| mode == Mode::Normal) && self.mode().judges() {
            self.enter(State::Closed, cause, self.now);
        } else {
            self.run_as(self.mode(), cause, self.now);
        }
    }

    fn run_as(&mut self, mode: Mode, cause: &'static str, at: u64) {
        let state = match mode {
            Mode::Normal | Mode::Observe => match self.state {
                State::ForcedOpen | State::Disabled => State::Closed,
                judged => judged,
            },
            Mode::Disabled => State::Disabled,
            Mode::ForcedOpen => State::ForcedOpen,
        };
        if state != self.state {
            self.enter(state, cause, at);
        }
    }

    /// The last of all, or of those that have no end.
    fn in_force(&self) -> Option<Ordered> {
        let last = self.wanted.len().checked_sub(1)?;
        let is_over = self.wanted[last].until.is_some_and(|until| until <= self.now);
        let permanent = || self.wanted.iter().rposition(|wanted| wanted.until.is_none());
        let number = if is_over { permanent()? } else { last };
        let Wanted { mode, until } = self.wanted[number];
        mode.map(|mode| Ordered {
            mode,
            left: until.map(|until| ticks(until - self.now)),
            then: until.map(|_| self.permanent()),
            number: number as u64 + 1,
        })
    }

    /// Counts the calls that hang by now, and returns how many these are.
    fn look_for_hung(&mut self) -> u32 {
        let Some(limit) = self.settings.hung_after else { return 0 };
        // The longest power of two that is no longer than an eighth.
        let slot = 1 << (limit.as_nanos() / 8).ilog2();
        let hangs = |call: &Watched| {
            let began = ticks(MADE + call.began).as_nanos();
            let end_of_slot = (began / slot + 1) * slot;
            end_of_slot + limit.as_nanos() <= ticks(MADE + self.now).as_nanos()
        };
        let epoch = self.epoch();
        let watched = std::mem::take(&mut self.watched);
        let watched = watched.into_iter().filter(|call| call.epoch == epoch);
        let (hung, watched): (Vec<_>, _) = watched.partition(hangs);
        self.watched = watched;
        self.lapse();
        let count = u32::try_from(hung.len()).unwrap();
        if hung.is_empty() || self.epoch() != epoch {
            return count;
        }
        self.hung.extend(hung.iter().map(|call| call.number));
        let call = Ended { ending: Ending::Failure, slow: false };
        let heard = Heard { call, at: ticks(self.now), is_hung: true, is_forgotten: false };
        self.heard.extend(hung.iter().map(|_| heard));
        self.last_failure = Some(self.now);
        self.judge_closed(call);
        count
    }

    fn begin(&mut self) -> Result<Leave, (RejectedReason, Option<u64>)> {
        self.look_for_hung();
        self.acquire()
    }

    fn acquire(&mut self) -> Result<Leave, (RejectedReason, Option<u64>)> {
        self.lapse();
        if self.state == State::Open && self.now >= self.refuses_until() {
            if self.must_ask() {
                self.ask();
            } else {
                self.enter(State::HalfOpen, "cooldown_over", self.now);
            }
        }
        if self.state == State::Recovering && self.now >= self.since + self.recovery() {
            self.enter(State::Closed, "recovery_over", self.now);
        }
        let in_flight = self.probes_that(|end| end.is_none());
        let refusal = match self.state {
            State::Recovering => {
                (!self.has_credit_for_one_more()).then_some((RejectedReason::Recovering, None))
            }
            State::Open => {
                let left = self.refuses_until().saturating_sub(self.now);
                Some((RejectedReason::Open, Some(left)))
            }
            State::ForcedOpen => {
                let end = self.end_of_last().filter(|_| !self.has_ended);
                let end = end.filter(|_| self.changes_by_itself());
                Some((RejectedReason::ForcedOpen, end.map(|end| end - self.now)))
            }
            State::HalfOpen if in_flight >= u64::from(self.settings.half_open_max_calls) => {
                Some((RejectedReason::HalfOpenFull, None))
            }
            State::HalfOpen | State::Closed | State::Disabled => None,
        };
        let is_observed = self.mode() == Mode::Observe;
        if let Some(refusal) = refusal {
            if !is_observed {
                self.refused.push(refusal.0);
                return Err(refusal);
            }
            self.would_reject.push(refusal.0);
        }
        let number = self.let_in;
        self.let_in += 1;
        if self.state == State::HalfOpen && refusal.is_none() {
            let deadline = self.now + in_ticks(self.settings.probe_timeout);
            self.probes.push(Probe { number, admitted: self.now, deadline, end: None });
        }
        let Settings { slow_call, hung_after, .. } = self.settings;
        let is_timed = slow_call.is_some() || hung_after.is_some();
        if matches!(self.state, State::Closed | State::Recovering) {
            self.watched.push(Watched { number, epoch: self.epoch(), began: self.now });
        }
        Ok(Leave { number, epoch: self.epoch(), began: self.now, is_timed })
    }

    fn is_slow(&self, leave: Leave) -> bool {
        let limit = self.settings.slow_call;
        leave.is_timed && limit.is_some_and(|limit| self.now - leave.began > in_ticks(limit))
    }

    fn settle(&mut self, leave: Leave, ending: Ending) -> Settlement {
        let call = Ended { ending, slow: self.is_slow(leave) };
        self.lapse();
        let settlement = self.take(leave, call);
        if settlement == Settlement::Recorded && call.ending == Ending::Failure {
            self.last_failure = Some(self.now);
        }
        self.ended.push((call, settlement));
        settlement
    }

    /// A failure that asks counts like any other, and then opens the circuit that heard it, if that did not open by it.
    fn settle_asking(&mut self, leave: Leave, asks: u64) -> Settlement {
        self.lapse();
        let (state, reopenings) = (self.state, self.reopenings);
        let mut failing = self.clone();
        let settlement = failing.settle(leave, Ending::Failure);
        let is_heard = settlement == Settlement::Recorded;
        if !is_heard || asks == 0 {
            *self = failing;
            return settlement;
        }
        let asks = asks.min(in_ticks(self.settings.open_for_max));
        self.watched.retain(|watched| watched.number != leave.number);
        if let Some(probe) = self.probes.iter_mut().find(|probe| probe.number == leave.number) {
            probe.end = Some(ProbeEnd::Bad);
        }
        self.ended = failing.ended;
        self.last_failure = Some(self.now);
        self.reason = Some(Reason { asked: Some(asks), ..Reason::new(TripKind::Asked, 1) });
        self.reopenings = reopenings + u32::from(state != State::Closed);
        self.until = self.now + asks;
        self.enter(State::Open, "tripped", self.now);
        settlement
    }

    fn take(&mut self, leave: Leave, call: Ended) -> Settlement {
        self.watched.retain(|watched| watched.number != leave.number);
        if leave.epoch != self.epoch() || self.hung.contains(&leave.number) {
            return Settlement::Late;
        }
        match self.state {
            State::Closed | State::Recovering => {
                self.heard.push(Heard {
                    call,
                    at: ticks(self.now),
                    is_hung: false,
                    is_forgotten: false,
                });
                self.judge_closed(call);
                if is_recorded(call) { Settlement::Recorded } else { Settlement::Neutral }
            }
            State::HalfOpen => {
                let probe = self.probes.iter_mut().find(|probe| probe.number == leave.number);
                // One that was let in all the same has no place among the probes.
                let Some(probe) = probe else { return Settlement::Neutral };
                if probe.end.is_some() {
                    return Settlement::Late;
                }
                let end = match call {
                    Ended { ending: Ending::Ignored, .. } => ProbeEnd::Neither,
                    Ended { ending: Ending::Failure, .. } | Ended { slow: true, .. } => {
                        ProbeEnd::Bad
                    }
                    Ended { ending: Ending::Cancelled, .. } => ProbeEnd::Neither,
                    Ended { ending: Ending::Success, .. } => ProbeEnd::Good,
                };
                probe.end = Some(end);
                if call.ending == Ending::Success {
                    self.last_success = Some(self.now);
                }
                self.judge_probes(end, self.now);
                if end == ProbeEnd::Neither { Settlement::Neutral } else { Settlement::Recorded }
            }
            // An open circuit that observes let it in all the same.
            State::Disabled | State::Open => Settlement::Neutral,
            State::ForcedOpen => unreachable!("nobody is let in here"),
        }
    }

    fn recovery(&self) -> u64 {
        self.settings.recovery.map_or(0, in_ticks)
    }

    /// What a call brings that asks now.
    fn brought_by_one(&self) -> u64 {
        let elapsed = self.now - self.since;
        if elapsed >= self.recovery() {
            return CREDIT;
        }
        CREDIT / 10 + CREDIT / 10 * 9 * elapsed / self.recovery()
    }

    /// Adds up what all calls brought, the one that asks included, and takes away one credit for each that it was
    /// enough for. Credits are billionths, and parts of those are dropped.
    fn has_credit_for_one_more(&mut self) -> bool {
        self.brought.push(self.brought_by_one());
        let (mut credit, mut is_let_in) = (0, false);
        for brought in &self.brought {
            credit += brought;
            is_let_in = credit >= CREDIT;
            credit -= if is_let_in { CREDIT } else { 0 };
        }
        is_let_in
    }

    fn judge_closed(&mut self, call: Ended) {
        let settings = self.settings;
        let failures = self.consecutive_failures();
        let failed = call.ending == Ending::Failure;
        let limit = settings.failure_threshold.map(u64::from);
        if failed && limit.is_some_and(|limit| failures >= limit) {
            self.open(TripKind::ConsecutiveFailures, failures, self.now);
            return;
        }
        let window = self.window();
        let is_judged = is_recorded(call) && (failed || call.slow);
        if !is_judged || (window.len() as u64) < u64::from(settings.minimum_calls) {
            return;
        }
        let reaches = |count: usize, share: Option<f64>| {
            let limit = share.map(|share| as_twentieths(share) * window.len() as u64);
            limit.is_some_and(|limit| count as u64 * TWENTIETHS >= limit)
        };
        let failed = window.iter().filter(|call| call.ending == Ending::Failure).count();
        let slow = window.iter().filter(|call| call.slow).count();
        if reaches(failed, settings.failure_rate) {
            self.open(TripKind::FailureRate, failed as u64, self.now);
        } else if reaches(slow, settings.slow_call_rate) {
            self.open(TripKind::SlowCallRate, failed as u64, self.now);
        }
    }

    /// The last N of the recorded calls, or those of the last ten buckets.
    fn window(&self) -> Vec<Ended> {
        let recorded = self.heard.iter().filter(|heard| is_recorded(heard.call));
        let latest_first = recorded.filter(|heard| !heard.is_forgotten).rev();
        let window: Vec<_> = match self.settings.window {
            WindowSize::Calls(size) => latest_first.take(size as usize).collect(),
            WindowSize::Time(length) => {
                latest_first.filter(|it| is_in_time(it, length, self.now)).collect()
            }
        };
        window.iter().map(|heard| heard.call).collect()
    }

    fn consecutive_failures(&self) -> u64 {
        let mut failures = 0;
        for heard in self.heard.iter().rev() {
            match heard.call.ending {
                Ending::Failure => failures += 1,
                Ending::Success => break,
                Ending::Ignored | Ending::Cancelled => {}
            }
        }
        failures
    }

    /// Those that hung since the last success, if calls of a closed circuit decide.
    fn hung_in_a_row(&self, kind: TripKind) -> u64 {
        use TripKind::{ConsecutiveFailures, FailureRate, SlowCallRate};
        if !matches!(kind, ConsecutiveFailures | FailureRate | SlowCallRate) {
            return 0;
        }
        let latest = self.heard.iter().rev();
        let run = latest.take_while(|heard| heard.call.ending != Ending::Success);
        run.filter(|heard| heard.is_hung).count() as u64
    }

    fn consecutive_successes(&self) -> Option<u32> {
        let WindowSize::Calls(size) = self.settings.window else { return None };
        let known = self.heard.iter().rev().filter(|heard| !heard.is_forgotten);
        let recorded = known.map(|it| it.call).filter(|it| is_recorded(*it));
        let good = recorded.take_while(|call| call.ending == Ending::Success && !call.slow);
        matches!(self.state, State::Closed | State::Recovering)
            .then(|| size.min(good.count().try_into().unwrap()))
    }

    fn trip(&mut self) {
        self.lapse();
        if matches!(self.state, State::Closed | State::Recovering | State::HalfOpen) {
            self.open(TripKind::Manual, 0, self.now);
        }
    }

    fn probes(&self) -> Probes {
        let is_half_open = self.state == State::HalfOpen;
        Probes {
            in_flight: if is_half_open { self.probes_that(|end| end.is_none()) } else { 0 },
            successes: self.probes_that(|end| end == Some(ProbeEnd::Good)),
            failures: self.failed_probes(),
            lost: self.probes_that(|end| end == Some(ProbeEnd::Lost)),
        }
    }

    /// Everything that a reading of the machine shows.
    fn reading(&self) -> Seen {
        let is_over = self.end_of_last().is_some_and(|end| end <= self.now);
        let is_over = is_over && !self.has_ended && self.changes_by_itself();
        if is_over || self.has_lost_its_lease() {
            let mut later = self.clone();
            later.lapse();
            return later.reading();
        }
        let window = self.window();
        let is_open = self.state == State::Open;
        let left = self.refuses_until().saturating_sub(self.now);
        Seen {
            state: self.state,
            since: ticks(self.now - self.since),
            epoch: self.epoch(),
            reason: self.reason,
            retry_after: is_open.then(|| ticks(left)),
            probe_due: is_open && left == 0 && !self.must_ask(),
            share: (self.state == State::Recovering).then(|| self.brought_by_one()),
            calls: window.len() as u64,
            failed: window.iter().filter(|call| call.ending == Ending::Failure).count() as u64,
            slow: window.iter().filter(|call| call.slow).count() as u64,
            consecutive_failures: self.consecutive_failures(),
            consecutive_successes: self.consecutive_successes(),
            probes: self.probes(),
            ways: self.sorted_ways(),
            open_time: ticks(self.was_open + if is_open { self.now - self.since } else { 0 }),
            last_failure: self.last_failure.map(|at| ticks(self.now - at)),
            ordered: self.in_force(),
            last_success: self.last_success.map(|at| ticks(self.now - at)),
            lease: self.lease(),
            vetoed: self.vetoed(),
            reopenings: self.reopenings,
            outage: self.outage(),
        }
    }

    /// The first of the openings after it was last closed: how long ago, and why.
    fn outage(&self) -> Option<(Duration, Reason)> {
        let after_closed =
            self.entered.iter().rev().take_while(|(state, ..)| *state != State::Closed);
        let (_, at, reason) = after_closed.filter(|(state, ..)| *state == State::Open).last()?;
        Some((ticks(self.now - at), (*reason)?))
    }

    fn sorted_ways(&self) -> Vec<(State, State)> {
        let mut ways = self.ways.clone();
        ways.sort_by_key(|(from, to)| (*from as u8, *to as u8));
        ways
    }

    fn calls(&self) -> Calls {
        let count = |is: &dyn Fn(&(Ended, Settlement)) -> bool| {
            self.ended.iter().filter(|it| is(it)).count() as u64
        };
        Calls {
            started: self.let_in as u64,
            success: count(&|(call, _)| call.ending == Ending::Success),
            failure: count(&|(call, _)| call.ending == Ending::Failure),
            ignored: count(&|(call, _)| call.ending == Ending::Ignored),
            cancelled: count(&|(call, _)| call.ending == Ending::Cancelled),
            slow: count(&|(call, settled)| call.slow && *settled == Settlement::Recorded),
            hung: self.hung.len() as u64,
            late: count(&|(_, settled)| *settled == Settlement::Late),
            timed_out: 0,
            panicked: 0,
        }
    }

    fn rejections(&self) -> Rejections {
        rejections_of(&self.refused)
    }
}

fn rejections_of(refused: &[RejectedReason]) -> Rejections {
    let count = |reason| refused.iter().filter(|it| **it == reason).count() as u64;
    Rejections {
        open: count(RejectedReason::Open),
        half_open_full: count(RejectedReason::HalfOpenFull),
        forced_open: count(RejectedReason::ForcedOpen),
        bulkhead_full: 0,
        recovering: count(RejectedReason::Recovering),
    }
}

/// Whether a call of a closed circuit goes into the window.
fn is_recorded(call: Ended) -> bool {
    match call.ending {
        Ending::Success | Ending::Failure => true,
        Ending::Cancelled => call.slow,
        Ending::Ignored => false,
    }
}

fn bucket_of(window: Duration) -> Duration {
    Duration::from_nanos((window.as_nanos() / 10).try_into().unwrap())
}

/// The number of the bucket of that window in which that moment is.
fn number(at: Duration, window: Duration) -> u128 {
    at.as_nanos() / bucket_of(window).as_nanos()
}

/// Whether a call is in the last ten buckets.
fn is_in_time(heard: &Heard, window: Duration, now: u64) -> bool {
    number(heard.at, window) + 10 > number(ticks(now), window)
}

/// Panics unless the machine does what the reference does.
pub(crate) fn check_machine(Case { config, steps, .. }: Case) {
    let mut bench = Bench::new(config);
    let mut model = Model::new(config);
    let mut held: Vec<(Leave, Ticket)> = vec![];
    for step in steps {
        let settles = matches!(step, Step::Settle(..) | Step::Ask(..)) && !held.is_empty();
        if settles || matches!(step, Step::Acquire) {
            let hung = model.look_for_hung();
            if hung > 0 {
                bench.hang(hung);
            }
        }
        match step {
            Step::Acquire => match (model.acquire(), bench.admit()) {
                (Ok(leave), Ok(ticket)) => held.push((leave, ticket)),
                (Err((reason, left)), Err(refusal)) => {
                    assert_eq!(refusal.reason, reason);
                    assert_eq!(refusal.left.as_duration(), left.map(ticks));
                }
                (expected, got) => panic!("{expected:?} against {got:?}"),
            },
            Step::Settle(..) | Step::Ask(..) if held.is_empty() => {}
            Step::Settle(which, ending) => {
                let (leave, ticket) = held.swap_remove(usize::from(which) % held.len());
                let call = Ended { ending, slow: false };
                let call = if model.is_slow(leave) { slow(call) } else { call };
                if model.hung.contains(&leave.number) {
                    bench.act(Machine::observe);
                    assert_eq!(model.settle(leave, ending), Settlement::Late);
                } else {
                    assert_eq!(bench.settle(ticket, call), model.settle(leave, ending));
                }
            }
            Step::Ask(which, asks) => {
                let (leave, ticket) = held.swap_remove(usize::from(which) % held.len());
                let call = Ended { ending: Ending::Failure, slow: model.is_slow(leave) };
                let expected = model.settle_asking(leave, asks);
                if model.hung.contains(&leave.number) {
                    bench.act(Machine::observe);
                    assert_eq!(expected, Settlement::Late);
                } else {
                    assert_eq!(bench.settle_asking(ticket, call, ticks(asks)), expected);
                }
            }
            Step::Advance(by) => {
                model.now += by;
                bench.wait(ticks(by));
            }
            Step::Trip => (model.trip(), bench.trip()).0,
            Step::ForceOpen => (model.want(Some(Mode::ForcedOpen), None), bench.force_open()).0,
            Step::Disable => (model.want(Some(Mode::Disabled), None), bench.disable()).0,
            Step::Reset => (model.want(None, None), bench.reset()).0,
            Step::Override(mode, limit) => {
                model.want(Some(mode), limit);
                bench.order(mode, limit.map(ticks));
            }
            Step::Reconfigure(config) => (model.reconfigure(config), bench.reconfigure(config)).0,
            Step::Advise(advice, trusted_for) => {
                let advised = model.advise(advice, trusted_for);
                assert_eq!(bench.advise(advice, ticks(trusted_for)), advised);
            }
        }
        assert_eq!(Seen::from(bench.read()), model.reading());
        let wish = bench.machine.take_wish_to_probe().then_some(Item::ProbeWanted);
        let changes = bench.machine.take_news().into_iter().map(Item::from);
        assert_eq!(changes.chain(wish).collect::<Vec<_>>(), std::mem::take(&mut model.news));
    }
}

/// Panics unless the circuit around the machine does what the reference does.
pub(crate) fn check_circuit(Case { config, has_listener, steps }: Case) {
    let time = ManualClock::new();
    // Its window of time begins where it was made, and not where time does.
    time.advance(ticks(MADE));
    let clock = Clock::Manual(time.clone());
    let listener = has_listener.then(Listener::default);
    let circuit = match &listener {
        Some(listener) => listener.circuit(config, clock),
        None => CircuitBreaker::with_clock("circuit", config, clock).unwrap(),
    };
    let mut model = Model::new(config);
    let mut held: Vec<(Leave, Permit<'_>)> = vec![];
    for step in steps {
        match step {
            Step::Acquire => match (model.begin(), circuit.try_acquire()) {
                (Ok(leave), Ok(permit)) => held.push((leave, permit)),
                (Err((reason, left)), Err(rejected)) => {
                    assert_eq!(rejected.reason(), reason);
                    let left = left.filter(|_| reason == RejectedReason::Open);
                    assert_eq!(rejected.retry_after(), left.map(ticks));
                }
                (expected, got) => panic!("{expected:?} against {got:?}"),
            },
            Step::Settle(..) | Step::Ask(..) if held.is_empty() => {}
            Step::Ask(which, asks) => {
                let (leave, permit) = held.swap_remove(usize::from(which) % held.len());
                model.look_for_hung();
                model.settle_asking(leave, asks);
                permit.failure_for(ticks(asks));
            }
            Step::Settle(which, ending) => {
                let (leave, permit) = held.swap_remove(usize::from(which) % held.len());
                model.look_for_hung();
                model.settle(leave, ending);
                match ending {
                    Ending::Success => permit.success(),
                    Ending::Failure => permit.failure(),
                    Ending::Ignored => permit.ignore(),
                    Ending::Cancelled => drop(permit),
                }
            }
            Step::Advance(by) => {
                model.now += by;
                time.advance(ticks(by));
            }
            Step::Trip => (model.trip(), circuit.trip()).0,
            Step::ForceOpen => (model.want(Some(Mode::ForcedOpen), None), circuit.force_open()).0,
            Step::Disable => (model.want(Some(Mode::Disabled), None), circuit.disable()).0,
            Step::Reset => (model.want(None, None), circuit.reset()).0,
            Step::Override(mode, limit) => {
                model.want(Some(mode), limit);
                let limit = limit.map(ticks);
                circuit.override_for(Override::Mode(mode), limit, "somebody").unwrap();
            }
            Step::Reconfigure(config) => {
                model.reconfigure(config);
                circuit.reconfigure(config).unwrap();
                assert_eq!(circuit.snapshot().config, config);
            }
            Step::Advise(advice, trusted_for) => {
                let advised = model.advise(advice, trusted_for);
                assert_eq!(circuit.advise(advice, ticks(trusted_for)), advised);
            }
        }
        let news = std::mem::take(&mut model.news);
        if let Some(listener) = &listener {
            assert_eq!(listener.take(), news);
        }
        assert_eq!(circuit.state(), model.reading().state);
        assert_shows(&circuit.snapshot(), &model);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CASES: u32 = 2_000;
    /// Enough for the longest config and for most sequences of steps.
    const BYTES: usize = 600;

    /// `PROPTEST_CASES` can ask for more.
    fn cases_wanted() -> u32 {
        ProptestConfig::default().cases.max(CASES)
    }

    fn cases() -> impl Strategy<Value = Case> {
        prop::collection::vec(any::<u8>(), 0..=BYTES).prop_map(|bytes| Case::of(&bytes))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: cases_wanted(), failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn s16_the_machine_does_what_the_reference_does(case in cases()) {
            check_machine(case);
        }

        #[test]
        fn s16_the_circuit_does_what_the_reference_does(case in cases()) {
            check_circuit(case);
        }
    }
}
