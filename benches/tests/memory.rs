//! What circuits, threads and keys take, and that nothing grows.
//!
//! `cargo test -p breaker-benches --test memory -- --nocapture` shows the figures. All are bytes, on the heap
//! and in the thing itself, on a machine of 64 bits.

use std::process::Command;

/// One that no call of it has failed, with a name of eight bytes.
const HEALTHY_CIRCUIT: i64 = 340;
/// One with 99 failures in its window of 100 calls.
const FAILED_CIRCUIT: i64 = 1650;
/// One that is half-open, with its three probes in flight, the counts of its changes of state, and a pointer of 8 bytes
/// to the advice of its fleet, which a healthy circuit does not have. 80 bytes are its outage: since when, and why.
const PROBING_CIRCUIT: i64 = 1160;
/// What the registry adds to a circuit: its entry there, and what events need.
const REGISTRATION: i64 = 240;
/// What the static behind an annotated function states. Its text of some 70 bytes stands in read-only memory.
const SITE: i64 = 24;
/// What the future of an annotated function takes over that of the same function bare.
const FUTURE: i64 = 80;
/// The future of an annotated function with an argument of 1,024 bytes: three times that, and 200 bytes.
const FUTURE_OF_LARGE_ARGUMENT: i64 = 3 * 1024 + 200;
/// A key with its circuit. Maps of it have random seeds, so it is not the same on every run.
const KEY: i64 = 720;
/// A thread that calls one circuit.
const THREAD: i64 = 1400;
/// Each of many circuits in each thread that calls it: five cells of 8 bytes, and a share of what holds them.
const CIRCUIT_AND_THREAD: i64 = 44;
/// Tables of a hundred keys, with random seeds. One word for each of the ten thousand would be 80,000.
const GROWTH_OVER_KEYS: i64 = 16_384;

/// A figure of the binary `memory`.
fn bytes(figure: &str) -> i64 {
    let run = Command::new(env!("CARGO_BIN_EXE_memory")).arg(figure).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    let bytes = said.trim().parse().unwrap_or_else(|_| panic!("no figure: {run:?}"));
    println!("{figure:<20}{bytes:>8} bytes");
    bytes
}

#[track_caller]
fn takes_at_most(limit: i64, figure: &str) {
    let bytes = bytes(figure);
    assert!(bytes <= limit, "`{figure}` is {bytes} bytes, and may be {limit}");
}

#[test]
fn a_circuit_that_never_failed_is_small() {
    takes_at_most(HEALTHY_CIRCUIT, "healthy-circuit");
}

#[test]
fn a_circuit_keeps_little_for_each_failure_in_its_window() {
    takes_at_most(FAILED_CIRCUIT, "failed-circuit");
}

#[test]
fn a_circuit_keeps_little_for_each_probe() {
    takes_at_most(PROBING_CIRCUIT, "probing-circuit");
}

#[test]
fn the_registry_adds_little_to_a_circuit() {
    takes_at_most(REGISTRATION, "registration");
}

#[test]
fn an_annotated_function_adds_a_small_static() {
    takes_at_most(SITE, "site");
}

#[test]
fn a_guarded_future_is_little_larger_than_its_body() {
    takes_at_most(FUTURE, "future");
}

#[test]
fn a_guarded_future_holds_a_large_argument_few_times() {
    takes_at_most(FUTURE_OF_LARGE_ARGUMENT, "future-of-large-argument");
}

#[test]
fn a_key_takes_little_more_than_its_circuit() {
    takes_at_most(KEY, "key");
}

#[test]
fn a_thread_counts_in_little_memory() {
    takes_at_most(THREAD, "thread");
}

#[test]
fn a_thread_counts_each_further_circuit_in_few_words() {
    takes_at_most(CIRCUIT_AND_THREAD, "circuit-and-thread");
}

#[test]
fn ten_thousand_trips_leave_nothing_behind() {
    takes_at_most(0, "growth-over-trips");
}

#[test]
fn a_thousand_threads_that_come_and_go_leave_nothing_behind() {
    takes_at_most(0, "growth-over-threads");
}

#[test]
fn ten_thousand_keys_that_never_come_back_leave_nothing_behind() {
    takes_at_most(GROWTH_OVER_KEYS, "growth-over-keys");
}
