//! What answers when the call cannot: the three forms of `fallback`, and `fallback_on`.
//!
//! Run it with `cargo run --example fallbacks`.

use std::error::Error;
use std::fmt;

use breaker_runtime::{CallError, circuit_breaker, registry};

/// What the catalogue says when it is down. It holds no refusals: every function here has a fallback.
#[derive(Debug)]
struct Down;

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the catalogue is down")
    }
}

impl Error for Down {}

/// The dependency. It is down all the time.
fn catalogue(_isbn: &str) -> Result<String, Down> {
    Err(Down)
}

/// A path: a function with the same signature, called with the same arguments. They are copied before
/// the call, so that they are still there afterwards.
#[circuit_breaker(name = "title", failure_threshold = 2, fallback = title_from_cache)]
fn title(isbn: String, shout: bool) -> Result<String, Down> {
    let title = catalogue(&isbn)?;
    Ok(if shout { title.to_uppercase() } else { title })
}

#[allow(
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value,
    reason = "a fallback has the signature of the function it stands in for"
)]
fn title_from_cache(isbn: String, shout: bool) -> Result<String, Down> {
    let title = format!("book {isbn}");
    Ok(if shout { title.to_uppercase() } else { title })
}

/// A closure: it is given the error, and sees the function's arguments by name.
#[circuit_breaker(
    name = "stock",
    failure_threshold = 2,
    fallback = |err| match err {
        CallError::Rejected(refused) => Ok(format!("{isbn}: unknown, {refused}")),
        CallError::Failed(down) => Ok(format!("{isbn}: unknown, {down}")),
        CallError::TimedOut(late) => Ok(format!("{isbn}: unknown, {late}")),
    }
)]
fn stock(isbn: &str) -> Result<String, Down> {
    catalogue(isbn)
}

/// Any other expression: evaluated as it stands. Here the function returns no `Result`, so there is no
/// failure to answer, only refusals.
#[circuit_breaker(name = "rating", fallback = 0, failures = panics)]
fn rating(isbn: &str) -> usize {
    isbn.len()
}

/// For refusals only: a failure goes to the caller as it is, and nothing is copied before the call.
#[circuit_breaker(
    name = "reviews",
    failure_threshold = 2,
    fallback = |_| Ok(Vec::new()),
    fallback_on = rejected
)]
fn reviews(isbn: Isbn) -> Result<Vec<String>, Down> {
    catalogue(&isbn.0).map(|review| vec![review])
}

/// Not `Clone`, which is fine where nothing is kept.
struct Isbn(String);

fn main() -> Result<(), Box<dyn Error>> {
    println!("fallback = path: it is called with the function's own arguments");
    for shout in [false, true, true] {
        println!("  title(\"0-13\", {shout}) = {:?}", title("0-13".into(), shout)?);
    }

    println!("\nfallback = |err| ...: it sees the error and the arguments");
    for _ in 0..3 {
        println!("  stock(\"0-13\") = {:?}", stock("0-13")?);
    }

    println!("\nfallback = expression: the circuit is tripped by hand after the first call");
    println!("  rating(\"0-13\") = {}", rating("0-13"));
    registry().get("rating").ok_or("no such circuit")?.trip();
    println!("  rating(\"0-13\") = {}", rating("0-13"));

    println!("\nfallback_on = rejected: failures reach the caller, refusals do not");
    for _ in 0..3 {
        println!("  reviews(\"0-13\") = {:?}", reviews(Isbn("0-13".to_owned())));
    }

    println!("\n{}", registry().snapshot());
    Ok(())
}
