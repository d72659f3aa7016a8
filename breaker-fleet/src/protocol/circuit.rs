//! A circuit as a plain value, which a model checker can copy and compare: `rules/machine/fleet.rs` of
//! `breaker-runtime` in ticks. One failure opens it, one probe is let in, and one success closes it.

use std::mem;
use std::time::Duration;

use breaker_runtime::{Advice, Advised, Lease, Opening, Override, State, TripKind};

use super::{CIRCUIT, ticks_of, time_of};
use crate::home::{Circuits, Reading};
use crate::inbox::{Happened, Wish};

pub(super) const COOLDOWN: u64 = 2;
/// The votes of others may last longer.
pub(super) const COOLDOWN_MAX: u64 = 2;
pub(super) const PROBE_TIMEOUT: u64 = 2;
/// `GONE` in ticks.
pub(super) const TRUST: u64 = 3;
/// The longest that the fleet keeps it from probing.
const LONGEST_WAIT: u64 = COOLDOWN_MAX;
const NEVER: u64 = u64::MAX;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Circuit {
    now: u64,
    phase: Phase,
    tripped: Option<TripKind>,
    trust: Option<Trust>,
    pub(super) wish: Wish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Closed {
        /// It has good calls enough for a veto.
        is_well: bool,
    },
    Open {
        until: u64,
    },
    HalfOpen {
        /// When the probe in flight is lost.
        deadline: Option<u64>,
    },
}

impl Default for Phase {
    fn default() -> Self {
        Self::Closed { is_well: false }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Trust {
    until: u64,
    held: u64,
    other: u64,
    own: u64,
    is_probing: bool,
    has_asked: bool,
    kept_since: Option<u64>,
    is_vetoed: bool,
}

impl Trust {
    /// When the circuit's lease ends, or what makes it one.
    fn lent_until(&self) -> u64 {
        self.own.min(self.until)
    }

    fn kept_until(&self) -> u64 {
        self.kept_since.map_or(NEVER, |since| since + LONGEST_WAIT)
    }
}

impl Circuit {
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed { .. })
    }

    /// It knows that the dependency works.
    pub(super) fn is_well(&self) -> bool {
        matches!(self.phase, Phase::Closed { is_well: true })
    }

    /// Until when it is open, even if the fleet says otherwise later.
    pub(super) fn held_until(&self) -> u64 {
        let Phase::Open { until } = self.phase else { return 0 };
        self.trust.map_or(until, |trust| until.max(trust.held))
    }

    pub(super) fn has_vetoed(&self) -> bool {
        self.trusted().is_some_and(|trust| trust.is_vetoed)
    }

    pub(super) fn is_probing_by_lease(&self) -> bool {
        self.trust.is_some_and(|trust| trust.is_probing)
    }

    pub(super) fn has_probe(&self) -> bool {
        matches!(self.phase, Phase::HalfOpen { deadline: Some(_) })
    }

    /// The fleet has no say in it now.
    pub(super) fn is_alone(&self) -> bool {
        self.trusted().is_none()
    }

    /// Until when it probes by a lease.
    pub(super) fn lent_until(&self) -> u64 {
        self.trust.map_or(0, |trust| trust.lent_until())
    }

    pub(super) fn is_open_by(&self, kind: TripKind) -> bool {
        matches!(self.phase, Phase::Open { .. }) && self.tripped == Some(kind)
    }

    pub(super) fn evidence(&self) -> Option<u64> {
        let Phase::Open { until } = self.phase else { return None };
        self.tripped?.is_evidence().then_some(until.saturating_sub(self.now))
    }

    /// A call that succeeds or fails at once, unless it is refused or a probe.
    pub(super) fn call(&mut self, succeeds: bool) {
        match self.phase {
            Phase::Closed { .. } if succeeds => self.phase = Phase::Closed { is_well: true },
            Phase::Closed { .. } => self.trip(TripKind::ConsecutiveFailures, self.now),
            Phase::Open { until } if self.now >= self.refuses_until(until) && !self.must_ask() => {
                self.enter(Phase::HalfOpen { deadline: Some(self.now + PROBE_TIMEOUT) });
            }
            Phase::Open { .. } => self.want_probe(),
            Phase::HalfOpen { deadline: None } => {
                self.phase = Phase::HalfOpen { deadline: Some(self.now + PROBE_TIMEOUT) };
            }
            Phase::HalfOpen { .. } => {}
        }
    }

    /// The probe in flight ends.
    pub(super) fn settle(&mut self, succeeds: bool) {
        if succeeds {
            self.close();
            self.tell(Happened::Recovered);
        } else {
            self.trip(TripKind::FailedProbes, self.now);
        }
    }

    pub(super) fn cancel(&mut self) {
        self.phase = Phase::HalfOpen { deadline: None };
    }

    pub(super) fn reset(&mut self) {
        self.close();
        self.tell(Happened::Ended);
    }

