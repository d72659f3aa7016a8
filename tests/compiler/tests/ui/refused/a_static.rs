use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
static PRICE: u32 = 1;

fn main() {
    let _ = PRICE;
}
