use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
async fn price(sku: &str) -> Result<u8, String> {
    sku.parse().map_err(|_| sku.to_owned())
}

fn main() {
    drop(price("tea"));
}