    pub(super) fn tick(&mut self) {
        self.now += 1;
        if let Phase::HalfOpen { deadline: Some(deadline) } = self.phase
            && deadline <= self.now
        {
            self.trip(TripKind::FailedProbes, deadline);
        }
        self.end_lease();
    }

    fn end_lease(&mut self) {
        let is_over = |trust: Trust| trust.is_probing && trust.lent_until() <= self.now;
        if self.trust.is_some_and(is_over) {
            match self.trusted() {
                Some(_) => self.stop_probing(),
                None => self.trust = None,
            }
        }
    }

    fn trip(&mut self, kind: TripKind, at: u64) {
        self.tripped = Some(kind);
        self.enter(Phase::Open { until: at + COOLDOWN });
        self.tell(Happened::Opened);
    }

    fn close(&mut self) {
        self.tripped = None;
        self.enter(Phase::default());
    }

    fn tell(&mut self, happened: Happened) {
        self.wish = Wish { happened: Some(happened), wants_probe: false };
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        let Some(trust) = &mut self.trust else { return };
        match phase {
            Phase::Closed { .. } => self.trust = None,
            Phase::Open { .. } => {
                let Trust { until, other, .. } = *trust;
                *trust = Trust { until, other, ..Trust::default() };
            }
            Phase::HalfOpen { .. } => {
                trust.kept_since = None;
                trust.is_probing = self.now < trust.lent_until();
            }
        }
    }

    fn stop_probing(&mut self) {
        self.enter(Phase::Open { until: self.now });
    }

    fn trusted(&self) -> Option<Trust> {
        self.trust.filter(|trust| self.now < trust.until.min(trust.kept_until()))
    }

    fn must_ask(&self) -> bool {
        self.trusted().is_some_and(|trust| self.now >= trust.own)
    }

    fn refuses_until(&self, cooldown_ends: u64) -> u64 {
        self.trust.map_or(cooldown_ends, |trust| {
            let waits = trust.other.min(trust.until).max(trust.held);
            cooldown_ends.max(waits.min(trust.kept_until()))
        })
    }

    fn want_probe(&mut self) {
        let Phase::Open { until } = self.phase else { return };
        let is_over = self.now >= self.refuses_until(until);
        if let Some(trust) = self.trust.as_mut().filter(|trust| is_over && !trust.has_asked) {
            (trust.has_asked, self.wish.wants_probe) = (true, true);
            self.keep_from_probing();
        }
    }

    fn keep_from_probing(&mut self) {
        let Phase::Open { until } = self.phase else { return };
        if let Some(trust) = &mut self.trust {
            trust.kept_since.get_or_insert(self.now.max(until));
        }
    }

    fn trust(&mut self) -> &mut Trust {
        let trust = self.trust.get_or_insert_default();
        trust.until = self.now + TRUST;
        trust
    }

    fn lend(&mut self, own: u64, other: u64) {
        let is_half_open = matches!(self.phase, Phase::HalfOpen { .. });
        let now = self.now;
        let trust = self.trust();
        (trust.own, trust.other, trust.has_asked) = (own, other, false);
        let is_lent = is_half_open && now < trust.lent_until();
        let was_lent = mem::replace(&mut trust.is_probing, is_lent);
        if was_lent && now >= own {
            self.stop_probing();
        }
    }

    fn open_as_voted(&mut self, opening: Opening) -> Advised {
        let until = self.now + ticks_of(opening.left()).min(COOLDOWN_MAX);
        match self.phase {
            Phase::Closed { .. } if opening.left().is_zero() => {
                self.trust = None;
                return Advised::Ignored;
            }
            Phase::Closed { is_well: true } => {
                self.trust().is_vetoed = true;
                return Advised::Vetoed;
            }
            Phase::Closed { .. } => {
                self.tripped = Some(TripKind::Fleet);
                self.enter(Phase::Open { until });
            }
            Phase::Open { .. } => {
                let trust = self.trust();
                (trust.held, trust.kept_since) = (until.max(trust.held), None);
            }
            Phase::HalfOpen { .. } => return Advised::Ignored,
        }
        self.lend(0, 0);
        Advised::Followed
    }

    fn take(&mut self, advice: Advice) -> Advised {
        match advice {
            Advice::Alone => self.trust = None,
            Advice::Close if self.is_closed() => {
                self.trust = None;
                return Advised::Ignored;
            }
            Advice::Close => self.close(),
            Advice::Open(opening) => return self.open_as_voted(opening),
            _ if self.is_closed() => return Advised::Ignored,
            Advice::Wait(left) => {
                self.lend(0, self.now + ticks_of(left).min(LONGEST_WAIT));
                self.keep_from_probing();
            }
            Advice::Probe(left) => self.lend(self.now + ticks_of(left).min(PROBE_TIMEOUT), 0),
            _ => self.lend(0, 0),
        }
        Advised::Followed
    }

