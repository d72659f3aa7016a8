//! `call_timeout`: an async call that takes too long is dropped, and is a failure. And `on_cancel`, for callers
//! that do not wait for that long.
//!
//! Run it with `cargo run --example timeouts`.

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use breaker_runtime::{CallError, Rejected, TimedOut, circuit_breaker, registry};
use tokio::time::{sleep, timeout};

/// The fallback gets the error, and answers timeouts as it does failures.
#[circuit_breaker(
    name = "weather",
    call_timeout = "100ms",
    failure_threshold = 3,
    cooldown = "200ms",
    success_threshold = 1,
    fallback = |error| Ok(match error {
        CallError::TimedOut(late) => format!("12 degrees, as yesterday (no answer in {:?})", late.after()),
        CallError::Rejected(_) => "12 degrees, as yesterday (not asked)".to_owned(),
        CallError::Failed(error) => format!("12 degrees, as yesterday ({error})"),
    })
)]
async fn weather(takes: Duration) -> Result<String, String> {
    sleep(takes).await;
    Ok("15 degrees".to_owned())
}

/// Without a fallback the caller gets an error, which must be able to hold a timeout as well.
#[derive(Debug)]
enum TideError {
    Refused(Rejected),
    TimedOut(TimedOut),
}

impl From<Rejected> for TideError {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

impl From<TimedOut> for TideError {
    fn from(timed_out: TimedOut) -> Self {
        Self::TimedOut(timed_out)
    }
}

impl fmt::Display for TideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(rejected) => rejected.fmt(f),
            Self::TimedOut(timed_out) => timed_out.fmt(f),
        }
    }
}

#[circuit_breaker(name = "tides", call_timeout = "50ms", failure_threshold = 1)]
async fn tide(takes: Duration) -> Result<&'static str, TideError> {
    sleep(takes).await;
    Ok("high at noon")
}

/// Callers drop it before it fails. If they waited for long enough, that is a failure all the same.
#[circuit_breaker(name = "ferries", failure_threshold = 2, on_cancel = failure_after("20ms"))]
async fn ferry(takes: Duration) -> Option<&'static str> {
    sleep(takes).await;
    Some("at ten")
}

const FAST: Duration = Duration::from_millis(5);
const HANGS: Duration = Duration::from_secs(3600);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("A service that answers, and then hangs. It is asked with call_timeout = \"100ms\":");
    for takes in [FAST, HANGS, HANGS, HANGS, HANGS, HANGS] {
        ask(takes).await?;
    }
    let weather = registry().get("weather").ok_or("no such circuit")?;
    println!("  {}\n", weather.snapshot().explain());

    println!("The cooldown is over, and the service answers again:");
    sleep(Duration::from_millis(250)).await;
    ask(FAST).await?;
    let snapshot = weather.snapshot();
    println!("  {}", snapshot.explain());
    println!(
        "  {} calls failed, all of them timed out: {}\n",
        snapshot.calls.failure, snapshot.calls.timed_out
    );

    println!("Without a fallback, timeouts and refusals arrive as errors:");
    for takes in [FAST, HANGS, FAST] {
        match tide(takes).await {
            Ok(answer) => println!("  {answer}"),
            Err(error) => println!("  {error}"),
        }
    }

    println!("\nCallers that wait for 40 ms, with on_cancel = failure_after(\"20ms\"):");
    for takes in [FAST, HANGS, HANGS, FAST] {
        match timeout(Duration::from_millis(40), ferry(takes)).await {
            Ok(Some(answer)) => println!("  {answer}"),
            Ok(None) => println!("  not asked"),
            Err(_) => println!("  the caller gave up"),
        }
    }
    let ferries = registry().get("ferries").ok_or("no such circuit")?;
    println!("  {}", ferries.snapshot().explain());
    Ok(())
}

async fn ask(takes: Duration) -> Result<(), Box<dyn Error>> {
    let asked = Instant::now();
    let answer = weather(takes).await?;
    println!("  {:>3} ms  {answer}", asked.elapsed().as_millis());
    Ok(())
}
