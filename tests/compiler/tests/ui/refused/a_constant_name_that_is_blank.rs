use breaker_runtime::circuit_breaker;

const NAME: &str = "\u{2003} ";

#[circuit_breaker(name = NAME)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
