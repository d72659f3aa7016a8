use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price<T>(price: T) -> T {
    price
}

fn main() {
    price(1);
}
