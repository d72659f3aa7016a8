use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "serving", call_timeout = "1s", fallback = std::process::exit(1))]
async fn serve() -> ! {
    loop {
        std::future::ready(()).await;
    }
}

fn main() {
    drop(serve());
}
