//! A service in the middle: it sheds calls from its clients, and guards its own calls to another service.
//!
//! * In: a circuit in front of the handlers answers 503 with `Retry-After` while they fail.
//! * Out: reqwest behind a layer. While the stock service is down, no request is sent to it.
//!
//! Run it with `cargo run --manifest-path examples/tower/Cargo.toml --example axum_service`.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use breaker_runtime::{Config, Outcome, registry};
use breaker_tower::{BoxError, CircuitBreakerLayer, http};
use breaker_tower_examples::serve;
use reqwest::{Client, Method, Request, Response, Url};
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

type StockClient = BoxCloneSyncService<Request, Response, BoxError>;

/// The dependency, which can be broken.
#[derive(Clone, Default)]
struct Stock {
    is_broken: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
}

async fn stock(State(stock): State<Stock>) -> Result<&'static str, StatusCode> {
    stock.asked.fetch_add(1, Ordering::Relaxed);
    if stock.is_broken.load(Ordering::Relaxed) {
        Err(StatusCode::INTERNAL_SERVER_ERROR)
    } else {
        Ok("7 apples")
    }
}

fn server_errors(result: &Result<Response, reqwest::Error>) -> Outcome {
    result.as_ref().map_or(Outcome::Failure, |response| http::outcome_of(response.status()))
}

/// Out: the client of the stock service.
fn client() -> Result<StockClient, Box<dyn Error>> {
    let config = Config::new().failure_threshold(3).cooldown(Duration::from_secs(10));
    let layer = CircuitBreakerLayer::new("stock", config)?
        .classify(server_errors)
        .call_timeout(Duration::from_secs(2))
        .into_box_error();
    Ok(BoxCloneSyncService::new(ServiceBuilder::new().layer(layer).service(Client::new())))
}

#[derive(Clone)]
struct Shop {
    stock: Url,
    client: StockClient,
}

async fn apples(State(shop): State<Shop>) -> Result<String, (StatusCode, String)> {
    let failed = |error: BoxError| (StatusCode::BAD_GATEWAY, error.to_string());
    let response = shop.client.oneshot(Request::new(Method::GET, shop.stock)).await;
    let response = response.map_err(failed)?.error_for_status().map_err(|it| failed(it.into()))?;
    response.text().await.map_err(|error| failed(error.into()))
}

/// In: the shop, which sheds calls while its handlers fail.
fn shop(stock: SocketAddr) -> Result<Router, Box<dyn Error>> {
    let config = Config::new().failure_threshold(5).cooldown(Duration::from_secs(30));
    let layer = CircuitBreakerLayer::new("shop", config)?
        .classify(http::server_errors())
        .respond(http::unavailable());
    let state = Shop { stock: format!("http://{stock}/").parse()?, client: client()? };
    Ok(Router::new().route("/apples", get(apples)).layer(layer).with_state(state))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let stock_state = Stock::default();
    let stock_router = Router::new().route("/", get(stock)).with_state(stock_state.clone());
    let address = serve(shop(serve(stock_router).await?)?).await?;
    let url = format!("http://{address}/apples");

    println!("The stock service is well:");
    show(&url).await?;

    println!("\nIt breaks. After three failures nobody asks it, after five the shop sheds:");
    stock_state.is_broken.store(true, Ordering::Relaxed);
    let mut last = None;
    for _ in 0..7 {
        last = Some(show(&url).await?);
    }
    let last = last.ok_or("there were seven answers")?;
    let asked = stock_state.asked.load(Ordering::Relaxed);

    println!("\nThe stock service was asked {asked} times.");
    for name in ["shop", "stock"] {
        let circuit = registry().get(name).ok_or("no such circuit")?;
        println!("{name}: {}", circuit.snapshot().explain());
    }
    if asked == 4 && last.status() == 503 && last.headers().contains_key("retry-after") {
        Ok(())
    } else {
        Err("expected four questions, and 503 with Retry-After".into())
    }
}

async fn show(url: &str) -> Result<Response, reqwest::Error> {
    let response = reqwest::get(url).await?;
    let retry_after = response.headers().get("retry-after").and_then(|it| it.to_str().ok());
    let retry_after = retry_after.map(|seconds| format!(", Retry-After: {seconds}"));
    println!("  {}{}", response.status(), retry_after.unwrap_or_default());
    Ok(response)
}
