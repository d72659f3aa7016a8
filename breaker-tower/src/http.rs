//! Ready-made parts for HTTP.
//!
//! # Examples
//!
//! ```
//! use breaker_runtime::Config;
//! use breaker_tower::{CircuitBreakerLayer, http};
//!
//! let layer = CircuitBreakerLayer::new("inventory", Config::new())?
//!     .classify(http::server_errors())
//!     .key(http::authority())
//!     .into_box_error();
//! assert!(format!("{layer:?}").contains("inventory"));
//! # Ok::<(), breaker_runtime::ConfigError>(())
//! ```

use std::convert::Infallible;
use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use breaker_runtime::{CallError, Outcome};
use http::header::{HOST, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

use crate::key::Key;
use crate::responses::{ByHead, Judge};

/// Classifies responses: a status of 500 to 599 or 429 is a failure, and so is an error. Everything else is a success,
/// also 404: the server works.
///
/// A failure with `Retry-After` opens the circuit for that long, at most for
/// [`open_for_max`](breaker_runtime::Config::open_for_max). The header must hold seconds. A date is not used, because
/// the clocks of two machines may differ: that failure counts like any other.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry};
/// use breaker_tower::{CircuitBreakerLayer, http::server_errors};
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layer = CircuitBreakerLayer::new("inventory", Config::new())?.classify(server_errors());
/// let service = layer.layer(service_fn(|_: Request<()>| async {
///     Response::builder().status(503).body(())
/// }));
/// assert_eq!(service.oneshot(Request::new(())).await?.status(), 503);
/// assert_eq!(registry().get("inventory").ok_or("no circuit")?.snapshot().calls.failure, 1);
/// # Ok(()) }
/// ```
#[must_use]
pub fn server_errors() -> ByHead<ServerErrors> {
    ByHead(ServerErrors)
}

/// What [`server_errors`] judges by.
///
/// # Examples
///
/// ```
/// use breaker_tower::http::{ServerErrors, server_errors};
/// use breaker_tower::parts::ByHead;
///
/// let by_head: ByHead<ServerErrors> = server_errors();
/// assert!(format!("{by_head:?}").contains("ServerErrors"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerErrors;

impl Judge for ServerErrors {
    fn head(&self, status: StatusCode, _: &HeaderMap) -> Option<Outcome> {
        Some(outcome_of(status)).filter(|outcome| *outcome == Outcome::Failure)
    }

    fn open_for(&self, headers: &HeaderMap) -> Duration {
        headers.get(RETRY_AFTER).and_then(seconds).unwrap_or_default()
    }

    fn end(&self, _: Option<&HeaderMap>) -> Outcome {
        Outcome::Success
    }
}

/// The time in a `Retry-After`. `None` if it is no number of seconds.
fn seconds(header: &HeaderValue) -> Option<Duration> {
    let text = header.to_str().ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

/// Answers refused calls, for [`respond`](crate::CircuitBreakerLayer::respond): with 503 and `Retry-After`. The header
/// holds whole seconds, rounded up, and 1 where nobody knows. A call that timed out is answered with 504.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry};
/// use breaker_tower::{CircuitBreakerLayer, http::unavailable};
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layer = CircuitBreakerLayer::new("checkout", Config::new())?.respond(unavailable());
/// registry().get("checkout").ok_or("no circuit")?.trip();
///
/// let service = layer.layer(service_fn(|_: Request<()>| async { Ok::<_, http::Error>(Response::new(())) }));
/// let response = service.oneshot(Request::new(())).await?;
/// assert_eq!(response.status(), 503);
/// assert_eq!(response.headers()["retry-after"], "60");
/// # Ok(()) }
/// ```
pub fn unavailable<B: Default>() -> impl Fn(CallError<Infallible>) -> Response<B> + Copy {
    |error| {
        let mut response = Response::new(B::default());
        match error {
            CallError::Rejected(rejected) => {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                let seconds = HeaderValue::from(rejected.retry_after_secs());
                response.headers_mut().insert(RETRY_AFTER, seconds);
            }
            CallError::TimedOut(_) => *response.status_mut() = StatusCode::GATEWAY_TIMEOUT,
        }
        response
    }
}

/// What a response with that status counts as, as in [`server_errors`]. For a client whose responses are no
/// [`http::Response`], such as reqwest's: use it in a closure for
/// [`classify`](crate::CircuitBreakerLayer::classify).
///
/// # Examples
///
/// ```
/// use breaker_runtime::Outcome;
/// use breaker_tower::http::outcome_of;
/// use http::StatusCode;
///
/// assert_eq!(outcome_of(StatusCode::TOO_MANY_REQUESTS), Outcome::Failure);
/// assert_eq!(outcome_of(StatusCode::BAD_GATEWAY), Outcome::Failure);
/// assert_eq!(outcome_of(StatusCode::NOT_FOUND), Outcome::Success);
/// ```
#[must_use]
pub fn outcome_of(status: StatusCode) -> Outcome {
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        Outcome::Failure
    } else {
        Outcome::Success
    }
}

/// Takes host and port as the key, for [`key`](crate::CircuitBreakerLayer::key): from the URI, or else from the header
/// `Host`. Lower case, and without what stands before an `@`. Allocates nothing.
///
/// # Examples
///
/// ```
/// use breaker_runtime::{Config, registry};
/// use breaker_tower::{CircuitBreakerLayer, http::authority};
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layer = CircuitBreakerLayer::new("web", Config::new())?.key(authority());
/// let service = layer.layer(service_fn(|_: Request<()>| async { Ok::<_, http::Error>(Response::new(())) }));
/// service.oneshot(Request::get("http://Alpha.example:8080/x").body(())?).await?;
/// assert!(registry().get("web/alpha.example:8080").is_some());
/// # Ok(()) }
/// ```
#[must_use]
pub fn authority() -> Authority {
    Authority
}

/// What [`authority`] returns.
///
/// # Examples
///
/// ```
/// use breaker_tower::Key;
/// use breaker_tower::http::Authority;
/// use http::Request;
///
/// let request = Request::get("/stock").header("host", "Alpha.example:8080").body(())?;
/// assert_eq!(Authority.key(&request).to_string(), "alpha.example:8080");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Authority;

impl<'a, B: 'a> Key<'a, Request<B>> for Authority {
    type Key = Lowercase<'a>;

    fn key(&self, request: &'a Request<B>) -> Lowercase<'a> {
        let header = || request.headers().get(HOST)?.to_str().ok();
        let authority = request.uri().authority().map(http::uri::Authority::as_str);
        let authority = authority.or_else(header).unwrap_or_default();
        Lowercase(authority.rsplit('@').next().unwrap_or_default())
    }
}

/// A text that is shown in lower case.
///
/// # Examples
///
/// ```
/// use breaker_tower::Key;
/// use breaker_tower::http::{Lowercase, authority};
/// use http::Request;
///
/// let request = Request::get("http://ALPHA.example/stock").body(())?;
/// let key: Lowercase<'_> = authority().key(&request);
/// assert_eq!(key.to_string(), "alpha.example");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Lowercase<'a>(&'a str);

impl Display for Lowercase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| f.write_char(char.to_ascii_lowercase()))
    }
}
