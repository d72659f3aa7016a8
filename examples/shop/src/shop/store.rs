//! Redis holds the stock, which the shop cannot sell without, and the last prices, which it can do without.
//!
//! It is one server, so all functions share one circuit.

use std::time::Duration;

use breaker_runtime::{Config, circuit_breaker};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, Client, RedisResult};

use super::ShopError;

const REDIS: Config =
    Config::new().failure_threshold(5).cooldown(Duration::from_secs(1)).success_threshold(2);

/// The client of Redis.
#[derive(Clone)]
pub(super) struct Store(ConnectionManager);

impl Store {
    /// It connects at the first command, and again after each loss, in the background.
    pub(super) fn open(url: &str) -> RedisResult<Self> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_millis(500)))
            .set_response_timeout(Some(Duration::from_millis(500)))
            .set_number_of_retries(1);
        ConnectionManager::new_lazy_with_config(Client::open(url)?, config).map(Self)
    }

    /// Takes one piece of a product, or says that none is left.
    pub(super) async fn take(&self, sku: &str) -> Result<(), ShopError> {
        if self.add(sku, -1).await? >= 0 {
            return Ok(());
        }
        self.put_back(sku).await?;
        Err(ShopError::SoldOut)
    }

    /// Puts back one piece that nobody paid for.
    pub(super) async fn put_back(&self, sku: &str) -> Result<(), ShopError> {
        self.add(sku, 1).await.map(drop)
    }

    #[circuit_breaker(
        name = "redis",
        config = REDIS,
        call_timeout = "1s",
        ignore_if = is_answer
    )]
    async fn add(&self, sku: &str, pieces: i64) -> Result<i64, ShopError> {
        Ok(self.0.clone().incr(format!("stock:{sku}"), pieces).await?)
    }

    /// The last price that was remembered. While Redis fails, none.
    #[circuit_breaker(
        name = "redis",
        config = REDIS,
        call_timeout = "1s",
        ignore_if = is_answer,
        fallback = Ok(None)
    )]
    pub(super) async fn price(&self, sku: &str) -> Result<Option<u32>, ShopError> {
        Ok(self.0.clone().get(format!("price:{sku}")).await?)
    }

    /// Remembers a price. While Redis fails, it does not.
    #[circuit_breaker(
        name = "redis",
        config = REDIS,
        call_timeout = "1s",
        ignore_if = is_answer,
        fallback = Ok(())
    )]
    pub(super) async fn remember_price(&self, sku: &str, cents: u32) -> Result<(), ShopError> {
        Ok(self.0.clone().set(format!("price:{sku}"), cents).await?)
    }
}

/// Redis works, and answers that the command is wrong. That says nothing about its health.
fn is_answer(error: &ShopError) -> bool {
    matches!(error, ShopError::Redis(error) if error.code().is_some() && !error.is_cluster_error()
        && !matches!(error.code(), Some("LOADING" | "BUSY" | "MASTERDOWN" | "OOM" | "READONLY")))
}
