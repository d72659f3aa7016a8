//! A fleet's advice in the reference (F2 to F6). It keeps all advice, and looks for the last piece that counts.

use arbitrary::{Result, Unstructured};

use super::{Item, Model, TWENTIETHS, as_twentieths, in_ticks, ticks};
use crate::rules::{Advice, Advised, Ending, Lease, Opening, State};

/// Advice of every kind. Leases are more frequent, because only they lead to probes.
pub(super) fn advice(source: &mut Unstructured<'_>) -> Result<Advice> {
    let left = ticks(source.int_in_range(0..=12)?);
    Ok(match source.int_in_range(1..=13)? {
        1..=3 => Advice::Open(
            Opening::new(left)
                .votes(source.int_in_range(1..=5)?)
                .reopenings(source.int_in_range(0..=3)?),
        ),
        4..=5 => Advice::Ask,
        6..=7 => Advice::Wait(left),
        8..=11 => Advice::Probe(left),
        12 => Advice::Close,
        _ => Advice::Alone,
    })
}

/// What the fleet said, in which epoch, and the tick from which on that counts no more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    what: What,
    epoch: u64,
    until: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    /// It is for the circuit alone to say.
    Nothing,
    /// That many votes, and the circuit's own calls are good.
    Vetoed(u64),
    /// Nobody has the lease.
    Ask,
    /// Others have it until then.
    Wait(u64),
    /// The circuit has it until then.
    Probe(u64),
}

impl Model {
    pub(super) fn advise(&mut self, advice: Advice, trusted_for: u64) -> Advised {
        self.lapse();
        let until = self.now + trusted_for;
        match (advice, self.state) {
            (_, State::ForcedOpen | State::Disabled)
            | (
                Advice::Ask | Advice::Wait(_) | Advice::Probe(_),
                State::Closed | State::Recovering,
            )
            // Its own probes decide.
            | (Advice::Open(_), State::HalfOpen) => return Advised::Ignored,
            (Advice::Alone, _) => self.tell(What::Nothing, until),
            (Advice::Close, state) => {
                self.tell(What::Nothing, until);
                if matches!(state, State::Closed | State::Recovering) {
                    return Advised::Ignored;
                }
                self.recover("recovered_elsewhere", self.now);
            }
            // The verdict is over.
            (Advice::Open(opening), State::Closed | State::Recovering)
                if opening.left().is_zero() =>
            {
                self.tell(What::Nothing, until);
                return Advised::Ignored;
            }
            (Advice::Open(opening), State::Closed | State::Recovering)
                if self.has_good_calls() =>
            {
                self.tell(What::Vetoed(opening.reason().failed.into()), until);
                return Advised::Vetoed;
            }
            (Advice::Open(opening), state) => {
                self.tell(What::Ask, until);
                let longest = in_ticks(self.settings.cooldown_max);
                let voted = self.now + in_ticks(opening.left()).min(longest);
                self.reopenings += u32::from(state == State::Recovering);
                self.reopenings = self.reopenings.max(opening.escalation());
                if matches!(state, State::Closed | State::Recovering) {
                    self.reason = Some(opening.reason().into());
                    self.until = voted;
                    self.enter(State::Open, "tripped", self.now);
                } else {
                    (self.held, self.kept_since) = (self.held.max(voted), None);
                }
            }
            (Advice::Ask, _) => self.lend(What::Ask, until),
            (Advice::Wait(left), _) => {
                let left = left.min(ticks(self.longest_wait()));
                self.lend(What::Wait(self.now + in_ticks(left)), until);
                self.keep_from_probing();
            }
            (Advice::Probe(left), _) => {
                let longest = self.settings.probe_timeout;
                self.lend(What::Probe(self.now + in_ticks(left.min(longest))), until);
            }
        }
        Advised::Followed
    }

    /// The longest that others may keep it from probing.
    fn longest_wait(&self) -> u64 {
        in_ticks(self.settings.cooldown_max.max(self.settings.probe_timeout))
    }

    /// It would probe from now on, or from the end of its own cooldown on.
    fn keep_from_probing(&mut self) {
        if self.state == State::Open {
            self.kept_since.get_or_insert(self.now.max(self.until));
        }
    }

    fn kept_until(&self) -> u64 {
        self.kept_since.map_or(u64::MAX, |since| since + self.longest_wait())
    }

    fn tell(&mut self, what: What, until: u64) {
        if what == What::Nothing {
            (self.held, self.kept_since) = (0, None);
        }
        self.told.push(Told { what, epoch: self.epoch(), until });
    }

