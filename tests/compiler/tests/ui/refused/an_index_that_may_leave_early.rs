use std::ops::Index;

use breaker_runtime::circuit_breaker;

struct Shelf(Vec<u32>);

impl Index<usize> for Shelf {
    type Output = u32;

    #[circuit_breaker(name = "shelf", failures = panics, fallback = &0)]
    fn index(&self, at: usize) -> &u32 {
        if at == 7 {
            return &7;
        }
        &self.0[at]
    }
}

fn main() {
    let _ = Shelf(Vec::new())[0];
}
