use std::rc::Rc;

use breaker_runtime::circuit_breaker;

struct Shop {
    sold: u32,
}

impl Shop {
    #[circuit_breaker(name = "shared")]
    fn shared(&self) -> Option<u32> {
        Some(self.sold)
    }

    #[circuit_breaker(name = "exclusive")]
    fn exclusive(&mut self) -> Option<&mut u32> {
        self.sold += 1;
        Some(&mut self.sold)
    }

    #[circuit_breaker(name = "owned-mwer")]
    fn owned(mut self) -> Option<Self> {
        self.sold += 1;
        Some(self)
    }

    #[circuit_breaker(name = "wrapped")]
    fn wrapped(self: Rc<Self>) -> Option<u32> {
        Some(self.sold)
    }

    #[circuit_breaker(name = "none-mwer")]
    fn none() -> Option<Self> {
        Some(Self { sold: 0 })
    }

    #[circuit_breaker(name = "async-mwer", fallback = |_| Ok(self.sold))]
    async fn later(&mut self) -> Result<u32, String> {
        self.sold += 1;
        Err("closed".to_owned())
    }
}

#[test]
fn it_compiles_and_runs() {
    let mut shop = Shop::none().and_then(Shop::owned).unwrap();
    *shop.exclusive().unwrap() += 1;
    drop(shop.later());
    assert_eq!(shop.shared(), Some(3));
    assert_eq!(Rc::new(shop).wrapped(), Some(3));
}
