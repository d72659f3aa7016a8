//! `Config`: the options stated for a circuit, and the checks of their values.

use std::time::Duration;

use breaker_options::{Takes, circuit_bounds, circuit_options};

use super::options::{Bit, Options};
use super::{ConfigError, Mode, Policy, WindowSize};

/// Declares `Config` from the table of options: its fields, its setters, and the checks of each value.
macro_rules! config {
    ($($name:ident: $takes:ident => $kept:ident, {
        default: $default:literal, needs: $needs:literal, limits: $limits:literal, meaning: $meaning:literal,
    })*) => {
        #[doc = include_str!("../../docs/config.md")]
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        #[must_use = "a config does nothing until a circuit is made with it"]
        pub struct Config {
            $(pub(super) $name: Option<stated!($takes)>,)*
            /// The options that are switched off, where without a statement they would be on.
            pub(super) off: Options,
        }

        impl Config {
            /// States nothing: every option has its default.
            ///
            /// # Examples
            ///
            /// ```
            /// use breaker_runtime::Config;
            ///
            /// assert_eq!(Config::new(), Config::default());
            /// assert_eq!(Config::new().settings().failure_threshold, Some(5));
            /// ```
            pub const fn new() -> Self {
                Self { $($name: None,)* off: Options::NONE }
            }

            $(setter!($takes $name, $default, $limits, $meaning);)*

            /// The first option that is out of range, or lacks the option it needs.
            const fn problem_of_one(&self) -> Option<ConfigError> {
                $(
                    if let Some(_value) = self.$name {
                        if let Some(problem) = problem!($takes, _value) {
                            return Some(ConfigError::new(stringify!($name), problem));
                        }
                        if Self::has($needs) && !self.states($needs) && !self.switches_off($needs) {
                            return Some(ConfigError::new(stringify!($name), concat!("needs `", $needs, "`")));
                        }
                    }
                )*
                None
            }

            /// Whether circuits have this option.
            const fn has(option: &str) -> bool {
                $(equal(option, stringify!($name)) ||)* false
            }

            /// Whether this option is stated.
            const fn states(&self, option: &str) -> bool {
                $((equal(option, stringify!($name)) && self.$name.is_some()) ||)* false
            }

            /// Whether the option of that name is switched off.
            pub(super) const fn switches_off(&self, option: &str) -> bool {
                $((equal(option, stringify!($name)) && self.off.has(Bit::$name)) ||)* false
            }
        }
    };
}

macro_rules! problem {
    (Count, $value:ident) => {
        Takes::Count.problem_of_count($value as u64)
    };
    (Share, $value:ident) => {
        Takes::Share.problem_of_number($value)
    };
    (Factor, $value:ident) => {
        Takes::Factor.problem_of_number($value)
    };
    (Spread, $value:ident) => {
        Takes::Spread.problem_of_number($value)
    };
    (Duration, $value:ident) => {
        Takes::Duration.problem_of_duration($value)
    };
    (LongDuration, $value:ident) => {
        Takes::LongDuration.problem_of_duration($value)
    };
    (Wait, $value:ident) => {
        Takes::Wait.problem_of_duration($value)
    };
    (Window, $value:ident) => {
        $value.problem()
    };
    (Mode, $value:ident) => {
        None
    };
    (Policy, $value:ident) => {
        None
    };
    (Flag, $value:ident) => {
        None
    };
}

