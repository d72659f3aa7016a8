//! How a finished call counts, and how a return value becomes an outcome.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::ops::Deref;

/// How a finished call counts.
///
/// # Examples
///
/// ```
/// use breaker_runtime::Outcome;
///
/// let outcome = |status: u16| match status {
///     500.. => Outcome::Failure,
///     400.. => Outcome::Ignored,
///     _ => Outcome::Success,
/// };
/// assert_eq!(outcome(404), Outcome::Ignored);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The dependency answered well.
    Success,
    /// The dependency failed.
    Failure,
    /// It says nothing about the dependency.
    Ignored,
}

impl Outcome {
    /// The word that logs and metrics use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Ignored => "ignored",
        }
    }
}

/// How a call ended: with an outcome, or by being dropped before it had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Success,
    Failure,
    Ignored,
    Cancelled,
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::Success,
            Outcome::Failure => Self::Failure,
            Outcome::Ignored => Self::Ignored,
        }
    }
}

impl From<Ending> for Option<Outcome> {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Success => Some(Outcome::Success),
            Ending::Failure => Some(Outcome::Failure),
            Ending::Ignored => Some(Outcome::Ignored),
            Ending::Cancelled => None,
        }
    }
}

/// A call that is over, as far as evidence goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) ending: Ending,
    /// It took longer than `slow_call` (R5).
    pub(crate) slow: bool,
}

impl Ended {
    pub(crate) fn is_failed(self) -> bool {
        self.ending == Ending::Failure
    }

    /// Failed, or slow and not ignored: what goes through the lock and into the window (R3, R11).
    pub(crate) fn is_bad(self) -> bool {
        self.is_failed() || (self.slow && self.ending != Ending::Ignored)
    }
}

/// Tells what kind of value an annotated function returned, for the type it is: through aliases too.
///
/// `__breaker_kind` is inherent for `Result`; for every other type the call goes on to what this
/// dereferences to, where it is inherent for `Option`, and from there to what is left. So generated code
/// needs no trait in scope, and no look at the type's name, and a type that does not exist is no choice
/// between two.
#[derive(Debug)]
pub struct KindOf<R>(OptionOr<R>);

/// Where the search goes on when the value is no `Result`.
#[derive(Debug)]
pub struct OptionOr<R>(PhantomData<fn() -> R>);

impl<R> KindOf<R> {
    /// The kind of that value.
    #[must_use]
    pub const fn value(_: &R) -> Self {
        Self(OptionOr(PhantomData))
    }
}

impl<T, E> KindOf<Result<T, E>> {
    /// A `Result`.
    #[must_use]
    pub const fn __breaker_kind(&self) -> ResultKind {
        ResultKind
    }
}

impl<T> OptionOr<Option<T>> {
    /// An `Option`.
    #[must_use]
    pub const fn __breaker_kind(&self) -> OptionKind {
        OptionKind
    }
}

impl PlainKind {
    /// Any other type.
    #[must_use]
    pub const fn __breaker_kind(self) -> Self {
        self
    }
}

impl<R> Deref for KindOf<R> {
    type Target = OptionOr<R>;

    fn deref(&self) -> &OptionOr<R> {
        &self.0
    }
}

impl<R> Deref for OptionOr<R> {
    type Target = PlainKind;

    fn deref(&self) -> &PlainKind {
        &PlainKind
    }
}

/// What the values of one kind mean.
pub trait Kind<R>: Copy {
    /// What a failure can be taken apart into.
    type Error;

    /// How the value counts when nobody says otherwise.
    fn outcome(self, value: &R) -> Outcome;

    /// Takes the error out of a failure; everything else is for the caller.
    ///
    /// # Errors
    ///
    /// The error of the failure.
    fn split(self, outcome: Outcome, value: R) -> Result<R, Self::Error>;
}

/// `Err` is a failure.
#[derive(Clone, Copy, Debug)]
pub struct ResultKind;

impl<T, E> Kind<Result<T, E>> for ResultKind {
    type Error = E;

    #[inline]
    fn outcome(self, value: &Result<T, E>) -> Outcome {
        if value.is_ok() { Outcome::Success } else { Outcome::Failure }
    }

    #[inline]
    fn split(self, outcome: Outcome, value: Result<T, E>) -> Result<Result<T, E>, E> {
        match (outcome, value) {
            (Outcome::Failure, Err(error)) => Err(error),
            (_, value) => Ok(value),
        }
    }
}

/// `None` is a failure, without an error.
#[derive(Clone, Copy, Debug)]
pub struct OptionKind;

impl<T> Kind<Option<T>> for OptionKind {
    type Error = Infallible;

    fn outcome(self, value: &Option<T>) -> Outcome {
        if value.is_some() { Outcome::Success } else { Outcome::Failure }
    }

    fn split(self, _: Outcome, value: Option<T>) -> Result<Option<T>, Infallible> {
        Ok(value)
    }
}

/// Any other value is a success.
#[derive(Clone, Copy, Debug)]
pub struct PlainKind;

impl<R> Kind<R> for PlainKind {
    type Error = Infallible;

    fn outcome(self, _: &R) -> Outcome {
        Outcome::Success
    }

    fn split(self, _: Outcome, value: R) -> Result<R, Infallible> {
        Ok(value)
    }
}

/// A kind of value that may hold an error which `ignore_if` can look at.
#[diagnostic::on_unimplemented(
    message = "`ignore_if` looks at errors, and this function returns none",
    label = "needs a function that returns a `Result`",
    note = "`failure_if` looks at the whole value, whatever its type"
)]
pub trait HasErrors<R>: Kind<R> {
    /// The error, if the value is one.
    fn error(self, value: &R) -> Option<&Self::Error>;
}

impl<T, E> HasErrors<Result<T, E>> for ResultKind {
    fn error(self, value: &Result<T, E>) -> Option<&E> {
        value.as_ref().err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Alias<T> = Result<T, &'static str>;

    /// What generated code does.
    macro_rules! kind {
        ($value:expr) => {
            KindOf::value(&$value).__breaker_kind()
        };
    }

    fn generic<R>(value: &R) -> Outcome {
        kind!(*value).outcome(value)
    }

    #[test]
    fn err_and_none_are_failures_through_aliases_too() {
        let down: Alias<u8> = Err("down");
        assert_eq!(kind!(down).outcome(&down), Outcome::Failure);
        assert_eq!(kind!(Ok::<u8, ()>(1)).outcome(&Ok::<u8, ()>(1)), Outcome::Success);
        assert_eq!(kind!(None::<u8>).outcome(&None::<u8>), Outcome::Failure);
        assert_eq!(kind!(Some(1)).outcome(&Some(1)), Outcome::Success);
    }

    #[test]
    fn any_other_value_is_a_success() {
        assert_eq!(kind!(7).outcome(&7), Outcome::Success);
        assert_eq!(generic(&Err::<(), _>("a type parameter says nothing")), Outcome::Success);
    }

    #[test]
    fn only_a_failure_with_an_error_is_taken_apart() {
        let split = |value: Alias<u8>, outcome| kind!(value).split(outcome, value);
        assert_eq!(split(Err("down"), Outcome::Failure), Err("down"));
        assert_eq!(split(Err("absent"), Outcome::Ignored), Ok(Err("absent")));
        assert_eq!(split(Ok(1), Outcome::Failure), Ok(Ok(1)));
        assert_eq!(kind!(None::<u8>).split(Outcome::Failure, None::<u8>), Ok(None));
    }
}
