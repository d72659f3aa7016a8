//! A flood of keys, in bounded memory (4.3).

#[path = "common/load.rs"]
mod load;

use std::sync::Mutex;

use breaker_runtime::{Snapshot, circuit_breaker, registry};
use load::resident;

/// The circuit of that name, and those of its keys.
fn family(name: &str) -> Vec<Snapshot> {
    let keys = format!("{name}/");
    let circuits = registry().snapshot().circuits.into_iter();
    circuits.filter(|it| it.name == name || it.name.starts_with(&keys)).collect()
}

/// They measure the memory of the process, so each is alone in it.
static ALONE: Mutex<()> = Mutex::new(());

#[circuit_breaker(name = "keys.flood", key = key, max_keys = 1000)]
fn flooded(key: u32) -> Option<u32> {
    Some(key)
}

#[circuit_breaker(name = "keys.flood_of_failures", key = key, max_keys = 1000)]
fn flooded_with_failures(key: u32) -> Option<u32> {
    (key == u32::MAX).then_some(key)
}

/// Calls with that many keys, and returns what is left.
#[track_caller]
fn flood(name: &str, keys: u32, call: fn(u32) -> Option<u32>) {
    const WARM_UP: u32 = 5_000;
    // A tenth of what the keys would take if all were kept.
    const MOST: u64 = 32 << 20;
    let asked = || family(name).iter().map(|it| it.calls.started + it.rejected.total()).sum();
    let (mut before, asked_before): (_, u64) = (None, asked());
    for key in 0..keys {
        if key == WARM_UP {
            before = resident();
        }
        assert!(call(key).is_none_or(|answer| answer == key));
    }
    let after = resident();
    assert!(family(name).len() <= 1000 + 1);
    assert_eq!(asked(), asked_before + u64::from(keys));
    if let (Some(before), Some(after)) = (before, after) {
        let growth = after.saturating_sub(before);
        println!("{keys} keys of {name}: {growth} bytes more than after {WARM_UP}");
        assert!(growth < MOST, "grew by {growth} bytes");
    }
}

#[test]
fn g03_g04_a_flood_of_keys_keeps_memory_bounded() {
    let _alone = ALONE.lock().unwrap();
    flood("keys.flood", 200_000, flooded);
}

#[test]
fn g04_a_flood_of_failures_keeps_memory_bounded_too() {
    let _alone = ALONE.lock().unwrap();
    flood("keys.flood_of_failures", 200_000, flooded_with_failures);
}

#[test]
#[ignore = "takes ten seconds without optimizations, and finds no more than a fifth of it does"]
fn d24_a_flood_of_a_million_keys_keeps_memory_bounded() {
    let _alone = ALONE.lock().unwrap();
    flood("keys.flood", 1_000_000, flooded);
    flood("keys.flood_of_failures", 1_000_000, flooded_with_failures);
}
