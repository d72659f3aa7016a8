use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = |_| None)]
fn price(sku: String) -> impl Future<Output = Option<Money>> {
    async move { Some(sku.len()) }
}

fn main() {
    drop(price("tea".to_owned()));
}
