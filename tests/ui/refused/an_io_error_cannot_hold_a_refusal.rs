use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn page(path: &str) -> std::io::Result<String> {
    std::fs::read_to_string(path)
}

fn main() {
    let _ = page("tea");
}
