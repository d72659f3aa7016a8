//! The options of a circuit: what was stated ([`Config`]) and what follows from it ([`Settings`]).

mod errors;
mod options;
mod settings;

use std::fmt;
use std::time::Duration;

pub use errors::ConfigErrors;
pub(crate) use options::Options;
pub use settings::{Settings, WindowSize};

/// The options of a circuit, as stated. What is not stated has its default.
///
/// A `Config` is built in `const` context or at run time, and is checked as a whole by
/// [`validate`](Config::validate), which everything that takes a `Config` calls.
///
/// Two configs are equal when they state the same; [`settings`](Config::settings) tells what they mean.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::Config;
///
/// const PAYMENTS: Config = Config::new()
///     .failure_rate(0.5)
///     .count_window(20)
///     .cooldown(Duration::from_secs(10));
///
/// assert!(PAYMENTS.validate().is_ok());
/// assert_eq!(PAYMENTS.settings().minimum_calls, 10);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[must_use = "a config does nothing until a circuit is made with it"]
pub struct Config {
    failure_threshold: Option<u32>,
    failure_rate: Option<f64>,
    window: Option<WindowSize>,
    minimum_calls: Option<u32>,
    slow_call: Option<Duration>,
    slow_call_rate: Option<f64>,
    cooldown: Option<Duration>,
    cooldown_multiplier: Option<f64>,
    cooldown_max: Option<Duration>,
    cooldown_jitter: Option<f64>,
    half_open_max_calls: Option<u32>,
    success_threshold: Option<u32>,
    half_open_failure_threshold: Option<u32>,
    probe_timeout: Option<Duration>,
    max_concurrent: Option<u32>,
    max_wait: Option<Duration>,
}

impl Config {
    /// Nothing stated: every option has its default.
    pub const fn new() -> Self {
        Self {
            failure_threshold: None,
            failure_rate: None,
            window: None,
            minimum_calls: None,
            slow_call: None,
            slow_call_rate: None,
            cooldown: None,
            cooldown_multiplier: None,
            cooldown_max: None,
            cooldown_jitter: None,
            half_open_max_calls: None,
            success_threshold: None,
            half_open_failure_threshold: None,
            probe_timeout: None,
            max_concurrent: None,
            max_wait: None,
        }
    }

    /// Consecutive failures that open the circuit, at least 1. Default 5, or off when
    /// [`failure_rate`](Config::failure_rate) is stated; with both, whichever comes first.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Config;
    ///
    /// assert_eq!(Config::new().settings().failure_threshold, Some(5));
    /// assert_eq!(Config::new().failure_threshold(2).settings().failure_threshold, Some(2));
    /// assert_eq!(Config::new().failure_rate(0.5).settings().failure_threshold, None);
    /// ```
    pub const fn failure_threshold(mut self, failures: u32) -> Self {
        self.failure_threshold = Some(failures);
        self
    }

    /// Share of failed calls in the window that opens the circuit, in (0, 1]. Default off.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Config;
    ///
    /// assert!(Config::new().failure_rate(0.25).validate().is_ok());
    /// assert!(Config::new().failure_rate(25.0).validate().is_err());
    /// ```
    pub const fn failure_rate(mut self, share: f64) -> Self {
        self.failure_rate = Some(share);
        self
    }

    /// Takes rates over the last `calls` calls, 1 to 1,000,000. Default 100. Of this and
    /// [`time_window`](Config::time_window) the last wins.
    pub const fn count_window(mut self, calls: u32) -> Self {
        self.window = Some(WindowSize::Calls(calls));
        self
    }

    /// Takes rates over the last `length` of time, at least 10 ms, in ten buckets: a call leaves between 0.9
    /// and 1.0 of the window after its outcome. Of this and [`count_window`](Config::count_window) the last wins.
    pub const fn time_window(mut self, length: Duration) -> Self {
        self.window = Some(WindowSize::Time(length));
        self
    }

