//! Compares the machine and the circuit's snapshots with a naive reference. The reference keeps every outcome and every
//! probe, and counts them again for each question, so it is slow and simple.
//!
//! A [`Case`] is made from bytes. The fuzzer supplies its own, and the tests let proptest pick and shrink them.
//! Proptest could read the fuzzer's bytes too, but each of its alternatives halves what is left of them.

mod fleet;
mod news;

use std::ops::RangeInclusive;
use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};

use super::Snapshot;
use crate::circuit::{Calls, CircuitBreaker, Clock, ManualClock, Permit, Rejections};
use crate::rules::{
    Advice, Bench, Ended, Ending, Lease, ModeOverride, Override, Probes, Reading, RejectedReason,
    Settlement, State, Ticket, TransitionCounts, TripKind, slow,
};
use crate::settings::{Config, Mode, Settings, WindowSize};
use fleet::Told;
use news::{Item, Listener};

const STEPS: usize = 100;

/// Shares are whole twentieths here, so that the reference compares without rounding.
const TWENTIETHS: u64 = 20;

fn ticks(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn in_ticks(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap()
}

/// A circuit, and what happens to it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    config: Config,
    has_listener: bool,
    steps: Vec<Step>,
}

impl Case {
    /// Any bytes make a case. When they run out, every choice falls on the first option.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Unstructured::new(bytes).arbitrary().expect("no choice here needs a byte")
    }
}

impl Arbitrary<'_> for Case {
    fn arbitrary(source: &mut Unstructured<'_>) -> Result<Self> {
        let config = config(source)?;
        let has_listener = source.arbitrary()?;
        let mut steps = vec![source.arbitrary()?];
        while steps.len() < STEPS && !source.is_empty() {
            steps.push(source.arbitrary()?);
        }
        Ok(Self { config, has_listener, steps })
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Acquire,
    /// One of the calls in flight.
    Settle(u8, Ending),
    Advance(u64),
    Trip,
    ForceOpen,
    Disable,
    Reset,
    Override(Mode, Option<u64>),
    Reconfigure(Config),
    /// For as many ticks.
    Advise(Advice, u64),
}

impl Arbitrary<'_> for Step {
    fn arbitrary(source: &mut Unstructured<'_>) -> Result<Self> {
        use Ending::{Cancelled, Failure, Ignored, Success};
        const ENDINGS: [Ending; 10] = [
            Success, Success, Success, Success, Failure, Failure, Failure, Failure, Ignored,
            Cancelled,
        ];
        const MODES: [Mode; 4] = [Mode::Normal, Mode::Observe, Mode::Disabled, Mode::ForcedOpen];
        Ok(match source.int_in_range(1..=160)? {
            1..=44 => Self::Acquire,
            45..=94 => Self::Settle(source.arbitrary()?, *source.choose(&ENDINGS)?),
            95..=120 => Self::Advance(source.int_in_range(0..=6)?),
            121..=123 => Self::Trip,
            124 => Self::ForceOpen,
            125 => Self::Disable,
            126..=128 => Self::Reset,
            129..=132 => Self::Reconfigure(config(source)?),
            133..=137 => Self::Override(*source.choose(&MODES)?, maybe(source, 1..=20)?),
            _ => Self::Advise(fleet::advice(source)?, source.int_in_range(0..=30)?),
        })
    }
}

/// A number, or none.
fn maybe(source: &mut Unstructured<'_>, range: RangeInclusive<u64>) -> Result<Option<u64>> {
    source.arbitrary::<bool>()?.then(|| source.int_in_range(range)).transpose()
}

fn config(source: &mut Unstructured<'_>) -> Result<Config> {
    let mut config = evidence(source)?;
    let cooldown = source.int_in_range(1..=10)?;
    config = config
        .cooldown(ticks(cooldown))
        .half_open_max_calls(source.int_in_range(1..=3)?)
        .success_threshold(source.int_in_range(1..=4)?)
        // No shorter than the longest `slow_call`.
        .probe_timeout(ticks(source.int_in_range(4..=12)?));
    if source.arbitrary()? {
        config = config.half_open_failure_threshold(source.int_in_range(1..=3)?);
    }
    // In place of the window of calls. Its buckets may end between ticks.
    if let Some(length) = maybe(source, 10..=60)? {
        config = config.time_window(ticks(length));
    }
    if source.arbitrary()? {
        config = config.cooldown_multiplier(source.int_in_range(1..=3_u8)?.into());
        if let Some(longer) = maybe(source, 0..=30)? {
            config = config.cooldown_max(ticks(cooldown + longer));
        }
    }
    if source.ratio(1, 4)? {
        config = config.mode(Mode::Observe);
    }
    Ok(config)
}

