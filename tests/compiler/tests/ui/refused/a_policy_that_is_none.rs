use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fleet = quorom)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

#[circuit_breaker(name = "rates", fleet = "quorum")]
fn rate(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
    rate("tea");
}
