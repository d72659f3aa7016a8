//! P11, P18, L06: a call allocates nothing, whether it runs, fails, is refused, has a limit, or finds the circuit of its
//! key.
//!
//! The first call of each kind may: it makes the circuit, and the thread's counters.

#[path = "../../../breaker-tower/tests/common/mod.rs"]
mod common;

#[path = "allocations/calls.rs"]
mod calls;
#[path = "allocations/services.rs"]
mod services;

use allocation_counter::measure;

const CALLS: u64 = 100;

#[track_caller]
fn allocates_nothing(mut call: impl FnMut()) {
    call();
    let counted = measure(|| (0..CALLS).for_each(|_| call()));
    assert_eq!(counted.count_total, 0, "{counted:?} in {CALLS} calls");
}
