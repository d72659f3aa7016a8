//! Sequences of operations on the state machine, beside the reference model.
#![no_main]

use breaker_runtime::fuzzing::machine;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| machine(bytes));
