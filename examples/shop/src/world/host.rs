//! HTTP hosts. A failing one answers every request with 500.

use std::io;
use std::net::SocketAddr;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;

use super::{Health, PRODUCTS};

/// An HTTP host.
#[derive(Debug)]
pub struct Host {
    /// Where it is.
    pub address: SocketAddr,
    /// How it is.
    pub health: Health,
}

impl Host {
    pub(super) async fn prices() -> io::Result<Self> {
        Self::start(Router::new().route("/{sku}", get(price))).await
    }

    pub(super) async fn payments() -> io::Result<Self> {
        Self::start(Router::new().route("/pay", post(async || "paid"))).await
    }

    async fn start(router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let health = Health::default();
        let router = router.layer(from_fn_with_state(health.clone(), answer));
        tokio::spawn(axum::serve(listener, router).into_future());
        Ok(Self { address, health })
    }
}

async fn answer(State(health): State<Health>, request: Request, next: Next) -> Response {
    if health.works().await {
        next.run(request).await
    } else {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

async fn price(Path(sku): Path<String>) -> Result<Json<u32>, StatusCode> {
    let found = PRODUCTS.into_iter().find(|(name, _)| *name == sku);
    found.map(|(_, cents)| Json(cents)).ok_or(StatusCode::NOT_FOUND)
}
