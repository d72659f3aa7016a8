use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
enum Price {
    Known(u32),
}

fn main() {
    let _ = Price::Known(1);
}
