//! Sequences of operations on a whole circuit, beside the reference model.
#![no_main]

use breaker_runtime::fuzzing::circuit;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| circuit(bytes));
