//! A limit on the calls in flight: `max_concurrent`, and `max_wait` for calls that may wait in a queue.
//!
//! A circuit opens on evidence, and a dependency that hangs gives none until its calls end. The bulkhead
//! bounds how many can hang.
//!
//! Run it with `cargo run --example bulkhead`. It takes about a second.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use breaker_runtime::{CallError, Rejected, circuit_breaker, registry};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Two at once. A third waits for a place, but no longer than 150 ms, with its thread blocked.
#[circuit_breaker(name = "reports", max_concurrent = 2, max_wait = "150ms")]
fn report() -> Result<(), Rejected> {
    thread::sleep(Duration::from_millis(100));
    Ok(())
}

/// Three at once, and nobody waits. A refused call gets a smaller picture.
#[circuit_breaker(name = "thumbnails", max_concurrent = 3, fallback = |error| match error {
    CallError::Rejected(_) => Ok("a grey square"),
    CallError::TimedOut(_) | CallError::Failed(_) => Err("no picture"),
})]
async fn thumbnail() -> Result<&'static str, &'static str> {
    sleep(Duration::from_millis(50)).await;
    Ok("a picture")
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("Five threads, max_concurrent = 2, max_wait = \"150ms\", 100 ms of work each:");
    let began = Instant::now();
    let mut lines: Vec<_> = thread::scope(|scope| {
        let calls: Vec<_> = (0..5).map(|_| scope.spawn(|| (report(), began.elapsed()))).collect();
        calls.into_iter().filter_map(|call| call.join().ok()).collect()
    });
    lines.sort_by_key(|(_, at)| *at);
    for (answer, at) in lines {
        let answer = match answer {
            Ok(()) => "done".to_owned(),
            Err(rejected) => rejected.to_string(),
        };
        println!("  after {:>3} ms  {answer}", at.as_millis());
    }

    println!("\nFive tasks, max_concurrent = 3, no waiting, a fallback:");
    for answer in tokio::runtime::Runtime::new()?.block_on(five_thumbnails())? {
        println!("  {answer}");
    }

    println!("\nA refusal by the bulkhead is no failure, so both circuits are closed:");
    for circuit in registry().snapshot().circuits {
        println!(
            "  {:<10}  {}; refused as full: {}, failed: {}",
            circuit.name,
            circuit.explain(),
            circuit.rejected.bulkhead_full,
            circuit.calls.failure
        );
    }
    Ok(())
}

async fn five_thumbnails() -> Result<Vec<&'static str>, Box<dyn Error>> {
    let mut tasks = JoinSet::new();
    for _ in 0..5 {
        tasks.spawn(thumbnail());
    }
    let mut answers = Vec::new();
    while let Some(answer) = tasks.join_next().await {
        answers.push(answer??);
    }
    Ok(answers)
}
