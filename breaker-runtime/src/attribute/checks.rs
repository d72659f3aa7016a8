//! Options whose values only the compiler can evaluate: checked while it does.

use std::time::Duration;

use crate::settings::{Config, equal};

/// Stops the compilation at the value of an option that is out of range.
///
/// # Panics
///
/// If the config is wrong, and wrong in that option.
#[track_caller]
pub const fn check(config: &Config, option: &str) {
    if let Err(error) = config.validate()
        && equal(error.option(), option)
    {
        let (text, length) = joined(["`", option, "` ", error.problem()]);
        if let Ok(sentence) = std::str::from_utf8(text.split_at(length).0) {
            panic!("{}", sentence);
        }
    }
}

/// A `call_timeout` that is a constant.
///
/// # Panics
///
/// If it is zero, while compiling.
#[must_use]
#[track_caller]
pub const fn call_timeout(limit: Duration) -> Duration {
    assert!(!limit.is_zero(), "`call_timeout` must be longer than 0");
    limit
}

/// A `failure_after` that is a constant.
///
/// # Panics
///
/// If it is zero, while compiling.
#[must_use]
#[track_caller]
pub const fn failure_after(limit: Duration) -> Duration {
    assert!(!limit.is_zero(), "`failure_after` must be longer than 0");
    limit
}

/// A `max_keys` that is a constant.
///
/// # Panics
///
/// If it is zero, while compiling.
#[must_use]
#[track_caller]
pub const fn max_keys(keys: u32) -> u32 {
    assert!(keys > 0, "`max_keys` must be at least 1");
    keys
}

/// What a `window` that is a constant is measured in.
#[must_use]
pub const fn unit_of<T: WindowLength>(_: &T) -> T::Unit {
    T::UNIT
}

/// The length of a window. Its unit is a type of its own, as of a wrong length's unit the compiler knows
/// nothing, and so has nothing more to complain about.
#[diagnostic::on_unimplemented(
    message = "`window` is a number of calls or a time, not `{Self}`",
    label = "expected `u32` or `Duration`, found `{Self}`"
)]
pub trait WindowLength {
    /// Calls or time.
    type Unit;
    /// The only one.
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

/// So many calls.
#[derive(Debug)]
pub struct Calls;

impl Calls {
    /// States the window.
    pub const fn window(self, config: Config, calls: u32) -> Config {
        config.count_window(calls)
    }
}

/// So much time.
#[derive(Debug)]
pub struct Time;

impl Time {
    /// States the window.
    pub const fn window(self, config: Config, length: Duration) -> Config {
        config.time_window(length)
    }
}

/// One text and its length: constants cannot format.
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
