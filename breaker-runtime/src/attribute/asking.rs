//! Errors that say how long to stay away: the option `open_for` (R28).

use std::time::Duration;

use super::kind::{Kind, ResultKind};
use crate::circuit::Permit;
use crate::rules::Outcome;

/// How the body ended, as it is recorded.
pub trait Verdict: Copy {
    /// What it counts as.
    fn outcome(self) -> Outcome;
    /// Records it.
    fn settle(self, permit: Permit<'_>);
}

impl Verdict for Outcome {
    #[inline]
    fn outcome(self) -> Outcome {
        self
    }

    #[inline]
    fn settle(self, permit: Permit<'_>) {
        permit.settle(self.into());
    }
}

/// An outcome, and how long its error asks to stay away. Zero is no answer.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    outcome: Outcome,
    open_for: Duration,
}

impl Verdict for Asking {
    #[inline]
    fn outcome(self) -> Outcome {
        self.outcome
    }

    #[inline]
    fn settle(self, permit: Permit<'_>) {
        if self.open_for.is_zero() {
            permit.settle(self.outcome.into());
        } else {
            permit.failure_for(self.open_for);
        }
    }
}

/// The outcome with `open_for`, which is asked about the errors of failures only.
#[inline]
pub fn open_for<K: MayAsk<R>, R>(
    kind: K,
    value: &R,
    outcome: Outcome,
    asks: impl FnOnce(&K::Error) -> Option<Duration>,
) -> Asking {
    let failed = kind.error(value).filter(|_| outcome == Outcome::Failure);
    Asking { outcome, open_for: failed.and_then(asks).unwrap_or_default() }
}

/// A kind of value that may hold an error for `open_for`.
#[diagnostic::on_unimplemented(
    message = "`open_for` asks errors how long to stay away, and this function returns none",
    label = "needs a function that returns a `Result`",
    note = "if the value says how long, take a permit by hand and call `Permit::failure_for`"
)]
pub trait MayAsk<R>: Kind<R> {
    /// The error, if the value holds one.
    fn error(self, value: &R) -> Option<&Self::Error>;
}

impl<T, E> MayAsk<Result<T, E>> for ResultKind {
    #[inline]
    fn error(self, value: &Result<T, E>) -> Option<&E> {
        value.as_ref().err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::CircuitBreaker;
    use crate::rules::State;
    use crate::settings::Config;

    const SECOND: Duration = Duration::from_secs(1);

    fn state_after(value: Result<(), Duration>, outcome: Outcome) -> (State, u64) {
        let circuit = CircuitBreaker::new("asking", Config::new().failure_threshold(9)).unwrap();
        let asking = open_for(ResultKind, &value, outcome, |asks| Some(*asks));
        assert_eq!(asking.outcome(), outcome);
        asking.settle(circuit.try_acquire().unwrap());
        (circuit.state(), circuit.snapshot().calls.failure)
    }

    #[test]
    fn r28_only_the_error_of_a_failure_is_asked() {
        assert_eq!(state_after(Err(SECOND), Outcome::Failure), (State::Open, 1));
        assert_eq!(state_after(Err(SECOND), Outcome::Success), (State::Closed, 0));
        assert_eq!(state_after(Err(SECOND), Outcome::Ignored), (State::Closed, 0));
        assert_eq!(state_after(Ok(()), Outcome::Failure), (State::Closed, 1));
    }

    #[test]
    fn r28_zero_and_no_answer_are_plain_failures() {
        assert_eq!(state_after(Err(Duration::ZERO), Outcome::Failure), (State::Closed, 1));
        let silent = open_for(ResultKind, &Err::<(), _>(SECOND), Outcome::Failure, |_| None);
        assert!(silent.open_for.is_zero());
    }

    #[test]
    fn r28_a_success_is_not_asked() {
        let never = |_: &Duration| panic!("asked");
        open_for(ResultKind, &Ok::<(), Duration>(()), Outcome::Success, never);
        open_for(ResultKind, &Err::<(), _>(SECOND), Outcome::Ignored, never);
    }
}
