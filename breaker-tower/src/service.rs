//! `CircuitBreakerService`: a service behind a circuit.

use std::borrow::Borrow as _;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use breaker_runtime::__private::{Entered, HeldPermit};
use breaker_runtime::OnCancel;
use tower_service::Service;

use crate::answer::{Answer, CallErrors};
use crate::circuits::{Circuits, OneCircuit};
use crate::classify::{Classify, ErrIsFailure};
use crate::response_future::{ResponseFuture, Step, Unmade};
use crate::timing::{Timing, Untimed};

/// A service behind a circuit, made by a [`CircuitBreakerLayer`](crate::CircuitBreakerLayer).
///
/// * It is ready when the inner service is. An open circuit refuses in `call`, so it never stalls a balancer or holds
///   a buffer. An error of `poll_ready` is passed on and not counted, because there was no call.
/// * A call takes its permit in `call`, and the future that it returns holds it. If that future is dropped before it is
///   done, the call is cancelled, or failed if [`on_cancel`](crate::CircuitBreakerLayer::on_cancel) says so.
/// * Clones share the circuit. A clone that is never called takes nothing.
/// * With `max_wait`, a call that finds no free slot waits in its future, and calls the inner service afterwards. For
///   that the inner service has to be `Clone`. If it is not, put a buffer around it.
///
/// A call allocates nothing, unless it has to wait for a slot.
///
/// # Examples
///
/// The type is short if the layer states nothing but its circuit. [`parts`](crate::parts) has a longer one.
///
/// ```
/// use breaker_tower::CircuitBreakerService;
///
/// struct Shop<Client> {
///     stock: CircuitBreakerService<Client>,
/// }
/// ```
#[derive(Clone)]
pub struct CircuitBreakerService<S, K = OneCircuit, C = ErrIsFailure, A = CallErrors, T = Untimed> {
    inner: S,
    circuits: K,
    classify: C,
    answer: A,
    timing: T,
    on_cancel: OnCancel,
}

impl<S, K, C, A, T> CircuitBreakerService<S, K, C, A, T> {
    pub(crate) fn new(
        inner: S,
        circuits: K,
        classify: C,
        answer: A,
        timing: T,
        on_cancel: OnCancel,
    ) -> Self {
        Self { inner, circuits, classify, answer, timing, on_cancel }
    }
}

impl<S, Request, K, C, A, T> Service<Request> for CircuitBreakerService<S, K, C, A, T>
where
    S: Service<Request> + Clone,
    K: Circuits<Request>,
    C: Classify<S::Response, S::Error> + Clone,
    A: Answer<S::Response, S::Error> + Clone,
    T: Timing<S::Future>,
{
    type Response = C::Response;
    type Error = A::Error;
    type Future = ResponseFuture<S, Request, C, A, T>;

    #[inline]
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), A::Error>> {
        self.inner.poll_ready(context).map_err(|error| self.answer.failed(error))
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let Self { inner, circuits, classify, answer, timing, on_cancel } = self;
        let (classify, answer, timing) = (classify.clone(), answer.clone(), timing.clone());
        let found = circuits.circuit(&request);
        let circuit = found.borrow();
        if let Some(entered) = Entered::at_once(circuit, *on_cancel) {
            // Apart from the others, so that this permit need not have an address.
            return ResponseFuture::admitted(entered, inner, request, timing, classify, answer);
        }
        match Entered::slowly(circuit, *on_cancel) {
            Some(Ok(entered)) => {
                ResponseFuture::admitted(entered, inner, request, timing, classify, answer)
            }
            Some(Err(rejected)) => {
                let refused = Step::Refused { rejected: Some(rejected) };
                ResponseFuture::new(refused, None, classify, answer)
            }
            None => {
                let wait = Box::pin(HeldPermit::wait(Arc::clone(circuit), *on_cancel));
                // The call goes to the instance that is ready.
                let unready = inner.clone();
                let service = mem::replace(inner, unready);
                let call = Some(Box::new(Unmade { service, request, timing }));
                ResponseFuture::new(Step::Waiting { wait, call }, None, classify, answer)
            }
        }
    }
}

impl<S, K, C, A, T> fmt::Debug for CircuitBreakerService<S, K, C, A, T>
where
    S: fmt::Debug,
    K: fmt::Debug,
    T: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerService")
            .field("inner", &self.inner)
            .field("circuits", &self.circuits)
            .field("timing", &self.timing)
            .field("on_cancel", &self.on_cancel)
            .finish_non_exhaustive()
    }
}
