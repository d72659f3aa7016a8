//! Statics that are made by calling what is guarded, inside of each other and of guarded calls (G10).

use std::sync::{Arc, Barrier, LazyLock, OnceLock};
use std::thread;

use breaker_runtime::{CircuitBreaker, Config, circuit_breaker, registry};

use crate::process::run_test;

#[circuit_breaker(name = "statics.price", failure_threshold = 2)]
fn price(sku: &str) -> Option<usize> {
    // The circuit is in use while the static is made, which uses it too.
    if sku.is_empty() { Some(*DEFAULT_PRICE) } else { Some(sku.len()) }
}

static DEFAULT_PRICE: LazyLock<usize> = LazyLock::new(|| price("apple").expect("it has a name"));

static CIRCUIT: LazyLock<Arc<CircuitBreaker>> = LazyLock::new(|| {
    let config = Config::new().failure_threshold(7);
    registry().get_or_create("statics.made", config).expect("the config is valid")
});

static TABLE: OnceLock<String> = OnceLock::new();

#[circuit_breaker(name = "statics.table")]
fn table() -> Option<&'static str> {
    Some(TABLE.get_or_init(|| registry().snapshot().to_string()))
}

#[test]
#[ignore = "run by the test of its name, in a process of its own"]
fn g10_child() {
    const THREADS: usize = 16;
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                // The first use of anything of this process, by all of them at once.
                match number % 4 {
                    0 => assert_eq!(price(""), Some(5)),
                    1 => assert_eq!(*DEFAULT_PRICE, 5),
                    2 => assert_eq!(CIRCUIT.call(|| Ok::<_, ()>(1)), Ok(1)),
                    _ => assert!(table().is_some_and(|table| table.contains("statics.price"))),
                }
            });
        }
    });
    let calls = registry().get("statics.price").unwrap().snapshot().calls;
    assert_eq!((calls.success, calls.started), (5, 5), "4 calls, and the one that made the static");
    assert_eq!(registry().get("statics.made").unwrap().snapshot().calls.success, 4);
    assert_eq!(registry().get("statics.table").unwrap().snapshot().calls.success, 4);
    assert!(Arc::ptr_eq(&CIRCUIT, &registry().get("statics.made").unwrap()));
}

#[test]
fn g10_statics_may_be_made_by_guarded_calls_and_inside_of_them() {
    for _ in 0..5 {
        run_test("statics::g10_child").assert_success();
    }
}
