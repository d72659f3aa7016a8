use breaker_runtime::{CallError, circuit_breaker};

fn cached(sku: &str, amount: u32) -> Result<u32, String> {
    Ok(sku.len() as u32 * amount)
}

#[circuit_breaker(name = "function", fallback = cached)]
fn by_function(sku: &str, amount: u32) -> Result<u32, String> {
    Err(format!("{sku} {amount}"))
}

#[circuit_breaker(name = "closure-foef", fallback = |error: CallError<String>| match error {
    CallError::Failed(fault) => Err(fault),
    _ => cached(sku, 1),
})]
fn by_closure(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

#[circuit_breaker(name = "returning", fallback = |_| -> Result<u32, String> { cached(sku, 1) })]
fn by_a_closure_with_a_return_type(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

#[circuit_breaker(name = "value", fallback = Ok(7))]
fn by_value(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

#[circuit_breaker(name = "none-foef", fallback = None)]
fn by_none(sku: &str) -> Option<usize> {
    Some(sku.len())
}

#[circuit_breaker(name = "call", fallback = cached(sku, 2))]
fn by_call(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

#[circuit_breaker(name = "text-foef", failures = panics, fallback = "free")]
fn by_text(sku: &str) -> &str {
    sku
}

#[circuit_breaker(name = "unit", failures = panics, fallback = println!("{sku} is not told"))]
fn by_a_macro_call(sku: &str) {
    let _ = sku;
}

#[circuit_breaker(name = "awaiting", fallback = |_| later(sku).await)]
async fn by_an_awaiting_closure(sku: &str) -> Result<u32, String> {
    Err(sku.to_owned())
}

async fn later(sku: &str) -> Result<u32, String> {
    cached(sku, 1)
}

#[test]
fn it_compiles_and_runs() {
    assert_eq!(by_function("tea", 2), Ok(6));
    assert_eq!(by_closure("tea"), Err("tea".to_owned()));
    assert_eq!(by_a_closure_with_a_return_type("tea"), Ok(3));
    assert_eq!(by_value("tea"), Ok(7));
    assert_eq!(by_none("tea"), Some(3));
    assert_eq!(by_call("tea"), Ok(6));
    assert_eq!(by_text("tea"), "tea");
    by_a_macro_call("tea");
    drop(by_an_awaiting_closure("tea"));
}
