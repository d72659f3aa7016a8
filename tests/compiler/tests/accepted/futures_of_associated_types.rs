//! A service in the style of tower: its future is an associated type.

use std::future::ready;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use breaker_runtime::{circuit_breaker, registry};

trait Service<Request> {
    type Response;
    type Future: Future<Output = Option<Self::Response>>;
    fn call(&mut self, request: Request) -> Self::Future;
}

struct Prices;

impl Service<u8> for Prices {
    type Response = u16;
    type Future = Pin<Box<dyn Future<Output = Option<u16>> + Send>>;

    #[circuit_breaker(name = "prices-foat")]
    fn call(&mut self, request: u8) -> Self::Future {
        Box::pin(ready(request.checked_sub(1).map(u16::from)))
    }
}

struct Generic<T>(T);

impl<T: Clone + Send + 'static> Service<bool> for Generic<T> {
    type Response = T;
    type Future = Pin<Box<dyn Future<Output = Option<T>> + Send>>;

    #[circuit_breaker(name = "generic-foat", fallback = |_| None)]
    fn call(&mut self, ok: bool) -> <Self as Service<bool>>::Future {
        let value = ok.then(|| self.0.clone());
        Box::pin(async move { value })
    }
}

fn run<F: Future>(future: F) -> F::Output {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(output) = polled else { panic!("it waits for nothing") };
    output
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!((run(Prices.call(3)), run(Prices.call(0))), (Some(2), None));
    let calls = registry().get("prices-foat").unwrap().snapshot().calls;
    assert_eq!((calls.success, calls.failure), (1, 1));
    let mut tea = Generic("tea");
    assert_eq!((run(tea.call(true)), run(tea.call(false))), (Some("tea"), None));
    let calls = registry().get("generic-foat").unwrap().snapshot().calls;
    assert_eq!((calls.success, calls.failure), (1, 1));
}
