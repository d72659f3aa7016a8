//! Refusals and timeouts in error types of `thiserror` and `anyhow`.
//!
//! Run it with `cargo run --example anyhow_and_thiserror`.

use std::future::pending;

use anyhow::Context;
use breaker_runtime::{Rejected, TimedOut, circuit_breaker, registry};
use thiserror::Error;

/// `#[from]` writes the conversions that the attribute asks for. With `transparent` the message is that of
/// the refusal, which names the circuit and says when to come back.
#[derive(Debug, Error)]
enum AccountError {
    #[error("no account {0}")]
    Unknown(u32),
    #[error("the bank cannot be reached")]
    Down,
    #[error(transparent)]
    Refused(#[from] Rejected),
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}

#[circuit_breaker(
    name = "bank",
    failure_threshold = 2,
    call_timeout = "50ms",
    ignore_if = |error| matches!(error, AccountError::Unknown(_))
)]
async fn balance(account: u32) -> Result<i64, AccountError> {
    match account {
        0 => Err(AccountError::Down),
        1 => Ok(120),
        2 => pending().await,
        unknown => Err(AccountError::Unknown(unknown)),
    }
}

/// `anyhow::Error` holds refusals and timeouts as it is: it takes every error.
#[circuit_breaker(name = "mint", failure_threshold = 1)]
fn coins(works: bool) -> anyhow::Result<u32> {
    anyhow::ensure!(works, "the press is jammed");
    Ok(7)
}

/// The error of a layer above, which wraps the other one and shows nothing of its own.
#[derive(Debug, Error)]
enum OrderError {
    #[error(transparent)]
    Account(#[from] AccountError),
}

/// What the outermost layer of a program does. It need not know the types in between: `find_in` looks behind
/// `transparent`, into boxes, `io::Error`, and the context of `anyhow`.
fn report(error: &(dyn std::error::Error + 'static)) {
    match Rejected::find_in(error) {
        Some(rejected) => println!(
            "    refused by {:?}; come back in {}s",
            rejected.name(),
            rejected.retry_after_secs()
        ),
        None => println!("    no refusal to be found"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    println!("thiserror:");
    for account in [1, 9, 2, 0, 1] {
        match balance(account).await {
            Ok(cents) => println!("  account {account}: {cents} cents"),
            Err(error @ AccountError::Unknown(_)) => {
                println!("  account {account}: {error} (ignored)");
            }
            Err(error) => println!("  account {account}: {error}"),
        }
    }

    println!("\nanyhow:");
    println!("  {} coins", coins(true)?);
    for attempt in ["the first", "the second"] {
        if let Err(error) = coins(false).with_context(|| format!("{attempt} attempt")) {
            println!("  {error:#}");
            report(error.as_ref());
        }
    }

    println!("\nfind_in:");
    if let Err(error) = balance(1).await {
        let error = OrderError::from(error);
        println!("  {error}");
        report(&error);
    }
    if let Err(error) = coins(true) {
        // An error that kept only the text holds no refusal. So wrap errors, with `context` or `#[source]`.
        let error = anyhow::anyhow!("no change: {error}");
        println!("  {error}");
        report(error.as_ref());
    }

    println!("\n{}", registry().snapshot());
    Ok(())
}
