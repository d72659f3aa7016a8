//! Which options a config states. With what they all come to, that is the config once more, in two bytes
//! instead of two hundred.

use super::{Config, Settings};

/// A set of options, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options(u16);

/// Each option by the name it has in the attribute, in the order of its bit.
const NAMES: [&str; 16] = [
    "failure_threshold",
    "failure_rate",
    "window",
    "minimum_calls",
    "slow_call",
    "slow_call_rate",
    "cooldown",
    "cooldown_multiplier",
    "cooldown_max",
    "cooldown_jitter",
    "half_open_max_calls",
    "success_threshold",
    "half_open_failure_threshold",
    "probe_timeout",
    "max_concurrent",
    "max_wait",
];

impl Config {
    /// The options that are stated, by the names they have in the attribute.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Config;
    ///
    /// let stated: Vec<_> = Config::new().count_window(20).failure_rate(0.5).stated().collect();
    /// assert_eq!(stated, ["failure_rate", "window"]);
    /// ```
    pub fn stated(&self) -> impl Iterator<Item = &'static str> + use<> {
        let Options(bits) = self.options();
        NAMES
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| bits >> bit & 1 == 1)
            .map(|(_, name)| name)
    }

    /// The options that are stated.
    pub(crate) fn options(&self) -> Options {
        let stated = [
            self.failure_threshold.is_some(),
            self.failure_rate.is_some(),
            self.window.is_some(),
            self.minimum_calls.is_some(),
            self.slow_call.is_some(),
            self.slow_call_rate.is_some(),
            self.cooldown.is_some(),
            self.cooldown_multiplier.is_some(),
            self.cooldown_max.is_some(),
            self.cooldown_jitter.is_some(),
            self.half_open_max_calls.is_some(),
            self.success_threshold.is_some(),
            self.half_open_failure_threshold.is_some(),
            self.probe_timeout.is_some(),
            self.max_concurrent.is_some(),
            self.max_wait.is_some(),
        ];
        let bits = stated.into_iter().enumerate();
        Options(bits.fold(0, |all, (bit, is_stated)| all | u16::from(is_stated) << bit))
    }
}

impl Settings {
    /// The valid config that states these options and comes to these settings.
    pub(crate) fn stating(&self, stated: Options) -> Config {
        fn given<T>(stated: Options, bit: u32, value: T) -> Option<T> {
            (stated.0 >> bit & 1 == 1).then_some(value)
        }
        Config {
            failure_threshold: given(stated, 0, self.failure_threshold).flatten(),
            failure_rate: given(stated, 1, self.failure_rate).flatten(),
            window: given(stated, 2, self.window),
            minimum_calls: given(stated, 3, self.minimum_calls),
            slow_call: given(stated, 4, self.slow_call).flatten(),
            slow_call_rate: given(stated, 5, self.slow_call_rate).flatten(),
            cooldown: given(stated, 6, self.cooldown),
            cooldown_multiplier: given(stated, 7, self.cooldown_multiplier),
            cooldown_max: given(stated, 8, self.cooldown_max),
            cooldown_jitter: given(stated, 9, self.cooldown_jitter),
            half_open_max_calls: given(stated, 10, self.half_open_max_calls),
            success_threshold: given(stated, 11, self.success_threshold),
            half_open_failure_threshold: given(stated, 12, self.half_open_failure_threshold),
            probe_timeout: given(stated, 13, self.probe_timeout),
            max_concurrent: given(stated, 14, self.max_concurrent).flatten(),
            max_wait: given(stated, 15, self.max_wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn settings_and_what_was_stated_make_the_config_again() {
        let each = [
            Config::new(),
            Config::new().failure_threshold(3),
            Config::new().failure_rate(0.25),
            Config::new().count_window(20),
            Config::new().time_window(SECOND * 9),
            Config::new().minimum_calls(7),
            Config::new().slow_call(SECOND),
            Config::new().slow_call(SECOND).slow_call_rate(0.1),
            Config::new().cooldown(SECOND),
            Config::new().cooldown_multiplier(2.0),
            Config::new().cooldown_multiplier(2.0).cooldown_max(SECOND * 90),
            Config::new().cooldown_jitter(0.3),
            Config::new().half_open_max_calls(2),
            Config::new().success_threshold(5),
            Config::new().half_open_failure_threshold(4),
            Config::new().probe_timeout(SECOND * 40),
            Config::new().max_concurrent(6),
            Config::new().max_concurrent(6).max_wait(SECOND * 2),
        ];
        for config in each {
            assert_eq!(config.settings().stating(config.options()), config);
            let shown = config.to_string();
            let names: Vec<_> =
                shown.split(", ").filter_map(|it| Some(it.split_once(" = ")?.0)).collect();
            assert_eq!(config.stated().collect::<Vec<_>>(), names);
        }
        let all = Config::new()
            .failure_threshold(3)
            .failure_rate(0.25)
            .time_window(SECOND * 9)
            .minimum_calls(7)
            .slow_call(Duration::MAX)
            .slow_call_rate(0.1)
            .cooldown(SECOND)
            .cooldown_multiplier(2.0)
            .cooldown_max(SECOND * 90)
            .cooldown_jitter(0.3)
            .half_open_max_calls(2)
            .success_threshold(5)
            .half_open_failure_threshold(4)
            .probe_timeout(Duration::MAX)
            .max_concurrent(6)
            .max_wait(SECOND * 2);
        assert_eq!(all.settings().stating(all.options()), all);
        assert_eq!(all.options(), Options(u16::MAX));
    }
}
