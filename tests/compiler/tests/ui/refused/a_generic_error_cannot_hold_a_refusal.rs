use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn price<E>(price: Result<u8, E>) -> Result<u8, E> {
    price
}

fn main() {
    let _ = price(Ok::<u8, String>(1));
}
