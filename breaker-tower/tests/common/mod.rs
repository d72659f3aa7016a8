//! Services that do as they are told.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use breaker_runtime::{Calls, CircuitBreaker, Clock, Config, ManualClock};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tower::Service;

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Down;

impl std::fmt::Display for Down {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("down")
    }
}

impl std::error::Error for Down {}

pub(crate) type Answer = oneshot::Sender<Result<u32, Down>>;

/// A service whose calls end when the test answers them.
#[derive(Clone, Debug)]
pub(crate) struct Remote(UnboundedSender<(u32, Answer)>);

/// The calls that have reached a [`Remote`].
pub(crate) type Arrivals = UnboundedReceiver<(u32, Answer)>;

pub(crate) fn remote() -> (Remote, Arrivals) {
    let (sender, receiver) = unbounded_channel();
    (Remote(sender), receiver)
}

impl Service<u32> for Remote {
    type Response = u32;
    type Error = Down;
    type Future = Pin<Box<dyn Future<Output = Result<u32, Down>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Down>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        let (answer, answered) = oneshot::channel();
        self.0.send((request, answer)).expect("the test listens");
        Box::pin(async { answered.await.unwrap_or(Err(Down)) })
    }
}

/// A circuit in no registry, and its time.
pub(crate) fn circuit(config: Config) -> (Arc<CircuitBreaker>, ManualClock) {
    let time = ManualClock::new();
    let clock = Clock::Manual(time.clone());
    (Arc::new(CircuitBreaker::with_clock("test", config, clock).expect("a valid config")), time)
}

pub(crate) fn calls(circuit: &CircuitBreaker) -> Calls {
    circuit.snapshot().calls
}

/// The calls that ended: good, failed, ignored, cancelled.
pub(crate) fn ended(circuit: &CircuitBreaker) -> [u64; 4] {
    let Calls { success, failure, ignored, cancelled, .. } = calls(circuit);
    [success, failure, ignored, cancelled]
}

pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The output of a future that has nothing to wait for.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it has nothing to wait for"),
    }
}
