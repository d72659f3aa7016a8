//! One call by hand, with the attribute's options for functions: what a result counts as, and what a dropped future
//! does.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::acquire::Acquire;
use super::breaker::CircuitBreaker;
use super::bulkhead::Bulkhead;
use super::call_error::CallError;
use super::error::Rejected;
use super::guarded::FailsAfter;
use super::on_cancel::OnCancel;
use super::permit::{IfDropped, Permit};
use super::said::{Said, words};
use crate::rules::Outcome;

/// One call with options, from [`CircuitBreaker::guard`]. The options are those of `#[circuit_breaker]`, with the same
/// meaning, in any order. Then [`call`](Guard::call) or [`call_async`](Guard::call_async) makes the call.
///
/// The closures of [`failure_if`](Guard::failure_if), [`ignore_if`](Guard::ignore_if), [`open_for`](Guard::open_for)
/// and [`describe_error`](Guard::describe_error) never run under a lock. If one panics, the call counts as a failure,
/// and the panic continues.
///
/// `L` is the time limit: `()`, or a [`Duration`] after `call_timeout`. Then there is no
/// [`call`](Guard::call), because a closure cannot be stopped.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CallError, CircuitBreaker, Config};
///
/// struct Response { status: u16 }
///
/// #[derive(Debug, PartialEq)]
/// enum Error { NoSuchHost }
///
/// let circuit = CircuitBreaker::new("shop", Config::new())?;
/// let call = |answer| {
///     circuit
///         .guard()
///         .failure_if(|result: &Result<Response, Error>| match result {
///             Ok(response) => response.status >= 500,
///             Err(_) => true,
///         })
///         .ignore_if(|error| *error == Error::NoSuchHost)
///         .call(|| answer)
/// };
///
/// assert_eq!(call(Ok(Response { status: 503 })).unwrap().status, 503); // you get it, and it counted as a failure
/// assert_eq!(call(Err(Error::NoSuchHost)).err(), Some(CallError::Failed(Error::NoSuchHost)));
/// let calls = circuit.snapshot().calls;
/// assert_eq!((calls.failure, calls.ignored), (1, 1));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[must_use = "it makes no call before `call` or `call_async`"]
pub struct Guard<
    'a,
    T,
    E,
    F = fn(&Result<T, E>) -> bool,
    I = fn(&E) -> bool,
    L = (),
    O = fn(&E) -> Option<Duration>,
    W = fn(&E) -> Option<Arc<str>>,
> {
    pub(super) circuit: &'a CircuitBreaker,
    pub(super) failure_if: F,
    pub(super) ignore_if: I,
    pub(super) open_for: O,
    pub(super) describe_error: W,
    pub(super) on_cancel: OnCancel,
    pub(super) limit: L,
    pub(super) result: PhantomData<fn(Result<T, E>)>,
}

/// Stands here because a guard begins with it.
impl CircuitBreaker {
    /// One call with the options that the attribute has for functions. See [`Guard`].
    ///
    /// To name the types before the closures do, write `circuit.guard::<Response, Error>()`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("files", Config::new())?;
    /// let missing = circuit
    ///     .guard()
    ///     .ignore_if(|error: &io::Error| error.kind() == io::ErrorKind::NotFound)
    ///     .call(|| std::fs::read("/no/such/file"));
    /// assert!(missing.is_err());
    /// assert_eq!(circuit.snapshot().calls.ignored, 1);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn guard<T, E>(&self) -> Guard<'_, T, E> {
        Guard {
            circuit: self,
            failure_if: Result::is_err,
            ignore_if: |_| false,
            open_for: |_| None,
            describe_error: |_| None,
            on_cancel: OnCancel::Ignore,
            limit: (),
            result: PhantomData,
        }
    }
}

impl<'a, T, E, F, I, L, O, W> Guard<'a, T, E, F, I, L, O, W> {
    /// Which results are failures. All others are successes, also if they are an `Err`. Without it, `Err` is a failure.
    ///
    /// The result goes to the caller as it is: this only decides how it counts. A call that cannot fail can be judged
    /// by its value too: have it return `Ok::<_, Infallible>(value)`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("queue", Config::new())?;
    /// let length = circuit
    ///     .guard()
    ///     .failure_if(|length: &Result<usize, Infallible>| *length > Ok(1_000))
    ///     .call(|| Ok(4_711))?;
    /// assert_eq!((length, circuit.snapshot().calls.failure), (4_711, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn failure_if<P>(self, is_failure: P) -> Guard<'a, T, E, P, I, L, O, W>
    where
        P: FnOnce(&Result<T, E>) -> bool,
    {
        let Self { circuit, ignore_if, open_for, describe_error, on_cancel, limit, result, .. } =
            self;
        let failure_if = is_failure;
        Guard { circuit, failure_if, ignore_if, open_for, describe_error, on_cancel, limit, result }
    }