    /// No rate is judged below this many calls in the window; at least 1, at most the count window.
    /// Default 10, or the count window if that is smaller.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Config;
    ///
    /// assert_eq!(Config::new().count_window(4).settings().minimum_calls, 4);
    /// assert!(Config::new().count_window(4).minimum_calls(5).validate().is_err());
    /// ```
    pub const fn minimum_calls(mut self, calls: u32) -> Self {
        self.minimum_calls = Some(calls);
        self
    }

    /// A call that takes longer than this is slow. Default off: then no call is timed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::Config;
    ///
    /// let settings = Config::new().slow_call(Duration::from_millis(800)).settings();
    /// assert_eq!(settings.slow_call_rate, Some(0.5));
    /// assert_eq!(settings.half_open_failure_threshold, 2);
    /// ```
    pub const fn slow_call(mut self, longer_than: Duration) -> Self {
        self.slow_call = Some(longer_than);
        self
    }

    /// Share of slow calls in the window that opens the circuit, in (0, 1]. Goes with
    /// [`slow_call`](Config::slow_call); default 0.5 then.
    ///
    /// A share of `1 - p` is the same verdict as "the p-th percentile of the window's latencies is over
    /// `slow_call`", so `0.05` says that p95 is.
    pub const fn slow_call_rate(mut self, share: f64) -> Self {
        self.slow_call_rate = Some(share);
        self
    }

    /// How long the circuit stays open before probes may run, more than 0. Default 60 s.
    /// [`Duration::MAX`] is "until reset".
    pub const fn cooldown(mut self, cooldown: Duration) -> Self {
        self.cooldown = Some(cooldown);
        self
    }

    /// Each re-opening without a close in between waits this many times longer, at least 1. Default 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::Config;
    ///
    /// // 10 s, 20 s, 40 s, 60 s, 60 s, ... as long as the probes fail.
    /// let config = Config::new()
    ///     .cooldown(Duration::from_secs(10))
    ///     .cooldown_multiplier(2.0)
    ///     .cooldown_max(Duration::from_secs(60));
    /// assert!(config.validate().is_ok());
    /// ```
    pub const fn cooldown_multiplier(mut self, factor: f64) -> Self {
        self.cooldown_multiplier = Some(factor);
        self
    }

    /// The longest cooldown, jitter included; at least the cooldown. Goes with
    /// [`cooldown_multiplier`](Config::cooldown_multiplier); default 10 cooldowns.
    pub const fn cooldown_max(mut self, longest: Duration) -> Self {
        self.cooldown_max = Some(longest);
        self
    }

    /// Spreads each cooldown by up to this share either way, in [0, 1), so that a fleet does not probe
    /// in step. Default 0.
    pub const fn cooldown_jitter(mut self, share: f64) -> Self {
        self.cooldown_jitter = Some(share);
        self
    }

    /// Probes in flight at once, at least 1. Default 3.
    pub const fn half_open_max_calls(mut self, probes: u32) -> Self {
        self.half_open_max_calls = Some(probes);
        self
    }

    /// Probe successes that close the circuit, at least 1. Default 3.
    pub const fn success_threshold(mut self, successes: u32) -> Self {
        self.success_threshold = Some(successes);
        self
    }

    /// Probe failures that open the circuit again, at least 1. Default 1, or 2 when
    /// [`slow_call`](Config::slow_call) is stated.
    pub const fn half_open_failure_threshold(mut self, failures: u32) -> Self {
        self.half_open_failure_threshold = Some(failures);
        self
    }

    /// A probe that is not settled by then loses its slot and counts as a failed one; more than 0, at
    /// least [`slow_call`](Config::slow_call). Default the largest of the cooldown, twice `slow_call`,
    /// and 30 s.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::Config;
    ///
    /// assert_eq!(Config::new().settings().probe_timeout, Duration::from_secs(60));
    /// let config = Config::new().cooldown(Duration::from_secs(1));
    /// assert_eq!(config.settings().probe_timeout, Duration::from_secs(30));
    /// ```
    pub const fn probe_timeout(mut self, timeout: Duration) -> Self {
        self.probe_timeout = Some(timeout);
        self
    }