    /// Says who has the lease. A lease of no time is none.
    fn lend(&mut self, what: What, until: u64) {
        let is_probing = self.state == State::HalfOpen && self.lease_ends().is_some();
        let ends_now = [What::Wait(self.now), What::Probe(self.now)].contains(&what);
        let what = if ends_now { What::Ask } else { what };
        self.tell(what, until);
        if is_probing && !matches!(what, What::Probe(_)) {
            self.stop_probing(self.now);
        }
    }

    fn stop_probing(&mut self, at: u64) {
        self.until = at;
        self.enter(State::Open, "lease_ended", at);
    }

    /// Whether its window holds enough calls, with less than half of what would open it; of a circuit that only runs
    /// open, with less than a quarter.
    fn has_good_calls(&self) -> bool {
        let window = self.window();
        let calls = window.len() as u64;
        let failed = window.iter().filter(|call| call.ending == Ending::Failure).count() as u64;
        let slow = window.iter().filter(|call| call.slow).count() as u64;
        let rates = [(failed, self.settings.failure_rate), (slow, self.settings.slow_call_rate)];
        let mut is_good = calls >= self.settings.minimum_calls.into();
        for (bad, rate) in rates {
            if let Some(rate) = rate {
                is_good &= 2 * bad * TWENTIETHS < as_twentieths(rate) * calls;
            }
        }
        if rates.iter().all(|(_, rate)| rate.is_none()) {
            is_good &= 4 * failed < calls;
        }
        is_good
    }

    /// The last advice, unless the circuit has closed or was switched by hand since.
    fn last_told(&self) -> Option<Told> {
        let last = *self.told.last()?;
        let since = usize::try_from(last.epoch).unwrap();
        let is_judged = |state: &State| matches!(state, State::Open | State::HalfOpen);
        self.history[since..].iter().all(is_judged).then_some(last)
    }

    /// The same, if it still counts.
    fn counts(&self) -> Option<Told> {
        let is_counted = |told: &Told| self.now < told.until.min(self.kept_until());
        self.last_told().filter(|told| is_counted(told) && told.what != What::Nothing)
    }

    /// When its lease ends, if it was lent one for this opening or for these probes.
    fn lease_ends(&self) -> Option<u64> {
        let told = self.counts()?;
        self.lent_until(told).filter(|end| self.now < *end)
    }

    fn lent_until(&self, told: Told) -> Option<u64> {
        let What::Probe(end) = told.what else { return None };
        let openings = u64::from(self.state == State::HalfOpen);
        (told.epoch + openings >= self.epoch()).then_some(end)
    }

    /// Until when every call is refused.
    pub(super) fn refuses_until(&self) -> u64 {
        let waits = match self.last_told() {
            Some(Told { what: What::Wait(end), until, .. }) => self.held.max(end.min(until)),
            _ => self.held,
        };
        self.until.max(waits.min(self.kept_until()))
    }

    pub(super) fn must_ask(&self) -> bool {
        self.counts().is_some() && self.lease_ends().is_none()
    }

    /// Asks for a lease, once for each piece of advice and each opening.
    pub(super) fn ask(&mut self) {
        let question = (self.told.len(), self.epoch());
        if !self.asked.contains(&question) {
            self.asked.push(question);
            self.keep_from_probing();
            self.news.push(Item::ProbeWanted);
        }
    }

    /// Ends its probing if its lease ends at that tick, and what the fleet said counts by then.
    pub(super) fn end_lease(&mut self, at: u64) {
        let told = self.last_told().filter(|told| at > self.lapsed && at < told.until);
        let ends = told.is_some_and(|told| self.lent_until(told) == Some(at));
        if ends && self.state == State::HalfOpen {
            self.stop_probing(at);
        }
    }

    /// Whether the lease that it probes by, or what the fleet said, has ended since it last looked.
    pub(super) fn has_lost_its_lease(&self) -> bool {
        let lent = |told| self.lent_until(told).map(|end| end.min(told.until));
        let end = self.last_told().and_then(lent).filter(|_| self.state == State::HalfOpen);
        end.is_some_and(|end| self.lapsed < end && end <= self.now)
    }

    pub(super) fn lease(&self) -> Option<Lease> {
        let is_closed = matches!(self.state, State::Closed | State::Recovering);
        let told = self.counts().filter(|_| !is_closed)?;
        Some(match (told.what, self.lease_ends()) {
            (_, Some(end)) => Lease::Own(ticks(end - self.now)),
            (What::Wait(end), _) if self.now < end => Lease::Other(ticks(end - self.now)),
            _ => Lease::Unasked,
        })
    }

    pub(super) fn vetoed(&self) -> Option<u64> {
        let told = self.counts().filter(|told| told.epoch == self.epoch())?;
        if let What::Vetoed(votes) = told.what { Some(votes) } else { None }
    }
}
