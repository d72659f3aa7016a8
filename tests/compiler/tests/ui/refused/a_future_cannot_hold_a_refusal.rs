use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> impl Future<Output = Result<u8, String>> {
    std::future::ready(sku.parse().map_err(|_| sku.to_owned()))
}

fn main() {
    drop(price("tea"));
}
