use breaker_runtime::circuit_breaker;

struct Shop {
    limit: u32,
}

impl Shop {
    #[circuit_breaker(name = "prices", failure_threshold = self.limit)]
    fn price(&self) -> Option<u32> {
        Some(1)
    }
}

fn main() {
    let _ = Shop { limit: 1 }.price();
}
