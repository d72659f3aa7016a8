//! Sequences of operations on the state machine, against the reference of its tests.
#![no_main]

use breaker_fuzz_runtime::machine;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| machine(bytes).expect("the machine does what the reference does"));
