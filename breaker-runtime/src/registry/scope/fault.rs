//! Faults: what happens to calls of an isolated test in place of their bodies.

use std::any::{Any, type_name};
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What happens to a guarded call in a test, in place of its body. [`Isolated::fault`] sets it for a circuit.
///
/// The body does not run. Everything else happens as ever: the call is counted, the circuit may open, and the fallback
/// answers. Only [`delay`](Fault::delay) runs the body, after the delay.
///
/// [`Isolated::fault`]: crate::testing::Isolated::fault
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use breaker_runtime::circuit_breaker;
/// use breaker_runtime::testing::{self, Fault};
///
/// #[circuit_breaker(name = "cities", fallback = |_| Ok("somewhere"))]
/// fn city(of: &str) -> Result<&'static str, std::fmt::Error> {
///     Ok(if of == "me" { "Kiel" } else { "Bonn" })
/// }
///
/// let test = testing::isolate();
/// test.fault("cities", Fault::fail_with(|| Err(std::fmt::Error)).times(1));
/// assert_eq!(city("me"), Ok("somewhere"));
/// assert_eq!(city("me"), Ok("Kiel"));
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "pass it to `test.fault(name, ..)`"]
pub struct Fault {
    effect: Effect,
    times: Option<u64>,
    every: u64,
    share: Option<(f64, fastrand::Rng)>,
}

/// What happens to a call.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// It is refused.
    Refuse,
    /// It takes longer.
    Delay(Duration),
    /// It panics.
    Panic(String),
    /// It returns this error.
    Fail(Failure),
    /// It returns `None`.
    None,
}

/// An error that a call returns, whose type the call checks.
#[derive(Clone)]
pub(crate) struct Failure {
    type_name: &'static str,
    make: Arc<dyn Fn() -> Box<dyn Any> + Send + Sync>,
}

impl Failure {
    pub(crate) fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// The error, if it is of that type.
    pub(crate) fn of<E: 'static>(&self) -> Option<E> {
        (self.make)().downcast().ok().map(|error| *error)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name)
    }
}

impl Fault {
    /// The call is refused, as if the circuit had just opened: its [`Rejected`](crate::Rejected) says
    /// [`Open`](crate::RejectedReason::Open) and to retry after the cooldown. The circuit itself stays as it is.
    ///
    /// This happens in every mode, so you can test what handles a refusal before the circuit refuses any. To see what
    /// an observed circuit does with a call that it would refuse, [open](crate::testing::Isolated::open) it instead: the
    /// call runs, and [`would_reject`](crate::Snapshot::would_reject) counts it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::circuit_breaker;
    /// use breaker_runtime::testing::{self, Fault};
    ///
    /// #[circuit_breaker(name = "fault.refuse", fallback = Some(0))]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// test.fault("fault.refuse", Fault::refuse().times(1));
    /// assert_eq!(stock(), Some(0)); // refused, and answered by the fallback
    /// assert_eq!(stock(), Some(7));
    /// # }
    /// ```
    pub fn refuse() -> Self {
        Self::of(Effect::Refuse)
    }

    /// The call takes that much longer, and then its body runs.
    ///
    /// If the circuit's clock stands still, the call advances it by `delay`. On other clocks the call waits: a sync
    /// function in real time, an async one on tokio's clock. An async call that is delayed for its `call_timeout` or
    /// longer times out.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use std::time::Duration;
    /// use breaker_runtime::circuit_breaker;
    /// use breaker_runtime::testing::{self, Fault};
    ///
    /// #[circuit_breaker(name = "fault.delay", slow_call = "1s")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// test.fault("fault.delay", Fault::delay(Duration::from_secs(2)));
    /// assert_eq!(stock(), Some(7));
    /// assert_eq!(test.circuit("fault.delay").snapshot().window_slow_calls, 1);
    /// # }
    /// ```
    pub fn delay(delay: Duration) -> Self {
        Self::of(Effect::Delay(delay))
    }

    /// The call panics with this message.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use std::panic::catch_unwind;
    /// use breaker_runtime::circuit_breaker;
    /// use breaker_runtime::testing::{self, Fault};
    ///
    /// #[circuit_breaker(name = "fault.panic")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// test.fault("fault.panic", Fault::panic("index out of bounds"));
    /// assert!(catch_unwind(stock).is_err());
    /// assert_eq!(test.circuit("fault.panic").snapshot().calls.failure, 1);
    /// # }
    /// ```
    pub fn panic(message: impl Into<String>) -> Self {
        Self::of(Effect::Panic(message.into()))
    }

