//! Configs as text: `failure_threshold=3, cooldown=10s`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use breaker_options::{Value, circuit_options, exact, find, unknown};

use super::options::{Bit, Options};
use super::{Config, ConfigErrors, Mode, Policy, Settings, WindowSize};

/// The text of a config that states nothing.
const NOTHING: &str = "defaults";

/// Converts a value to text, and back from a value that was read.
trait AsText: Sized {
    fn write(&self) -> String;
    fn from(value: Value) -> Option<Self>;
}

impl AsText for bool {
    fn write(&self) -> String {
        self.to_string()
    }

    fn from(value: Value) -> Option<Self> {
        if let Value::Flag(is_set) = value { Some(is_set) } else { None }
    }
}

impl AsText for u32 {
    fn write(&self) -> String {
        self.to_string()
    }

    fn from(value: Value) -> Option<Self> {
        if let Value::Count(count) = value { Some(count) } else { None }
    }
}

impl AsText for f64 {
    fn write(&self) -> String {
        self.to_string()
    }

    fn from(value: Value) -> Option<Self> {
        if let Value::Number(number) = value { Some(number) } else { None }
    }
}

impl AsText for Duration {
    fn write(&self) -> String {
        exact(*self).to_string()
    }

    fn from(value: Value) -> Option<Self> {
        if let Value::Duration(duration) = value { Some(duration) } else { None }
    }
}

macro_rules! words {
    ($($type:ident)+) => {$(
        impl AsText for $type {
            fn write(&self) -> String {
                self.as_str().to_owned()
            }

            fn from(value: Value) -> Option<Self> {
                let Value::Word(word) = value else { return None };
                Self::ALL.iter().copied().find(|it| it.as_str() == word)
            }
        }
    )+};
}

words! { Mode Policy }

impl AsText for WindowSize {
    fn write(&self) -> String {
        self.to_string()
    }

    fn from(value: Value) -> Option<Self> {
        match value {
            Value::Count(calls) => Some(Self::Calls(calls)),
            Value::Duration(length) => Some(Self::Time(length)),
            Value::Number(_) | Value::Word(_) | Value::Flag(_) | Value::Off => None,
        }
    }
}

macro_rules! texts {
    ($($name:ident: $takes:ident => $kept:ident, { $($text:tt)* })*) => {
        impl Config {
            fn texts(&self) -> Vec<String> {
                let stated = [$(
                    match self.$name {
                        Some(value) => Some(format!(concat!(stringify!($name), "={}"), value.write())),
                        None => self.off.has(Bit::$name).then(|| concat!(stringify!($name), "=off").to_owned()),
                    },
                )*];
                stated.into_iter().flatten().collect()
            }

            /// States an option whose value was read. `None` if the option does not belong to a circuit.
            pub(crate) fn state(&mut self, name: &str, value: Value) -> Option<()> {
                match name {
                    $(
                        stringify!($name) if value == Value::Off => {
                            (self.$name, self.off) = (None, self.off.with(Bit::$name));
                        }
                        stringify!($name) => {
                            self.$name = Some(AsText::from(value)?);
                            self.off = self.off.without(Bit::$name);
                        }
                    )*
                    _ => return None,
                }
                Some(())
            }

            /// The same options, and the options that `over` states in their place.
            pub(crate) fn overlaid(mut self, over: &Self) -> Self {
                $(
                    if over.$name.is_some() || over.off.has(Bit::$name) {
                        self.$name = over.$name;
                        self.off = self.off.without(Bit::$name);
                    }
                )*
                self.off = Options::from_bits(self.off.bits() | over.off.bits());
                self
            }
        }
    };
}

macro_rules! written {
    (optional, $value:expr) => {
        $value.map_or_else(|| "off".to_owned(), |value| value.write())
    };
    (always, $value:expr) => {
        $value.write()
    };
}

macro_rules! setting_texts {
    ($($name:ident: $takes:ident => $kept:ident, { $($text:tt)* })*) => {
        impl Settings {
            /// The value of each option as text, in the order of the table.
            pub(crate) fn texts(&self) -> Vec<(&'static str, String)> {
                vec![$((stringify!($name), written!($kept, self.$name))),*]
            }
        }
    };
}

circuit_options!(setting_texts);
circuit_options!(texts);

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stated = self.texts();
        f.write_str(if stated.is_empty() { NOTHING } else { "" })?;
        f.write_str(&stated.join(", "))
    }
}

impl FromStr for Config {
    type Err = ConfigErrors;

    /// Reads what `Display` writes, with or without spaces. The result is [valid](Config::validate).
    ///
    /// # Errors
    ///
    /// All mistakes at once: unknown or repeated options, and values out of range.
    fn from_str(text: &str) -> Result<Self, ConfigErrors> {
        let mut config = Self::new();
        let parts = text.split(',').map(str::trim);
        let parts = parts.filter(|part| !part.is_empty() && *part != NOTHING);
        ConfigErrors::check(parts.filter_map(|part| config.read(part).err()))?;
        ConfigErrors::check(config.validate().err().map(|error| error.to_string()))?;
        Ok(config)
    }
}

impl Config {
    /// Reads what the attribute wrote, which it checked before.
    pub(super) fn of_site(text: &str) -> Self {
        let mut config = Self::new();
        for (name, value) in text.split(',').filter_map(|part| part.split_once('=')) {
            if let Some(Ok(value)) = find(name).map(|entry| entry.read(value)) {
                config.state(name, value);
            }
        }
        config
    }

