use std::rc::Rc;

use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "path-aetinsiafti", fallback = cached)]
async fn by_function(sku: &str) -> Result<u32, Rc<str>> {
    std::future::ready(()).await;
    sku.parse().map_err(|_| sku.into())
}

#[circuit_breaker(name = "expression-aetinsiafti", fallback = cached(sku).await)]
async fn by_expression(sku: &str) -> Result<u32, Rc<str>> {
    std::future::ready(()).await;
    sku.parse().map_err(|_| sku.into())
}

async fn cached(sku: &str) -> Result<u32, Rc<str>> {
    std::future::ready(()).await;
    Ok(sku.len() as u32)
}

fn send(_: impl Send) {}

#[test]
fn it_compiles_and_runs() {
    send(by_function("tea"));
    send(by_expression("tea"));
}
