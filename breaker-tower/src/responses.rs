//! Classification of HTTP responses: by the head, or held until the end of the body.

use std::time::Duration;

use breaker_runtime::__private::HeldPermit;
use breaker_runtime::Outcome;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;

use crate::classify::{Classify, record};
use crate::guarded_body::GuardedBody;

/// Judges the parts of a response.
///
/// # Examples
///
/// ```
/// use breaker_tower::http::server_errors;
/// use breaker_tower::parts::{ByBody, ByHead, Judge};
///
/// /// Judges whole responses, by HTTP or by gRPC.
/// fn whole<J: Judge>(head: ByHead<J>) -> ByBody<J> {
///     head.until_end_of_body()
/// }
///
/// assert!(format!("{:?}", whole(server_errors())).contains("ServerErrors"));
/// ```
pub trait Judge: Copy {
    /// Judges the head. `None` leaves it to the end of the body.
    #[doc(hidden)]
    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Option<Outcome>;
    /// How long the head of a failure asks to stay away. Zero is no answer.
    #[doc(hidden)]
    fn open_for(&self, _: &HeaderMap) -> Duration {
        Duration::ZERO
    }
    /// Judges the end of a body.
    #[doc(hidden)]
    fn end(&self, trailers: Option<&HeaderMap>) -> Outcome;
}

/// Classifies by the head of the response. Errors are failures.
///
/// # Examples
///
/// ```
/// use breaker_runtime::Config;
/// use breaker_tower::CircuitBreakerLayer;
/// use breaker_tower::http::{ServerErrors, server_errors};
/// use breaker_tower::parts::{ByHead, Named};
///
/// let layer: CircuitBreakerLayer<Named, ByHead<ServerErrors>> =
///     CircuitBreakerLayer::new("files", Config::new())?.classify(server_errors());
/// assert!(format!("{layer:?}").contains("files"));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByHead<J>(pub(crate) J);

impl<J> ByHead<J> {
    /// Has the body of a response hold the permit, for streams and for gRPC, whose status comes last.
    ///
    /// * A head that says enough, such as a status of 503, ends the call at once.
    /// * The end of the body ends it otherwise, or the trailers.
    /// * An error in the middle of the body is a failure.
    /// * A body that is dropped half-way counts as [`on_cancel`](crate::CircuitBreakerLayer::on_cancel) says.
    ///
    /// The response's body becomes a [`GuardedBody`]. `slow_call` then includes the time of reading it.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::Config;
    /// use breaker_tower::{CircuitBreakerLayer, grpc};
    ///
    /// let layer = CircuitBreakerLayer::new("ledger", Config::new())?
    ///     .classify(grpc::unavailable().until_end_of_body());
    /// # let _ = layer;
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub fn until_end_of_body(self) -> ByBody<J> {
        ByBody(self.0)
    }
}

impl<J: Judge, B, E> Classify<Response<B>, E> for ByHead<J> {
    type Response = Response<B>;

    fn settle(
        &self,
        permit: &mut Option<HeldPermit>,
        result: Result<Response<B>, E>,
    ) -> Result<Response<B>, E> {
        match &result {
            Ok(response) if record_head(&self.0, permit, response) => {}
            Ok(_) => record(permit, Outcome::Success),
            Err(_) => record(permit, Outcome::Failure),
        }
        result
    }

    fn settled(&self, response: Response<B>) -> Response<B> {
        response
    }
}

/// Records what the head of a response says, if that is enough.
#[inline]
fn record_head<B>(
    judge: &impl Judge,
    permit: &mut Option<HeldPermit>,
    response: &Response<B>,
) -> bool {
    let outcome = judge.head(response.status(), response.headers());
    match (outcome, permit) {
        (Some(Outcome::Failure), Some(permit)) => {
            permit.fail_for(judge.open_for(response.headers()));
        }
        (Some(outcome), permit) => record(permit, outcome),
        (None, _) => {}
    }
    outcome.is_some()
}

/// Classifies by the whole response: see [`ByHead::until_end_of_body`].
///
/// # Examples
///
/// ```
/// use breaker_runtime::Config;
/// use breaker_tower::CircuitBreakerLayer;
/// use breaker_tower::http::{ServerErrors, server_errors};
/// use breaker_tower::parts::{ByBody, Named};
///
/// let layer: CircuitBreakerLayer<Named, ByBody<ServerErrors>> =
///     CircuitBreakerLayer::new("files", Config::new())?.classify(server_errors().until_end_of_body());
/// assert!(format!("{layer:?}").contains("files"));
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByBody<J>(J);

impl<J: Judge, B: Body, E> Classify<Response<B>, E> for ByBody<J> {
    type Response = Response<GuardedBody<B, J>>;

    fn settle(
        &self,
        permit: &mut Option<HeldPermit>,
        result: Result<Response<B>, E>,
    ) -> Result<Self::Response, E> {
        match &result {
            Ok(response) => _ = record_head(&self.0, permit, response),
            Err(_) => record(permit, Outcome::Failure),
        }
        result.map(|response| response.map(|body| GuardedBody::new(body, permit.take(), self.0)))
    }

    fn settled(&self, response: Response<B>) -> Self::Response {
        response.map(|body| GuardedBody::new(body, None, self.0))
    }
}
