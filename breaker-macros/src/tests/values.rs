//! Messages about values of the wrong kind.

use crate::guard::guard;

/// The errors of an attribute on a function that could be guarded.
fn said(option: &str) -> String {
    let args =
        format!("name = \"prices\", {option}").parse().expect("the test's tokens are tokens");
    let function = "fn price() -> Option<u32> { None }".parse().expect("a function");
    guard(args, &function).to_string()
}

#[test]
fn a_value_of_the_wrong_kind_is_told_what_is_expected() {
    for (option, expected) in [
        ("minimum_calls = \"many\"", "`minimum_calls` takes a whole number, at least 1"),
        ("minimum_calls = true", "`minimum_calls` takes a whole number, at least 1"),
        ("window = 'a'", "`window` takes a number of calls or a duration: write `100` or"),
        ("window = (1, 2)", "`window` takes a literal or a constant"),
        ("failure_rate = 1u8", "`failure_rate` must be an `f64`: write `1` without a suffix"),
        ("failure_rate = 0.5f32", "`failure_rate` must be an `f64`: write `0.5` without a suffix"),
        ("failure_rate = true", "`failure_rate` takes a number, a share: more than 0, at most 1"),
        ("failure_rate = \"half\"", "`failure_rate` takes a number, a share"),
        ("cooldown = 'a'", "`cooldown` takes a duration, such as"),
        ("cooldown = -5", "`cooldown` takes a duration, such as"),
        ("on_cancel = failure_after", "`failure_after` takes one duration: write `failure_after("),
        ("on_cancel = failure_after()", "`failure_after` takes one duration: write"),
        ("on_cancel = failure_after(\"1s\", \"2s\")", "`failure_after` takes one duration: write"),
        ("on_cancel = failure_after(\"0s\")", "`failure_after` must be longer than 0"),
        ("on_cancel = failure_after(\"80\")", "`failure_after` needs a unit: write `\\\"80s\\\"`"),
        ("on_cancel = failure_after(80)", "`failure_after` needs a unit: write `\\\"80s\\\"`"),
        (
            "on_cancel = failure_after(ignore)()",
            "`on_cancel` is `ignore`, `failure` or `failure_after(",
        ),
        ("on_cancel = failure_after(|| 1)", "`failure_after` takes a literal or a constant"),
        ("cooldown = [1]", "`cooldown` takes a literal or a constant"),
    ] {
        let said = said(option);
        assert!(said.contains(expected), "{option}: {said}");
    }
}

#[test]
fn a_misspelt_word_finds_the_nearest() {
    for (option, hint) in [
        ("fleet = quorom", "`fleet` is `off`, `quorum` or `any`; did you mean `quorum`?"),
        ("fleet = \"quorom\"", "`fleet` is `off`, `quorum` or `any`; did you mean `quorum`?"),
        ("mode = observed", "`mode` is `normal` or `observe`; did you mean `observe`?"),
        ("fallback = None, fallback_on = rejectd", "`any` or `rejected`; did you mean `rejected`?"),
        ("on_cancel = failur", "; did you mean `failure`?"),
        ("on_cancel = failure_afer", "; did you mean `failure_after`?"),
    ] {
        let said = said(option);
        assert!(said.contains(hint), "{option}: {said}");
    }
    let said = said("on_cancel = success");
    assert!(!said.contains("did you mean"), "nothing is near: {said}");
}

#[test]
fn a_missing_value_is_shown_by_an_example() {
    for (option, example) in [
        ("failure_rate", "failure_rate = 0.5"),
        ("cooldown_multiplier", "cooldown_multiplier = 2.0"),
        ("cooldown_jitter", "cooldown_jitter = 0.1"),
        ("max_wait", "max_wait = \\\"30s\\\""),
        ("key", "key = host"),
        ("ignore_if", "ignore_if = |value| ..."),
        ("open_for", "open_for = |value| ..."),
        ("hung_after", "hung_after = \\\"30s\\\""),
        ("on_cancel", "on_cancel = ignore"),
        ("fallback", "fallback = my_function"),
        ("crate", "crate = ::my_crate::breaker_runtime"),
    ] {
        let said = said(option);
        assert!(said.contains(&format!("`{option}` needs a value: write `{example}`")), "{said}");
    }
}
