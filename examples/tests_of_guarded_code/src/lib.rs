//! A shop that asks three services, each behind a circuit: prices, stock and mail. Its tests are in `tests/shop.rs`.

use std::fmt;
use std::time::Duration;

use breaker_runtime::{Rejected, TimedOut, circuit_breaker};

/// Why the shop could not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShopError {
    /// A circuit refused the call.
    Refused(Rejected),
    /// The call took too long.
    Late(TimedOut),
    /// There is no such product.
    Unknown(String),
    /// The service behind does not answer.
    Down,
}

impl ShopError {
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Late(late) => late.fmt(f),
            Self::Unknown(product) => write!(f, "there is no {product}"),
            Self::Down => f.write_str("the service is down"),
        }
    }
}

impl std::error::Error for ShopError {}

impl From<Rejected> for ShopError {
    fn from(refused: Rejected) -> Self {
        Self::Refused(refused)
    }
}

impl From<TimedOut> for ShopError {
    fn from(late: TimedOut) -> Self {
        Self::Late(late)
    }
}

/// What a product costs, in cents. The last known price answers while the service is down.
///
/// # Errors
///
/// [`ShopError::Unknown`] for a product that there is not.
#[circuit_breaker(
    name = "prices",
    failure_threshold = 3,
    cooldown = "10s",
    success_threshold = 1,
    ignore_if = ShopError::is_unknown,
    fallback = last_known_price
)]
pub fn price(product: &str) -> Result<u32, ShopError> {
    match product {
        "apple" => Ok(99),
        "pear" => Ok(120),
        other => Err(ShopError::Unknown(other.to_owned())),
    }
}

fn last_known_price(product: &str) -> Result<u32, ShopError> {
    if product == "apple" { Ok(95) } else { Err(ShopError::Down) }
}

/// How many a tenant has in stock. Each tenant has a circuit.
///
/// # Errors
///
/// [`ShopError::Refused`] while the tenant's circuit is open.
#[circuit_breaker(name = "stock", key = tenant, failure_threshold = 2, cooldown = "30s")]
pub fn stock(tenant: &str, product: &str) -> Result<usize, ShopError> {
    Ok(tenant.len() + product.len())
}

/// Sends a receipt.
///
/// # Errors
///
/// [`ShopError::Late`] after two seconds, [`ShopError::Refused`] while the circuit is open.
#[circuit_breaker(name = "mail", call_timeout = "2s", failure_threshold = 2, cooldown = "1m")]
pub async fn send_receipt(to: &str) -> Result<usize, ShopError> {
    Ok(to.len())
}

/// How the shop answers a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// The status of HTTP.
    pub status: u16,
    /// The header `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

/// The response for a result.
pub fn respond<T>(result: &Result<T, ShopError>) -> Response {
    let answer = |status| Response { status, retry_after: None };
    match result {
        Ok(_) => answer(200),
        Err(ShopError::Unknown(_)) => answer(404),
        Err(ShopError::Late(_)) => answer(504),
        Err(ShopError::Down) => answer(502),
        Err(ShopError::Refused(refused)) => {
            let seconds = |left: Duration| left.as_secs() + u64::from(left.subsec_nanos() > 0);
            Response { status: 503, retry_after: Some(refused.retry_after().map_or(1, seconds)) }
        }
    }
}

/// Sends a receipt, up to three times. It does not try again while the circuit is open, and says when to.
///
/// # Errors
///
/// How long to wait before the next attempt, if all failed.
pub async fn send_with_retry(to: &str) -> Result<usize, Duration> {
    for _ in 0..3 {
        match send_receipt(to).await {
            Ok(sent) => return Ok(sent),
            Err(ShopError::Refused(refused)) => {
                return Err(refused.retry_after().unwrap_or(Duration::from_secs(1)));
            }
            Err(_) => {}
        }
    }
    Err(Duration::from_secs(1))
}
