//! Checks of options that are constants, run by the compiler.

use std::time::Duration;

use breaker_options::problem_of_name;

use crate::settings::{Config, equal};

/// Stops compilation at an option whose value is wrong.
///
/// # Panics
///
/// At compile time, if the config is invalid because of this option.
#[track_caller]
pub const fn check(config: &Config, option: &str) {
    if let Err(error) = config.validate()
        && equal(error.option(), option)
    {
        fail(option, error.problem());
    }
}

/// Like [`check`] for an attribute with `config` and with the options `beside` it. Blames the one beside it that the
/// mistake names, else `config`.
///
/// # Panics
///
/// At compile time, if the config is invalid and `part` is to blame.
#[track_caller]
pub const fn check_beside(config: &Config, beside: &[&str], part: &str) {
    if let Err(error) = config.validate() {
        let blamed = if holds(beside, error.option()) {
            error.option()
        } else if holds(beside, error.other()) {
            error.other()
        } else {
            "config"
        };
        if equal(blamed, part) {
            fail(error.option(), error.problem());
        }
    }
}

const fn holds(options: &[&str], option: &str) -> bool {
    let mut rest = options;
    while let [first, others @ ..] = rest {
        if equal(first, option) {
            return true;
        }
        rest = others;
    }
    false
}

/// Stops compilation with a sentence about an option.
#[track_caller]
const fn fail(option: &str, problem: &str) {
    let (text, length) = joined(["`", option, "` ", problem]);
    if let Ok(sentence) = std::str::from_utf8(text.split_at(length).0) {
        panic!("{}", sentence);
    }
}

/// Checks a `name` that is a constant.
///
/// # Panics
///
/// At compile time, if it cannot be a name.
#[must_use]
#[track_caller]
pub const fn name(name: &'static str, has_keys: bool) -> &'static str {
    if let Some(problem) = problem_of_name(name, has_keys) {
        fail("name", problem);
    }
    name
}

/// Checks a `call_timeout` that is a constant.
///
/// # Panics
///
/// At compile time, if it is zero.
#[must_use]
#[track_caller]
pub const fn call_timeout(limit: Duration) -> Duration {
    assert!(!limit.is_zero(), "`call_timeout` must be longer than 0");
    limit
}

/// Checks a `failure_after` that is a constant.
///
/// # Panics
///
/// At compile time, if it is zero.
#[must_use]
#[track_caller]
pub const fn failure_after(limit: Duration) -> Duration {
    assert!(!limit.is_zero(), "`failure_after` must be longer than 0");
    limit
}

/// Checks a `max_keys` that is a constant.
///
/// # Panics
///
/// At compile time, if it is zero.
#[must_use]
#[track_caller]
pub const fn max_keys(keys: u32) -> u32 {
    assert!(keys > 0, "`max_keys` must be at least 1");
    keys
}

/// The unit of a `window` that is a constant.
#[must_use]
pub const fn unit_of<T: WindowLength>(_: &T) -> T::Unit {
    T::UNIT
}

/// The length of a window. The unit is a separate type: for a wrong length the compiler does not know the unit, so it
/// reports no further errors.
#[diagnostic::on_unimplemented(
    message = "`window` is a number of calls or a time, not `{Self}`",
    label = "expected `u32` or `Duration`, found `{Self}`"
)]
pub trait WindowLength {
    /// Calls or time.
    type Unit;
    /// The only value of that type.
    const UNIT: Self::Unit;
}

impl WindowLength for u32 {
    type Unit = Calls;
    const UNIT: Calls = Calls;
}

impl WindowLength for Duration {
    type Unit = Time;
    const UNIT: Time = Time;
}

/// A window of calls.
#[derive(Debug)]
pub struct Calls;

impl Calls {
    /// Sets the window.
    pub const fn window(self, config: Config, calls: u32) -> Config {
        config.count_window(calls)
    }
}

/// A window of time.
#[derive(Debug)]
pub struct Time;

impl Time {
    /// Sets the window.
    pub const fn window(self, config: Config, length: Duration) -> Config {
        config.time_window(length)
    }
}

/// Joins the parts into one text with its length. Constants cannot format.
const fn joined(parts: [&str; 4]) -> ([u8; 160], usize) {
    let (mut text, mut length, mut part) = ([0; 160], 0, 0);
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            text[length] = bytes[at];
            length += 1;
            at += 1;
        }
        part += 1;
    }
    (text, length)
}
