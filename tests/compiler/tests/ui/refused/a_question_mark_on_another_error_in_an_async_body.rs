use breaker_runtime::circuit_breaker;
use breaker_runtime::Rejected;

#[circuit_breaker(name = "prices")]
async fn price(sku: &str) -> Result<u32, Rejected> {
    let price = sku.parse::<u32>()?;
    Ok(price)
}

fn main() {
    drop(price("7"));
}
