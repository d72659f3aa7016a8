use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn prices() -> impl Iterator<Item = u8> {
    [1].into_iter()
}

fn main() {
    drop(prices());
}
