use breaker_runtime::circuit_breaker;

struct TlsStream(u32);

#[circuit_breaker(name = "sockets", failures = panics, fallback = |_| TlsStream(0))]
fn socket(port: u32) -> TlsStream {
    TlsStream(port)
}

fn main() {
    socket(1);
}
