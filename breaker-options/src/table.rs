//! The table of options.

use crate::takes::Takes;

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name, the same in every place.
    pub name: &'static str,
    /// The kind of value.
    pub takes: Takes,
    /// Whether it belongs to the circuit or to the annotated function.
    pub scope: Scope,
    /// Whether `off` switches it off.
    pub may_be_off: bool,
    /// Whether it can be set from outside the code: by a file, the environment or an override.
    pub is_setting: bool,
    /// The default, in words.
    pub default: &'static str,
    /// The option that must be stated too. Empty if there is none.
    pub needs: &'static str,
    /// Further limits of the value, in words. Empty if there are none.
    pub limits: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
}

impl Entry {
    /// The values it takes, in words.
    #[must_use]
    pub fn value(&self) -> String {
        let takes = self.takes.to_string();
        let needs = match self.needs {
            "" => String::new(),
            option => format!("needs `{option}`"),
        };
        let parts = [takes.as_str(), self.limits, needs.as_str()];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("; ")
    }
}

/// What an option belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The circuit. All functions of one name share it, and `Config` can state it.
    Circuit,
    /// The annotated function.
    Function,
}

/// Passes every option of a circuit to the given macro, in the order of the documentation.
///
/// A row is `name: Takes => kept, { .. }`. *Kept* says what the option is once defaults are filled in:
/// `optional` if it can be off, `always` if it always has a value. The braces hold the texts of its
/// [`Entry`].
#[macro_export]
macro_rules! circuit_options {
    ($then:ident) => {
        $then! {
            failure_threshold: Count => optional, {
                default: "5; off with `failure_rate`", needs: "", limits: "",
                meaning: "Consecutive failures that open the circuit.",
            }
            failure_rate: Share => optional, {
                default: "off", needs: "", limits: "",
                meaning: "The share of failed calls in the window that opens the circuit.",
            }
            window: Window => always, {
                default: "100", needs: "", limits: "",
                meaning: "The sliding window that rates are computed over: the last N calls, or the last D of time.",
            }
            minimum_calls: Count => always, {
                default: "10, or the window if it is smaller", needs: "", limits: "at most the window, if that is a number of calls",
                meaning: "No rate is judged while the window holds fewer calls.",
            }
            slow_call: Duration => optional, {
                default: "off", needs: "", limits: "",
                meaning: "A call that takes longer is slow.",
            }
            slow_call_rate: Share => optional, {
                default: "0.5 with `slow_call`", needs: "slow_call", limits: "",
                meaning: "The share of slow calls in the window that opens the circuit.",
            }
            cooldown: Duration => always, {
                default: "60s", needs: "", limits: "",
                meaning: "How long the circuit stays open before it allows probes.",
            }
            cooldown_multiplier: Factor => always, {
                default: "1", needs: "", limits: "",
                meaning: "Each re-opening without a close in between waits this many times longer.",
            }
            cooldown_max: Duration => always, {
                default: "10 times `cooldown`", needs: "cooldown_multiplier", limits: "at least `cooldown`",
                meaning: "The longest cooldown, jitter included.",
            }
            cooldown_jitter: Spread => always, {
                default: "0", needs: "", limits: "",
                meaning: "Spreads each cooldown by up to this share either way.",
            }
            half_open_max_calls: Count => always, {
                default: "3", needs: "", limits: "",
                meaning: "Probes in flight at once.",
            }
            success_threshold: Count => always, {
                default: "3", needs: "", limits: "",
                meaning: "Successful probes that close the circuit.",
            }
            half_open_failure_threshold: Count => always, {
                default: "1; 2 with `slow_call`", needs: "", limits: "",
                meaning: "Failed probes that open the circuit again.",
            }
            probe_timeout: Duration => always, {
                default: "the largest of `cooldown`, twice `slow_call`, and 30s", needs: "", limits: "at least `slow_call`",
                meaning: "A probe that takes longer loses its slot and counts as failed.",
            }
            hung_after: LongDuration => optional, {
                default: "off", needs: "", limits: "at least `slow_call`",
                meaning: "A call in flight for longer counts as failed before it ends.",
            }
            recovery: Duration => optional, {
                default: "off", needs: "", limits: "",
                meaning: "How long after a recovery the share of admitted calls grows from a tenth to all.",
            }
            open_for_max: Duration => always, {
                default: "10m", needs: "open_for", limits: "",
                meaning: "The longest time that a failure may ask the circuit to stay open for.",
            }
            timings: Flag => always, {
                default: "`false`", needs: "", limits: "",
                meaning: "Whether the circuit keeps a histogram of how long its calls take.",
            }
            max_concurrent: Count => optional, {
                default: "off", needs: "", limits: "",
                meaning: "Calls in flight at once; one more is refused.",
            }
            max_wait: Wait => always, {
                default: "0s", needs: "max_concurrent", limits: "",
                meaning: "How long a call may wait for a slot of `max_concurrent`.",
            }
            mode: Mode => always, {
                default: "`normal`", needs: "", limits: "",
                meaning: "How the circuit is run; `observe` judges and reports, and never refuses a call.",
            }
            fleet: Policy => always, {
                default: "`off`", needs: "", limits: "",
                meaning: "How many processes of a fleet must open the circuit before all of them do.",
            }
        }
    };
}

