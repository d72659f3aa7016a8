use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
async fn price() -> Result<u32, Fault> {
    Ok(1)
}

fn main() {
    drop(price());
}
