use breaker_runtime::circuit_breaker;

#[circuit_breaker(
    name = "prices",
    reset_timeout = "30s",
    sliding_window_size = 20,
    timeout = "1s",
    error_rate_threshold = 50,
    permitted_calls_in_half_open = 2,
    wait_duration_in_open_state = "10s",
    latency_threshold_ms = 800
)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
