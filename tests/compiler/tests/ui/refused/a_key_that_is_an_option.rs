use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "hosts", key = host)]
fn ask(host: Option<&str>) -> Option<usize> {
    Some(host?.len())
}

fn main() {
    ask(Some("kiel"));
}
