use std::time::Duration;

use breaker_runtime::circuit_breaker;

#[circuit_breaker(
    name = "prices-eoao",
    failure_threshold = 3,
    failure_rate = 0.5,
    window = 20,
    minimum_calls = 5,
    slow_call = "250ms",
    slow_call_rate = 1,
    cooldown = "1m 30s",
    cooldown_multiplier = 2,
    cooldown_max = Duration::from_secs(600),
    cooldown_jitter = 0.1,
    half_open_max_calls = 2,
    success_threshold = 2,
    half_open_failure_threshold = 1,
    probe_timeout = "30s",
    hung_after = "30s",
    recovery = "1m",
    open_for_max = "5m",
    max_concurrent = 8,
    max_wait = "50ms",
    mode = observe,
    fleet = quorum,
    call_timeout = "2s",
    failure_if = |price| *price == Ok(0),
    ignore_if = |fault| fault.contains("unknown"),
    open_for = |fault| fault.parse().map(Duration::from_secs).ok(),
    on_cancel = failure,
    fallback = |_| Ok(1),
    fallback_on = any,
    key = sku,
    max_keys = 100,
    crate = ::breaker_runtime,
)]
async fn price(sku: &str) -> Result<u32, String> {
    sku.parse().map_err(|_| format!("unknown: {sku}"))
}

#[test]
fn it_compiles_and_runs() {
    drop(price("7"));
}