    /// Calls in flight at once, at least 1: the bulkhead. Default off. It holds in every state that lets
    /// calls in, and a refusal by it is never a failure.
    pub const fn max_concurrent(mut self, calls: u32) -> Self {
        self.max_concurrent = Some(calls);
        self
    }

    /// How long a call may wait for a slot of the bulkhead, in the order of arrival. Goes with
    /// [`max_concurrent`](Config::max_concurrent); default 0, no waiting. Sync calls block their thread;
    /// async ones need feature `tokio`, without which they do not wait. `try_acquire` never waits.
    pub const fn max_wait(mut self, longest: Duration) -> Self {
        self.max_wait = Some(longest);
        self
    }

    /// Whether every option is in its range and has the companion it needs.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the first option that is not.
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
        match self.problem() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    const fn problem(&self) -> Option<ConfigError> {
        const AT_LEAST_1: &str = "must be at least 1";
        const SHARE: &str = "must be more than 0 and at most 1";
        const LONGER_THAN_0: &str = "must be longer than 0";

        let settings = self.settings();
        let complaint = if is(self.failure_threshold, 0) {
            ("failure_threshold", AT_LEAST_1)
        } else if !is_share(self.failure_rate) {
            ("failure_rate", SHARE)
        } else if let Some(problem) = settings.window.problem() {
            ("window", problem)
        } else if is(self.minimum_calls, 0) {
            ("minimum_calls", AT_LEAST_1)
        } else if let WindowSize::Calls(calls) = settings.window
            && settings.minimum_calls > calls
        {
            ("minimum_calls", "must not be more than the window holds")
        } else if is_zero(self.slow_call) {
            ("slow_call", LONGER_THAN_0)
        } else if self.slow_call_rate.is_some() && self.slow_call.is_none() {
            ("slow_call_rate", "needs `slow_call`")
        } else if !is_share(self.slow_call_rate) {
            ("slow_call_rate", SHARE)
        } else if is_zero(self.cooldown) {
            ("cooldown", LONGER_THAN_0)
        } else if !(settings.cooldown_multiplier >= 1.0 && settings.cooldown_multiplier.is_finite())
        {
            ("cooldown_multiplier", "must be a number of at least 1")
        } else if self.cooldown_max.is_some() && self.cooldown_multiplier.is_none() {
            ("cooldown_max", "needs `cooldown_multiplier`")
        } else if is_less(settings.cooldown_max, settings.cooldown) {
            ("cooldown_max", "must not be shorter than `cooldown`")
        } else if !(settings.cooldown_jitter >= 0.0 && settings.cooldown_jitter < 1.0) {
            ("cooldown_jitter", "must be at least 0 and less than 1")
        } else if is(self.half_open_max_calls, 0) {
            ("half_open_max_calls", AT_LEAST_1)
        } else if is(self.success_threshold, 0) {
            ("success_threshold", AT_LEAST_1)
        } else if is(self.half_open_failure_threshold, 0) {
            ("half_open_failure_threshold", AT_LEAST_1)
        } else if is_zero(self.probe_timeout) {
            ("probe_timeout", LONGER_THAN_0)
        } else if let Some(slow_call) = self.slow_call
            && is_less(settings.probe_timeout, slow_call)
        {
            ("probe_timeout", "must not be shorter than `slow_call`")
        } else if is(self.max_concurrent, 0) {
            ("max_concurrent", AT_LEAST_1)
        } else if self.max_wait.is_some() && self.max_concurrent.is_none() {
            ("max_wait", "needs `max_concurrent`")
        } else {
            return None;
        };
        Some(ConfigError::new(complaint.0, complaint.1))
    }
}

