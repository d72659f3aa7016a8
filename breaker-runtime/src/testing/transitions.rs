//! The states of a circuit, one after the other, to compare with text.

use std::fmt;

use crate::registry::EventKind;
use crate::rules::State;

/// The states of a circuit in a test, one after the other, from
/// [`Isolated::transitions`](super::Isolated::transitions). Displays as `closed -> open -> half_open`, and equals that
/// text.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, testing};
///
/// let test = testing::isolate();
/// test.registry().get_or_create("transitions.stock", Config::new())?;
/// test.half_open("transitions.stock");
/// assert_eq!(test.transitions("transitions.stock"), "closed -> open -> half_open");
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Transitions(Vec<State>);

impl Transitions {
    pub(super) fn of(events: &[EventKind], now: State) -> Self {
        let changes = events.iter().filter_map(|event| match event {
            EventKind::Transition(transition) if transition.from != transition.to => {
                Some(transition)
            }
            _ => None,
        });
        let mut states = Vec::new();
        for change in changes {
            if states.last() != Some(&change.from) {
                states.push(change.from);
            }
            states.push(change.to);
        }
        Self(if states.is_empty() { vec![now] } else { states })
    }

    /// The states, in order. The first is the one before the first change.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, State, testing};
    ///
    /// let test = testing::isolate();
    /// test.registry().get_or_create("transitions.states", Config::new())?;
    /// test.open("transitions.states");
    /// assert_eq!(test.transitions("transitions.states").states(), [State::Closed, State::Open]);
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn states(&self) -> &[State] {
        &self.0
    }
}

impl fmt::Display for Transitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states: Vec<_> = self.0.iter().map(|state| state.as_str()).collect();
        f.pad(&states.join(" -> "))
    }
}

/// In quotes, so that a failed comparison with text reads well.
impl fmt::Debug for Transitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl PartialEq<str> for Transitions {
    fn eq(&self, text: &str) -> bool {
        text.split(" -> ").eq(self.0.iter().map(|state| state.as_str()))
    }
}

impl PartialEq<&str> for Transitions {
    fn eq(&self, text: &&str) -> bool {
        self == *text
    }
}

impl PartialEq<String> for Transitions {
    fn eq(&self, text: &String) -> bool {
        self == text.as_str()
    }
}
