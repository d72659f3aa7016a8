//! Any text as a file of settings, and below a NUL any text as directives above it.
#![no_main]

use std::sync::LazyLock;

use breaker_runtime::{Config, Registry};
use libfuzzer_sys::fuzz_target;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let registry = Registry::new();
    for name in ["payments", "a"] {
        registry.circuit(name, Config::new()).expect("a good config");
    }
    registry.keyed("http", Config::new(), 8).expect("a good config");
    registry
});

fuzz_target!(|text: &str| {
    let (file, directives) = text.split_once('\0').unwrap_or((text, ""));
    breaker_config::fuzzing::read(file, directives, &REGISTRY);
});
