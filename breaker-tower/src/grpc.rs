//! Ready-made parts for gRPC.
//!
//! # Examples
//!
//! ```
//! use breaker_runtime::Config;
//! use breaker_tower::{CircuitBreakerLayer, grpc};
//!
//! let layer = CircuitBreakerLayer::new("ledger", Config::new())?
//!     .classify(grpc::unavailable().until_end_of_body());
//! assert!(format!("{layer:?}").contains("ledger"));
//! # Ok::<(), breaker_runtime::ConfigError>(())
//! ```

use breaker_runtime::Outcome;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::responses::{ByHead, Judge};

/// Classifies gRPC responses by their status.
///
/// | status | counts as |
/// |---|---|
/// | `UNAVAILABLE`, `DEADLINE_EXCEEDED`, `RESOURCE_EXHAUSTED`, `INTERNAL`, `UNKNOWN`, `DATA_LOSS` | a failure |
/// | `CANCELLED` | nothing |
/// | `OK`, and the caller's own mistakes: `INVALID_ARGUMENT`, `NOT_FOUND` and the rest | a success |
///
/// The status of most responses comes after the body. Use
/// [`until_end_of_body`](crate::parts::ByHead::until_end_of_body) to read it there. Without it, only a status in the
/// headers is read: that of a call that fails before its first message.
///
/// If there is no status, the HTTP status decides, as the gRPC specification maps it. A body that ends without a status
/// is `UNKNOWN`.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry};
/// use breaker_tower::{CircuitBreakerLayer, grpc};
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layer = CircuitBreakerLayer::new("ledger", Config::new())?.classify(grpc::unavailable());
/// let service = layer.layer(service_fn(|_: Request<()>| async {
///     Response::builder().header("grpc-status", "14").body(()) // UNAVAILABLE
/// }));
/// service.oneshot(Request::new(())).await?;
/// assert_eq!(registry().get("ledger").ok_or("no circuit")?.snapshot().calls.failure, 1);
/// # Ok(()) }
/// ```
#[must_use]
pub fn unavailable() -> ByHead<Unavailable> {
    ByHead(Unavailable)
}

/// What [`unavailable`] judges by.
///
/// # Examples
///
/// ```
/// use breaker_tower::grpc::{Unavailable, unavailable};
/// use breaker_tower::parts::{ByBody, ByHead};
///
/// let by_head: ByHead<Unavailable> = unavailable();
/// let by_body: ByBody<Unavailable> = by_head.until_end_of_body();
/// assert!(format!("{by_body:?}").contains("Unavailable"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Unavailable;

impl Judge for Unavailable {
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Outcome> {
        match (headers.get(STATUS), status) {
            (Some(status), _) => Some(outcome_of(status)),
            (None, StatusCode::OK) => None,
            // UNAUTHENTICATED, PERMISSION_DENIED and UNIMPLEMENTED. All others are INTERNAL, UNAVAILABLE or UNKNOWN.
            (None, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => {
                Some(Outcome::Success)
            }
            (None, _) => Some(Outcome::Failure),
        }
    }

    fn end(&self, trailers: Option<&HeaderMap>) -> Outcome {
        let status = trailers.and_then(|trailers| trailers.get(STATUS));
        status.map_or(Outcome::Failure, outcome_of)
    }
}

const STATUS: &str = "grpc-status";

fn outcome_of(status: &HeaderValue) -> Outcome {
    match status.as_bytes() {
        // INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, FAILED_PRECONDITION, ABORTED,
        // OUT_OF_RANGE, UNIMPLEMENTED, UNAUTHENTICATED.
        b"0" | b"3" | b"5" | b"6" | b"7" | b"9" | b"10" | b"11" | b"12" | b"16" => Outcome::Success,
        // CANCELLED: the caller gave up.
        b"1" => Outcome::Ignored,
        // UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE, DATA_LOSS, and what is no code.
        _ => Outcome::Failure,
    }
}
