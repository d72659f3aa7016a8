//! `explain()`: one sentence that says why a circuit is in its state.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::Snapshot;
use crate::circuit::FleetView;
use crate::rules::{Lease, ModeOverride, Outage, Reason, State, TripKind, TripReason, plural};
use crate::settings::{Mode, Readable, Settings, Source};

impl Snapshot {
    /// Explains the state in one sentence.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock};
    ///
    /// let clock = Clock::Manual(ManualClock::new());
    /// let circuit = CircuitBreaker::with_clock("payments", Config::new(), clock)?;
    /// for _ in 0..5 {
    ///     let _ = circuit.call(|| Err::<(), _>("down"));
    /// }
    /// assert_eq!(circuit.snapshot().explain(), "open for 0s: 5 failures in a row; probes in 1m");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn explain(&self) -> String {
        let mut sentence = String::new();
        if self.mode == Mode::Observe {
            sentence.push_str("observed: ");
        }
        // A `String` takes everything that is written to it.
        let _ = match self.state {
            State::Closed => self.explain_closed(&mut sentence),
            State::Open => self.explain_open(&mut sentence),
            State::HalfOpen => self.explain_half_open(&mut sentence),
            State::Recovering => self.explain_recovering(&mut sentence),
            State::ForcedOpen => {
                self.explain_mode(&mut sentence, "forced open", "every call is refused")
            }
            State::Disabled => {
                self.explain_mode(&mut sentence, "disabled", "calls run and are only counted")
            }
        };
        let _ = self.explain_fleet(&mut sentence);
        let would_reject = self.would_reject.total();
        if self.mode == Mode::Observe && would_reject > 0 {
            let calls = if would_reject == 1 { "call" } else { "calls" };
            let _ = write!(sentence, "; would have rejected {would_reject} {calls}");
        }
        if let Some(ordered) = &self.mode_override
            && ordered.mode == Mode::Normal
            && let (Some(left), Some(then)) = (ordered.left, ordered.then)
            && then != Mode::Normal
        {
            let (by, left, then) = (By(ordered), Readable(left), words(then));
            let _ = write!(sentence, "; in normal mode{by} for another {left}, then {then} again");
        }
        sentence
    }

    /// Explains a state that was ordered.
    fn explain_mode(&self, out: &mut String, is: &str, so: &str) -> fmt::Result {
        let Some(ordered) = &self.mode_override else {
            return write!(out, "{is} for {}: {so} until reset()", self.lasted());
        };
        let by = By(ordered);
        let Some(left) = ordered.left else {
            return write!(out, "{is}{by} for {}: {so} until reset()", self.lasted());
        };
        write!(out, "{is}{by} for another {}: {so}", Readable(left))?;
        match ordered.then {
            Some(then) if then != Mode::Normal => write!(out, ", then {} again", words(then)),
            _ => Ok(()),
        }
    }

    fn explain_closed(&self, out: &mut String) -> fmt::Result {
        let settings = self.config.settings();
        out.push_str("closed: ");
        match settings.failure_threshold {
            Some(1) => out.push_str("1 failure opens it"),
            Some(limit) => {
                let failures = self.consecutive_failures;
                let from = self.from("failure_threshold");
                write!(out, "{failures} of the {limit} failures in a row that open it{from}")?;
            }
            None => {}
        }
        let slow = settings
            .slow_call
            .map_or_else(String::new, |limit| format!("took longer than {}", Readable(limit)));
        let rates = [
            (settings.failure_rate, self.failure_rate, "failed", "failure_rate"),
            (settings.slow_call_rate, self.slow_call_rate, slow.as_str(), "slow_call_rate"),
        ];
        if rates.iter().all(|(limit, ..)| limit.is_none()) {
            return Ok(());
        }
        if settings.failure_threshold.is_some() {
            out.push_str("; ");
        }
        if self.window_calls < settings.minimum_calls {
            let (calls, minimum) = (self.window_calls, settings.minimum_calls);
            let calls_needed = plural(minimum, "call");
            return write!(
                out,
                "{calls} of the {minimum} {calls_needed} needed before a rate is judged"
            );
        }
        let mut reached = false;
        let mut separator = "";
        for (limit, share, what, option) in rates {
            if let (Some(limit), Some(share)) = (limit, share) {
                let (share_shown, limit_shown) = (Percent(share), Percent(limit));
                let (calls, from) = (self.window_calls, self.from(option));
                write!(
                    out,
                    "{separator}{share_shown} of the last {calls} calls {what}, {limit_shown} opens it{from}"
                )?;
                reached |= share >= limit;
                separator = "; ";
            }
        }
        out.push_str(if reached { "; judged at the next failure" } else { "" });
        Ok(())
    }

    fn explain_open(&self, out: &mut String) -> fmt::Result {
        write!(out, "open for {}", self.lasted())?;
        match self.long_outage() {
            Some(outage) => self.explain_outage(out, &outage)?,
            None => write!(out, ": {}; ", self.reason())?,
        }
        match (self.retry_after, self.lease) {
            (None, _) => write!(out, "stays open until reset()"),
            (Some(_), Some(Lease::Other(left))) => {
                write!(out, "another member probes, for {} at most", Readable(left))
            }
            (Some(left), Some(Lease::Unasked)) if left.is_zero() => {
                write!(out, "the next call asks the fleet to probe")
            }
            (Some(left), Some(Lease::Own(_))) if left.is_zero() => {
                write!(out, "the next call is a probe for all members")
            }
            (Some(left), None) if left.is_zero() => write!(out, "the next call is a probe"),
            (Some(left), Some(_)) => {
                write!(out, "one member probes in {}{}", Readable(left), self.cooldown_source())
            }
            (Some(left), None) => {
                write!(out, "probes in {}{}", Readable(left), self.cooldown_source())
            }
        }
    }

    fn explain_recovering(&self, out: &mut String) -> fmt::Result {
        let settings = self.config.settings();
        let left = settings.recovery.unwrap_or_default().saturating_sub(self.since);
        let share = Percent((self.recovering_share.unwrap_or(1.0) * 100.0).round() / 100.0);
        write!(out, "recovering for {}", self.lasted())?;
        match self.long_outage() {
            Some(outage) => self.explain_outage(out, &outage)?,
            None => out.push_str(": "),
        }
        write!(out, "{share} of the calls run")?;
        if left.is_zero() {
            write!(out, "; the next call closes it")
        } else {
            write!(out, ", all in {}{}", Readable(left), self.from("recovery"))
        }
    }

    fn explain_half_open(&self, out: &mut String) -> fmt::Result {
        let settings = self.config.settings();
        let probes = self.probes;
        write!(out, "half-open for {}", self.lasted())?;
        match self.long_outage() {
            Some(outage) => self.explain_outage(out, &outage)?,
            None => write!(out, " after {}: ", self.reason())?,
        }
        write!(
            out,
            "{} of {} probe {} to close, {} of {} probe {} to open again, {} of {} in flight",
            probes.successes,
            settings.success_threshold,
            if settings.success_threshold == 1 { "success" } else { "successes" },
            probes.failures,
            settings.half_open_failure_threshold,
            plural(settings.half_open_failure_threshold, "failure"),
            probes.in_flight,
            settings.half_open_max_calls,
        )?;
        if probes.lost > 0 {
            write!(out, " ({} lost)", probes.lost)?;
        }
        match self.lease {
            Some(Lease::Own(left)) => {
                write!(out, "; it probes for all members, for another {}", Readable(left))
            }
            _ => Ok(()),
        }
    }

    /// The outage, if the time in this state and the last reason say too little about it: the circuit opened again, or
    /// its state was restored.
    pub(super) fn long_outage(&self) -> Option<Outage> {
        self.outage.filter(|outage| {
            outage.reopenings > 0 || (self.state == State::Open && outage.since > self.since)
        })
    }

    /// Since when it is not closed, why at first, and why it opened last if that was more than failed probes.
    fn explain_outage(&self, out: &mut String, outage: &Outage) -> fmt::Result {
        let Outage { since, first, reopenings } = *outage;
        let (since, first) = (Readable(since), self.in_words(first));
        write!(out, ", not closed for {since}: at first {first}; ")?;
        if reopenings == 0 {
            return Ok(());
        }
        write!(out, "{reopenings} {} since", plural(reopenings, "re-opening"))?;
        match self.trip_reason {
            Some(last) if last.kind != TripKind::FailedProbes => {
                write!(out, ", the last: {}", self.in_words(last))?;
            }
            _ => {}
        }
        self.explain_trip_error(out)?;
        out.push_str("; ");
        Ok(())
    }

    /// What the failure said that opened the circuit.
    fn explain_trip_error(&self, out: &mut String) -> fmt::Result {
        self.trip_error.as_ref().map_or(Ok(()), |error| write!(out, ", the last with {error:?}"))
    }

    /// What the fleet has to do with it. A circuit that was ordered into its state does not listen to the fleet.
    fn explain_fleet(&self, out: &mut String) -> fmt::Result {
        if let Some(verdict) = &self.vetoed {
            write!(out, "; {verdict}, but its own calls are good")?;
        }
        let Some(fleet) = &self.fleet else { return Ok(()) };
        if let State::ForcedOpen | State::Disabled = self.state {
            return Ok(());
        }
        if fleet.is_heard() {
            return self.explain_votes(out, fleet);
        }
        // A closed circuit goes by its own calls, with and without a fleet.
        if self.state != State::Closed && self.lease.is_none() {
            out.push_str("; acts as if alone, because the fleet is not connected");
        }
        Ok(())
    }

    fn explain_votes(&self, out: &mut String, fleet: &FleetView) -> fmt::Result {
        let FleetView { votes, needed, settings, .. } = *fleet;
        let verdict = self.vetoed.or(self.trip_reason);
        let is_told = verdict.is_some_and(|verdict| verdict.kind == TripKind::Fleet);
        if votes > 0 && !is_told {
            if votes < needed {
                write!(out, "; {votes} of {needed} votes needed to open it everywhere")?;
            } else {
                write!(out, "; {votes} {} voted to open it", plural(votes, "member"))?;
            }
        }
        if settings > 1 {
            write!(out, "; members disagree about its settings ({settings} different)")?;
        }
        Ok(())
    }

    /// Where the value of an option comes from, if that is not code.
    fn from(&self, option: &str) -> String {
        match self.sources.of(option) {
            Source::Stated(_, place) => format!(" ({place})"),
            _ => String::new(),
        }
    }

    /// Where the time that it is open comes from. A time that was asked for comes from nowhere.
    fn cooldown_source(&self) -> String {
        let is_asked = self.trip_reason.is_some_and(|reason| reason.kind == TripKind::Asked);
        if is_asked { String::new() } else { self.from("cooldown") }
    }

    fn lasted(&self) -> Readable {
        Readable(self.since)
    }

    fn reason(&self) -> String {
        let Some(reason) = self.trip_reason else { return String::new() };
        let mut words = self.in_words(reason);
        // A `String` takes everything that is written to it.
        let _ = self.explain_trip_error(&mut words);
        words
    }

    fn in_words(&self, reason: TripReason) -> String {
        let Settings { slow_call, hung_after, .. } = self.config.settings();
        match slow_call {
            Some(limit) if reason.kind == TripKind::SlowCallRate && reason.calls > 1 => {
                slow(&reason, limit)
            }
            _ => Reason(reason, hung_after).to_string(),
        }
    }
}

