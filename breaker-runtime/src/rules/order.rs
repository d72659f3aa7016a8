//! Orders: who wants a circuit run in which mode, and for how long.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::settings::{Mode, tame};

/// What [`Registry::override_for`](crate::Registry::override_for) changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Override {
    /// Run the circuit in this mode. [`Mode::Normal`] closes it with empty counts, as
    /// [`reset`](crate::CircuitBreaker::reset) does.
    Mode(Mode),
}

/// As a setting: `mode=forced_open`.
impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode(mode) => write!(f, "mode={mode}"),
        }
    }
}

/// The order that decides the mode of a circuit now: who gave it and until when.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{CircuitBreaker, Clock, Config, ManualClock, Mode, Override};
///
/// let time = ManualClock::new();
/// let clock = Clock::Manual(time.clone());
/// let circuit = CircuitBreaker::with_clock("payments", Config::new(), clock)?;
/// let limit = Some(Duration::from_secs(300));
/// circuit.override_for(Override::Mode(Mode::ForcedOpen), limit, "10.0.0.7")?;
/// time.advance(Duration::from_secs(48));
///
/// let snapshot = circuit.snapshot();
/// let ordered = snapshot.mode_override.as_ref().unwrap();
/// assert_eq!(ordered.mode, Mode::ForcedOpen);
/// assert_eq!(ordered.by.as_deref(), Some("10.0.0.7"));
/// assert_eq!(ordered.left, Some(Duration::from_secs(252)));
/// assert_eq!(
///     snapshot.explain(),
///     "forced open by 10.0.0.7 for another 4m 12s: every call is refused"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModeOverride {
    /// The mode that was ordered.
    pub mode: Mode,
    /// Who ordered it. The program's own `force_open()` and `disable()` are by `code`; `None` if nobody said.
    pub by: Option<String>,
    /// Time until it ends by itself; `None` if it stands until the next order.
    pub left: Option<Duration>,
    /// The mode after that; `None` if it does not end by itself.
    pub then: Option<Mode>,
    /// The number of the order among those that the circuit was given, from 1.
    pub number: u64,
}

/// Somebody wants a circuit to be run in a mode.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) mode: Mode,
    /// `None` lasts until the next order.
    pub(crate) limit: Option<Duration>,
    /// Who. Empty if nobody said.
    pub(crate) by: Cow<'static, str>,
}

impl Order {
    /// What the program orders.
    pub(crate) const fn by_code(mode: Mode) -> Self {
        Self { mode, limit: None, by: Cow::Borrowed("code") }
    }

    /// What somebody orders who is named by text of any origin.
    pub(crate) fn by(by: &str, mode: Mode, limit: Option<Duration>) -> Self {
        Self { mode, limit, by: Cow::Owned(tame(by)) }
    }
}