    /// Which errors count as nothing: neither as a success nor as a failure. It is asked before
    /// [`failure_if`](Guard::failure_if). Without it, none.
    ///
    /// An ignored error goes to the caller, as [`CallError::Failed`].
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CallError, CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("numbers", Config::new())?;
    /// let guard = circuit.guard().ignore_if(|error: &&str| error.starts_with("no such"));
    /// assert_eq!(guard.call(|| Err::<u32, _>("no such key")), Err(CallError::Failed("no such key")));
    /// assert_eq!(circuit.snapshot().calls.ignored, 1);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn ignore_if<P>(self, is_ignored: P) -> Guard<'a, T, E, F, P, L, O, W>
    where
        P: FnOnce(&E) -> bool,
    {
        let Self {
            circuit, failure_if, open_for, describe_error, on_cancel, limit, result, ..
        } = self;
        let ignore_if = is_ignored;
        Guard { circuit, failure_if, ignore_if, open_for, describe_error, on_cancel, limit, result }
    }

    /// How long an error asks to stay away, such as one that holds a `Retry-After`. The circuit opens for that long, at
    /// most for [`open_for_max`](crate::Config::open_for_max). It is asked about the errors of failures only. Without
    /// it, or if the answer is `None` or zero, the failure counts like any other.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
    /// struct Throttled { retry_after: Option<Duration> }
    ///
    /// let circuit = CircuitBreaker::new("search", Config::new())?;
    /// let answer = circuit
    ///     .guard()
    ///     .open_for(|error: &Throttled| error.retry_after)
    ///     .call(|| Err::<(), _>(Throttled { retry_after: Some(Duration::from_secs(120)) }));
    /// assert!(answer.is_err());
    /// assert_eq!(circuit.state(), State::Open);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn open_for<P>(self, asks: P) -> Guard<'a, T, E, F, I, L, P, W>
    where
        P: FnOnce(&E) -> Option<Duration>,
    {
        let Self {
            circuit, failure_if, ignore_if, describe_error, on_cancel, limit, result, ..
        } = self;
        let open_for = asks;
        Guard { circuit, failure_if, ignore_if, open_for, describe_error, on_cancel, limit, result }
    }

    /// What an error says, in words for people. It is asked about the errors of failures only. Snapshots, events and
    /// the page show the words of the last failure, and of the one that opened the circuit. Without it, none are kept.
    ///
    /// Words are cut to 256 bytes, and control characters are left out. Everybody who can see the page sees the
    /// words, so leave out secrets.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("numbers", Config::new().failure_threshold(1))?;
    /// let guard = circuit.guard().describe_error(|error: &std::num::ParseIntError| error.to_string());
    /// assert!(guard.call(|| "x".parse::<u32>()).is_err());
    /// let snapshot = circuit.snapshot();
    /// assert_eq!(snapshot.last_error.as_deref(), Some("invalid digit found in string"));
    /// assert_eq!(snapshot.trip_error, snapshot.last_error);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[expect(clippy::type_complexity, reason = "one parameter for each option")]
    pub fn describe_error<P, D>(
        self,
        describe: P,
    ) -> Guard<'a, T, E, F, I, L, O, impl FnOnce(&E) -> Option<Arc<str>>>
    where
        P: FnOnce(&E) -> D,
        D: fmt::Display,
    {
        let Self { circuit, failure_if, ignore_if, open_for, on_cancel, limit, result, .. } = self;
        let describe_error = |error: &E| words(&describe(error));
        Guard { circuit, failure_if, ignore_if, open_for, describe_error, on_cancel, limit, result }
    }

