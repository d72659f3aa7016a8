//! Everything a circuit is configured with: options, limits and defaults, text forms, names, and the functions that
//! state them.

/// The type of an option's value.
macro_rules! stated {
    (Count) => {
        u32
    };
    (Share) => {
        f64
    };
    (Factor) => {
        f64
    };
    (Spread) => {
        f64
    };
    (Duration) => {
        Duration
    };
    (LongDuration) => {
        Duration
    };
    (Wait) => {
        Duration
    };
    (Window) => {
        WindowSize
    };
    (Mode) => {
        Mode
    };
    (Policy) => {
        Policy
    };
    (Flag) => {
        bool
    };
}

mod config;
mod config_option;
mod conflict;
mod duration;
mod error;
mod interned;
mod mode;
mod name;
mod options;
mod policy;
mod site;
mod statement;
mod text;

use std::fmt;
use std::time::Duration;

use breaker_options::{Takes, circuit_options, exact};

pub use config::Config;
pub(crate) use config::equal;
use config::is_less;
pub use config_option::ConfigOption;
pub use conflict::{Conflict, Stated};
pub(crate) use duration::Readable;
pub(crate) use error::Mistake;
pub use error::{ConfigError, ConfigErrors};
pub(crate) use interned::Interned;
pub use mode::Mode;
pub use mode::cut;
pub(crate) use mode::tame;
pub(crate) use name::{LONGEST, Name};
pub(crate) use options::Options;
pub use policy::Policy;
pub use site::{Constants, Site};
pub(crate) use statement::{Effective, Told};
pub use statement::{Layer, Source, Sources, Statement};
#[cfg(test)]
pub(crate) use text::tests::any_config;

/// Declares `Settings` from the table of options.
macro_rules! settings {
    ($($name:ident: $takes:ident => $kept:ident, {
        default: $default:literal, needs: $needs:literal, limits: $limits:literal, meaning: $meaning:literal,
    })*) => {
        /// The options of a circuit, with every default filled in. [`Config::settings`] returns it.
        ///
        /// # Examples
        ///
        /// ```
        /// use breaker_runtime::{Config, WindowSize};
        ///
        /// let settings = Config::new().failure_rate(0.5).settings();
        /// assert_eq!(settings.failure_threshold, None);
        /// assert_eq!(settings.window, WindowSize::Calls(100));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct Settings {
            $(
                #[doc = $meaning]
                #[doc = ""]
                #[doc = concat!("Default: ", $default, ".")]
                pub $name: kept!($kept, stated!($takes)),
            )*
        }
    };
}

macro_rules! kept {
    (optional, $type:ty) => { Option<$type> };
    (always, $type:ty) => { $type };
}

circuit_options!(settings);

impl Settings {
    /// The longest possible cooldown.
    pub(crate) fn longest_cooldown(&self) -> Duration {
        if self.cooldown_multiplier > 1.0 || self.cooldown_jitter > 0.0 {
            self.cooldown_max
        } else {
            self.cooldown
        }
    }

    /// How many good calls make a full run. 0 if they are counted by time.
    pub(crate) fn longest_run(&self) -> u32 {
        match self.window {
            WindowSize::Calls(calls) => calls,
            WindowSize::Time(_) => 0,
        }
    }

    /// The shortest time that the circuit's clock has to measure.
    pub(crate) fn shortest_time(&self) -> Duration {
        let bucket = match self.window {
            WindowSize::Calls(_) => Duration::MAX,
            WindowSize::Time(length) => length / 10,
        };
        // Calls that may hang have one start time, from the circuit's clock.
        let of_calls = match self.hung_after {
            Some(_) if self.timings => Some(Duration::ZERO),
            limit => limit.map(|limit| self.slow_call.unwrap_or(limit)),
        };
        self.cooldown.min(self.probe_timeout).min(bucket).min(of_calls.unwrap_or(Duration::MAX))
    }
}

