//! Orders: which mode a circuit should run in, who said so, and for how long.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::settings::{Mode, tame};

/// What [`Registry::override_for`](crate::Registry::override_for) changes.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Mode, Override};
///
/// assert_eq!(Override::Mode(Mode::ForcedOpen).to_string(), "mode=forced_open");
/// assert_eq!(Override::Option("cooldown", "5s").to_string(), "cooldown=5s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Override<'a> {
    /// Run the circuit in this mode. [`Mode::Normal`] closes it with empty counts, as
    /// [`reset`](crate::CircuitBreaker::reset) does.
    Mode(Mode),
    /// Give an option another value: its name, and the value as text. Only for circuits of a registry.
    Option(&'a str, &'a str),
}

impl From<Mode> for Override<'_> {
    fn from(mode: Mode) -> Self {
        Self::Mode(mode)
    }
}

/// As a setting: `mode=forced_open`.
impl fmt::Display for Override<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode(mode) => write!(f, "mode={mode}"),
            Self::Option(option, value) => write!(f, "{option}={value}"),
        }
    }
}

/// The order that decides the current mode of a circuit: who gave it, and until when it lasts.
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
    /// Who ordered it. `force_open()` and `disable()` are by `code`. `None` if no name was given.
    pub by: Option<String>,
    /// The time until it ends by itself; `None` if it lasts until the next order.
    pub left: Option<Duration>,
    /// The mode after that; `None` if it does not end by itself.
    pub then: Option<Mode>,
    /// The number of this order, counted per circuit from 1.
    pub number: u64,
}

/// A request to run a circuit in a mode.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// `None` is back to the mode of the settings.
    pub(crate) mode: Option<Mode>,
    /// `None` lasts until the next order.
    pub(crate) limit: Option<Duration>,
    /// Who gave it; empty if unknown.
    pub(crate) by: Cow<'static, str>,
}

impl Order {
    /// An order by the program itself.
    pub(crate) const fn by_code(mode: Mode) -> Self {
        Self { mode: Some(mode), limit: None, by: Cow::Borrowed("code") }
    }

    /// The end of all orders, by the program itself.
    pub(crate) const fn reset() -> Self {
        Self { mode: None, limit: None, by: Cow::Borrowed("code") }
    }

    /// An order by someone. The name can be any text.
    pub(crate) fn by(by: &str, mode: Mode, limit: Option<Duration>) -> Self {
        Self { mode: Some(mode), limit, by: Cow::Owned(tame(by)) }
    }
}
