use std::pin::Pin;

use breaker_runtime::{Rejected, circuit_breaker};

struct Shop {
    prefix: String,
}

impl Shop {
    #[circuit_breaker(name = "future")]
    fn future<'a>(
        &'a self,
        sku: &'a str,
    ) -> impl Future<Output = Result<&'a str, Box<dyn std::error::Error + Send + Sync + 'a>>> + Send
    {
        async move {
            std::future::ready(()).await;
            sku.strip_prefix(&*self.prefix).ok_or_else(|| sku.to_owned().into())
        }
    }

    #[circuit_breaker(name = "fallen_back", fallback = Self::cached)]
    fn fallen_back<'a>(
        &'a self,
        sku: &'a str,
    ) -> impl Future<Output = Result<&'a str, &'a str>> + Send {
        async move {
            std::future::ready(()).await;
            Err(sku)
        }
    }

    async fn cached<'a>(&'a self, sku: &'a str) -> Result<&'a str, &'a str> {
        std::future::ready(()).await;
        Ok(sku)
    }

    #[circuit_breaker(name = "boxed-ftbas", fallback = Self::cached)]
    fn boxed<'a>(
        &'a self,
        sku: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<&'a str, &'a str>> + Send + 'a>> {
        Box::pin(async move { Err(sku) })
    }

    #[circuit_breaker(name = "async-ftbas", fallback = Self::cached)]
    async fn plain<'a>(&'a self, sku: &'a str) -> Result<&'a str, &'a str> {
        std::future::ready(()).await;
        Err(sku)
    }

    #[circuit_breaker(name = "async.refused")]
    async fn refused<'a>(&self, skus: &'a [&'a str]) -> Result<Vec<&'a str>, Rejected> {
        std::future::ready(()).await;
        Ok(skus.iter().copied().filter(|sku| !sku.is_empty()).collect())
    }
}

fn send<T: Send>(future: T) -> T {
    future
}

#[test]
fn it_compiles_and_runs() {
    let shop = Shop { prefix: "t".to_owned() };
    let all = async {
        let _ = shop.future("tea").await;
        let _ = shop.fallen_back("tea").await;
        let _ = shop.boxed("tea").await;
        let _ = shop.plain("tea").await;
        let _ = shop.refused(&["tea"]).await;
    };
    drop(send(all));
    drop(send(async {
        let shop = Shop { prefix: "t".to_owned() };
        let words = vec![String::from("tea")];
        for word in &words {
            let _ = shop.future(word).await;
            let _ = shop.fallen_back(word).await;
            let _ = shop.plain(word).await;
        }
    }));
}
