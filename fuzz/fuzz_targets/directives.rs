//! Any text as directives.
#![no_main]

use std::sync::LazyLock;

use breaker_runtime::{Config, Registry};
use libfuzzer_sys::fuzz_target;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let registry = Registry::new();
    registry.circuit("payments", Config::new()).expect("a good config");
    registry.keyed("http", Config::new(), 8).expect("a good config");
    registry
});

fuzz_target!(|directives: &str| {
    breaker_config::fuzzing::read("", directives, &REGISTRY);
});
