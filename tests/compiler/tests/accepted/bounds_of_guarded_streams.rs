//! What the stream is, the guarded one is too: `Send`, `Sync`, `'static`, `Unpin` in a box, with the captures that it
//! says.

use std::pin::Pin;

use breaker_runtime::circuit_breaker;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use tokio_stream::iter;

#[circuit_breaker(name = "owned-bogs")]
fn owned(text: &str) -> impl Stream<Item = Option<usize>> + Send + Sync + 'static + use<> {
    iter([Some(text.len())])
}

#[circuit_breaker(name = "borrowed-bogs", key = text, fallback = |_| Some(text))]
fn borrowed<'a>(text: &'a str) -> impl Stream<Item = Option<&'a str>> + Send + Sync + use<'a> {
    iter([Some(text)])
}

#[circuit_breaker(name = "unpinned-bogs", max_concurrent = 1, max_wait = "1s")]
fn unpinned(
    text: &str,
) -> impl Stream<Item = Option<usize>> + Send + Sync + Unpin + 'static + use<> {
    iter([Some(text.len())])
}

#[circuit_breaker(name = "boxed-bogs", on_cancel = failure_after("1s"), fallback = cached)]
fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Stream<Item = Option<&'a str>> + Send + Sync + 'a>> {
    Box::pin(iter([Some(text)]))
}

async fn cached(text: &str) -> Option<&str> {
    Some(text)
}

#[circuit_breaker(name = "named-bogs")]
fn named(text: String) -> BoxStream<'static, Option<String>> {
    Box::pin(iter([Some(text)]))
}

fn is_all<T: Send + Sync>(it: T) -> T {
    it
}

fn is_static<T: Send + Unpin + 'static>(_: T) {}

#[test]
fn it_compiles_and_runs() {
    drop(is_all(owned("tea")));
    drop(is_all(borrowed("tea")));
    is_static(unpinned("tea"));
    drop(is_all(boxed("tea")));
    is_static(named("tea".to_owned()));
}
