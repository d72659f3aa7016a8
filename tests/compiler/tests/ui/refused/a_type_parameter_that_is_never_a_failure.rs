use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = T::default())]
fn price<T: Default>(from: fn() -> T) -> T {
    from()
}

fn main() {
    price(u8::default);
}