/// Too many slow calls, also as the percentile that is too long.
fn slow(reason: &TripReason, limit: Duration) -> String {
    let share = Percent(f64::from(reason.slow) / f64::from(reason.calls));
    let (calls, limit) = (reason.calls, Readable(limit));
    let words = format!("{share} of the last {calls} calls took longer than {limit}");
    match reason.threshold {
        Some(threshold) if threshold < 1.0 => {
            let percentile = ((1.0 - threshold) * 1000.0).round() / 10.0;
            format!("{words} (limit {}): p{percentile} is over slow_call", Percent(threshold))
        }
        _ => words,
    }
}

const fn words(mode: Mode) -> &'static str {
    match mode {
        Mode::Normal => "in normal mode",
        Mode::Observe => "observed",
        Mode::Disabled => "disabled",
        Mode::ForcedOpen => "forced open",
    }
}

/// Who gave an order. Nothing if it was the program itself, without a time limit.
struct By<'a>(&'a ModeOverride);

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.by.as_deref() {
            Some(by) if by != "code" || self.0.left.is_some() => write!(f, " by {by}"),
            _ => Ok(()),
        }
    }
}

/// A share as a percentage, with at most one decimal.
struct Percent(f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 1000.0).round() / 10.0;
        write!(f, "{tenths}%")
    }
}
