use breaker_runtime::circuit_breaker;

mod limits {
    pub const RATE: f64 = 1.5;
}

#[circuit_breaker(name = "prices", failure_rate = limits::RATE)]
fn price(sku: &str) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    price("tea");
}
