use std::time::Duration;

use breaker_runtime::circuit_breaker;

const LIMIT: u32 = 3;

mod limits {
    use std::time::Duration;

    pub const RATE: f64 = 0.25;
    pub const COOLDOWN: Duration = Duration::from_secs(5);

    pub const fn twice(number: u32) -> u32 {
        2 * number
    }
}

struct Shop;

impl Shop {
    const WINDOW: u32 = 50;
}

#[circuit_breaker(
    name = "literals-danoef",
    failure_threshold = 3u32,
    window = 1_000,
    failure_rate = 1,
    cooldown = "1.5s"
)]
fn literals() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(
    name = "constants-danoef",
    failure_threshold = LIMIT,
    failure_rate = limits::RATE,
    window = Shop::WINDOW,
    minimum_calls = limits::twice(LIMIT) + 1,
    cooldown = limits::COOLDOWN,
    probe_timeout = Duration::from_millis(800),
    half_open_max_calls = if LIMIT > 2 { LIMIT } else { 2 }
)]
fn constants() -> Option<u32> {
    Some(1)
}

#[test]
fn it_compiles_and_runs() {
    literals();
    constants();
}
