//! A permit that a future or a body of another crate holds, and that knows what a drop means.

use std::sync::Arc;
use std::time::Duration;

use super::acquire::Acquire;
use super::breaker::CircuitBreaker;
use super::error::{Rejected, TimedOut};
use super::on_cancel::OnCancel;
use super::owned_permit::OwnedPermit;
use super::permit::{IfDropped, Permit};
use crate::rules::{Ending, Instant, Outcome};

/// The permit of a call that is polled. What [`Guarded`](super::Guarded) is for annotated functions, this is for types
/// that cannot borrow their circuit.
///
/// Dropped during a poll, it means that the call panicked. Dropped between two polls, it means what `on_cancel` says.
#[derive(Debug)]
#[must_use = "dropping a permit ends the call it was given for"]
pub struct HeldPermit {
    permit: OwnedPermit,
    if_suspended: Ending,
    fails_after: Instant,
}

/// A permit before its call has a future to hold it. Dropped, it means that the call panicked.
///
/// A separate type, because moving a permit that was just written costs more than taking it.
#[derive(Debug)]
#[must_use = "dropping a permit ends the call it was given for"]
pub struct Entered<'a> {
    circuit: &'a Arc<CircuitBreaker>,
    permit: Permit<'a>,
    if_suspended: Ending,
    fails_after: Instant,
}

impl<'a> Entered<'a> {
    /// The circuit.
    #[must_use]
    pub fn circuit(&self) -> &CircuitBreaker {
        self.circuit
    }

    /// Fast path: acquires a permit if the word alone allows it. `None` means "take the slow path".
    #[inline]
    #[must_use]
    pub fn at_once(circuit: &'a Arc<CircuitBreaker>, on_cancel: OnCancel) -> Option<Self> {
        circuit.admit_at_once().map(|admission| Self::of(circuit, admission.permit(), on_cancel))
    }

    /// Slow path: acquires a permit now. `None` if the call has to [wait](HeldPermit::wait) for a slot of the bulkhead.
    #[cold]
    #[must_use]
    pub fn slowly(
        circuit: &'a Arc<CircuitBreaker>,
        on_cancel: OnCancel,
    ) -> Option<Result<Self, Rejected>> {
        let admitted = circuit.admit_unless_full()?;
        Some(admitted.map(|permit| Self::of(circuit, permit, on_cancel)))
    }

    #[inline]
    fn of(circuit: &'a Arc<CircuitBreaker>, permit: Permit<'a>, on_cancel: OnCancel) -> Self {
        let (if_suspended, fails_after) = on_cancel.means(circuit);
        Self { circuit, permit, if_suspended, fails_after }
    }

    /// The time limit of the call where the code states this one. `None` if it is switched off.
    #[must_use]
    pub fn call_timeout(&self, stated: Duration) -> Option<Duration> {
        self.circuit.call_timeout(stated)
    }

    /// The permit for the call's future, which is not polled yet.
    #[inline]
    pub fn hold(self) -> HeldPermit {
        let Self { circuit, mut permit, if_suspended, fails_after } = self;
        permit.if_dropped(IfDropped::Suspended(if_suspended));
        let permit = OwnedPermit::new(Arc::clone(circuit), permit.into_leave());
        HeldPermit { permit, if_suspended, fails_after }
    }
}

#[cfg(feature = "stream")]
impl HeldPermit {
    /// Holds a permit that somebody else acquired. Until the first poll, a drop means what it meant before.
    pub(super) fn of(permit: OwnedPermit, on_cancel: OnCancel) -> Self {
        let (if_suspended, fails_after) = on_cancel.means(permit.circuit());
        Self { permit, if_suspended, fails_after }
    }

    /// Changes what a drop between two polls means. Its time starts now.
    pub(super) fn on_cancel(&mut self, on_cancel: OnCancel) {
        (self.if_suspended, self.fails_after) = on_cancel.means(self.circuit());
        if self.permit.is_suspended() {
            self.suspend();
        }
    }

    /// From the next poll on, a drop means that the call is ignored.
    pub(super) fn ignore_if_dropped(&mut self) {
        (self.if_suspended, self.fails_after) = (Ending::Ignored, Instant::NEVER);
    }
}

impl HeldPermit {
    /// Acquires a permit, perhaps after a wait in the bulkhead's line.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the circuit refuses.
    pub async fn wait(circuit: Arc<CircuitBreaker>, on_cancel: OnCancel) -> Result<Self, Rejected> {
        let permit = Acquire::new(&circuit).await?;
        Ok(Entered::of(&circuit, permit, on_cancel).hold())
    }

    /// A poll begins.
    #[inline]
    pub fn resume(&mut self) {
        self.permit.if_dropped(IfDropped::Panicked);
    }

    /// A poll is over, and the call is not.
    #[inline]
    pub fn suspend(&mut self) {
        self.permit.if_dropped(IfDropped::Suspended(self.if_suspended));
    }

    /// What the permit guards is about to be dropped. The time that takes is not part of the call.
    #[inline]
    pub fn cancel(&mut self) {
        if self.fails_after != Instant::NEVER {
            self.cancel_late();
        }
    }

    #[cold]
    fn cancel_late(&mut self) {
        let is_late = self.circuit().precise_now() > self.fails_after;
        if is_late && self.permit.is_suspended() {
            self.permit.if_dropped(IfDropped::Suspended(Ending::Failure));
        }
    }

    /// Records the outcome, unless one was recorded.
    #[inline]
    pub fn record(&mut self, outcome: Outcome) {
        self.permit.settle(outcome.into());
    }

    /// Records a failure that asks to stay away for that long, unless an outcome was recorded. Zero is no answer.
    pub fn fail_for(&mut self, open_for: Duration) {
        self.permit.fail_for(open_for);
    }

