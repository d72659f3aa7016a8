use breaker_runtime::circuit_breaker;

struct Host(u32);

#[circuit_breaker(name = "hosts", key = host)]
fn ask(host: &Host) -> Option<u32> {
    Some(host.0)
}

fn main() {
    ask(&Host(1));
}
