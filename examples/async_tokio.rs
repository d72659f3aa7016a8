//! Async functions: many tasks on one circuit, an exact number of probes, and calls that are cancelled.
//!
//! The attribute needs no runtime of its own; this example uses tokio.
//!
//! Run it with `cargo run --example async_tokio`.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Rejected, circuit_breaker, registry};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

static DOWN: AtomicBool = AtomicBool::new(false);
/// How often the backend was really asked.
static ASKED: AtomicU32 = AtomicU32::new(0);

#[derive(Debug)]
enum Fault {
    Refused,
    Down,
}

impl From<Rejected> for Fault {
    fn from(_: Rejected) -> Self {
        Self::Refused
    }
}

/// Two probes at once, and no more, however many tasks come.
#[circuit_breaker(
    name = "quotes",
    failure_threshold = 3,
    cooldown = "200ms",
    half_open_max_calls = 2,
    success_threshold = 2
)]
async fn quote(symbol: &str) -> Result<usize, Fault> {
    ASKED.fetch_add(1, Ordering::Relaxed);
    sleep(Duration::from_millis(50)).await;
    if DOWN.load(Ordering::Relaxed) {
        return Err(Fault::Down);
    }
    Ok(symbol.len())
}

/// As `quote`, but a caller who gives up is a failure here.
#[circuit_breaker(name = "impatient", failure_threshold = 2, on_cancel = failure)]
async fn slow_quote() -> Result<usize, Fault> {
    sleep(Duration::from_secs(60)).await;
    Ok(0)
}

/// Ten calls at once, and what became of them.
async fn ten_at_once(headline: &str) -> Result<(), Box<dyn Error>> {
    let asked_before = ASKED.load(Ordering::Relaxed);
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        tasks.spawn(quote("ACME"));
    }
    let (mut good, mut failed, mut refused) = (0, 0, 0);
    while let Some(answer) = tasks.join_next().await {
        match answer? {
            Ok(_) => good += 1,
            Err(Fault::Down) => failed += 1,
            Err(Fault::Refused) => refused += 1,
        }
    }
    let asked = ASKED.load(Ordering::Relaxed) - asked_before;
    println!("{headline}");
    println!(
        "  good {good:>2}, failed {failed:>2}, refused {refused:>2}; the backend was asked {asked} times"
    );
    println!("  {}\n", circuit("quotes")?.snapshot().explain());
    Ok(())
}

fn circuit(name: &str) -> Result<Arc<CircuitBreaker>, Box<dyn Error>> {
    registry().get(name).ok_or_else(|| "no such circuit".into())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    ten_at_once("Ten tasks on a healthy backend").await?;

    DOWN.store(true, Ordering::Relaxed);
    ten_at_once("The backend goes down: all ten were let in, and all ten failed").await?;
    ten_at_once("Ten more tasks: refused at once").await?;

    DOWN.store(false, Ordering::Relaxed);
    sleep(Duration::from_millis(250)).await;
    ten_at_once("The cooldown is over: two probes run, the other eight are refused").await?;

    println!("A call that is dropped before it ends counts for nothing");
    for _ in 0..5 {
        let _ = timeout(Duration::from_millis(5), quote("ACME")).await;
    }
    let snapshot = circuit("quotes")?.snapshot();
    println!(
        "  cancelled {}, failed {} as before, in flight {}",
        snapshot.calls.cancelled, snapshot.calls.failure, snapshot.in_flight
    );
    println!("  {}\n", snapshot.explain());

    println!("With on_cancel = failure it is a failure");
    for _ in 0..2 {
        let _ = timeout(Duration::from_millis(5), slow_quote()).await;
    }
    println!("  {}\n", circuit("impatient")?.snapshot().explain());

    println!("{}", registry().snapshot());
    Ok(())
}
