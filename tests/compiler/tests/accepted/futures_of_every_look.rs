use std::pin::Pin;

use breaker_runtime::circuit_breaker;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[circuit_breaker(name = "opaque-foel")]
fn opaque(sku: &str) -> impl Future<Output = Option<usize>> + Send {
    std::future::ready(Some(sku.len()))
}

#[circuit_breaker(name = "boxed-foel", fallback = |_| Ok(0))]
fn boxed(sku: String) -> Pin<Box<dyn Future<Output = Result<usize, String>> + Send>> {
    if sku.is_empty() {
        return Box::pin(std::future::ready(Err(sku)));
    }
    Box::pin(async move { Ok(sku.len()) })
}

#[circuit_breaker(name = "aliased", fallback = cached)]
fn aliased(sku: &str) -> BoxFuture<'_, Result<usize, String>> {
    Box::pin(async move { Ok(sku.len()) })
}

async fn cached(_sku: &str) -> Result<usize, String> {
    Ok(0)
}

#[test]
fn it_compiles_and_runs() {
    drop(opaque("tea"));
    drop(boxed("tea".to_owned()));
    drop(aliased("tea"));
}
