use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = |_| Ok(0))]
fn price(sku: u8) -> impl Future<Output = Result<u8, String>> {
    async move { sku }
}

fn main() {
    drop(price(1));
}
