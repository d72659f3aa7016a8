//! The table of options, for pages and tools that show a config.

use breaker_options::{Entry, OPTIONS, Scope, find};

use super::Config;

/// An option of a circuit, as the documentation shows it. [`Config::table`] lists all of them.
///
/// # Examples
///
/// ```
/// use breaker_runtime::Config;
///
/// let cooldown = Config::table().find(|option| option.name == "cooldown").unwrap();
/// assert_eq!((cooldown.kind, cooldown.default), ("duration", "60s"));
/// assert_eq!(cooldown.value, "duration, longer than 0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigOption {
    /// The name, as in the attribute.
    pub name: &'static str,
    /// The kind of value: `count`, `share`, `factor`, `spread`, `duration`, `wait`, `window`, `mode` or `policy`. More
    /// kinds may come.
    pub kind: &'static str,
    /// The values it takes, in words.
    pub value: String,
    /// Whether `off` switches it off, from outside the code.
    pub may_be_off: bool,
    /// What holds if it is not stated, in words.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
}

impl Config {
    /// Every option that a config can state, in the order of the documentation.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Config;
    ///
    /// for option in Config::table() {
    ///     println!("{}: {} Default: {}.", option.name, option.meaning, option.default);
    /// }
    /// ```
    pub fn table() -> impl Iterator<Item = ConfigOption> {
        let of_circuits = OPTIONS.iter().filter(|entry| entry.scope == Scope::Circuit);
        of_circuits.map(|entry| ConfigOption {
            name: entry.name,
            kind: entry.takes.kind(),
            value: Entry { needs: needed(entry), ..*entry }.value(),
            may_be_off: entry.may_be_off,
            default: entry.default,
            meaning: entry.meaning,
        })
    }
}

/// The option of a circuit that must be stated too.
fn needed(entry: &Entry) -> &'static str {
    let is_of_circuits = |entry: &Entry| entry.scope == Scope::Circuit;
    find(entry.needs).filter(|entry| is_of_circuits(entry)).map_or("", |entry| entry.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_what_the_table_says_where_it_says_a_value() {
        let mut written = 0;
        for ConfigOption { name, default, .. } in Config::table() {
            let entry = find(name).expect("an option");
            if entry.read(default).is_err() {
                continue;
            }
            let needed = match needed(entry) {
                "" => String::new(),
                other => format!("{other}=1, "),
            };
            let without: Config = needed.parse().expect("the option that it needs");
            let stated: Config = format!("{needed}{name}={default}").parse().expect("a default");
            assert_eq!(stated.settings(), without.settings(), "{name}");
            written += 1;
        }
        assert!(written > 5, "{written}");
    }

    #[test]
    fn a_config_needs_no_option_of_the_function() {
        let value = |name| Config::table().find(|option| option.name == name).unwrap().value;
        assert_eq!(value("open_for_max"), "duration, longer than 0");
        assert_eq!(value("max_wait"), "duration, may be 0; needs `max_concurrent`");
    }
}
