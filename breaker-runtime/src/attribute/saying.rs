//! What errors say. How long to stay away, for the option `open_for` (R28), and what went wrong, for `describe_error`.

use std::fmt::Display;
use std::time::Duration;

use super::kind::{HasErrors, ResultKind};
use crate::circuit::{Permit, Said, words};
use crate::rules::Outcome;

/// How the body ended, as it is recorded.
pub trait Verdict {
    /// What it counts as.
    fn outcome(&self) -> Outcome;
    /// Records it.
    fn settle(self, permit: Permit<'_>);
    /// Turns it into a [`Saying`], which has room for what the error says.
    fn saying(self) -> Saying;
}

impl Verdict for Outcome {
    #[inline]
    fn outcome(&self) -> Outcome {
        *self
    }

    #[inline]
    fn settle(self, permit: Permit<'_>) {
        permit.settle(self.into());
    }

    #[inline]
    fn saying(self) -> Saying {
        Saying { outcome: self, said: Said::default() }
    }
}

/// An outcome, and what its error says.
#[derive(Debug)]
pub struct Saying {
    outcome: Outcome,
    said: Said,
}

impl Verdict for Saying {
    #[inline]
    fn outcome(&self) -> Outcome {
        self.outcome
    }

    #[inline]
    fn settle(self, permit: Permit<'_>) {
        match self.outcome {
            Outcome::Failure => permit.fail(self.said),
            outcome => permit.settle(outcome.into()),
        }
    }

    #[inline]
    fn saying(self) -> Saying {
        self
    }
}

/// The outcome with `open_for`, which is asked about the errors of failures only.
#[inline]
pub fn open_for<K: MayAsk<R>, R>(
    kind: K,
    value: &R,
    outcome: Outcome,
    asks: impl FnOnce(&K::Error) -> Option<Duration>,
) -> Saying {
    let mut saying = outcome.saying();
    let failed = kind.error(value).filter(|_| outcome == Outcome::Failure);
    saying.said.open_for = failed.and_then(asks).unwrap_or_default();
    saying
}

/// The verdict with `describe_error`, which is asked about the errors of failures only.
#[inline]
pub fn describe_error<'v, K: MayDescribe<R>, R, D: Display>(
    kind: K,
    value: &'v R,
    verdict: impl Verdict,
    describe: impl FnOnce(&'v K::Error) -> D,
) -> Saying
where
    K::Error: 'v,
{
    let mut saying = verdict.saying();
    let failed = kind.error(value).filter(|_| saying.outcome == Outcome::Failure);
    saying.said.words = failed.and_then(|error| words(&describe(error)));
    saying
}

/// A kind of value that may hold an error for `describe_error`.
#[diagnostic::on_unimplemented(
    message = "`describe_error` describes errors, and this function returns none",
    label = "needs a function that returns a `Result`"
)]
pub trait MayDescribe<R>: HasErrors<R> {}

impl<T, E> MayDescribe<Result<T, E>> for ResultKind {}

/// A kind of value that may hold an error for `open_for`.
#[diagnostic::on_unimplemented(
    message = "`open_for` asks errors how long to stay away, and this function returns none",
    label = "needs a function that returns a `Result`",
    note = "if the value says how long, take a permit by hand and call `Permit::failure_for`"
)]
pub trait MayAsk<R>: HasErrors<R> {}

impl<T, E> MayAsk<Result<T, E>> for ResultKind {}

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
        assert!(silent.said.is_nothing());
    }

    #[test]
    fn r28_a_success_is_not_asked() {
        let never = |_: &Duration| panic!("asked");
        open_for(ResultKind, &Ok::<(), Duration>(()), Outcome::Success, never);
        open_for(ResultKind, &Err::<(), _>(SECOND), Outcome::Ignored, never);
    }
}
