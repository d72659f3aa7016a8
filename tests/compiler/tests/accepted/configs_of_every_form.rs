#![deny(warnings, clippy::pedantic)]

use std::time::Duration;

use breaker_runtime::{Config, circuit_breaker, registry};

const SHARED: Config = Config::new().failure_threshold(7).cooldown(Duration::from_secs(5));

static KEPT: Config = Config::new().failure_threshold(7);

mod configs {
    use breaker_runtime::Config;

    pub const fn tolerant(factor: u32) -> Config {
        Config::new().failure_threshold(factor * 7)
    }
}

struct Shop<T>(T);

trait Guarded {
    const CONFIG: Config;
}

impl Guarded for Shop<u8> {
    const CONFIG: Config = SHARED;
}

#[circuit_breaker(name = "a constant", config = SHARED)]
fn constant() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = "a static", config = KEPT)]
fn of_a_static() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = "a call", config = configs::tolerant(1))]
fn call() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = "on the spot", config = Config::new().failure_threshold(7))]
fn on_the_spot() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = "of a type", config = <Shop<u8> as Guarded>::CONFIG)]
async fn of_a_type() -> Option<u32> {
    Some(1)
}

#[circuit_breaker(name = "a block", config = { let config = SHARED; config.failure_threshold(7) })]
fn block() -> Option<u32> {
    Some(1)
}

impl<T: Clone> Shop<T> {
    #[circuit_breaker(name = "a method", config = SHARED)]
    fn price(&self) -> Option<T> {
        Some(self.0.clone())
    }
}

macro_rules! guarded {
    ($function:ident, $config:expr) => {
        #[circuit_breaker(name = "from a macro", config = $config)]
        fn $function() -> Option<u32> {
            Some(1)
        }
    };
}

guarded!(from_a_macro, configs::tolerant(1));

#[test]
fn it_compiles_and_runs() {
    assert_eq!(constant(), of_a_static());
    assert_eq!(call(), on_the_spot());
    assert_eq!((block(), from_a_macro(), Shop(1).price()), (Some(1), Some(1), Some(1)));
    drop(of_a_type());
    for name in [
        "a constant",
        "a static",
        "a call",
        "on the spot",
        "of a type",
        "a block",
        "a method",
        "from a macro",
    ] {
        let config = registry().get(name).unwrap().snapshot().config;
        assert_eq!(config.settings().failure_threshold, Some(7), "{name}");
    }
}