macro_rules! may_be_off {
    (optional) => {
        true
    };
    (always) => {
        false
    };
}

/// A limit that one option's value sets for another's.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// The option that is wrong if the two contradict each other.
    pub option: &'static str,
    /// Whether `by` is the maximum. Otherwise it is the minimum.
    pub is_most: bool,
    /// The option that sets the limit.
    pub by: &'static str,
    /// What is wrong then. Read it after the option's name.
    pub problem: &'static str,
}

/// Passes every pair of options that limit each other to the given macro.
///
/// A row is `option: Takes => kept, <= by: Takes => kept, problem;`, or `>=`. *Kept* is as in
/// [`circuit_options`]. An option that is off sets no limit.
#[macro_export]
macro_rules! circuit_bounds {
    ($then:ident) => {
        $then! {
            minimum_calls: Count => always, <= window: Window => always,
                "must not be more than the window holds";
            cooldown_max: Duration => always, >= cooldown: Duration => always,
                "must not be shorter than `cooldown`";
            probe_timeout: Duration => always, >= slow_call: Duration => optional,
                "must not be shorter than `slow_call`";
            hung_after: LongDuration => optional, >= slow_call: Duration => optional,
                "must not be shorter than `slow_call`";
        }
    };
}

macro_rules! bounds {
    ($(
        $option:ident: $takes:ident => $kept:ident, $sign:tt $by:ident: $limit:ident => $limit_kept:ident,
        $problem:literal;
    )*) => {
        /// Every pair of options that limit each other.
        pub const BOUNDS: &[Bound] = &[$(
            Bound {
                option: stringify!($option),
                is_most: is_most!($sign),
                by: stringify!($by),
                problem: $problem,
            }
        ),*];
    };
}

macro_rules! is_most {
    (<=) => {
        true
    };
    (>=) => {
        false
    };
}

circuit_bounds!(bounds);

macro_rules! entries {
    ($($name:ident: $takes:ident => $kept:ident, {
        default: $default:literal, needs: $needs:literal, limits: $limits:literal, meaning: $meaning:literal,
    })*) => {
        const CIRCUIT: &[Entry] = &[$(
            Entry {
                name: stringify!($name),
                takes: Takes::$takes,
                scope: Scope::Circuit,
                may_be_off: may_be_off!($kept),
                is_setting: true,
                default: $default,
                needs: $needs,
                limits: $limits,
                meaning: $meaning,
            }
        ),*];
    };
}

circuit_options!(entries);

const fn of_the_function(name: &'static str, takes: Takes, meaning: &'static str) -> Entry {
    let (default, needs, limits) = ("", "", "");
    let (may_be_off, is_setting, scope) = (false, false, Scope::Function);
    Entry { name, takes, scope, may_be_off, is_setting, default, needs, limits, meaning }
}

const NAME: Entry = Entry {
    default: "required",
    limits: "1 to 128 bytes, not blank, no control characters; no `/` with `key`",
    ..of_the_function("name", Takes::Name, "The name of the circuit.")
};

