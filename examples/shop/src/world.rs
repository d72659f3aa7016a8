//! The dependencies of the shop, on ports of the loopback that the system picks. They can be made to fail.

mod carrier;
mod health;
mod host;
mod redis;

use std::error::Error;

use ::redis::{AsyncCommands, Client};

pub use self::carrier::Carrier;
pub use self::health::Health;
pub use self::host::Host;
pub use self::redis::Redis;

/// Any error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The products, with their prices in cents.
pub const PRODUCTS: [(&str, u32); 3] = [("apple", 99), ("lamp", 2500), ("teapot", 1800)];

/// Everything that the shop needs.
#[derive(Debug)]
pub struct World {
    /// Says what products cost.
    pub prices: Host,
    /// Takes payments by card.
    pub card: Host,
    /// Takes payments from an account.
    pub bank: Host,
    /// Says how long parcels take.
    pub carrier: Carrier,
    /// Counts the stock.
    pub redis: Redis,
}

impl World {
    /// Starts all dependencies, with the given number of pieces of each product in stock.
    ///
    /// # Errors
    ///
    /// If there is no port, or Redis does not answer.
    pub async fn start(redis: Redis, pieces: u32) -> Result<Self, BoxError> {
        let mut connection = Client::open(redis.url())?.get_multiplexed_async_connection().await?;
        for (sku, _) in PRODUCTS {
            let () = connection.set(format!("stock:{sku}"), pieces).await?;
        }
        Ok(Self {
            prices: Host::prices().await?,
            card: Host::payments().await?,
            bank: Host::payments().await?,
            carrier: Carrier::start().await?,
            redis,
        })
    }
}
