use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "prices")]
fn serve() -> ! {
    loop {}
}

fn main() {
    serve();
}