    /// The call returns this error. The closure runs once for each call.
    ///
    /// The type is checked when the call is made: if the function returns another error, the call panics and names both
    /// types. It also panics for a function whose error borrows something, has a type parameter, or is hidden behind an
    /// alias with such arguments.
    ///
    /// The attribute does not see the type parameters of the `impl` around a method. It takes a name without lowercase
    /// letters, such as `E`, for one. So:
    ///
    /// * Write a type of yours with such a name as a path: `crate::IO`.
    /// * Bound a parameter with another name, such as `Failure`, by `'static`. Otherwise the tests do not compile.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use std::io;
    /// use breaker_runtime::circuit_breaker;
    /// use breaker_runtime::testing::{self, Fault};
    ///
    /// #[circuit_breaker(name = "fault.fail_with")]
    /// fn stock() -> io::Result<u32> {
    ///     Ok(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// let down = || Err(io::Error::from(io::ErrorKind::ConnectionReset));
    /// test.fault("fault.fail_with", Fault::fail_with(down));
    /// assert_eq!(stock().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    /// # }
    /// ```
    pub fn fail_with<E: 'static>(
        error: impl Fn() -> Result<Infallible, E> + Send + Sync + 'static,
    ) -> Self {
        let make = move || -> Box<dyn Any> {
            match error() {
                Ok(never) => match never {},
                Err(error) => Box::new(error),
            }
        };
        Self::of(Effect::Fail(Failure { type_name: type_name::<E>(), make: Arc::new(make) }))
    }

    /// The call returns `None`. For functions that return an `Option`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::circuit_breaker;
    /// use breaker_runtime::testing::{self, Fault};
    ///
    /// #[circuit_breaker(name = "fault.none")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// test.fault("fault.none", Fault::none());
    /// assert_eq!(stock(), None);
    /// # }
    /// ```
    pub fn none() -> Self {
        Self::of(Effect::None)
    }

    /// It happens that many times, and never again.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::circuit_breaker;
    /// use breaker_runtime::testing::{self, Fault};
    ///
    /// #[circuit_breaker(name = "fault.times")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// test.fault("fault.times", Fault::none().times(2));
    /// assert_eq!([stock(), stock(), stock()], [None, None, Some(7)]);
    /// # }
    /// ```
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }

    /// It happens to every `n`th call: with 2, to the second, the fourth, and so on.
    ///
    /// # Panics
    ///
    /// If `n` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::circuit_breaker;
    /// use breaker_runtime::testing::{self, Fault};
    ///
    /// #[circuit_breaker(name = "fault.every")]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// test.fault("fault.every", Fault::none().every(2));
    /// assert_eq!([stock(), stock(), stock(), stock()], [Some(7), None, Some(7), None]);
    /// # }
    /// ```
    #[track_caller]
    pub fn every(self, n: u64) -> Self {
        assert!(n > 0, "`every` needs a number of at least 1: with 2, every second call is hit");
        Self { every: n, ..self }
    }

    /// It happens to this share of the calls. The same seed picks the same calls.
    ///
    /// # Panics
    ///
    /// If `share` is not from 0 to 1.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use breaker_runtime::circuit_breaker;
    /// use breaker_runtime::testing::{self, Fault};
    ///
    /// #[circuit_breaker(name = "fault.share", failure_threshold = 1000)]
    /// fn stock() -> Option<u32> {
    ///     Some(7)
    /// }
    ///
    /// let test = testing::isolate();
    /// test.fault("fault.share", Fault::none().share(0.1, 42));
    /// let failed = (0..500).filter(|_| stock().is_none()).count();
    /// assert!((20..100).contains(&failed)); // about 50
    /// # }
    /// ```
    #[track_caller]
    pub fn share(self, share: f64, seed: u64) -> Self {
        assert!(
            (0.0..=1.0).contains(&share),
            "`share` needs a share from 0 to 1, and got {share}; for 10 % write `0.1`"
        );
        Self { share: Some((share, fastrand::Rng::with_seed(seed))), ..self }
    }

    fn of(effect: Effect) -> Self {
        Self { effect, times: None, every: 1, share: None }
    }
}

/// Where a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Before the circuit is asked.
    Refusal,
    /// In place of the body.
    Body,
}

/// A fault of a circuit, and the calls that it has seen.
#[derive(Debug)]
pub(super) struct Planned {
    name: String,
    fault: Fault,
    seen: u64,
}

impl Planned {
    pub(super) fn new(name: &str, fault: Fault) -> Self {
        Self { name: name.to_owned(), fault, seen: 0 }
    }

    /// Whether a fault of that kind happens to the next call through that circuit.
    pub(super) fn fire(&mut self, name: &str, kind: Kind) -> Option<Effect> {
        if self.kind() != kind || !self.is_of(name) || self.fault.times == Some(0) {
            return None;
        }
        self.seen += 1;
        let is_in_turn = self.seen.is_multiple_of(self.fault.every);
        // Drawn for every call, so that a seed picks the same calls with any other options.
        let is_drawn =
            self.fault.share.as_mut().is_none_or(|(share, random)| random.f64() < *share);
        if !(is_in_turn && is_drawn) {
            return None;
        }
        self.fault.times = self.fault.times.map(|times| times - 1);
        Some(self.fault.effect.clone())
    }

    fn kind(&self) -> Kind {
        if let Effect::Refuse = self.fault.effect { Kind::Refusal } else { Kind::Body }
    }

    /// The faults of a name are those of its keys, too.
    fn is_of(&self, name: &str) -> bool {
        name.strip_prefix(&*self.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}
