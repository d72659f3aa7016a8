//! The shop: its routes, and what a request does.

mod error;
mod payments;
mod prices;
mod shipping;
mod store;

use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use breaker_runtime::{Config, MetricNames, PrometheusText, registry};
use breaker_tower::{CircuitBreakerLayer, http};
use serde::{Deserialize, Serialize};

use self::error::ShopError;
pub use self::payments::PayBy;
use self::payments::Payments;
pub use self::prices::Price;
use self::prices::Prices;
use self::shipping::Shipping;
pub use self::shipping::{Delivery, STANDARD_DAYS};
use self::store::Store;
use crate::world::{BoxError, World};

/// Checkouts at a time. The others are asked to come back.
const MOST_CHECKOUTS: u32 = 8;

/// Everything that the shop asks.
#[derive(Clone)]
pub struct Shop {
    prices: Prices,
    payments: Payments,
    shipping: Shipping,
    store: Store,
}

impl Shop {
    /// A shop with the addresses of its dependencies.
    ///
    /// # Errors
    ///
    /// If a client cannot be made.
    pub fn new(world: &World) -> Result<Self, BoxError> {
        let store = Store::open(&world.redis.url())?;
        Ok(Self {
            prices: Prices::new(world.prices.address, store.clone())?,
            payments: Payments::new(world.card.address, world.bank.address)?,
            shipping: Shipping::new(world.carrier.address)?,
            store,
        })
    }

    /// The routes. Only `/checkout` has a limit of its own: a crowd there leaves the pages alone.
    ///
    /// # Errors
    ///
    /// If a circuit cannot be made.
    pub fn into_router(self) -> Result<Router, BoxError> {
        let config = Config::new().max_concurrent(MOST_CHECKOUTS);
        let limit = CircuitBreakerLayer::new("checkout", config)?.respond(http::unavailable());
        Ok(Router::new()
            .route("/products/{sku}", get(product))
            .route("/checkout/{sku}", post(checkout).layer(limit))
            .route("/metrics", get(metrics))
            .with_state(self))
    }
}

/// What a product's page says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// What it costs.
    pub price: Price,
    /// When it comes.
    pub delivery: Delivery,
}

async fn product(
    State(shop): State<Shop>,
    Path(sku): Path<String>,
) -> Result<Json<Product>, ShopError> {
    let price = shop.prices.of(&sku).await?;
    let delivery = shop.shipping.delivery(&sku).await;
    Ok(Json(Product { price, delivery }))
}

#[derive(Deserialize)]
struct Order {
    pay: PayBy,
}

async fn checkout(
    State(shop): State<Shop>,
    Path(sku): Path<String>,
    Query(order): Query<Order>,
) -> Result<&'static str, ShopError> {
    shop.store.take(&sku).await?;
    if let Err(unpaid) = shop.payments.pay(order.pay).await {
        shop.store.put_back(&sku).await?;
        return Err(unpaid);
    }
    Ok("thank you")
}

async fn metrics() -> impl IntoResponse {
    let text = registry().snapshot().prometheus(MetricNames::Breaker).to_string();
    ([(CONTENT_TYPE, PrometheusText::CONTENT_TYPE)], text)
}
