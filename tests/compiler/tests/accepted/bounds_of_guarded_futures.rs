//! Whatever the future of an `async` block can be, a guarded one is too: of every form, `Sync` included.

use std::future::ready;
use std::pin::Pin;

use breaker_runtime::circuit_breaker;

trait Captures<'a> {}

impl<T: ?Sized> Captures<'_> for T {}

#[circuit_breaker(name = "limited", max_concurrent = 1, max_wait = "1s", on_cancel = failure_after("1s"))]
async fn limited(sku: &str) -> Option<usize> {
    ready(()).await;
    Some(sku.len())
}

#[circuit_breaker(name = "timed", call_timeout = "1s", fallback = |_| None)]
async fn timed(sku: String) -> Option<usize> {
    ready(()).await;
    Some(sku.len())
}

#[circuit_breaker(name = "keyed", key = sku, fallback = cached)]
async fn keyed(sku: String) -> Option<usize> {
    ready(()).await;
    Some(sku.len())
}

async fn cached(_sku: String) -> Option<usize> {
    None
}

#[circuit_breaker(name = "opaque-bogf")]
fn opaque<'a>(
    sku: &'a str,
) -> impl Future<Output = Option<usize>> + Send + Sync + Captures<'a> + use<'a> {
    ready(Some(sku.len()))
}

#[circuit_breaker(name = "unpinned-bogf")]
fn unpinned(
    sku: &str,
) -> impl Future<Output = Option<usize>> + Send + Sync + Unpin + 'static + use<> {
    ready(Some(sku.len()))
}

#[circuit_breaker(name = "boxed-bogf")]
fn boxed(sku: &str) -> Pin<Box<dyn Future<Output = Option<usize>> + Sync + Unpin>> {
    Box::pin(ready(Some(sku.len())))
}

#[circuit_breaker(name = "boxed-bogf")]
fn boxed_in_place(
    sku: &str,
) -> Pin<Box<impl Future<Output = Option<usize>> + Send + Sync + Unpin + use<>>> {
    Box::pin(ready(Some(sku.len())))
}

fn is_sync<T: Sync>(it: T) -> T {
    it
}

fn is_all<T: Send + Sync + Unpin + 'static>(_: T) {}

#[test]
fn it_compiles_and_runs() {
    drop(is_sync(limited("tea")));
    drop(is_sync(timed("tea".to_owned())));
    drop(is_sync(keyed("tea".to_owned())));
    drop(is_sync(opaque("tea")));
    is_all(unpinned("tea"));
    is_all(boxed_in_place("tea"));
    drop(is_sync(boxed("tea")));
}
