//! Two functions on one circuit, and what happens when they disagree about its options.
//!
//! Functions that name one circuit share it: a failure of either counts for both. One of them states the
//! options; the others may leave them out. If two state different ones, the circuit goes by the first in
//! the order of crate, file, line and column, and the registry lists the conflict.
//!
//! Run it with `cargo run --example shared_circuit`.

use std::error::Error;
use std::time::Duration;

use breaker_runtime::{Config, Rejected, circuit_breaker, registry};

/// Its error can hold a refusal, so none of these functions needs a fallback.
#[derive(Debug)]
enum Fault {
    Refused(Rejected),
    Unreachable,
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

/// States the options of the circuit.
#[circuit_breaker(name = "ledger", failure_threshold = 3, cooldown = "30s")]
fn debit(cents: u32) -> Result<u32, Fault> {
    transfer(cents)
}

/// Shares the circuit and its options.
#[circuit_breaker(name = "ledger")]
fn credit(cents: u32) -> Result<u32, Fault> {
    transfer(cents)
}

/// Shares the circuit too, but states another threshold. It does not get it.
#[circuit_breaker(name = "ledger", failure_threshold = 50)]
fn audit() -> Result<u32, Fault> {
    transfer(0)
}

fn transfer(cents: u32) -> Result<u32, Fault> {
    if cents > 100 {
        return Err(Fault::Unreachable);
    }
    Ok(cents)
}

fn say(call: &str, answer: &Result<u32, Fault>) {
    match answer {
        Ok(cents) => println!("  {call:<12} moved {cents} cents"),
        Err(Fault::Refused(rejected)) => println!("  {call:<12} refused: {rejected}"),
        Err(Fault::Unreachable) => println!("  {call:<12} failed: the ledger cannot be reached"),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let ledger = registry().get("ledger").ok_or("no such circuit")?;
    println!("Before any call, the registry knows who shares \"ledger\":");
    for site in ledger.snapshot().sites {
        println!("  {site}");
    }

    println!("\nFailures of either function count for both:");
    say("debit(1)", &debit(1));
    say("debit(200)", &debit(200));
    say("credit(200)", &credit(200));
    say("debit(200)", &debit(200));
    say("credit(1)", &credit(1));
    say("audit()", &audit());
    println!("  {}", ledger.snapshot().explain());

    println!("\nCode may share it as well. What it states is listed if it differs:");
    let by_hand = Config::new().cooldown(Duration::from_secs(5));
    let same = registry().get_or_create("ledger", by_hand)?;
    println!("  get_or_create gives the same circuit: {}", same.state());

    println!("\nConflicts:");
    for conflict in registry().conflicts() {
        println!("  {conflict}");
        println!(
            "    failures in a row: {:?} decides over {:?}; cooldown: {:?} over {:?}",
            conflict.decided.config.settings().failure_threshold,
            conflict.refused.config.settings().failure_threshold,
            conflict.decided.config.settings().cooldown,
            conflict.refused.config.settings().cooldown,
        );
    }
    Ok(())
}
