//! A circuit without the attribute, on a clock that is moved by hand.
//!
//! Use this where there is no function to annotate: a connection pool, a loop, a middleware. The manual
//! clock is what makes the second half of this example, and tests of your own, take no time.
//!
//! Run it with `cargo run --example manual`.

use std::error::Error;
use std::time::Duration;

use breaker_runtime::{CallError, CircuitBreaker, Clock, Config, ManualClock, OnCancel, registry};

fn show(circuit: &CircuitBreaker) {
    println!("      {}", circuit.snapshot().explain());
}

/// `call` wraps a closure that returns a `Result`.
fn with_call() -> Result<(), Box<dyn Error>> {
    println!("call: a closure, `Err` is a failure");
    let circuit = CircuitBreaker::new("parser", Config::new().failure_threshold(2))?;
    for text in ["42", "forty-two", "", "7"] {
        match circuit.call(|| text.parse::<u32>()) {
            Ok(number) => println!("  {text:?} is {number}"),
            Err(CallError::Failed(error)) => println!("  {text:?} failed: {error}"),
            Err(refused) => println!("  {text:?} was not tried: {refused}"),
        }
    }
    show(&circuit);
    Ok(())
}

/// `call_async` wraps a future. It is made only if the circuit lets the call in.
async fn with_call_async() -> Result<(), Box<dyn Error>> {
    println!("\ncall_async: a future, which may run on any executor");
    let circuit = CircuitBreaker::new("greeter", Config::new())?;
    let greeting = circuit
        .call_async(|| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok::<_, std::io::Error>("hello")
        })
        .await?;
    println!("  {greeting}");
    show(&circuit);
    Ok(())
}

/// `guard` has the options that the attribute has for functions.
async fn with_options() -> Result<(), Box<dyn Error>> {
    println!("\nguard: what counts as what, and how long a call may take");
    let circuit = CircuitBreaker::new("pages", Config::new().failure_threshold(3))?;
    for answer in [Ok(200), Ok(503), Err("no such host"), Err("no route")] {
        let result = circuit
            .guard()
            .failure_if(|page: &Result<u16, &str>| !matches!(page, Ok(..500)))
            .ignore_if(|error| *error == "no such host")
            .call(|| answer);
        println!("  {result:?}");
    }
    show(&circuit);
    let late = circuit
        .guard()
        .call_timeout(Duration::from_millis(20))
        .on_cancel(OnCancel::Failure)
        .call_async(std::future::pending::<Result<u16, &str>>)
        .await;
    if let Err(late) = late {
        println!("  {late}");
    }
    show(&circuit);
    Ok(())
}

/// `acquire` waits for a slot where `try_acquire` would be refused.
async fn with_a_wait() -> Result<(), Box<dyn Error>> {
    println!("\nacquire: a permit, after a wait for a slot");
    let config = Config::new().max_concurrent(1).max_wait(Duration::from_secs(1));
    let circuit = CircuitBreaker::new("printer", config)?;
    let first = circuit.acquire().await?;
    if let Err(refused) = circuit.try_acquire() {
        println!("  try_acquire: {refused}");
    }
    let (second, ()) = tokio::join!(circuit.acquire(), async { first.success() });
    second?.success();
    println!("  acquire: the slot of the first call");
    Ok(())
}

/// `try_acquire` gives a permit, for calls that no closure can hold. The code decides how the call counts.
fn with_permits() -> Result<(), Box<dyn Error>> {
    println!("\ntry_acquire: a permit, which ends in one of four ways");
    let config = Config::new()
        .failure_rate(0.5)
        .count_window(4)
        .minimum_calls(2)
        .cooldown(Duration::from_secs(60))
        .success_threshold(1);
    let time = ManualClock::new();
    let circuit = CircuitBreaker::with_clock("mailbox", config, Clock::Manual(time.clone()))?;

    circuit.try_acquire()?.success();
    circuit.try_acquire()?.ignore();
    drop(circuit.try_acquire()?);
    println!("  one success, one ignored, one dropped: only the success is in the window");
    show(&circuit);

    circuit.try_acquire()?.failure();
    println!("  one failure: half of the calls in the window failed");
    show(&circuit);

    time.advance(Duration::from_secs(59));
    if let Err(refused) = circuit.try_acquire() {
        println!("  59 seconds later: {refused}");
    }
    time.advance(Duration::from_secs(1));
    println!("  a second later");
    show(&circuit);
    let probe = circuit.try_acquire()?;
    println!("  the next call is a probe");
    show(&circuit);
    probe.success();
    println!("  it went well");
    show(&circuit);
    Ok(())
}

/// What an operator does: the last of these wins.
fn by_hand() -> Result<(), Box<dyn Error>> {
    println!("\nforce_open, disable, trip, reset: for people, from anywhere");
    let circuit = registry().get_or_create("search", Config::new())?;
    circuit.force_open();
    show(&circuit);
    circuit.disable();
    show(&circuit);
    circuit.reset();
    circuit.trip();
    show(&circuit);
    circuit.reset();
    show(&circuit);
    Ok(())
}

/// A config that makes no sense never becomes a circuit.
fn refused_config() {
    println!("\nA config is checked as a whole, and the error names the option");
    let percent = Config::new().failure_rate(50.0);
    if let Err(error) = CircuitBreaker::new("search", percent) {
        println!("  {error}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    with_call()?;
    with_call_async().await?;
    with_options().await?;
    with_permits()?;
    with_a_wait().await?;
    by_hand()?;
    refused_config();
    Ok(())
}