    /// The circuit.
    #[must_use]
    pub fn circuit(&self) -> &CircuitBreaker {
        self.permit.circuit()
    }

    /// Like [`Entered::call_timeout`].
    #[must_use]
    pub fn call_timeout(&self, stated: Duration) -> Option<Duration> {
        self.permit.circuit().call_timeout(stated)
    }

    /// The call was dropped because it took longer than this.
    #[must_use]
    pub fn time_out(&mut self, limit: Duration) -> TimedOut {
        let timed_out = self.permit.circuit().time_out(limit);
        self.permit.settle(Ending::Failure);
        timed_out
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use super::*;
    use crate::circuit::{Calls, Clock, ManualClock};
    use crate::settings::Config;

    const SECOND: Duration = Duration::from_secs(1);
    const NANO: Duration = Duration::from_nanos(1);

    fn circuit(config: Config) -> (Arc<CircuitBreaker>, ManualClock) {
        let time = ManualClock::new();
        let clock = Clock::Manual(time.clone());
        (Arc::new(CircuitBreaker::with_clock("held", config, clock).unwrap()), time)
    }

    fn held(circuit: &Arc<CircuitBreaker>, on_cancel: OnCancel) -> HeldPermit {
        Entered::slowly(circuit, on_cancel).expect("no wait").expect("it is closed").hold()
    }

    fn ended(circuit: &CircuitBreaker) -> (u64, u64, u64, u64) {
        let Calls { success, failure, cancelled, panicked, .. } = circuit.snapshot().calls;
        (success, failure, cancelled, panicked)
    }

    #[test]
    fn r29_a_permit_dropped_between_polls_ends_as_on_cancel_says() {
        use OnCancel::{Failure, FailureAfter, Ignore};
        for (on_cancel, ran, fails) in [
            (Ignore, Duration::MAX, false),
            (Failure, Duration::ZERO, true),
            (FailureAfter(SECOND), SECOND, false),
            (FailureAfter(SECOND), SECOND + NANO, true),
            (FailureAfter(Duration::ZERO), Duration::ZERO, true),
            (FailureAfter(Duration::MAX), Duration::MAX, false),
        ] {
            let (circuit, time) = circuit(Config::new());
            let mut permit = held(&circuit, on_cancel);
            time.advance(ran);
            permit.cancel();
            drop(permit);
            let expected = (0, u64::from(fails), u64::from(!fails), 0);
            assert_eq!(ended(&circuit), expected, "{on_cancel:?}, {ran:?}");
        }
    }

    #[test]
    fn r29_what_is_dropped_after_that_is_not_in_its_time() {
        let (circuit, time) = circuit(Config::new());
        let mut permit = held(&circuit, OnCancel::FailureAfter(SECOND));
        permit.cancel();
        time.advance(SECOND * 9);
        drop(permit);
        assert_eq!(ended(&circuit), (0, 0, 1, 0));
    }

    #[test]
    fn r13_a_permit_dropped_during_a_poll_means_a_panic() {
        for on_cancel in [OnCancel::Ignore, OnCancel::FailureAfter(SECOND)] {
            let (circuit, time) = circuit(Config::new());
            let mut permit = held(&circuit, on_cancel);
            permit.resume();
            time.advance(SECOND * 2);
            let unwound = catch_unwind(AssertUnwindSafe(|| {
                let mut permit = permit;
                permit.cancel();
                resume_unwind(Box::new("poll"));
            }));
            assert!(unwound.is_err());
            assert_eq!(ended(&circuit), (0, 1, 0, 1));
        }
    }

    #[test]
    fn r13_a_permit_that_nothing_holds_yet_means_a_panic() {
        let (circuit, _) = circuit(Config::new());
        held(&circuit, OnCancel::Ignore).record(Outcome::Success);
        drop(Entered::at_once(&circuit, OnCancel::Ignore).expect("it is closed"));
        assert_eq!(ended(&circuit), (1, 1, 0, 1));
    }

    #[test]
    fn a_permit_ends_with_its_outcome_or_its_limit() {
        let (circuit, _) = circuit(Config::new());
        held(&circuit, OnCancel::Ignore).record(Outcome::Success);
        assert_eq!(held(&circuit, OnCancel::Failure).call_timeout(SECOND), Some(SECOND));
        let timed_out = held(&circuit, OnCancel::Ignore).time_out(SECOND);
        assert_eq!(timed_out.after(), SECOND);
        let calls = circuit.snapshot().calls;
        assert_eq!((calls.success, calls.failure, calls.timed_out), (1, 2, 1));
    }

    #[test]
    fn r28_a_failure_may_ask_once() {
        let (circuit, _) = circuit(Config::new());
        let mut permit = held(&circuit, OnCancel::Ignore);
        permit.fail_for(SECOND * 5);
        permit.fail_for(SECOND * 9);
        drop(permit);
        assert_eq!(circuit.snapshot().retry_after, Some(SECOND * 5));
        assert_eq!(ended(&circuit), (0, 1, 0, 0));
    }

    #[test]
    fn only_a_call_that_may_wait_and_finds_no_slot_has_to() {
        let full = Config::new().max_concurrent(1);
        let (impatient, _) = circuit(full);
        let _first = held(&impatient, OnCancel::Ignore);
        assert!(matches!(Entered::slowly(&impatient, OnCancel::Ignore), Some(Err(_))));

        let (patient, _) = circuit(full.max_wait(SECOND));
        let first = held(&patient, OnCancel::Ignore);
        assert!(Entered::slowly(&patient, OnCancel::Ignore).is_none());
        patient.force_open();
        assert!(matches!(Entered::slowly(&patient, OnCancel::Ignore), Some(Err(_))));
        drop(first);
    }
}