/// A window has two setters, which are written out below.
macro_rules! setter {
    (Window $($rest:tt)*) => {};
    (Count $($rest:tt)*) => { setter!(@ u32, "an integer of at least 1", "3", "3", $($rest)*); };
    (Share $($rest:tt)*) => { setter!(@ f64, "more than 0, at most 1", "0.25", "0.25", $($rest)*); };
    (Factor $($rest:tt)*) => { setter!(@ f64, "at least 1", "2.0", "2", $($rest)*); };
    (Spread $($rest:tt)*) => { setter!(@ f64, "at least 0, less than 1", "0.1", "0.1", $($rest)*); };
    (Duration $($rest:tt)*) => {
        setter!(@ Duration, "longer than 0", "std::time::Duration::from_secs(90)", "1m 30s", $($rest)*);
    };
    (LongDuration $($rest:tt)*) => {
        setter!(@ Duration, "at least 10 ms", "std::time::Duration::from_secs(90)", "1m 30s", $($rest)*);
    };
    (Mode $($rest:tt)*) => {
        setter!(@ Mode, "`Mode::Normal` or `Mode::Observe`; the other modes are orders, not settings of a program",
            "breaker_runtime::Mode::Observe", "observe", $($rest)*);
    };
    (Policy $($rest:tt)*) => {
        setter!(@ Policy, "a `Policy`", "breaker_runtime::Policy::Quorum", "quorum", $($rest)*);
    };
    (Flag $($rest:tt)*) => {
        setter!(@ bool, "`true` or `false`", "true", "true", $($rest)*);
    };
    (Wait $($rest:tt)*) => {
        setter!(@ Duration, "may be 0", "std::time::Duration::from_millis(50)", "50ms", $($rest)*);
    };
    (@ $type:ty, $range:literal, $code:literal, $text:literal,
        $name:ident, $default:literal, $limits:literal, $meaning:literal) => {
        #[doc = $meaning]
        #[doc = ""]
        #[doc = concat!("Value: ", $range, ". Default: ", $default, ".")]
        #[doc = ""]
        /// # Examples
        ///
        /// ```
        /// use breaker_runtime::Config;
        ///
        #[doc = concat!("let config = Config::new().", stringify!($name), "(", $code, ");")]
        #[doc = concat!("assert_eq!(config.to_string(), \"", stringify!($name), "=", $text, "\");")]
        /// ```
        pub const fn $name(mut self, value: $type) -> Self {
            self.$name = Some(value);
            self.off = self.off.without(Bit::$name);
            self
        }
    };
}

circuit_options!(config);

impl Config {
    /// Computes rates over the last `calls` calls.
    ///
    /// Value: 1 to 1,000,000. Default: 100. If you call this and [`time_window`](Config::time_window), the later call
    /// wins.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Config;
    ///
    /// assert_eq!(Config::new().count_window(20).to_string(), "window=20");
    /// ```
    pub const fn count_window(mut self, calls: u32) -> Self {
        self.window = Some(WindowSize::Calls(calls));
        self
    }

    /// Computes rates over the last `length` of time, in ten buckets. A call drops out between 0.9 and 1.0 of `length`
    /// after it ends.
    ///
    /// Value: at least 10 ms. If you call this and [`count_window`](Config::count_window), the later call wins.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::Config;
    ///
    /// assert_eq!(Config::new().time_window(Duration::from_secs(30)).to_string(), "window=30s");
    /// ```
    pub const fn time_window(mut self, length: Duration) -> Self {
        self.window = Some(WindowSize::Time(length));
        self
    }

    /// What the attribute writes for the words of `mode`.
    #[doc(hidden)]
    pub const fn mode_named(self, word: &str) -> Self {
        self.mode(if equal(word, "observe") { Mode::Observe } else { Mode::Normal })
    }

    /// The policy that is stated, if one is. [`Settings::fleet`](crate::Settings::fleet) has the default filled in.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, Policy};
    ///
    /// assert_eq!(Config::new().stated_fleet(), None);
    /// assert_eq!(Config::new().fleet(Policy::Off).stated_fleet(), Some(Policy::Off));
    /// ```
    #[must_use]
    pub const fn stated_fleet(&self) -> Option<Policy> {
        self.fleet
    }

    /// What the attribute writes for the words of `fleet`.
    #[doc(hidden)]
    pub const fn fleet_named(self, word: &str) -> Self {
        self.fleet(match () {
            () if equal(word, "quorum") => Policy::Quorum,
            () if equal(word, "any") => Policy::Any,
            () => Policy::Off,
        })
    }

    /// Checks that every option is in range, has the option it needs, and contradicts no other.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the first option that fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Config;
    ///
    /// let error = Config::new().slow_call_rate(0.5).validate().unwrap_err();
    /// assert_eq!(error.to_string(), "`slow_call_rate` needs `slow_call`");
    /// ```
    pub const fn validate(&self) -> Result<(), ConfigError> {
        match self.mode {
            Some(mode) if !mode.judges() => Err(ConfigError::new(
                "mode",
                "must be `normal` or `observe` in code; `override_for` and settings from outside can ask for more",
            )),
            _ => self.check(),
        }
    }