/// The options that are stated, by the names they have in the attribute. Nothing is rounded, so two
/// configs that differ look different.
///
/// # Examples
///
/// ```
/// use breaker_runtime::Config;
///
/// let config = Config::new().failure_rate(0.5).count_window(20);
/// assert_eq!(config.to_string(), "failure_rate = 0.5, window = 20");
/// assert_eq!(Config::new().to_string(), "defaults");
///
/// let precise = Config::new().cooldown(std::time::Duration::from_millis(10_300));
/// assert_eq!(precise.to_string(), "cooldown = 10s 300ms");
/// ```
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn shown<T: fmt::Display>(name: &str, stated: Option<T>) -> Option<String> {
            stated.map(|value| format!("{name} = {value}"))
        }
        fn long(name: &str, stated: Option<Duration>) -> Option<String> {
            shown(name, stated.map(humantime::format_duration))
        }
        let window = match self.window {
            Some(WindowSize::Calls(calls)) => shown("window", Some(calls)),
            Some(WindowSize::Time(length)) => long("window", Some(length)),
            None => None,
        };
        let stated = [
            shown("failure_threshold", self.failure_threshold),
            shown("failure_rate", self.failure_rate),
            window,
            shown("minimum_calls", self.minimum_calls),
            long("slow_call", self.slow_call),
            shown("slow_call_rate", self.slow_call_rate),
            long("cooldown", self.cooldown),
            shown("cooldown_multiplier", self.cooldown_multiplier),
            long("cooldown_max", self.cooldown_max),
            shown("cooldown_jitter", self.cooldown_jitter),
            shown("half_open_max_calls", self.half_open_max_calls),
            shown("success_threshold", self.success_threshold),
            shown("half_open_failure_threshold", self.half_open_failure_threshold),
            long("probe_timeout", self.probe_timeout),
            shown("max_concurrent", self.max_concurrent),
            long("max_wait", self.max_wait),
        ];
        let stated: Vec<_> = stated.into_iter().flatten().collect();
        f.write_str(if stated.is_empty() { "defaults" } else { "" })?;
        f.write_str(&stated.join(", "))
    }
}

/// An option that is out of its range or lacks its companion.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// let error = CircuitBreaker::new("payments", Config::new().failure_rate(50.0)).unwrap_err();
/// assert_eq!(error.option(), "failure_rate");
/// assert_eq!(error.to_string(), "`failure_rate` must be more than 0 and at most 1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError {
    option: &'static str,
    problem: &'static str,
}

impl ConfigError {
    pub(crate) const fn new(option: &'static str, problem: &'static str) -> Self {
        Self { option, problem }
    }

    /// The option, by the name it has in the attribute.
    #[must_use]
    pub const fn option(&self) -> &'static str {
        self.option
    }

    /// What is wrong with it, for a sentence that begins with the option.
    pub(crate) const fn problem(&self) -> &'static str {
        self.problem
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.option, self.problem)
    }
}

impl std::error::Error for ConfigError {}

const fn is(stated: Option<u32>, value: u32) -> bool {
    matches!(stated, Some(stated) if stated == value)
}

const fn is_zero(stated: Option<Duration>) -> bool {
    matches!(stated, Some(stated) if stated.is_zero())
}

/// Also true of an option that was not stated. NaN is no share.
const fn is_share(stated: Option<f64>) -> bool {
    match stated {
        Some(share) => share > 0.0 && share <= 1.0,
        None => true,
    }
}

