use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
#[track_caller]
async fn price() -> Option<u32> {
    Some(1)
}

fn main() {
    drop(price());
}
