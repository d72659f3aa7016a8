use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Result<u8, String> {
    sku.parse().map_err(|_| sku.to_owned())
}

fn main() {
    let _ = price("tea");
}
