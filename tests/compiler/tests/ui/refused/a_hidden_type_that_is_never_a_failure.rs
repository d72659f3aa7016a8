use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices", fallback = vec![0].into_iter())]
fn prices() -> impl Iterator<Item = u8> {
    vec![1].into_iter()
}

fn main() {
    drop(prices());
}
