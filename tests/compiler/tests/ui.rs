//! What users read when they write the attribute wrongly.
//!
//! A mistake gives one error, at the word that is wrong, which says what was expected. Every refused
//! program calls its function: that the function did not disappear is part of what its `.stderr` shows.

// The snapshots belong to one toolchain, stable 1.95: others word and place some errors differently. After
// changing a message or the toolchain, refresh them with `TRYBUILD=overwrite cargo test --test ui` and read
// the difference as a user would.
#[test]
fn a_mistake_is_told_where_it_is() {
    trybuild::TestCases::new().compile_fail("tests/ui/refused/*.rs");
}
