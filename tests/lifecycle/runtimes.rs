//! Runtimes that are shut down with calls in flight: all of those are cancelled, and hold nothing (C06).

use std::time::{Duration, Instant};

use breaker_runtime::{Snapshot, circuit_breaker, registry};
use tokio::runtime::{Builder, Runtime};

#[circuit_breaker(name = "runtimes.plain", call_timeout = "1h", slow_call = "1h")]
async fn plain() -> Option<()> {
    std::future::pending().await
}

#[circuit_breaker(name = "runtimes.bulkhead", max_concurrent = 10, max_wait = "1h")]
async fn bulkhead(waits: bool) -> Option<()> {
    if waits { std::future::pending().await } else { Some(()) }
}

#[circuit_breaker(name = "runtimes.keyed", key = key, max_keys = 4, fallback = |_| pending(key).await)]
async fn keyed(key: u32) -> Option<u32> {
    pending(key).await
}

#[circuit_breaker(name = "runtimes.failing", on_cancel = failure, failure_threshold = 1_000)]
async fn failing() -> Option<()> {
    std::future::pending().await
}

async fn pending(key: u32) -> Option<u32> {
    std::future::pending::<()>().await;
    Some(key)
}

const EACH: u32 = 40;

fn snapshot(name: &str) -> Snapshot {
    registry().get(name).unwrap().snapshot()
}

fn in_flight(name: &str) -> u64 {
    let circuits = registry().snapshot().circuits;
    let of_it = circuits.iter().filter(|circuit| circuit.name.starts_with(name));
    of_it.map(|circuit| circuit.in_flight).sum()
}

/// A runtime in which calls hang: in bodies, and in line for the bulkhead.
fn hanging() -> Runtime {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    for number in 0..EACH {
        runtime.spawn(plain());
        runtime.spawn(bulkhead(true));
        runtime.spawn(keyed(number));
        runtime.spawn(failing());
    }
    runtime.block_on(async {
        let expected = [("plain", EACH), ("bulkhead", 10), ("keyed", EACH), ("failing", EACH)];
        for (name, calls) in expected {
            while in_flight(&format!("runtimes.{name}")) < u64::from(calls) {
                tokio::task::yield_now().await;
            }
        }
    });
    runtime
}

#[test]
fn c06_calls_in_flight_and_in_line_end_with_their_runtime_however_it_ends() {
    let endings: [fn(Runtime); 3] = [
        drop,
        |runtime| runtime.shutdown_timeout(Duration::from_secs(30)),
        |runtime| {
            let handle = runtime.handle().clone();
            runtime.shutdown_background();
            // Nobody waits for it, so it may take a moment.
            while handle.metrics().num_alive_tasks() > 0 {
                std::thread::yield_now();
            }
        },
    ];
    for (before, end) in endings.into_iter().enumerate() {
        let calls = (before as u64 + 1) * u64::from(EACH);
        let runtime = hanging();
        let began = Instant::now();
        end(runtime);
        assert!(began.elapsed() < Duration::from_secs(10), "it took {:?}", began.elapsed());

        assert_eq!(snapshot("runtimes.plain").calls.cancelled, calls);
        assert_eq!(snapshot("runtimes.failing").calls.failure, calls);
        let bulkhead_calls = snapshot("runtimes.bulkhead").calls;
        assert_eq!(bulkhead_calls.started, bulkhead_calls.cancelled + bulkhead_calls.success);
        assert_eq!(in_flight("runtimes."), 0);

        let circuit = registry().get("runtimes.bulkhead").unwrap();
        let slots: Vec<_> = (0..11).map_while(|_| circuit.try_acquire().ok()).collect();
        assert_eq!(slots.len(), 10, "every slot is free again, and none twice");
        slots.into_iter().for_each(breaker_runtime::Permit::success);
    }
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    assert_eq!(runtime.block_on(bulkhead(false)), Some(()));
}
