//! Functions that return a stream: one stream is one call, from its first poll until it ends, fails or is dropped.
//!
//! Run it with `cargo run --example streams`.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::{
    CircuitBreaker, Config, GuardedStream, Outcome, Rejected, circuit_breaker, registry,
};
use futures_core::Stream;
use futures_core::stream::BoxStream;
use tokio::time::{sleep, timeout};
use tokio_stream::{StreamExt, iter, pending};

#[derive(Debug)]
enum FeedError {
    Refused(Rejected),
    Lost,
}

impl From<Rejected> for FeedError {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(rejected) => rejected.fmt(f),
            Self::Lost => f.write_str("the connection was lost"),
        }
    }
}

impl Error for FeedError {}

/// Each item that is an `Err` fails its stream.
#[circuit_breaker(
    name = "quotes",
    failure_threshold = 2,
    cooldown = "100ms",
    half_open_max_calls = 1,
    success_threshold = 1
)]
fn quotes(is_up: bool) -> impl Stream<Item = Result<u32, FeedError>> {
    iter([Ok(101), Ok(102), if is_up { Ok(103) } else { Err(FeedError::Lost) }])
}

/// Items without errors: `failure_if` looks at each. A reader that gives up counts as a failure.
#[circuit_breaker(
    name = "readings",
    failure_if = |celsius| *celsius > 1_000,
    on_cancel = failure,
    fallback = 20
)]
fn readings(hangs: bool) -> BoxStream<'static, i32> {
    let read = iter([21, 22]);
    if hangs { Box::pin(read.chain(pending())) } else { Box::pin(read) }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let circuit = registry().get("quotes").ok_or("no such circuit")?;
    println!("A feed that works, and then loses its connection in the middle:");
    for is_up in [true, false, false, true] {
        read(quotes(is_up)).await;
    }
    println!("  {}\n", circuit.snapshot().explain());

    println!("The cooldown is over. A stream that is read is a probe until it ends:");
    sleep(Duration::from_millis(120)).await;
    let mut probe = Box::pin(quotes(true));
    println!("  the probe yields {}", probe.next().await.ok_or("no item")??);
    read(quotes(true)).await;
    while probe.next().await.is_some() {}
    println!("  the probe is over: {}\n", circuit.snapshot().explain());

    println!("A reader that waits for 20 ms, with on_cancel = failure:");
    for hangs in [false, true] {
        let mut last = 0;
        let reads = async {
            let mut items = Box::pin(readings(hangs));
            while let Some(celsius) = items.next().await {
                last = celsius;
            }
        };
        let ended = timeout(Duration::from_millis(20), reads).await.is_ok();
        println!(
            "  {last} degrees at last; {}",
            if ended { "it ended" } else { "the reader gave up" }
        );
    }
    let calls = registry().get("readings").ok_or("no such circuit")?.snapshot().calls;
    println!("  {} ended well, {} failed\n", calls.success, calls.failure);

    println!("By hand, with two streams open at most:");
    let rows = Arc::new(CircuitBreaker::new("rows", Config::new().max_concurrent(2))?);
    let mut open = Vec::new();
    for number in 1..=3 {
        match rows.try_acquire_owned() {
            Ok(permit) => open.push(GuardedStream::classified(permit, iter([number]), judge)),
            Err(rejected) => println!("  {rejected}"),
        }
    }
    println!("  {} are open", rows.snapshot().in_flight);
    for mut stream in open {
        while stream.next().await.is_some() {}
    }
    println!("  {} are open", rows.snapshot().in_flight);
    Ok(())
}

/// What an item means for its stream.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "a stream is asked by reference")]
fn judge(row: &i32) -> Outcome {
    if *row < 0 { Outcome::Failure } else { Outcome::Success }
}

async fn read(stream: impl Stream<Item = Result<u32, FeedError>>) {
    let items: Vec<_> = stream
        .map(|item| item.map_or_else(|error| error.to_string(), |price| price.to_string()))
        .collect()
        .await;
    println!("  {}", items.join(", "));
}
