use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
struct Price(u32);

fn main() {
    let _ = Price(1);
}
