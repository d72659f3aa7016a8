use std::time::Duration;

use breaker_runtime::{Config, circuit_breaker, registry};

const SHARED: Config =
    Config::new().failure_threshold(7).slow_call(Duration::from_secs(1)).count_window(20);
// Wrong by itself. What is stated beside it makes it right.
const UNFINISHED: Config =
    Config::new().slow_call_rate(0.1).minimum_calls(500).cooldown(Duration::ZERO);
const WINDOW: u32 = 1_000;

#[circuit_breaker(name = "literal-obac", config = SHARED, failure_threshold = 3, cooldown = "5s")]
fn literal() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = "constant-obac", window = WINDOW, config = SHARED, minimum_calls = 150)]
fn constant() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = "companion", config = SHARED, slow_call_rate = 0.05)]
fn companion() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = "finished", config = UNFINISHED, slow_call = "1s", window = "30s", cooldown = "1s")]
fn finished() -> Option<u32> {
    Some(1)
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!((literal(), constant()), (companion(), finished()));
    let shown = |name| registry().get(name).unwrap().snapshot().config.to_string();
    assert_eq!(shown("literal-obac"), "failure_threshold=3, window=20, slow_call=1s, cooldown=5s");
    assert_eq!(
        shown("constant-obac"),
        "failure_threshold=7, window=1000, minimum_calls=150, slow_call=1s"
    );
    assert_eq!(
        shown("companion"),
        "failure_threshold=7, window=20, slow_call=1s, slow_call_rate=0.05"
    );
    assert_eq!(
        shown("finished"),
        "window=30s, minimum_calls=500, slow_call=1s, slow_call_rate=0.1, cooldown=1s"
    );
}
