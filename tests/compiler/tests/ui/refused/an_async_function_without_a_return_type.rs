use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
async fn ping() {}

fn main() {
    drop(ping());
}
