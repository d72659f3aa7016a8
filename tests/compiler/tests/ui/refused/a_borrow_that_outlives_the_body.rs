use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Option<&str> {
    let copy = sku.to_owned();
    Some(&copy)
}

fn main() {
    price("tea");
}
