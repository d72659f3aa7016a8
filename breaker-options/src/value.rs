//! Reads values from text, and writes them so that reading returns the same value.

use std::fmt;
use std::time::Duration;

use crate::table::Entry;
use crate::takes::Takes;
use crate::words::{IS_CODE, hint};

/// A value in range.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Value {
    /// A number of calls, probes or keys.
    Count(u32),
    /// A share, a factor or a spread.
    Number(f64),
    /// A duration.
    Duration(Duration),
    /// One of [`MODES`] or [`POLICIES`].
    Word(&'static str),
    /// Yes or no.
    Flag(bool),
    /// The option is switched off.
    Off,
}

/// The modes of a circuit.
pub const MODES: [&str; 4] = ["normal", "observe", "disabled", "forced_open"];
/// How the processes of a fleet decide about a circuit.
pub const POLICIES: [&str; 3] = [OFF, "quorum", "any"];
const FLAGS: [&str; 2] = ["true", "false"];
const OFF: &str = "off";

/// Writes what [`Entry::read`] reads.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Duration(duration) => exact(*duration).fmt(f),
            Self::Word(word) => word.fmt(f),
            Self::Flag(is_set) => is_set.fmt(f),
            Self::Off => OFF.fmt(f),
        }
    }
}

impl Entry {
    /// Reads the value of this option.
    ///
    /// # Errors
    ///
    /// What is wrong. Read it after the option's name: "must be at least 1".
    pub fn read(&self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        if text == OFF && self.may_be_off {
            return Ok(Value::Off);
        }
        match self.takes {
            Takes::Count => count(self.takes, text).map(Value::Count),
            Takes::Share | Takes::Factor | Takes::Spread => {
                number(self.takes, text).map(Value::Number)
            }
            Takes::Window if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                count(self.takes, text).map(Value::Count)
            }
            Takes::Duration | Takes::LongDuration | Takes::Wait | Takes::Window => {
                time(self.takes, text).map(Value::Duration)
            }
            Takes::Mode => word(text, &MODES).map(Value::Word),
            Takes::Policy => word(text, &POLICIES).map(Value::Word),
            Takes::Flag => word(text, &FLAGS).map(|word| Value::Flag(word == FLAGS[0])),
            Takes::Name
            | Takes::Predicate
            | Takes::Word(_)
            | Takes::Fallback
            | Takes::Config
            | Takes::Key
            | Takes::CratePath => Err(IS_CODE.to_owned()),
        }
    }
}

fn word(text: &str, words: &[&'static str]) -> Result<&'static str, String> {
    if let Some(word) = words.iter().find(|word| **word == text) {
        return Ok(word);
    }
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    let hint = hint(text, words.iter().copied());
    Err(format!("takes one of {}, not `{text}`{hint}", quoted.join(", ")))
}

fn count(takes: Takes, text: &str) -> Result<u32, String> {
    let Ok(count) = text.parse::<u128>() else {
        return Err(format!("takes a whole number, not `{text}`"));
    };
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    takes.problem_of_count(count).map_or(Ok(()), |problem| Err(problem.to_owned()))?;
    u32::try_from(count).map_err(|_| format!("must be at most {}", u32::MAX))
}

fn number(takes: Takes, text: &str) -> Result<f64, String> {
    let (digits, unit) = match text.strip_suffix('%') {
        Some(percent) if takes == Takes::Share || takes == Takes::Spread => (percent.trim(), 100.0),
        _ => (text, 1.0),
    };
    let Ok(number) = digits.parse::<f64>() else {
        return Err(format!("takes a number, not `{text}`"));
    };
    let number = number / unit;
    match takes.problem_of_number(number) {
        Some(problem) if takes == Takes::Share && (2.0..=100.0).contains(&number) => {
            Err(format!("{problem}; for {number} % write `{}` or `{number}%`", number / 100.0))
        }
        Some(problem) => Err(problem.to_owned()),
        None => Ok(number),
    }
}

fn time(takes: Takes, text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    takes.problem_of_duration(duration).map_or(Ok(duration), |problem| Err(problem.to_owned()))
}

/// Reads a duration such as `1m 30s`.
///
/// # Errors
///
/// What is wrong. Read it after the option's name.
pub fn duration(text: &str) -> Result<Duration, String> {
    use humantime::DurationError::{NumberOverflow, UnknownUnit};

    let text = text.trim();
    humantime::parse_duration(text).map_err(|error| match error {
        UnknownUnit { unit, .. } if unit.is_empty() => {
            format!("needs a unit: write `\"{text}s\"` or `\"{text}ms\"`")
        }
        UnknownUnit { unit, .. } => {
            format!(
                "has an unknown unit, `{unit}`; the units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`"
            )
        }
        NumberOverflow => "is too long".to_owned(),
        _ => "is not a duration; write it like \"250ms\", \"30s\" or \"1m 30s\"".to_owned(),
    })
}

/// Writes a duration so that [`duration`] reads the same value.
#[must_use]
pub fn exact(duration: Duration) -> impl fmt::Display {
    // The largest unit is a day, because months and years have no fixed length.
    humantime::format_duration(duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::find;

    fn read(option: &str, text: &str) -> Result<Value, String> {
        find(option).expect("an option").read(text)
    }

    fn refused(option: &str, text: &str) -> String {
        read(option, text).expect_err("a wrong value")
    }

    #[test]
    fn values_are_read_as_the_documentation_writes_them() {
        assert_eq!(read("failure_threshold", "3"), Ok(Value::Count(3)));
        assert_eq!(read("failure_rate", "0.25"), Ok(Value::Number(0.25)));
        assert_eq!(read("failure_rate", "25%"), Ok(Value::Number(0.25)));
        assert_eq!(read("cooldown", "1m 30s"), Ok(Value::Duration(Duration::from_secs(90))));
        assert_eq!(read("window", "50"), Ok(Value::Count(50)));
        assert_eq!(read("window", "30s"), Ok(Value::Duration(Duration::from_secs(30))));
        assert_eq!(read("max_wait", "0s"), Ok(Value::Duration(Duration::ZERO)));
    }

    #[test]
    fn a_wrong_value_says_what_is_expected() {
        assert_eq!(refused("failure_threshold", "0"), "must be at least 1");
        assert_eq!(refused("failure_threshold", "99999999999"), "must be at most 4294967295");
        assert_eq!(refused("failure_threshold", "three"), "takes a whole number, not `three`");
        assert!(refused("failure_rate", "50").ends_with("for 50 % write `0.5` or `50%`"));
        assert!(refused("cooldown", "5").starts_with("needs a unit"));
        assert!(refused("cooldown", "5 fortnights").contains("unknown unit, `fortnights`"));
        assert_eq!(refused("cooldown", "0s"), "must be longer than 0");
        for code in ["fallback", "config", "name"] {
            assert_eq!(refused(code, "x"), "is code, so it can only be set in the attribute");
        }
    }

    #[test]
    fn a_written_duration_is_read_exactly() {
        for nanos in [0, 1, 999, 1_500, 10_300_000_000, 86_400_000_000_001, u64::MAX] {
            let written = Duration::from_nanos(nanos);
            assert_eq!(duration(&exact(written).to_string()), Ok(written), "{}", exact(written));
        }
        for written in
            [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(86_400 * 400)]
        {
            assert_eq!(duration(&exact(written).to_string()), Ok(written), "{}", exact(written));
        }
    }
}