    /// The same for settings from outside the code, which may ask for any mode.
    pub(crate) const fn check(&self) -> Result<(), ConfigError> {
        let problem = match self.problem_of_one() {
            Some(problem) => Some(problem),
            None => self.problem_of_two(),
        };
        match problem {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// Declares the check of options that limit each other.
macro_rules! bounds {
    ($(
        $option:ident: $takes:ident => $kept:ident, $sign:tt $by:ident: $limit:ident => $limit_kept:ident,
        $problem:literal;
    )*) => {
        impl Config {
            /// The first contradiction between two options.
            const fn problem_of_two(&self) -> Option<ConfigError> {
                let settings = self.settings();
                $(
                    if let Some(value) = amount!($kept $takes, settings.$option)
                        && let Some(limit) = amount!($limit_kept $limit, settings.$by)
                        && is_beyond!(value $sign limit)
                    {
                        let (option, by) = (stringify!($option), stringify!($by));
                        return Some(ConfigError::between(option, by, $problem));
                    }
                )*
                None
            }
        }
    };
}

/// A value as a number to compare. `None` if it limits nothing.
macro_rules! amount {
    (optional $takes:ident, $value:expr) => {
        match $value {
            Some(value) => amount!(always $takes, value),
            None => None,
        }
    };
    (always Count, $value:expr) => {
        Some($value as u128)
    };
    (always LongDuration, $value:expr) => {
        Some($value.as_nanos())
    };
    (always Duration, $value:expr) => {
        Some($value.as_nanos())
    };
    (always Window, $value:expr) => {
        match $value {
            WindowSize::Calls(calls) => Some(calls as u128),
            WindowSize::Time(_) => None,
        }
    };
}

macro_rules! is_beyond {
    ($value:ident <= $most:ident) => {
        $value > $most
    };
    ($value:ident >= $least:ident) => {
        $value < $least
    };
}

circuit_bounds!(bounds);

pub(super) const fn is_less(one: Duration, other: Duration) -> bool {
    one.as_nanos() < other.as_nanos()
}

pub(crate) const fn equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[track_caller]
    fn refused(config: Config, option: &str) {
        assert_eq!(config.validate().unwrap_err().option(), option);
    }

    #[test]
    fn r23_the_defaults_are_valid_and_as_documented() {
        let settings = Config::new().settings();
        assert_eq!(Config::new().validate(), Ok(()));
        assert_eq!(settings.failure_threshold, Some(5));
        assert_eq!(settings.window, WindowSize::Calls(100));
        assert_eq!(settings.minimum_calls, 10);
        assert_eq!(settings.cooldown, Duration::from_secs(60));
        assert_eq!(settings.half_open_max_calls, 3);
        assert_eq!(settings.success_threshold, 3);
        assert_eq!(settings.half_open_failure_threshold, 1);
        assert_eq!(settings.probe_timeout, Duration::from_secs(60));
    }

    #[test]
    fn naming_a_rate_switches_the_default_run_off() {
        let config = Config::new().failure_rate(0.5);
        assert_eq!(config.settings().failure_threshold, None);
        assert_eq!(config.failure_threshold(7).settings().failure_threshold, Some(7));
        assert_eq!(Config::new().slow_call(SECOND).settings().failure_threshold, Some(5));
    }

    #[test]
    fn defaults_follow_their_companions() {
        assert_eq!(Config::new().count_window(4).settings().minimum_calls, 4);
        let slow = Config::new().slow_call(SECOND * 40).settings();
        assert_eq!(slow.slow_call_rate, Some(0.5));
        assert_eq!(slow.half_open_failure_threshold, 2);
        assert_eq!(slow.probe_timeout, SECOND * 80);
        assert_eq!(Config::new().cooldown(SECOND).settings().probe_timeout, SECOND * 30);
        assert_eq!(Config::new().cooldown(SECOND).settings().cooldown_max, SECOND * 10);
    }

    #[test]
    fn the_shortest_time_is_that_of_all_that_ends_by_itself() {
        let shortest = |config: Config| config.settings().shortest_time();
        assert_eq!(shortest(Config::new()), SECOND * 60);
        assert_eq!(shortest(Config::new().cooldown(SECOND)), SECOND);
        assert_eq!(shortest(Config::new().probe_timeout(SECOND * 2)), SECOND * 2);
        assert_eq!(shortest(Config::new().time_window(SECOND * 30)), SECOND * 3);
        assert_eq!(shortest(Config::new().slow_call(SECOND)), SECOND * 60);
        assert_eq!(shortest(Config::new().hung_after(SECOND * 4)), SECOND * 4);
        assert_eq!(shortest(Config::new().slow_call(SECOND).hung_after(SECOND * 4)), SECOND);
    }

    #[test]
    fn of_two_windows_the_last_one_wins() {
        let window = |config: Config| config.settings().window;
        let both = Config::new().count_window(7).time_window(SECOND);
        assert_eq!(window(both), WindowSize::Time(SECOND));
        assert_eq!(window(both.count_window(8)), WindowSize::Calls(8));
    }

    #[test]
    fn r23_modes_that_only_orders_ask_for_are_refused_in_code() {
        for mode in [Mode::Disabled, Mode::ForcedOpen] {
            refused(Config::new().mode(mode), "mode");
        }
        assert!("mode=disabled".parse::<Config>().is_err());
        assert_eq!(Config::new().mode(Mode::Observe).validate(), Ok(()));
    }

    #[test]
    fn r23_counts_of_zero_are_refused() {
        refused(Config::new().failure_threshold(0), "failure_threshold");
        refused(Config::new().count_window(0), "window");
        refused(Config::new().minimum_calls(0), "minimum_calls");
        refused(Config::new().half_open_max_calls(0), "half_open_max_calls");
        refused(Config::new().success_threshold(0), "success_threshold");
        refused(Config::new().half_open_failure_threshold(0), "half_open_failure_threshold");
        refused(Config::new().max_concurrent(0), "max_concurrent");
    }

    #[test]
    fn r23_durations_of_zero_are_refused() {
        refused(Config::new().cooldown(Duration::ZERO), "cooldown");
        refused(Config::new().slow_call(Duration::ZERO), "slow_call");
        refused(Config::new().probe_timeout(Duration::ZERO), "probe_timeout");
        refused(Config::new().hung_after(Duration::from_nanos(9_999_999)), "hung_after");
    }

    #[test]
    fn r23_shares_and_factors_outside_their_range_are_refused() {
        for share in [0.0, -0.1, 1.000_001, f64::NAN, f64::INFINITY] {
            refused(Config::new().failure_rate(share), "failure_rate");
            refused(Config::new().slow_call(SECOND).slow_call_rate(share), "slow_call_rate");
        }
        for factor in [0.0, 0.999, -1.0, f64::NAN, f64::INFINITY] {
            refused(Config::new().cooldown_multiplier(factor), "cooldown_multiplier");
        }
        for jitter in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
            refused(Config::new().cooldown_jitter(jitter), "cooldown_jitter");
        }
    }

    #[test]
    fn r23_an_option_without_its_companion_is_refused() {
        refused(Config::new().slow_call_rate(0.5), "slow_call_rate");
        refused(Config::new().max_wait(Duration::ZERO), "max_wait");
        refused(Config::new().cooldown_max(SECOND * 600), "cooldown_max");
        let jittered = Config::new().cooldown(SECOND).cooldown_jitter(0.5);
        refused(jittered.cooldown_max(SECOND * 5), "cooldown_max");
    }

    #[test]
    fn r23_options_that_contradict_each_other_are_refused() {
        refused(Config::new().count_window(10).minimum_calls(11), "minimum_calls");
        refused(Config::new().count_window(1_000_001), "window");
        refused(Config::new().time_window(Duration::from_nanos(9_999_999)), "window");
        refused(Config::new().cooldown_multiplier(2.0).cooldown_max(SECOND), "cooldown_max");
        refused(Config::new().slow_call(SECOND * 2).probe_timeout(SECOND), "probe_timeout");
    }

    #[test]
    fn r23_the_bounds_themselves_are_valid() {
        let nano = Duration::from_nanos(1);
        let smallest = Config::new()
            .failure_threshold(1)
            .failure_rate(1.0)
            .count_window(1)
            .minimum_calls(1)
            .slow_call(nano)
            .slow_call_rate(1.0)
            .cooldown(nano)
            .cooldown_multiplier(1.0)
            .cooldown_max(nano)
            .cooldown_jitter(0.0)
            .half_open_max_calls(1)
            .success_threshold(1)
            .half_open_failure_threshold(1)
            .probe_timeout(nano)
            .max_concurrent(1)
            .max_wait(Duration::ZERO);
        assert_eq!(smallest.validate(), Ok(()));
        assert_eq!(Config::new().count_window(1_000_000).validate(), Ok(()));
        assert_eq!(Config::new().time_window(Duration::from_millis(10)).validate(), Ok(()));
        assert_eq!(Config::new().time_window(Duration::MAX).minimum_calls(500).validate(), Ok(()));
    }
}
