//! Finds the option that a word means: by its name, by another library's name for it, or by a misspelling.

use crate::table::{Entry, OPTIONS};

/// Names of our options in resilience4j, Polly, gobreaker, failsafe, hystrix and similar libraries.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("allowed_half_open_calls", "half_open_max_calls"),
    ("backoff", "cooldown"),
    ("backoff_multiplier", "cooldown_multiplier"),
    ("break_duration", "cooldown"),
    ("bucket_size", "window"),
    ("circuit", "name"),
    ("circuit_config", "config"),
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
    ("settings", "config"),
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

/// Some libraries mean the time limit of a call by these, and others the time that a circuit stays open.
const TIMEOUTS: [&str; 2] = ["timeout", "timeout_duration"];

/// What is wrong with an option that is stated outside the code. Read it after the option's name.
pub(crate) const IS_CODE: &str = "is code, so it can only be set in the attribute";

/// The minimum similarity of a misspelling.
const SIMILAR: f64 = 0.75;

/// Finds an option by its name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    const ALL: &[Entry] = &OPTIONS;
    ALL.iter().find(|entry| entry.name == name)
}

/// Finds a setting by its name: an option that can be set outside the code.
///
/// # Errors
///
/// What is wrong with the name: no option has it, or the option is code.
pub fn setting(name: &str) -> Result<&'static Entry, String> {
    let option = find(name).ok_or_else(|| unknown(name))?;
    if option.is_setting { Ok(option) } else { Err(format!("`{name}` {IS_CODE}")) }
}

/// The option that an unknown word probably means.
#[must_use]
pub fn meant(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let neighbour = NEIGHBOURS.iter().find(|(theirs, _)| *theirs == word);
    neighbour
        .map(|(_, ours)| *ours)
        .or_else(|| nearest(&word, OPTIONS.iter().map(|entry| entry.name)))
}

/// The error message about an unknown word.
#[must_use]
pub fn unknown(word: &str) -> String {
    if TIMEOUTS.contains(&word) {
        return format!("unknown option `{word}`; did you mean `call_timeout` or `cooldown`?");
    }
    if let Some(ours) = meant(word) {
        return format!("unknown option `{word}`; did you mean `{ours}`?");
    }
    let names: Vec<_> = OPTIONS.iter().map(|entry| format!("`{}`", entry.name)).collect();
    format!("unknown option `{word}`; the options are {}", names.join(", "))
}

/// What to add to a message about an unknown word: the [`nearest`] of the known words, or nothing.
pub fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// The most similar of the known words, if one is similar enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        // Comparing costs the product of the lengths. Words of such different lengths are not similar anyway.
        .filter(|known| word.len() / 4 <= known.len())
        .map(|known| (strsim::normalized_damerau_levenshtein(word, known), known))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_words_are_translated() {
        assert_eq!(
            unknown("reset_timeout"),
            "unknown option `reset_timeout`; did you mean `cooldown`?"
        );
        for (theirs, ours) in NEIGHBOURS {
            assert!(unknown(theirs).ends_with(&format!("`{ours}`?")), "{theirs}");
            assert!(find(ours).is_some(), "{ours} is an option");
            assert!(find(theirs).is_none(), "{theirs} is not");
        }
    }

    #[test]
    fn a_timeout_may_mean_one_of_two_things() {
        assert!(unknown("timeout").ends_with("did you mean `call_timeout` or `cooldown`?"));
    }

    #[test]
    fn misspelt_options_find_the_nearest() {
        assert!(unknown("failure_treshold").ends_with("`failure_threshold`?"));
        assert!(unknown("falback").ends_with("`fallback`?"));
        assert!(unknown("Name").ends_with("`name`?"));
    }

    #[test]
    fn an_option_that_is_code_is_no_setting() {
        assert_eq!(setting("cooldown").unwrap().name, "cooldown");
        assert_eq!(
            setting("fallback").unwrap_err(),
            "`fallback` is code, so it can only be set in the attribute"
        );
        assert_eq!(setting("Name").unwrap_err(), unknown("Name"));
    }

    #[test]
    fn a_word_like_none_lists_them_all() {
        assert!(unknown("colour").contains("the options are `name`, `failure_threshold`"));
    }
}
