use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
const PRICE: u32 = 1;

fn main() {
    let _ = PRICE;
}
