//! The set of options that a config states, as bits. A circuit keeps this set and its settings instead of the config,
//! which saves about two hundred bytes.

use breaker_options::circuit_options;

use super::{Config, Settings};

/// A set of options, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options(u32);

macro_rules! options {
    ($($name:ident: $takes:ident => $kept:ident, { $($text:tt)* })*) => {
        /// The options in the order of their bits.
        #[allow(non_camel_case_types, reason = "they have the names of the options")]
        #[derive(Clone, Copy)]
        pub(super) enum Bit { $($name),* }

        const NAMES: &[&str] = &[$(stringify!($name)),*];

        impl Config {
            /// The set of stated options.
            pub(crate) fn options(&self) -> Options {
                Options(self.off.0 $(| u32::from(self.$name.is_some()) << Bit::$name as u32)*)
            }
        }

        impl Settings {
            /// Rebuilds the config that states these options and has these settings.
            pub(crate) fn stating(&self, stated: Options) -> Config {
                let mut off = Options::NONE;
                $(
                    if stated.has(Bit::$name) && is_off!($kept, self.$name) {
                        off = off.with(Bit::$name);
                    }
                )*
                Config { $($name: kept!($kept, stated.has(Bit::$name), self.$name),)* off }
            }
        }
    };
}

macro_rules! kept {
    (optional, $stated:expr, $value:expr) => {
        $value.filter(|_| $stated)
    };
    (always, $stated:expr, $value:expr) => {
        $stated.then_some($value)
    };
}

macro_rules! is_off {
    (optional, $value:expr) => {
        $value.is_none()
    };
    (always, $value:expr) => {
        false
    };
}

circuit_options!(options);

// Each option has a bit in a circuit's `Dials`.
const _: () = assert!(NAMES.len() <= u32::BITS as usize);

impl Options {
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    pub(super) const NONE: Self = Self(0);

    pub(super) const fn has(self, bit: Bit) -> bool {
        self.0 >> bit as u32 & 1 == 1
    }

    pub(super) const fn with(self, bit: Bit) -> Self {
        Self(self.0 | 1 << bit as u32)
    }

    pub(super) const fn without(self, bit: Bit) -> Self {
        Self(self.0 & !(1 << bit as u32))
    }
}

impl Config {
    /// The names of the stated options, as in the attribute.
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
        let names = NAMES.iter().copied().enumerate();
        names.filter(move |(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::settings::any_config;

    proptest! {
        #[test]
        fn settings_and_what_was_stated_make_the_config_again(config in any_config()) {
            prop_assert_eq!(config.settings().stating(config.options()), config);
            let shown = config.to_string();
            let names: Vec<_> =
                shown.split(", ").filter_map(|it| Some(it.split_once('=')?.0)).collect();
            prop_assert_eq!(config.stated().collect::<Vec<_>>(), names);
        }
    }
}
