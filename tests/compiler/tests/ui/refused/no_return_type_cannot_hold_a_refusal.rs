use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn ping() {}

fn main() {
    ping();
}