    /// Reads one `option=value`.
    fn read(&mut self, part: &str) -> Result<(), String> {
        let Some((name, value)) = part.split_once('=') else {
            return Err(format!("`{part}` needs a value: write `{part}=..`"));
        };
        let name = name.trim();
        let wrong = |problem: &str| format!("`{name}` {problem}");
        let entry = find(name).ok_or_else(|| unknown(name))?;
        if self.stated().any(|stated| stated == name) {
            return Err(wrong("is given twice; keep one"));
        }
        let value = entry.read(value).map_err(|problem| wrong(&problem))?;
        self.state(name, value)
            .ok_or_else(|| wrong("belongs to the annotated function, not to the circuit"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn durations(least: u64) -> impl Strategy<Value = Duration> {
        prop_oneof![
            (least..=20_000_000_000).prop_map(Duration::from_nanos),
            (1..=u64::MAX, 0..1_000_000_000_u32)
                .prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
            Just(Duration::MAX),
        ]
    }

    fn maybe<T: std::fmt::Debug + Clone>(
        value: impl Strategy<Value = T>,
    ) -> impl Strategy<Value = Option<T>> {
        prop_oneof![Just(None), value.prop_map(Some)]
    }

    macro_rules! any_of {
        (Count) => {
            1..=u32::MAX
        };
        (Share) => {
            prop_oneof![Just(1.0), f64::MIN_POSITIVE..1.0]
        };
        (Factor) => {
            prop_oneof![Just(1.0), 1.0..1e300]
        };
        (Spread) => {
            0.0..1.0
        };
        (Duration) => {
            durations(1)
        };
        (LongDuration) => {
            durations(10_000_000)
        };
        (Wait) => {
            durations(0)
        };
        (Mode) => {
            prop::sample::select(vec![Mode::Normal, Mode::Observe])
        };
        (Flag) => {
            prop::bool::ANY
        };
        (Policy) => {
            prop::sample::select(Policy::ALL.to_vec())
        };
        (Window) => {
            prop_oneof![
                (1..=1_000_000_u32).prop_map(WindowSize::Calls),
                durations(10_000_000).prop_map(WindowSize::Time),
            ]
        };
    }

    macro_rules! any {
        ($($name:ident: $takes:ident => $kept:ident, { $($text:tt)* })*) => {
            /// Any values that are in range each, whether or not they go together.
            fn any_values() -> impl Strategy<Value = Config> {
                let mut config = Just(Config::new()).boxed();
                $(
                    let value = maybe(any_of!($takes));
                    config = (config, value).prop_map(|(config, $name)| Config { $name, ..config }).boxed();
                )*
                config
            }
        };
    }

    circuit_options!(any);

    /// Any valid config.
    pub(crate) fn any_config() -> impl Strategy<Value = Config> {
        any_values().prop_map(|mut config| {
            // What lacks its companion or contradicts another option is left out.
            while let Err(error) = config.validate() {
                let text = config.texts();
                let kept =
                    text.iter().filter(|it| !it.starts_with(&format!("{}=", error.option())));
                let mut rest = Config::new();
                for part in kept {
                    rest.read(part).unwrap();
                }
                if rest == config {
                    // A default contradicts what is stated.
                    return Config::new();
                }
                config = rest;
            }
            config
        })
    }

    fn refused(text: &str) -> Vec<String> {
        let errors = text.parse::<Config>().unwrap_err();
        errors.to_string().lines().map(str::to_owned).collect()
    }

    proptest! {
        #[test]
        fn r23_a_written_config_is_read_exactly(config in any_config()) {
            prop_assert_eq!(config.to_string().parse(), Ok(config));
        }

        #[test]
        fn two_configs_that_differ_are_written_differently(one in any_config(), other in any_config()) {
            prop_assert_eq!(one == other, one.to_string() == other.to_string());
        }

        #[test]
        fn no_text_makes_reading_panic(text: String) {
            let _ = text.parse::<Config>();
        }
    }

    #[test]
    fn spaces_do_not_matter_and_shares_can_be_percentages() {
        let config = Config::new().failure_rate(0.25).time_window(Duration::from_secs(90));
        assert_eq!("failure_rate=25%,window=1m 30s".parse(), Ok(config));
        assert_eq!(" failure_rate = 0.25 , window = 90s ,".parse(), Ok(config));
        assert_eq!("".parse(), Ok(Config::new()));
        assert_eq!(Config::new().to_string(), "defaults");
    }

    #[test]
    fn r33_all_mistakes_are_told_at_once() {
        assert_eq!(
            refused("failure_treshold=3, cooldown=5, failure_rate=50, window"),
            [
                "unknown option `failure_treshold`; did you mean `failure_threshold`?",
                "`cooldown` needs a unit: write `\"5s\"` or `\"5ms\"`",
                "`failure_rate` must be a share: more than 0, at most 1; for 50 % write `0.5` or `50%`",
                "`window` needs a value: write `window=..`",
            ]
        );
        assert_eq!(refused("cooldown=1s, cooldown=2s"), ["`cooldown` is given twice; keep one"]);
        assert_eq!(refused("slow_call_rate=0.5"), ["`slow_call_rate` needs `slow_call`"]);
        assert!(refused("call_timeout=5s")[0].contains("belongs to the annotated function"));
        assert!(refused("fallback=x")[0].contains("is code"));
    }
}
