//! Outcomes: how a finished call counts.

use std::fmt;

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
    /// The dependency works.
    Success,
    /// The dependency failed.
    Failure,
    /// The result says nothing about the dependency.
    Ignored,
}

impl Outcome {
    /// The word that logs and metrics use.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Outcome;
    ///
    /// assert_eq!(Outcome::Ignored.as_str(), "ignored");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Ignored => "ignored",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
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

/// How a call ended, and whether it was slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) ending: Ending,
    /// It took longer than `slow_call` (R5).
    pub(crate) slow: bool,
}

/// What a closed circuit judges: a bad call that ended, or a number of calls that hang (R26).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    Ended(Ended),
    Hung(u32),
}

impl Bad {
    /// How each of them counts.
    pub(crate) fn call(self) -> Ended {
        match self {
            Self::Ended(ended) => ended,
            Self::Hung(_) => Ended { ending: Ending::Failure, slow: false },
        }
    }

    /// The number of calls.
    pub(crate) fn calls(self) -> u32 {
        match self {
            Self::Ended(_) => 1,
            Self::Hung(calls) => calls,
        }
    }

    pub(crate) fn hung(self) -> u32 {
        match self {
            Self::Ended(_) => 0,
            Self::Hung(calls) => calls,
        }
    }
}

impl Ended {
    pub(crate) fn is_failed(self) -> bool {
        self.ending == Ending::Failure
    }

    /// Failed, or slow and not ignored. Such calls take the lock and go into the window one by one (R3, R11).
    pub(crate) fn is_bad(self) -> bool {
        self.is_failed() || (self.slow && self.ending != Ending::Ignored)
    }
}
