//! The words of the attribute: its options, what each takes, and what neighbours call them.

use proc_macro2::Ident;

/// What the value of an option must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    /// A string literal.
    Name,
    /// An integer, from 1 to this.
    Count(u32),
    /// More than 0, at most 1.
    Share,
    /// At least 1.
    Factor,
    /// At least 0, less than 1.
    Spread,
    Duration,
    /// A closure or a path.
    Predicate,
    /// One of these words.
    Word(&'static [&'static str]),
    Fallback,
    CratePath,
}

const ANY: u32 = u32::MAX;

/// Every option, in the order of the documentation.
pub(crate) const OPTIONS: &[(&str, Value)] = &[
    ("name", Value::Name),
    ("failure_threshold", Value::Count(ANY)),
    ("failure_rate", Value::Share),
    ("window", Value::Count(1_000_000)),
    ("minimum_calls", Value::Count(ANY)),
    ("slow_call", Value::Duration),
    ("slow_call_rate", Value::Share),
    ("cooldown", Value::Duration),
    ("cooldown_multiplier", Value::Factor),
    ("cooldown_max", Value::Duration),
    ("cooldown_jitter", Value::Spread),
    ("half_open_max_calls", Value::Count(ANY)),
    ("success_threshold", Value::Count(ANY)),
    ("half_open_failure_threshold", Value::Count(ANY)),
    ("probe_timeout", Value::Duration),
    ("failure_if", Value::Predicate),
    ("ignore_if", Value::Predicate),
    ("on_cancel", Value::Word(&["ignore", "failure"])),
    ("fallback", Value::Fallback),
    ("fallback_on", Value::Word(&["any", "rejected"])),
    ("crate", Value::CratePath),
];

/// What resilience4j, Polly, gobreaker, failsafe, hystrix and their like call our options.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("allowed_half_open_calls", "half_open_max_calls"),
    ("backoff", "cooldown"),
    ("backoff_multiplier", "cooldown_multiplier"),
    ("break_duration", "cooldown"),
    ("bucket_size", "window"),
    ("circuit", "name"),
    ("circuit_name", "name"),
    ("consecutive_failures", "failure_threshold"),
    ("delay", "cooldown"),
    ("duration_of_break", "cooldown"),
    ("error_rate", "failure_rate"),
    ("error_rate_threshold", "failure_rate"),
    ("error_threshold_percentage", "failure_rate"),
    ("exponential_backoff_multiplier", "cooldown_multiplier"),
    ("failure_percentage", "failure_rate"),
    ("failure_predicate", "failure_if"),
    ("failure_rate_threshold", "failure_rate"),
    ("failure_ratio", "failure_rate"),
    ("failures", "failure_threshold"),
    ("fallback_fn", "fallback"),
    ("fallback_function", "fallback"),
    ("fallback_method", "fallback"),
    ("half_open_requests", "half_open_max_calls"),
    ("handle", "failure_if"),
    ("id", "name"),
    ("ignore", "ignore_if"),
    ("ignore_errors", "ignore_if"),
    ("ignore_exceptions", "ignore_if"),
    ("interval", "window"),
    ("is_failure", "failure_if"),
    ("is_successful", "failure_if"),
    ("jitter", "cooldown_jitter"),
    ("latency_threshold", "slow_call"),
    ("latency_threshold_ms", "slow_call"),
    ("max_backoff", "cooldown_max"),
    ("max_failures", "failure_threshold"),
    ("max_requests", "half_open_max_calls"),
    ("max_wait_duration_in_half_open_state", "probe_timeout"),
    ("minimum_number_of_calls", "minimum_calls"),
    ("minimum_throughput", "minimum_calls"),
    ("open_duration", "cooldown"),
    ("permitted_calls_in_half_open", "half_open_max_calls"),
    ("permitted_number_of_calls_in_half_open_state", "half_open_max_calls"),
    ("ready_to_trip", "failure_threshold"),
    ("record_exceptions", "failure_if"),
    ("record_if", "failure_if"),
    ("recovery_timeout", "cooldown"),
    ("request_volume_threshold", "minimum_calls"),
    ("reset_timeout", "cooldown"),
    ("retry_after", "cooldown"),
    ("sampling_duration", "window"),
    ("should_handle", "failure_if"),
    ("sleep_window", "cooldown"),
    ("sliding_window", "window"),
    ("sliding_window_size", "window"),
    ("slow_call_duration_threshold", "slow_call"),
    ("slow_call_rate_threshold", "slow_call_rate"),
    ("slow_threshold", "slow_call"),
    ("success_count", "success_threshold"),
    ("threshold", "failure_threshold"),
    ("timeout", "cooldown"),
    ("timeout_duration", "cooldown"),
    ("volume_threshold", "minimum_calls"),
    ("wait_duration", "cooldown"),
    ("wait_duration_in_open_state", "cooldown"),
    ("window_size", "window"),
];

/// How near two words must be for one to be taken for a misspelling of the other.
const SIMILAR: f64 = 0.75;

/// The option of that name.
pub(crate) fn find(key: &Ident) -> Option<(&'static str, Value)> {
    OPTIONS.iter().copied().find(|(name, _)| key == name)
}

/// The option that was meant by a word that is none.
pub(crate) fn meant(key: &Ident) -> Option<&'static str> {
    let word = key.to_string().to_lowercase();
    let neighbour = NEIGHBOURS.iter().find(|(theirs, _)| *theirs == word);
    neighbour.map(|(_, ours)| *ours).or_else(|| nearest(&word))
}

/// What to say of a word that is no option.
pub(crate) fn unknown(key: &Ident, meant: Option<&str>) -> String {
    if let Some(ours) = meant {
        return format!("unknown option `{key}`; did you mean `{ours}`?");
    }
    let names: Vec<_> = OPTIONS.iter().map(|(name, _)| format!("`{name}`")).collect();
    format!("unknown option `{key}`; the options are {}", names.join(", "))
}

fn nearest(word: &str) -> Option<&'static str> {
    let names = OPTIONS.iter().map(|(name, _)| *name);
    names
        .map(|name| (strsim::normalized_damerau_levenshtein(word, name), name))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggestion(word: &str) -> String {
        let key = Ident::new(word, proc_macro2::Span::call_site());
        unknown(&key, meant(&key))
    }

    #[test]
    fn neighbours_words_are_translated() {
        assert_eq!(
            suggestion("reset_timeout"),
            "unknown option `reset_timeout`; did you mean `cooldown`?"
        );
        for (theirs, ours) in NEIGHBOURS {
            assert!(suggestion(theirs).ends_with(&format!("`{ours}`?")), "{theirs}");
            assert!(OPTIONS.iter().any(|(name, _)| name == ours), "{ours} is an option");
            assert!(OPTIONS.iter().all(|(name, _)| name != theirs), "{theirs} is not");
        }
    }

    #[test]
    fn misspelt_options_find_the_nearest() {
        assert!(suggestion("failure_treshold").ends_with("`failure_threshold`?"));
        assert!(suggestion("falback").ends_with("`fallback`?"));
        assert!(suggestion("Name").ends_with("`name`?"));
    }

    #[test]
    fn a_word_like_none_lists_them_all() {
        assert!(suggestion("colour").contains("the options are `name`, `failure_threshold`"));
    }
}
