//! Prices come from an HTTP host. While it fails, the last known price is good enough.

use std::net::SocketAddr;
use std::time::Duration;

use breaker_runtime::{CallError, circuit_breaker};
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};

use super::{ShopError, Store};

/// What a product costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// In cents.
    pub cents: u32,
    /// Whether it is the last price that we heard, and not the present one.
    pub is_old: bool,
}

#[derive(Clone)]
pub(super) struct Prices {
    host: SocketAddr,
    http: Client,
    store: Store,
}

impl Prices {
    pub(super) fn new(host: SocketAddr, store: Store) -> reqwest::Result<Self> {
        let http = Client::builder().connect_timeout(Duration::from_secs(1)).build()?;
        Ok(Self { host, http, store })
    }

    pub(super) async fn of(&self, sku: &str) -> Result<Price, ShopError> {
        let price = self.ask(sku).await?;
        if !price.is_old {
            self.store.remember_price(sku, price.cents).await?;
        }
        Ok(price)
    }

    #[circuit_breaker(
        name = "prices",
        failure_threshold = 3,
        cooldown = "1s",
        success_threshold = 2,
        call_timeout = "1s",
        failure_if = is_failure,
        fallback = |error| self.last_heard(sku, error).await
    )]
    async fn ask(&self, sku: &str) -> Result<Price, ShopError> {
        let answer = self.http.get(format!("http://{}/{sku}", self.host)).send().await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(ShopError::NoSuchProduct);
        }
        let cents = answer.error_for_status()?.json().await?;
        Ok(Price { cents, is_old: false })
    }

    async fn last_heard(&self, sku: &str, error: CallError<ShopError>) -> Result<Price, ShopError> {
        match self.store.price(sku).await? {
            Some(cents) => Ok(Price { cents, is_old: true }),
            None => Err(error.into_error()),
        }
    }
}

/// "No such product" is an answer: the host works.
fn is_failure(price: &Result<Price, ShopError>) -> bool {
    !matches!(price, Ok(_) | Err(ShopError::NoSuchProduct))
}
