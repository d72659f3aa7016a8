//! The kind of a return value, and how the value becomes an outcome.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::ops::Deref;

use crate::circuit::Permit;
use crate::rules::Outcome;

/// Finds the kind of an annotated function's return value by its type, also behind aliases.
///
/// `__breaker_kind` is inherent here for `Result`. For other types, method lookup dereferences to [`OptionOr`], where
/// it is inherent for `Option`, and then to [`PlainKind`]. So generated code needs no trait in scope, and an unknown
/// type causes no ambiguity error.
#[derive(Debug)]
pub struct KindOf<R>(OptionOr<R>);

/// The next step of the lookup, if the value is not a `Result`.
#[derive(Debug)]
pub struct OptionOr<R>(PhantomData<fn() -> R>);

impl<R> KindOf<R> {
    /// The kind of that value.
    #[must_use]
    pub const fn value(_: &R) -> Self {
        kind_of()
    }
}

/// The kind of values of that type.
#[must_use]
pub const fn kind_of<R>() -> KindOf<R> {
    KindOf(OptionOr(PhantomData))
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

/// The value of a call that no option is asked about, so that its type alone says how the call ended. It is found as
/// with [`KindOf`].
#[derive(Debug)]
pub struct Ended<'v, R>(EndedOption<'v, R>);

/// The next step of the lookup, if the value is not a `Result`.
#[derive(Debug)]
pub struct EndedOption<'v, R>(&'v R);

/// A call that ended with that value.
#[inline]
#[must_use]
pub const fn ended<R>(value: &R) -> Ended<'_, R> {
    Ended(EndedOption(value))
}

impl<T, E> Ended<'_, Result<T, E>> {
    /// Records how the call ended.
    #[inline]
    pub fn __breaker_settle(&self, permit: Permit<'_>) {
        permit.settle(ResultKind.outcome(self.0.0).into());
    }
}

impl<T> EndedOption<'_, Option<T>> {
    /// The same.
    #[inline]
    pub fn __breaker_settle(&self, permit: Permit<'_>) {
        permit.settle(OptionKind.outcome(self.0).into());
    }
}

impl PlainKind {
    /// The same. Any other value is a success.
    #[inline]
    pub fn __breaker_settle(self, permit: Permit<'_>) {
        permit.settle(Outcome::Success.into());
    }
}

impl<'v, R> Deref for Ended<'v, R> {
    type Target = EndedOption<'v, R>;

    #[inline]
    fn deref(&self) -> &EndedOption<'v, R> {
        &self.0
    }
}

impl<R> Deref for EndedOption<'_, R> {
    type Target = PlainKind;

    #[inline]
    fn deref(&self) -> &PlainKind {
        &PlainKind
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

/// What the values of a kind mean.
pub trait Kind<R>: Copy {
    /// The error inside a failure.
    type Error;

    /// The outcome of a value, without `failure_if` and `ignore_if`.
    fn outcome(self, value: &R) -> Outcome;

    /// Takes the error out of a failure. Any other value is returned to the caller.
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

/// Values that can be failures, without an option that says which are. No type of [`PlainKind`] is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no error, so no call is a failure and the circuit never opens",
    label = "neither a `Result` nor an `Option`",
    note = "say what counts: `failure_if = |value| ..`, `slow_call`, `hung_after`, or for async functions `call_timeout`",
    note = "if only panics count, write `failures = panics`; to limit calls only, `max_concurrent`"
)]
pub trait CanFail {}

impl<T, E> KindOf<Result<T, E>> {
    /// An `Err` can open the circuit.
    pub const fn __breaker_opens(&self, _: &Result<T, E>) {}
}

impl<T> OptionOr<Option<T>> {
    /// A `None` can open the circuit.
    pub const fn __breaker_opens(&self, _: &Option<T>) {}
}

impl PlainKind {
    /// Nothing can open the circuit.
    pub const fn __breaker_opens<R: CanFail>(self, _: &R) {}

    /// An option says what can open the circuit.
    pub const fn __breaker_check(self) {}
}

/// A kind of value that may hold an error for `ignore_if`.
#[diagnostic::on_unimplemented(
    message = "`ignore_if` looks at errors, and this function returns none",
    label = "needs a function that returns a `Result`",
    note = "`failure_if` looks at the whole value, whatever its type"
)]
pub trait HasErrors<R>: Kind<R> {
    /// The error, if the value holds one.
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