const fn is_less(one: Duration, other: Duration) -> bool {
    one.as_nanos() < other.as_nanos()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

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
    }

    #[test]
    fn of_two_windows_the_last_one_wins() {
        let window = |config: Config| config.settings().window;
        let both = Config::new().count_window(7).time_window(SECOND);
        assert_eq!(window(both), WindowSize::Time(SECOND));
        assert_eq!(window(both.count_window(8)), WindowSize::Calls(8));
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

    #[test]
    fn configs_that_differ_by_less_than_a_reader_would_round_look_different() {
        let cooldown = |millis| Config::new().cooldown(Duration::from_millis(millis)).to_string();
        assert_eq!(cooldown(10_300), "cooldown = 10s 300ms");
        assert_eq!(cooldown(10_400), "cooldown = 10s 400ms");
        let longest = Config::new().max_concurrent(1).max_wait(Duration::MAX).to_string();
        let nearly = Duration::MAX.saturating_sub(Duration::from_nanos(1));
        assert_ne!(longest, Config::new().max_concurrent(1).max_wait(nearly).to_string());
    }

    /// Of any size from nanoseconds to the longest.
    fn any_duration() -> impl Strategy<Value = Duration> {
        let nanos = (0..64, any::<u64>()).prop_map(|(fewer, nanos)| nanos >> fewer);
        prop_oneof![nanos.prop_map(Duration::from_nanos), any::<Duration>()]
    }

    /// Any config, also one that is not valid.
    fn any_config() -> impl Strategy<Value = Config> {
        let window = option::of(prop_oneof![
            any::<u32>().prop_map(WindowSize::Calls),
            any_duration().prop_map(WindowSize::Time),
        ]);
        let counts = vec(option::of(any::<u32>()), 6);
        let numbers = vec(option::of(any::<f64>()), 4);
        let durations = vec(option::of(any_duration()), 5);
        (window, counts, numbers, durations).prop_map(|(window, counts, numbers, durations)| {
            Config {
                failure_threshold: counts[0],
                failure_rate: numbers[0],
                window,
                minimum_calls: counts[1],
                slow_call: durations[0],
                slow_call_rate: numbers[1],
                cooldown: durations[1],
                cooldown_multiplier: numbers[2],
                cooldown_max: durations[2],
                cooldown_jitter: numbers[3],
                half_open_max_calls: counts[2],
                success_threshold: counts[3],
                half_open_failure_threshold: counts[4],
                probe_timeout: durations[3],
                max_concurrent: counts[5],
                max_wait: durations[4],
            }
        })
    }

    /// The config that is shown like this.
    fn read(shown: &str) -> Config {
        let mut config = Config::new();
        for stated in shown.split(", ").filter(|shown| *shown != "defaults") {
            let (option, value) = stated.split_once(" = ").expect("an option and its value");
            let count = || Some(value.parse().expect("a count"));
            let number = || Some(value.parse().expect("a number"));
            let duration = || Some(humantime::parse_duration(value).expect("a duration"));
            match option {
                "failure_threshold" => config.failure_threshold = count(),
                "failure_rate" => config.failure_rate = number(),
                "window" => {
                    let calls = value.parse().ok().map(WindowSize::Calls);
                    config.window = calls.or_else(|| duration().map(WindowSize::Time));
                }
                "minimum_calls" => config.minimum_calls = count(),
                "slow_call" => config.slow_call = duration(),
                "slow_call_rate" => config.slow_call_rate = number(),
                "cooldown" => config.cooldown = duration(),
                "cooldown_multiplier" => config.cooldown_multiplier = number(),
                "cooldown_max" => config.cooldown_max = duration(),
                "cooldown_jitter" => config.cooldown_jitter = number(),
                "half_open_max_calls" => config.half_open_max_calls = count(),
                "success_threshold" => config.success_threshold = count(),
                "half_open_failure_threshold" => config.half_open_failure_threshold = count(),
                "probe_timeout" => config.probe_timeout = duration(),
                "max_concurrent" => config.max_concurrent = count(),
                "max_wait" => config.max_wait = duration(),
                _ => panic!("`{option}` is no option"),
            }
        }
        config
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// So two that differ look different.
        #[test]
        fn what_is_shown_of_a_config_is_all_of_it(config in any_config()) {
            prop_assert_eq!(read(&config.to_string()), config);
        }
    }
}
