//! Numbers, durations, names and causes as the page writes them.

use breaker_options::is_hidden;

use crate::message::{Outage, Row};

/// The word of a state.
pub(crate) fn state(state: &str) -> &str {
    match state {
        "forced_open" => "forced open",
        "half_open" => "half-open",
        other => other,
    }
}

/// Seconds as `9s`, `7m 12s`, `3h 5m` or `2d 7h`.
pub(crate) fn duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
    let all = seconds.max(0.0).round() as u64;
    let (days, hours, minutes) = (all / 86_400, all / 3_600 % 24, all / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{all}s"),
        (0, 0, _) => format!("{minutes}m {:02}s", all % 60),
        (0, ..) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// A number in at most five columns: `12345`, `123k`, `1.2M`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() <= 5 {
        return digits;
    }
    let thousands = (digits.len() - 1) / 3;
    let (leading, rest) = digits.split_at(digits.len() - 3 * thousands);
    let unit = ["", "k", "M", "G", "T", "P", "E"][thousands];
    if leading.len() == 1 {
        format!("{leading}.{}{unit}", &rest[..1])
    } else {
        format!("{leading}{unit}")
    }
}

/// Calls a second: `0.3`, `12`, `123k`.
pub(crate) fn per_second(rate: f64) -> String {
    if rate > 0.0 && rate < 9.95 {
        return format!("{rate:.1}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
    count(rate.round() as u64)
}

/// A share with one decimal. Never 0 % where there was one, never 100 % where one is missing.
pub(crate) fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.0005 {
        "<0.1%".to_owned()
    } else if share < 1.0 && share > 0.9995 {
        ">99.9%".to_owned()
    } else {
        format!("{}%", (share * 1000.0).round() / 10.0)
    }
}

/// The share that `part` is of `all`.
pub(crate) fn share(part: u64, all: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a share that people read")]
    let share = part as f64 / all as f64;
    (all > 0).then_some(share)
}

pub(crate) fn plural(count: u64, word: &str) -> String {
    let number = self::count(count);
    if count == 1 { format!("{number} {word}") } else { format!("{number} {word}s") }
}

/// The text with everything in it visible: a name can be any text, and a terminal would obey some.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Why a circuit is in its state, without the state and its age, which have columns of their own.
pub(crate) fn cause(row: &Row, left: Option<f64>) -> String {
    let is_ordered = matches!(row.state.as_str(), "forced_open" | "disabled");
    let observed = if row.mode == "observe" { "observed: " } else { "" };
    // What comes next is what is waited for, so it comes first and is not cut off.
    let next = match left {
        Some(left) if left <= 0.0 => "The next call is a probe. ".to_owned(),
        Some(left) => format!("Probes in {}. ", duration(left.ceil())),
        None => String::new(),
    };
    let cause = match &row.outage {
        Some(outage) if !is_ordered => of_outage(outage),
        _ => of_explanation(row, left.is_some()),
    };
    visible(&format!("{observed}{next}{cause}"))
}

fn of_outage(Outage { first, reopenings, .. }: &Outage) -> String {
    match reopenings {
        0 => format!("First: {first}."),
        again => format!("First: {first}. {} since.", plural((*again).into(), "re-opening")),
    }
}

/// The explanation without the state, its age, and what is said of probes.
fn of_explanation(row: &Row, is_next_said: bool) -> String {
    let said = row.sentence.as_deref().unwrap_or(&row.explanation);
    let said = said.strip_prefix("observed: ").unwrap_or(said);
    let age = ["open for ", "half-open for ", "recovering for "];
    let aged = age.iter().find_map(|begin| said.strip_prefix(begin));
    let Some(aged) = aged else { return said.strip_prefix("closed: ").unwrap_or(said).to_owned() };
    let end = [aged.find(": "), aged.find(" after "), aged.find(", ")].into_iter().flatten().min();
    let rest = end.map_or(aged, |end| &aged[end..]).trim_start_matches([':', ',', ' ']);
    let parts = rest.split("; ").filter(|part| !(is_next_said && is_next(part)));
    parts.collect::<Vec<_>>().join("; ")
}

fn is_next(part: &str) -> bool {
    // With its source, such as `(breaker.toml:3)`, it says more.
    part == "the next call is a probe" || part.starts_with("probes in ") && !part.ends_with(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([0, 99_999, 123_456, 1_290_000].map(count), ["0", "99999", "123k", "1.2M"]);
        assert_eq!(count(u64::MAX), "18E");
        assert_eq!([0.0, 0.34, 9.96, 123_456.0].map(per_second), ["0", "0.3", "10", "123k"]);
        assert_eq!(
            [0.0, 0.0001, 0.035, 0.9999, 1.0].map(percent),
            ["0%", "<0.1%", "3.5%", ">99.9%", "100%"]
        );
        assert_eq!((share(1, 4), share(0, 0)), (Some(0.25), None));
    }

    #[test]
    fn durations_have_two_units() {
        let shown = [0.4, 59.0, 432.0, 11_100.0, 200_000.0].map(duration);
        assert_eq!(shown, ["0s", "59s", "7m 12s", "3h 5m", "2d 7h"]);
        assert_eq!(duration(f64::NAN), "0s");
    }

    #[test]
    fn a_name_does_nothing_to_the_terminal() {
        assert_eq!(visible("\u{202e}live\u{1b}[2J"), "\\u{202e}live\\u{1b}[2J");
        assert_eq!(visible("支払い/東京"), "支払い/東京");
    }

    fn row(explanation: &str) -> Row {
        Row { explanation: explanation.to_owned(), ..Row::default() }
    }

    #[test]
    fn a_cause_leaves_out_what_has_a_column() {
        let said = |explanation| cause(&row(explanation), None);
        assert_eq!(
            said("open for 8s: 5 failures in a row; probes in 7s"),
            "5 failures in a row; probes in 7s"
        );
        assert_eq!(
            said(
                "open for 8s, not closed for 7m 12s: at first trip(); 2 re-openings since; probes in 7s"
            ),
            "not closed for 7m 12s: at first trip(); 2 re-openings since; probes in 7s"
        );
        assert_eq!(
            said("half-open for 1s 20ms after 1 probe failed: 0 of 3 probe successes to close"),
            "after 1 probe failed: 0 of 3 probe successes to close"
        );
        assert_eq!(
            said("recovering for 3s: 19% of the calls run, all in 27s"),
            "19% of the calls run, all in 27s"
        );
        assert_eq!(said("closed: 1 failure opens it"), "1 failure opens it");
        let forced = "forced open for 3m: every call is refused until reset()";
        assert_eq!(said(forced), forced);
    }

    #[test]
    fn the_time_to_the_next_probe_comes_first_and_is_not_said_twice() {
        let open = row(
            "open for 8s, not closed for 7m 12s: at first trip(); 2 re-openings since; probes in 7s; \
             1 member voted to open it",
        );
        let expected = "Probes in 3s. not closed for 7m 12s: at first trip(); 2 re-openings since; \
                        1 member voted to open it";
        assert_eq!(cause(&open, Some(2.4)), expected);
        let open = row("open for 8s: 5 failures in a row; probes in 7s (breaker.toml:3)");
        let expected = "Probes in 3s. 5 failures in a row; probes in 7s (breaker.toml:3)";
        assert_eq!(cause(&open, Some(2.4)), expected);
        let due = row("open for 9s: trip(); the next call is a probe");
        assert_eq!(cause(&due, Some(0.0)), "The next call is a probe. trip()");
    }

    #[test]
    fn the_cause_of_an_outage_is_that_of_its_first_opening() {
        let mut open = row("open for 8s: 1 probe failed; probes in 7s");
        let first = "19 of the last 20 calls failed".to_owned();
        open.outage = Some(Outage { since: 432.0, first, reopenings: 21 });
        assert_eq!(
            cause(&open, Some(6.2)),
            "Probes in 7s. First: 19 of the last 20 calls failed. 21 re-openings since."
        );
        assert!(cause(&open, Some(0.0)).starts_with("The next call is a probe. First: "));
        open.mode = "observe".to_owned();
        assert!(cause(&open, None).starts_with("observed: First: 19 of"));
        let mut disabled = row("disabled for 3s: calls run and are only counted until reset()");
        (disabled.state, disabled.outage) = ("disabled".to_owned(), open.outage);
        assert_eq!(cause(&disabled, None), disabled.explanation);
    }
}
