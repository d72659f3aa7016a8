//! Retries and a circuit breaker: the retry goes outside, and minds what a refusal says.
//!
//! Each attempt is a call that the circuit sees. Were the retry inside, the circuit would see one call per
//! three attempts, and an open circuit would not stop the attempts. So: retry outside, and never against a
//! circuit that says it will be open for longer than the caller is patient.
//!
//! Run it with `cargo run --example retry_with_backon`. It takes about two seconds.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use breaker_runtime::{Rejected, RejectedReason, circuit_breaker, registry};

/// How long a caller is ready to wait for a circuit that is open.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Debug)]
enum RateError {
    Down,
    NoSuchCurrency,
    Refused(Rejected),
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down => f.write_str("the service is down"),
            Self::NoSuchCurrency => f.write_str("no such currency"),
            Self::Refused(rejected) => rejected.fmt(f),
        }
    }
}

impl Error for RateError {}

impl From<Rejected> for RateError {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}

/// How many more calls fail, and how often the service was really asked.
static FAILURES_LEFT: AtomicU32 = AtomicU32::new(0);
static ASKED: AtomicU32 = AtomicU32::new(0);

#[circuit_breaker(
    name = "rates",
    failure_threshold = 3,
    cooldown = "400ms",
    cooldown_multiplier = 4,
    success_threshold = 1,
    ignore_if = |error| matches!(error, RateError::NoSuchCurrency)
)]
async fn rate(currency: &str) -> Result<f64, RateError> {
    ASKED.fetch_add(1, Ordering::Relaxed);
    let one_less = |left: u32| left.checked_sub(1);
    if FAILURES_LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
        return Err(RateError::Down);
    }
    if currency == "USD" { Ok(0.9) } else { Err(RateError::NoSuchCurrency) }
}

/// How long to wait before the next attempt; `None` for no further one. `planned` is what the backoff would
/// wait.
fn wait_before_retry(error: &RateError, planned: Option<Duration>) -> Option<Duration> {
    match error {
        RateError::Down => planned,
        RateError::NoSuchCurrency => None,
        RateError::Refused(rejected) => match rejected.retry_after() {
            Some(left) if left <= PATIENCE => planned.map(|planned| planned.max(left)),
            // Open for longer: the answer for now is no.
            Some(_) => None,
            None if rejected.reason() == RejectedReason::ForcedOpen => None,
            // All probes, or all places, are taken: one may be free any moment.
            None => planned,
        },
    }
}

async fn patient_rate(currency: &str) -> Result<f64, RateError> {
    let backoff =
        ExponentialBuilder::default().with_min_delay(Duration::from_millis(20)).with_max_times(5);
    (|| rate(currency))
        .retry(backoff)
        .sleep(tokio::time::sleep)
        .adjust(wait_before_retry)
        .notify(|error, wait| println!("    {error}; again in {} ms", wait.as_millis()))
        .await
}

async fn ask(headline: &str, currency: &str, failures: u32) -> Result<(), Box<dyn Error>> {
    println!("{headline}");
    FAILURES_LEFT.store(failures, Ordering::Relaxed);
    let (began, asked_before) = (Instant::now(), ASKED.load(Ordering::Relaxed));
    match patient_rate(currency).await {
        Ok(rate) => println!("  rate {rate}"),
        Err(error) => println!("  gave up: {error}"),
    }
    let asked = ASKED.load(Ordering::Relaxed) - asked_before;
    println!(
        "  after {} ms; attempts that reached the service: {asked}",
        began.elapsed().as_millis()
    );
    let circuit = registry().get("rates").ok_or("no such circuit")?;
    println!("  {}\n", circuit.snapshot().explain());
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    ask("One failure: the second attempt is good", "USD", 1).await?;
    ask("An error that is the caller's own is not tried again", "XXX", 0).await?;
    ask(
        "Three failures open the circuit for 400 ms. The fourth attempt waits that long: it is the probe",
        "USD",
        3,
    )
    .await?;
    ask(
        "A longer outage: the probe fails too, and the circuit is open for 1.6 s. That is too long to wait",
        "USD",
        100,
    )
    .await?;
    ask("Whoever comes next is told at once", "USD", 100).await
}
