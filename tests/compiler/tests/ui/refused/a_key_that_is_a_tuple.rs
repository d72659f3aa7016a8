use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "hosts", key = (host, port))]
fn ask(host: &str, port: u16) -> Option<usize> {
    Some(host.len() + usize::from(port))
}

fn main() {
    ask("kiel", 80);
}
