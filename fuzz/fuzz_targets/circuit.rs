//! Sequences of operations on a whole circuit, against the reference of the machine's tests.
#![no_main]

use breaker_fuzz_runtime::circuit;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| circuit(bytes).expect("the circuit does what the reference does"));
