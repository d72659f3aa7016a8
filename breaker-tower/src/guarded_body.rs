//! `GuardedBody`: the body of a response, with the permit of its call.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use breaker_runtime::__private::HeldPermit;
use breaker_runtime::Outcome;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::classify::record;
use crate::responses::Judge;

pin_project! {
    /// The body of a response that is classified
    /// [until its end](crate::parts::ByHead::until_end_of_body). It holds the permit of its call.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_runtime::{Config, registry};
    /// use breaker_tower::{CircuitBreakerLayer, http::server_errors};
    /// use http::{Request, Response};
    /// use http_body_util::BodyExt;
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let layer = CircuitBreakerLayer::new("files", Config::new())?
    ///     .classify(server_errors().until_end_of_body());
    /// let service = layer.layer(service_fn(|_: Request<()>| async {
    ///     Ok::<_, http::Error>(Response::new("contents".to_owned()))
    /// }));
    /// let response = service.oneshot(Request::new(())).await?;
    /// let files = registry().get("files").ok_or("no circuit")?;
    /// assert_eq!(files.snapshot().in_flight, 1);
    /// response.into_body().collect().await?;
    /// assert_eq!(files.snapshot().calls.success, 1);
    /// # Ok(()) }
    /// ```
    pub struct GuardedBody<B, J> {
        #[pin]
        body: B,
        // Behind the body: a call keeps its slot until its body is dropped.
        permit: Option<HeldPermit>,
        judge: J,
    }

    impl<B, J> PinnedDrop for GuardedBody<B, J> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(permit) = this.project().permit {
                permit.cancel();
            }
        }
    }
}

impl<B: Body, J: Judge> GuardedBody<B, J> {
    pub(crate) fn new(body: B, permit: Option<HeldPermit>, judge: J) -> Self {
        let mut guarded = Self { body, permit, judge };
        if guarded.body.is_end_stream() {
            // Nobody needs to poll it.
            record(&mut guarded.permit, judge.end(None));
        } else if let Some(permit) = &mut guarded.permit {
            permit.suspend();
        }
        guarded
    }
}

impl<B: Body, J: Judge> Body for GuardedBody<B, J> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        if let Some(permit) = this.permit.as_mut() {
            permit.resume();
        }
        let polled = this.body.as_mut().poll_frame(context);
        let ended = match &polled {
            Poll::Ready(Some(Ok(frame))) => match frame.trailers_ref() {
                None if !this.body.is_end_stream() => None,
                trailers => Some(this.judge.end(trailers)),
            },
            Poll::Ready(Some(Err(_))) => Some(Outcome::Failure),
            Poll::Ready(None) => Some(this.judge.end(None)),
            Poll::Pending => None,
        };
        if let Some(outcome) = ended {
            record(this.permit, outcome);
        } else if let Some(permit) = this.permit {
            permit.suspend();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body that has ended already.
impl<B: Body + Default, J: Judge + Default> Default for GuardedBody<B, J> {
    fn default() -> Self {
        Self::new(B::default(), None, J::default())
    }
}

impl<B: fmt::Debug, J> fmt::Debug for GuardedBody<B, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody")
            .field("body", &self.body)
            .field("permit", &self.permit)
            .finish_non_exhaustive()
    }
}
