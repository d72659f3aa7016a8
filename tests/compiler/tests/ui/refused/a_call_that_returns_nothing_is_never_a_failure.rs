use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "mail", fallback = ())]
async fn send(mail: &str) {
    println!("{mail}");
}

fn main() {
    drop(send("hello"));
}
