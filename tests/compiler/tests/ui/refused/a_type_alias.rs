use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
type Price = u32;

fn main() {
    let _ = 1 as Price;
}