    /// What the future counts as if it is dropped before it is done. By default it counts as nothing. A closure cannot
    /// be dropped, so this means nothing to [`call`](Guard::call).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{future::{pending, poll_fn}, pin::pin, task::Poll};
    /// use breaker_runtime::{CircuitBreaker, Config, OnCancel};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_runtime::ConfigError> {
    /// let circuit = CircuitBreaker::new("payments", Config::new())?;
    /// {
    ///     let guard = circuit.guard().on_cancel(OnCancel::Failure);
    ///     let mut call = pin!(guard.call_async(|| pending::<Result<(), ()>>()));
    ///     // It begins with its first poll, and is dropped after it.
    ///     poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await;
    /// }
    /// assert_eq!(circuit.snapshot().calls.failure, 1);
    /// # Ok(()) }
    /// ```
    pub fn on_cancel(self, on_cancel: OnCancel) -> Self {
        Self { on_cancel, ..self }
    }
}

impl<'a, T, E, F, I, L, O, W> Guard<'a, T, E, F, I, L, O, W>
where
    F: FnOnce(&Result<T, E>) -> bool,
    I: FnOnce(&E) -> bool,
    O: FnOnce(&E) -> Option<Duration>,
    W: FnOnce(&E) -> Option<Arc<str>>,
{
    /// Acquires the permit of an async call.
    pub(super) async fn enter(&self) -> Result<Permit<'a>, Rejected> {
        match self.circuit.admit_at_once() {
            Some(admission) => Ok(admission.permit()),
            None => Acquire::new(self.circuit).await,
        }
    }

    /// Records how the call ended. If a predicate panics, the permit is dropped, which is a failure (R13).
    pub(super) fn settle(
        self,
        permit: Permit<'a>,
        result: Result<T, E>,
    ) -> Result<T, CallError<E>> {
        let is_ignored = result.as_ref().err().is_some_and(self.ignore_if);
        let outcome = if is_ignored {
            Outcome::Ignored
        } else if (self.failure_if)(&result) {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        match result.as_ref().err().filter(|_| outcome == Outcome::Failure) {
            Some(error) => {
                let open_for = (self.open_for)(error).unwrap_or_default();
                permit.fail(Said { open_for, words: (self.describe_error)(error) });
            }
            None => permit.record(outcome),
        }
        result.map_err(CallError::Failed)
    }
}

impl<T, E, F, I, O, W> Guard<'_, T, E, F, I, (), O, W>
where
    F: FnOnce(&Result<T, E>) -> bool,
    I: FnOnce(&E) -> bool,
    O: FnOnce(&E) -> Option<Duration>,
    W: FnOnce(&E) -> Option<Arc<str>>,
{
    /// Runs `f` if the circuit admits the call. A panic counts as a failure, and continues.
    ///
    /// If the circuit has `max_concurrent` and `max_wait`, the thread may block for up to `max_wait`.
    ///
    /// # Errors
    ///
    /// [`CallError::Rejected`] if the circuit refused, [`CallError::Failed`] with the error of `f`, however it counted.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let circuit = CircuitBreaker::new("numbers", Config::new())?;
    /// assert_eq!(circuit.guard().call(|| "42".parse::<u32>()), Ok(42));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn call(self, f: impl FnOnce() -> Result<T, E>) -> Result<T, CallError<E>> {
        let permit = self.circuit.let_in(Bulkhead::enter_blocking, IfDropped::Panicked)?;
        let result = f();
        self.settle(permit, result)
    }

    /// Like [`call`](Guard::call), for a future. Nothing happens before the first poll. If the circuit refuses, `f` is
    /// not called.
    ///
    /// With `max_concurrent` and `max_wait`, it may wait for a slot, as [`CircuitBreaker::acquire`] does.
    ///
    /// # Errors
    ///
    /// As [`call`](Guard::call).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done counts as [`on_cancel`](Guard::on_cancel) says. The call's probe and slot
    /// are freed. If it is dropped before the first poll, or while it waits for a slot, the call never started.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_runtime::ConfigError> {
    /// let circuit = CircuitBreaker::new("numbers", Config::new())?;
    /// let answer = circuit.guard().call_async(|| async { Ok::<_, std::io::Error>(42) }).await;
    /// assert_eq!(answer.unwrap(), 42);
    /// # Ok(()) }
    /// ```
    pub async fn call_async<R>(self, f: impl FnOnce() -> R) -> Result<T, CallError<E>>
    where
        R: Future<Output = Result<T, E>>,
    {
        let mut permit = self.enter().await?;
        let result = FailsAfter::new(&mut permit, self.on_cancel, f()).await;
        self.settle(permit, result)
    }
}

impl<T, E, F, I, L: fmt::Debug, O, W> fmt::Debug for Guard<'_, T, E, F, I, L, O, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("circuit", &self.circuit)
            .field("on_cancel", &self.on_cancel)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
