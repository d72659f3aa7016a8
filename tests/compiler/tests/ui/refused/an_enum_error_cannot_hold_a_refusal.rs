use breaker_runtime::circuit_breaker;

mod fault {
    #[derive(Debug)]
    pub enum Fault {
        Down,
    }
}

#[circuit_breaker(name = "prices")]
fn price(sku: &str) -> Result<u8, fault::Fault> {
    sku.parse().map_err(|_| fault::Fault::Down)
}

fn main() {
    let _ = price("tea");
}
