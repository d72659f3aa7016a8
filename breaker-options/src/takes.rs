//! Kinds of values, and what is wrong with a value that does not fit.

use std::fmt;
use std::time::Duration;

/// The kind of value that an option takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Takes {
    /// A string, or a constant of one.
    Name,
    /// An integer of at least 1.
    Count,
    /// A number of more than 0, at most 1.
    Share,
    /// A number of at least 1.
    Factor,
    /// A number of at least 0, less than 1.
    Spread,
    /// A duration longer than 0.
    Duration,
    /// A duration of at least 10 ms.
    LongDuration,
    /// A duration that may be 0.
    Wait,
    /// A number of calls, or a duration.
    Window,
    /// How a circuit is run.
    Mode,
    /// How the processes of a fleet decide about a circuit.
    Policy,
    /// Yes or no.
    Flag,
    /// A closure or a path.
    Predicate,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A path, a closure or any other expression.
    Fallback,
    /// A constant of the runtime's type `Config`.
    Config,
    /// An expression over the arguments.
    Key,
    /// A path.
    CratePath,
}

/// The maximum of a window of calls.
pub(crate) const LONGEST_WINDOW: u32 = 1_000_000;
/// The minimum of a window of time, and of other times that are cut into parts.
const SHORTEST: Duration = Duration::from_millis(10);

impl Takes {
    /// The kind of value in one word, for programs.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Count => "count",
            Self::Share => "share",
            Self::Factor => "factor",
            Self::Spread => "spread",
            Self::Duration | Self::LongDuration => "duration",
            Self::Wait => "wait",
            Self::Window => "window",
            Self::Mode => "mode",
            Self::Policy => "policy",
            Self::Flag => "flag",
            Self::Predicate => "predicate",
            Self::Word(_) => "word",
            Self::Fallback => "fallback",
            Self::Config => "config",
            Self::Key => "key",
            Self::CratePath => "path",
        }
    }

    /// What is wrong with that number of calls, if anything.
    #[must_use]
    pub const fn problem_of_count(self, count: u64) -> Option<&'static str> {
        match self {
            Self::Window if count == 0 || count > LONGEST_WINDOW as u64 => {
                Some("must be 1 to 1000000 calls")
            }
            Self::Count if count == 0 => Some("must be at least 1"),
            Self::Count if count > u32::MAX as u64 => Some("must be at most 4294967295"),
            _ => None,
        }
    }

    /// What is wrong with that number, if anything.
    #[must_use]
    pub const fn problem_of_number(self, number: f64) -> Option<&'static str> {
        let fits = match self {
            Self::Share => number > 0.0 && number <= 1.0,
            Self::Factor => number >= 1.0 && number.is_finite(),
            Self::Spread => number >= 0.0 && number < 1.0,
            _ => true,
        };
        match self {
            _ if fits => None,
            Self::Share => Some("must be a share: more than 0, at most 1"),
            Self::Factor => Some("must be at least 1"),
            _ => Some("must be at least 0 and less than 1"),
        }
    }

    /// What is wrong with that duration, if anything.
    #[must_use]
    pub const fn problem_of_duration(self, duration: Duration) -> Option<&'static str> {
        match self {
            Self::Window if duration.as_nanos() < SHORTEST.as_nanos() => {
                Some("must be at least 10ms, if it is a time")
            }
            Self::LongDuration if duration.as_nanos() < SHORTEST.as_nanos() => {
                Some("must be at least 10ms")
            }
            Self::Duration if duration.is_zero() => Some("must be longer than 0"),
            _ => None,
        }
    }
}

/// As in the documentation: "integer, at least 1".
impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Name => "string, or constant of type `&str`",
            Self::Count => "integer, at least 1",
            Self::Share => "more than 0, at most 1",
            Self::Factor => "number, at least 1",
            Self::Spread => "at least 0, less than 1",
            Self::Duration => "duration, longer than 0",
            Self::LongDuration => "duration, at least 10ms",
            Self::Wait => "duration, may be 0",
            Self::Window => "integer, 1 to 1000000 calls; or duration, at least 10ms",
            Self::Mode => "`normal` or `observe`; from outside also `disabled` or `forced_open`",
            Self::Policy => "`off`, `quorum` or `any`",
            Self::Flag => "`true` or `false`",
            Self::Predicate => "closure or path",
            Self::Fallback => "path, closure, or any other expression",
            Self::Config => "constant of type `Config`",
            Self::Key => "expression over the arguments",
            Self::CratePath => "path",
            Self::Word(words) => {
                let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                return match words.split_last() {
                    Some((last, [])) => f.write_str(last),
                    Some((last, others)) => write!(f, "{} or {last}", others.join(", ")),
                    None => Ok(()),
                };
            }
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_belong_to_the_range_or_not_as_the_documentation_says() {
        assert_eq!(Takes::Count.problem_of_count(1), None);
        assert_eq!(Takes::Count.problem_of_count(0), Some("must be at least 1"));
        assert_eq!(Takes::Window.problem_of_count(1_000_000), None);
        assert!(Takes::Window.problem_of_count(1_000_001).is_some());
        for (takes, good, bad) in [
            (Takes::Share, [f64::MIN_POSITIVE, 1.0], [0.0, 1.000_001]),
            (Takes::Factor, [1.0, f64::MAX], [0.999, f64::INFINITY]),
            (Takes::Spread, [0.0, 0.999], [-0.001, 1.0]),
        ] {
            assert!(
                good.iter().all(|number| takes.problem_of_number(*number).is_none()),
                "{takes:?}"
            );
            assert!(
                bad.iter().all(|number| takes.problem_of_number(*number).is_some()),
                "{takes:?}"
            );
            assert!(takes.problem_of_number(f64::NAN).is_some(), "{takes:?}");
        }
        assert!(Takes::Wait.problem_of_duration(Duration::ZERO).is_none());
        assert!(Takes::Duration.problem_of_duration(Duration::ZERO).is_some());
        for takes in [Takes::Window, Takes::LongDuration] {
            assert!(takes.problem_of_duration(Duration::from_nanos(9_999_999)).is_some());
            assert!(takes.problem_of_duration(Duration::from_millis(10)).is_none());
        }
    }
}