/// The sliding window that rates are computed over.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, WindowSize};
///
/// let settings = Config::new().count_window(20).settings();
/// assert_eq!(settings.window, WindowSize::Calls(20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WindowSize {
    /// The last N calls.
    Calls(u32),
    /// The calls of the last D of time.
    Time(Duration),
}

/// As in the attribute and in text: `100`, `30s`.
impl fmt::Display for WindowSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calls(calls) => calls.fmt(f),
            Self::Time(length) => exact(*length).fmt(f),
        }
    }
}

impl WindowSize {
    const fn problem(self) -> Option<&'static str> {
        match self {
            Self::Calls(calls) => Takes::Window.problem_of_count(calls as u64),
            Self::Time(length) => Takes::Window.problem_of_duration(length),
        }
    }

    /// The default of `minimum_calls`.
    const fn minimum_calls(self) -> u32 {
        match self {
            Self::Calls(calls) if calls < 10 => calls,
            Self::Calls(_) | Self::Time(_) => 10,
        }
    }
}

impl Config {
    /// Every option, with defaults filled in.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::Config;
    ///
    /// let settings = Config::new().failure_threshold(3).settings();
    /// assert_eq!(settings.failure_threshold, Some(3));
    /// assert_eq!(settings.cooldown, Duration::from_secs(60)); // the default
    /// ```
    #[must_use]
    pub const fn settings(&self) -> Settings {
        let slow_call_rate = match self.slow_call {
            Some(_) => Some(or(self.slow_call_rate, 0.5)),
            None => None,
        };
        let failure_threshold = match (self.failure_threshold, self.failure_rate) {
            (None, None) if !self.switches_off("failure_threshold") => Some(5),
            (stated, _) => stated,
        };
        let window = match self.window {
            Some(stated) => stated,
            None => WindowSize::Calls(100),
        };
        let cooldown = or_duration(self.cooldown, Duration::from_secs(60));
        let half_open_failures = if self.slow_call.is_some() { 2 } else { 1 };
        Settings {
            failure_threshold,
            failure_rate: self.failure_rate,
            window,
            minimum_calls: or_count(self.minimum_calls, window.minimum_calls()),
            slow_call: self.slow_call,
            slow_call_rate,
            cooldown,
            cooldown_multiplier: or(self.cooldown_multiplier, 1.0),
            cooldown_max: or_duration(self.cooldown_max, cooldown.saturating_mul(10)),
            cooldown_jitter: or(self.cooldown_jitter, 0.0),
            half_open_max_calls: or_count(self.half_open_max_calls, 3),
            success_threshold: or_count(self.success_threshold, 3),
            half_open_failure_threshold: or_count(
                self.half_open_failure_threshold,
                half_open_failures,
            ),
            probe_timeout: or_duration(
                self.probe_timeout,
                longest(
                    longest(cooldown, Duration::from_secs(30)),
                    or_duration(self.slow_call, Duration::ZERO).saturating_mul(2),
                ),
            ),
            hung_after: self.hung_after,
            recovery: self.recovery,
            open_for_max: or_duration(self.open_for_max, Duration::from_secs(600)),
            timings: matches!(self.timings, Some(true)),
            max_concurrent: self.max_concurrent,
            max_wait: or_duration(self.max_wait, Duration::ZERO),
            mode: match self.mode {
                Some(mode) => mode,
                None => Mode::Normal,
            },
            fleet: match self.fleet {
                Some(policy) => policy,
                None => Policy::Off,
            },
        }
    }
}

const fn longest(one: Duration, other: Duration) -> Duration {
    if is_less(one, other) { other } else { one }
}

const fn or(stated: Option<f64>, default: f64) -> f64 {
    match stated {
        Some(stated) => stated,
        None => default,
    }
}

const fn or_count(stated: Option<u32>, default: u32) -> u32 {
    match stated {
        Some(stated) => stated,
        None => default,
    }
}

const fn or_duration(stated: Option<Duration>, default: Duration) -> Duration {
    match stated {
        Some(stated) => stated,
        None => default,
    }
}