    fn lease(&self) -> Option<Lease> {
        let trust = self.trusted().filter(|_| !self.is_closed())?;
        let left = |end: u64| end.checked_sub(self.now).filter(|left| *left > 0).map(time_of);
        let lease = left(trust.own).map(Lease::Own).or_else(|| left(trust.other).map(Lease::Other));
        Some(lease.unwrap_or(Lease::Unasked))
    }
}

impl Circuits for Circuit {
    fn names(&self) -> Vec<String> {
        vec![CIRCUIT.to_owned()]
    }

    fn state(&self, _: &str) -> Option<State> {
        Some(match self.phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
        })
    }

    fn read(&self, circuit: &str) -> Option<Reading> {
        Some(Reading {
            state: self.state(circuit)?,
            tripped: self.tripped,
            evidence: self.evidence().map(time_of),
            reopenings: 0,
            probe_timeout: time_of(PROBE_TIMEOUT),
            cooldown_max: time_of(COOLDOWN_MAX),
            started: 0,
            probes_in_flight: u64::from(self.has_probe()),
            lease: self.lease(),
            policy: None,
        })
    }

    fn fingerprint(&self, _: &str) -> u64 {
        1
    }

    fn advise(&mut self, _: &str, advice: Advice) -> Option<Advised> {
        Some(self.take(advice))
    }

    fn order(&mut self, _: &str, _: Option<Override<'_>>, _: Duration, _: &str) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use breaker_runtime::{Clock, Config, ManualClock, Registry};

    use super::*;
    use crate::home::Home;
    use crate::inbox::Inbox;

    /// Reads everything that a member reads, but for numbers that only grow.
    fn read(circuits: &impl Circuits) -> Reading {
        Reading { started: 0, reopenings: 0, ..circuits.read(CIRCUIT).unwrap() }
    }

    fn advice(rng: &mut fastrand::Rng) -> Advice {
        let left = time_of(rng.u64(..6));
        match rng.u8(..6) {
            0 => Advice::Alone,
            1 => Advice::Close,
            2 => Advice::Ask,
            3 => Advice::Wait(left),
            4 => Advice::Probe(left),
            _ => Advice::Open(Opening::new(left)),
        }
    }

    #[test]
    fn the_circuit_of_the_model_does_what_a_real_one_does() {
        let config = Config::new()
            .failure_threshold(1)
            .success_threshold(1)
            .half_open_max_calls(1)
            .minimum_calls(1)
            .cooldown(time_of(COOLDOWN))
            .cooldown_multiplier(1.0)
            .cooldown_max(time_of(COOLDOWN_MAX))
            .probe_timeout(time_of(PROBE_TIMEOUT));
        for seed in 0..3000 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let clock = ManualClock::new();
            let registry = Arc::new(Registry::with_clock(Clock::Manual(clock.clone())));
            let real = registry.circuit(CIRCUIT, config).unwrap();
            let inbox = Arc::new(Inbox::default());
            let heard = Arc::clone(&inbox);
            let _listening = registry.subscribe_to_changes(move |event| heard.hear(event));
            let (mut home, mut model) = (Home::Own(registry), Circuit::default());
            let mut probe = None;
            for step in 0..40 {
                let said = match rng.u8(..8) {
                    0 | 1 => {
                        clock.advance(time_of(1));
                        model.tick();
                        // What ended meanwhile is seen when the circuit is used again.
                        continue;
                    }
                    2 => {
                        real.reset();
                        model.reset();
                        String::from("reset")
                    }
                    3 | 4 => {
                        let succeeds = rng.bool();
                        model.call(succeeds);
                        if let Ok(permit) = real.try_acquire_owned() {
                            match real.state() {
                                State::HalfOpen => probe = Some(permit),
                                _ if succeeds => permit.success(),
                                _ => permit.failure(),
                            }
                        }
                        format!("call that succeeds: {succeeds}")
                    }
                    5 if model.has_probe() => {
                        let probe = probe.take().unwrap();
                        match rng.u8(..3) {
                            0 => (model.settle(true), probe.success()).1,
                            1 => (model.settle(false), probe.failure()).1,
                            _ => (model.cancel(), probe.ignore()).1,
                        }
                        String::from("end of a probe")
                    }
                    _ => {
                        let advice = advice(&mut rng);
                        let advised = home.advise(CIRCUIT, advice);
                        assert_eq!(model.advise(CIRCUIT, advice), advised, "{seed}/{step}");
                        format!("{advice:?}")
                    }
                };
                let wish = inbox.take().remove(CIRCUIT).unwrap_or_default();
                assert_eq!(std::mem::take(&mut model.wish), wish, "{seed}/{step}: {said}");
                assert_eq!(read(&model), read(&home), "{seed}/{step}: {said}");
            }
        }
    }
}
