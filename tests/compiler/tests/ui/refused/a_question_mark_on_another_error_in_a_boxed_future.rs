use breaker_runtime::circuit_breaker;
use breaker_runtime::Rejected;
use std::pin::Pin;

#[circuit_breaker(name = "prices", fallback = |_| Ok(0))]
fn price(sku: String) -> Pin<Box<dyn Future<Output = Result<u32, Rejected>> + Send>> {
    Box::pin(async move {
        let price = sku.parse::<u32>()?;
        Ok(price)
    })
}

fn main() {
    drop(price("7".to_owned()));
}