fn evidence(source: &mut Unstructured<'_>) -> Result<Config> {
    let window = source.int_in_range(1..=8)?;
    let mut config =
        Config::new().count_window(window).minimum_calls(source.int_in_range(1..=window)?);
    if source.arbitrary()? {
        config = config.failure_threshold(source.int_in_range(1..=4)?);
    }
    if let Some(share) = maybe(source, 1..=TWENTIETHS)? {
        config = config.failure_rate(as_share(share));
    }
    if let Some(longer_than) = maybe(source, 1..=4)? {
        config = config.slow_call(ticks(longer_than));
        if let Some(share) = maybe(source, 1..=TWENTIETHS)? {
            config = config.slow_call_rate(as_share(share));
        }
    }
    Ok(config)
}

#[expect(clippy::cast_precision_loss, reason = "twentieths are small")]
fn as_share(twentieths: u64) -> f64 {
    twentieths as f64 / TWENTIETHS as f64
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
    /// There was a `slow_call` when it began.
    is_timed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    call: Ended,
    /// How old it is taken for: when it was heard, or when its bucket began.
    at: Duration,
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
    reason: Option<(TripKind, u64)>,
    last_failure: Option<u64>,
    last_success: Option<u64>,
    /// Every call that was let in, and what became of those that ended.
    let_in: usize,
    ended: Vec<(Ended, Settlement)>,
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
            last_failure: None,
            last_success: None,
            let_in: 0,
            ended: vec![],
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
        self.state = state;
        self.since = at;
        self.heard.clear();
        self.kept_since = None;
        if state == State::HalfOpen {
            self.probes.clear();
        } else {
            self.held = 0;
        }
        if state == State::Closed {
            (self.reason, self.reopenings) = (None, 0);
        }
        // From here on, good calls have no date.
        if matches!(state, State::Closed | State::Disabled) {
            self.last_success = None;
        }
        let left = (state == State::Open).then(|| ticks(self.refuses_until().saturating_sub(at)));
        self.news.push(Item::Change(from, state, cause, left));
    }

    fn open(&mut self, kind: TripKind, failed: u64, at: u64) {
        self.reason = Some((kind, failed));
        self.reopenings += u32::from(self.state == State::HalfOpen);
        self.until = at + self.cooldown();
        self.enter(State::Open, "tripped", at);
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
                    self.enter(State::Closed, "recovered", at);
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
        let before = self.cooldown();
        self.settings = settings;
        self.run_as(self.mode(), "configured", self.now);
        if self.state == State::Open && self.cooldown() != before {
            self.until = self.since + self.cooldown();
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

    fn acquire(&mut self) -> Result<Leave, (RejectedReason, Option<u64>)> {
        self.lapse();
        if self.state == State::Open && self.now >= self.refuses_until() {
            if self.must_ask() {
                self.ask();
            } else {
                self.enter(State::HalfOpen, "cooldown_over", self.now);
            }
        }
        let in_flight = self.probes_that(|end| end.is_none());
        let refusal = match self.state {
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
        let is_timed = self.settings.slow_call.is_some();
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

    fn take(&mut self, leave: Leave, call: Ended) -> Settlement {
        if leave.epoch != self.epoch() {
            return Settlement::Late;
        }
        match self.state {
            State::Closed => {
                self.heard.push(Heard { call, at: ticks(self.now), is_forgotten: false });
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

    fn consecutive_successes(&self) -> Option<u32> {
        let WindowSize::Calls(size) = self.settings.window else { return None };
        let known = self.heard.iter().rev().filter(|heard| !heard.is_forgotten);
        let recorded = known.map(|it| it.call).filter(|it| is_recorded(*it));
        let good = recorded.take_while(|call| call.ending == Ending::Success && !call.slow);
        (self.state == State::Closed).then(|| size.min(good.count().try_into().unwrap()))
    }

    fn trip(&mut self) {
        self.lapse();
        if matches!(self.state, State::Closed | State::HalfOpen) {
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
        }
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

/// An override as it is shown, but for who gave it.
#[derive(Debug, PartialEq)]
struct Ordered {
    mode: Mode,
    left: Option<Duration>,
    then: Option<Mode>,
    number: u64,
}

impl From<&ModeOverride> for Ordered {
    fn from(shown: &ModeOverride) -> Self {
        let ModeOverride { mode, left, then, number, .. } = *shown;
        Self { mode, left, then, number }
    }
}

/// What is compared after every step.
#[derive(Debug, PartialEq)]
struct Seen {
    state: State,
    since: Duration,
    epoch: u64,
    reason: Option<(TripKind, u64)>,
    retry_after: Option<Duration>,
    probe_due: bool,
    calls: u64,
    failed: u64,
    slow: u64,
    consecutive_failures: u64,
    consecutive_successes: Option<u32>,
    probes: Probes,
    /// Every change of state, in the order of states.
    ways: Vec<(State, State)>,
    open_time: Duration,
    last_failure: Option<Duration>,
    ordered: Option<Ordered>,
    last_success: Option<Duration>,
    lease: Option<Lease>,
    /// The votes that it does not follow.
    vetoed: Option<u64>,
    reopenings: u32,
}

impl From<Reading> for Seen {
    fn from(reading: Reading) -> Self {
        Self {
            state: reading.state,
            since: reading.since,
            epoch: reading.epoch,
            reason: reading.trip_reason.map(|reason| (reason.kind, reason.failed.into())),
            retry_after: reading.retry_after,
            probe_due: reading.probe_due,
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
        }
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

fn ways_of(counts: &TransitionCounts) -> Vec<(State, State)> {
    let each = |(from, to, count)| (0..count).map(move |_| (from, to));
    counts.iter().flat_map(each).collect()
}

/// Fails unless the snapshot shows what the model has seen.
#[track_caller]
fn assert_shows(snapshot: &Snapshot, model: &Model) {
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
    assert_eq!(snapshot.trip_reason.map(|it| (it.kind, it.failed.into())), seen.reason);
    assert_eq!(snapshot.retry_after, seen.retry_after);
    assert_eq!(snapshot.probe_due, seen.probe_due);
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
    assert_eq!(snapshot.calls, model.calls());
    assert_eq!(snapshot.in_flight, (model.let_in - model.ended.len()) as u64);
    assert_eq!(snapshot.rejected, model.rejections());
    assert_eq!(snapshot.would_reject, rejections_of(&model.would_reject));
    let order = seen.ordered.as_ref();
    assert_eq!(snapshot.mode, order.map_or(model.settings.mode, |order| order.mode));
}

/// Panics unless the machine does what the reference does.
pub(crate) fn check_machine(Case { config, steps, .. }: Case) {
    let mut bench = Bench::new(config);
    let mut model = Model::new(config);
    let mut held: Vec<(Leave, Ticket)> = vec![];
    for step in steps {
        match step {
            Step::Acquire => match (model.acquire(), bench.admit()) {
                (Ok(leave), Ok(ticket)) => held.push((leave, ticket)),
                (Err((reason, left)), Err(refusal)) => {
                    assert_eq!(refusal.reason, reason);
                    assert_eq!(refusal.left.as_duration(), left.map(ticks));
                }
                (expected, got) => panic!("{expected:?} against {got:?}"),
            },
            Step::Settle(..) if held.is_empty() => {}
            Step::Settle(which, ending) => {
                let (leave, ticket) = held.swap_remove(usize::from(which) % held.len());
                let call = Ended { ending, slow: false };
                let call = if model.is_slow(leave) { slow(call) } else { call };
                assert_eq!(bench.settle(ticket, call), model.settle(leave, ending));
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
    time.advance(ticks(7));
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
            Step::Acquire => match (model.acquire(), circuit.try_acquire()) {
                (Ok(leave), Ok(permit)) => held.push((leave, permit)),
                (Err((reason, left)), Err(rejected)) => {
                    assert_eq!(rejected.reason(), reason);
                    let left = left.filter(|_| reason == RejectedReason::Open);
                    assert_eq!(rejected.retry_after(), left.map(ticks));
                }
                (expected, got) => panic!("{expected:?} against {got:?}"),
            },
            Step::Settle(..) if held.is_empty() => {}
            Step::Settle(which, ending) => {
                let (leave, permit) = held.swap_remove(usize::from(which) % held.len());
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
