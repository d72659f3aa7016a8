//! Circuits that open on shares: of failed calls over a time window, and of slow calls as a percentile.
//!
//! Run it with `cargo run --example rate_and_slow_calls`. It takes about three seconds.

use std::error::Error;
use std::thread::sleep;
use std::time::Duration;

use breaker_runtime::{Rejected, State, circuit_breaker, registry};

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

/// Opens when half of the calls of the last second failed, if there were at least ten.
#[circuit_breaker(name = "search", failure_rate = 0.5, window = "1s", minimum_calls = 10)]
fn search(works: bool) -> Result<&'static str, Fault> {
    if works { Ok("found") } else { Err(Fault::Down) }
}

/// A share of 0.05 says "p95 is over 50 ms". Judged over the last 100 calls, of which there must be 40.
#[circuit_breaker(name = "geocoder", slow_call = "50ms", slow_call_rate = 0.05, minimum_calls = 40)]
fn locate(takes: Duration) -> Result<(f64, f64), Fault> {
    sleep(takes);
    Ok((54.3, 10.1))
}

fn main() -> Result<(), Box<dyn Error>> {
    a_share_of_failed_calls()?;
    a_share_of_slow_calls()?;
    println!("{}", registry().snapshot());
    Ok(())
}

fn a_share_of_failed_calls() -> Result<(), Box<dyn Error>> {
    println!("failure_rate = 0.5, window = \"1s\", minimum_calls = 10");
    searches(4, 0);
    explain("4 failed calls of 4: too few to judge", "search")?;

    searches(0, 6);
    explain("6 good ones more: 4 of 10 failed", "search")?;

    sleep(Duration::from_millis(1100));
    explain("1.1 s later all of them have left the window", "search")?;

    searches(5, 5);
    explain(
        "5 of 10, but the last to fail was the fifth: nothing is judged at a good call",
        "search",
    )?;

    searches(1, 0);
    explain("The next failure is judged", "search")?;
    expect_open("search")
}

fn searches(failed: u32, good: u32) {
    for _ in 0..failed {
        let _ = search(false);
    }
    for _ in 0..good {
        let _ = search(true);
    }
}

fn a_share_of_slow_calls() -> Result<(), Box<dyn Error>> {
    const FAST: Duration = Duration::ZERO;
    const SLOW: Duration = Duration::from_millis(60);
    println!("slow_call = \"50ms\", slow_call_rate = 0.05, minimum_calls = 40");
    for call in 1..=60 {
        let _ = locate(if call % 30 == 0 { SLOW } else { FAST });
    }
    explain("Every 30th call is slow: p95 is fine", "geocoder")?;

    let mut calls = 0;
    while circuit_is_closed("geocoder")? && calls < 100 {
        calls += 1;
        let _ = locate(if calls % 10 == 0 { SLOW } else { FAST });
    }
    explain(&format!("Then every 10th is: {calls} calls later p95 is over 50 ms"), "geocoder")?;
    expect_open("geocoder")
}

fn explain(headline: &str, name: &str) -> Result<(), Box<dyn Error>> {
    let circuit = registry().get(name).ok_or("no such circuit")?;
    println!("  {headline}\n      {}", circuit.snapshot().explain());
    Ok(())
}

fn circuit_is_closed(name: &str) -> Result<bool, Box<dyn Error>> {
    Ok(registry().get(name).ok_or("no such circuit")?.state() == State::Closed)
}

fn expect_open(name: &str) -> Result<(), Box<dyn Error>> {
    println!();
    if circuit_is_closed(name)? { Err(format!("{name} should be open").into()) } else { Ok(()) }
}