const FUNCTION: &[Entry] = &[
    Entry {
        default: "off",
        limits: "async functions only",
        may_be_off: true,
        is_setting: true,
        ..of_the_function(
            "call_timeout",
            Takes::Duration,
            "A call that takes longer is dropped and counts as a failure.",
        )
    },
    Entry {
        default: "`Err` and `None` are failures",
        limits: "`Fn(&Output) -> bool`",
        ..of_the_function(
            "failure_if",
            Takes::Predicate,
            "Which results are failures; all others are successes.",
        )
    },
    Entry {
        default: "none",
        limits: "`Fn(&E) -> bool`; the function returns a `Result`",
        ..of_the_function(
            "ignore_if",
            Takes::Predicate,
            "Which errors are ignored; checked before `failure_if`.",
        )
    },
    Entry {
        default: "none",
        limits: "`Fn(&E) -> Option<Duration>`; the function returns a `Result`",
        ..of_the_function(
            "open_for",
            Takes::Predicate,
            "How long an error asks to stay away: the circuit opens for that long, at most for `open_for_max`.",
        )
    },
    Entry {
        default: "none",
        limits: "`Fn(&E) -> impl Display`; the function returns a `Result`",
        ..of_the_function(
            "describe_error",
            Takes::Predicate,
            "The words of an error that snapshots, events and the page show: of the last failure, and of the one that opened the circuit.",
        )
    },
    Entry {
        default: "what `failure_if` says",
        limits: "not with `failure_if`, `ignore_if`, `open_for` and `describe_error`",
        ..of_the_function(
            "failures",
            Takes::Word(&["panics"]),
            "`panics`: no result is a failure; only a panic is.",
        )
    },
    Entry {
        default: "`ignore`",
        limits: "async functions only",
        ..of_the_function(
            "on_cancel",
            Takes::Word(&["ignore", "failure", "failure_after(\"80ms\")"]),
            "What a dropped future counts as; with `failure_after`, a failure if it ran for longer.",
        )
    },
    Entry {
        default: "none",
        ..of_the_function(
            "fallback",
            Takes::Fallback,
            "What runs instead if the call is refused, times out or returns an `Err` that failed.",
        )
    },
    Entry {
        default: "`any`",
        needs: "fallback",
        ..of_the_function(
            "fallback_on",
            Takes::Word(&["any", "rejected"]),
            "Whether the fallback also answers failures and timeouts, or only refused calls.",
        )
    },
    Entry {
        default: "none",
        ..of_the_function(
            "config",
            Takes::Config,
            "Options of the circuit to begin with; those stated beside it win.",
        )
    },
    Entry {
        default: "none",
        limits: "of any type that is `Display`",
        ..of_the_function("key", Takes::Key, "One circuit for each value, named `name/key`.")
    },
    Entry {
        default: "1024",
        needs: "key",
        is_setting: true,
        ..of_the_function("max_keys", Takes::Count, "The maximum number of circuits by key.")
    },
    Entry {
        default: "`::breaker_runtime`",
        ..of_the_function(
            "crate",
            Takes::CratePath,
            "The path of this crate, if it is renamed or re-exported.",
        )
    },
];

/// Every option, in the order of the documentation.
pub const OPTIONS: [Entry; CIRCUIT.len() + FUNCTION.len() + 1] = {
    let mut all = [NAME; CIRCUIT.len() + FUNCTION.len() + 1];
    let mut at = 0;
    while at < CIRCUIT.len() {
        all[at + 1] = CIRCUIT[at];
        at += 1;
    }
    while at < CIRCUIT.len() + FUNCTION.len() {
        all[at + 1] = FUNCTION[at - CIRCUIT.len()];
        at += 1;
    }
    all
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_there_once() {
        for (at, entry) in OPTIONS.iter().enumerate() {
            assert!(OPTIONS[..at].iter().all(|other| other.name != entry.name), "{}", entry.name);
        }
        assert_eq!(OPTIONS[0].name, "name");
    }

    #[test]
    fn what_an_option_needs_is_an_option() {
        for entry in OPTIONS.iter().filter(|entry| !entry.needs.is_empty()) {
            assert!(OPTIONS.iter().any(|other| other.name == entry.needs), "{}", entry.name);
        }
    }
}
