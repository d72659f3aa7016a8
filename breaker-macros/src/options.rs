//! The words of the attribute: its options, what each takes, and what neighbours call them.

use proc_macro2::Ident;

/// What the value of an option must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Takes {
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
    /// Longer than 0.
    Duration,
    /// A duration that may be 0.
    Wait,
    /// So many calls, or a duration.
    Window,
    /// A closure or a path.
    Predicate,
    /// One of these words.
    Word(&'static [&'static str]),
    Fallback,
    /// Any expression over the arguments.
    Key,
    CratePath,
}

const ANY: u32 = u32::MAX;

/// Every option, in the order of the documentation.
pub(crate) const OPTIONS: &[(&str, Takes)] = &[
    ("name", Takes::Name),
    ("failure_threshold", Takes::Count(ANY)),
    ("failure_rate", Takes::Share),
    ("window", Takes::Window),
    ("minimum_calls", Takes::Count(ANY)),
    ("slow_call", Takes::Duration),
    ("slow_call_rate", Takes::Share),
    ("cooldown", Takes::Duration),
    ("cooldown_multiplier", Takes::Factor),
    ("cooldown_max", Takes::Duration),
    ("cooldown_jitter", Takes::Spread),
    ("half_open_max_calls", Takes::Count(ANY)),
    ("success_threshold", Takes::Count(ANY)),
    ("half_open_failure_threshold", Takes::Count(ANY)),
    ("probe_timeout", Takes::Duration),
    ("max_concurrent", Takes::Count(ANY)),
    ("max_wait", Takes::Wait),
    ("call_timeout", Takes::Duration),
    ("failure_if", Takes::Predicate),
    ("ignore_if", Takes::Predicate),
    ("on_cancel", Takes::Word(&["ignore", "failure", "failure_after(\"80ms\")"])),
    ("fallback", Takes::Fallback),
    ("fallback_on", Takes::Word(&["any", "rejected"])),
    ("key", Takes::Key),
    ("max_keys", Takes::Count(ANY)),
    ("crate", Takes::CratePath),
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
    ("max_concurrent_calls", "max_concurrent"),
    ("max_failures", "failure_threshold"),
    ("max_parallelization", "max_concurrent"),
    ("max_requests", "half_open_max_calls"),
    ("max_wait_duration", "max_wait"),
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
    ("time_limit", "call_timeout"),
    ("volume_threshold", "minimum_calls"),
    ("wait_duration", "cooldown"),
    ("wait_duration_in_open_state", "cooldown"),
    ("window_size", "window"),
];

/// What some call the limit of a call, and others how long a circuit stays open.
const TIMEOUTS: [&str; 2] = ["timeout", "timeout_duration"];

/// How near two words must be for one to be taken for a misspelling of the other.
const SIMILAR: f64 = 0.75;

/// The option of that name.
pub(crate) fn find(key: &Ident) -> Option<(&'static str, Takes)> {
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
    if TIMEOUTS.iter().any(|theirs| key == theirs) {
        return format!("unknown option `{key}`; did you mean `call_timeout` or `cooldown`?");
    }
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
    fn a_timeout_may_mean_one_of_two_things() {
        assert!(suggestion("timeout").ends_with("did you mean `call_timeout` or `cooldown`?"));
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
