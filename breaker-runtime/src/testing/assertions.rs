//! Assertions about settings.

use crate::registry::registry;
use crate::report::Snapshot;
use crate::settings::Config;

/// Asserts that a circuit has these settings: `assert_settings("prices", "failure_threshold=3, cooldown=10s")`.
///
/// Only the options that are listed are compared, with defaults filled in on the circuit's side. It works in an
/// isolated test and outside of one.
///
/// # Panics
///
/// If a setting differs. The message lists every difference, and where the circuit's value comes from. Also if there is
/// no such circuit, or the text is no config.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use breaker_runtime::{circuit_breaker, testing};
///
/// #[circuit_breaker(name = "geo", cooldown = "10s")]
/// fn locate() -> Option<(f64, f64)> {
///     None
/// }
///
/// testing::assert_settings("geo", "cooldown=10s, success_threshold=3");
/// # let _ = locate();
/// # }
/// ```
#[track_caller]
pub fn assert_settings(name: &str, settings: &str) {
    let Some(snapshot) = registry().snapshot_of(name) else {
        panic!("{}", registry().no_circuit(name));
    };
    let expected: Config = match settings.parse() {
        Ok(expected) => expected,
        Err(errors) => panic!("`assert_settings` cannot read {settings:?}:\n{errors}"),
    };
    let differences = differences(&snapshot, &expected);
    assert!(
        differences.is_empty(),
        "circuit {name:?} has other settings:\n{}",
        differences.join("\n")
    );
}

fn differences(snapshot: &Snapshot, expected: &Config) -> Vec<String> {
    let stated: Vec<_> = expected.stated().collect();
    let actual = snapshot.config.settings().texts().into_iter();
    let pairs = actual.zip(expected.settings().texts());
    let differing =
        pairs.filter(|((option, value), (_, wanted))| stated.contains(option) && value != wanted);
    let line = |((option, value), (_, wanted)): ((&str, _), (_, _))| {
        let source = snapshot.sources.of(option);
        format!("  {option}: expected {wanted}, and it is {value} (from: {source})")
    };
    differing.map(line).collect()
}

/// Asserts that no two functions state different configs for one circuit.
///
/// # Panics
///
/// If some do. The message lists all [conflicts](crate::Registry::conflicts).
///
/// # Examples
///
/// ```standalone_crate
/// breaker_runtime::testing::assert_no_conflicts();
/// ```
#[track_caller]
pub fn assert_no_conflicts() {
    let conflicts: Vec<_> = registry().conflicts().iter().map(|it| format!("  {it}")).collect();
    assert!(
        conflicts.is_empty(),
        "some circuits are configured twice, and differently. State the options once, or share a `const` config:\n{}",
        conflicts.join("\n")
    );
}
