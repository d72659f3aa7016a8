use breaker_runtime::circuit_breaker;

struct Price(u8);

#[circuit_breaker(name = "prices", failure_rate = 0.5, fallback = |_| Price(0))]
fn price(sku: u8) -> Price {
    Price(sku)
}

fn main() {
    price(1);
}
