//! One circuit per host behind reqwest: a host that is down does not block the others.
//!
//! Run it with `cargo run --manifest-path examples/tower/Cargo.toml --example reqwest_per_host`.

use std::error::Error;

use axum::Router;
use axum::routing::get;
use breaker_runtime::{CallError, Config, Outcome, State, registry};
use breaker_tower::CircuitBreakerLayer;
use breaker_tower::http::outcome_of;
use breaker_tower_examples::{nowhere, serve};
use reqwest::{Client, Method, Request, Response, Url};
use tower::{Service, ServiceBuilder, ServiceExt};

/// The key of a request: host and port, borrowed from the URL.
fn host(request: &Request) -> &str {
    request.url().authority()
}

fn server_errors(result: &Result<Response, reqwest::Error>) -> Outcome {
    result.as_ref().map_or(Outcome::Failure, |response| outcome_of(response.status()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let hello = || Router::new().route("/", get(|| async { "hello" }));
    let hosts = [serve(hello()).await?, nowhere().await?, serve(hello()).await?];

    let layer = CircuitBreakerLayer::new("web", Config::new().failure_threshold(2))?
        .classify(server_errors)
        .key(host)
        .max_keys(100)?;
    let mut client = ServiceBuilder::new().layer(layer).service(Client::new());

    println!("Three hosts, of which the second is down. Four rounds:");
    let mut refused = 0;
    for _ in 0..4 {
        for address in hosts {
            let url: Url = format!("http://{address}/").parse()?;
            let answer = client.ready().await?.call(Request::new(Method::GET, url)).await;
            refused += u32::from(matches!(answer, Err(CallError::Rejected(_))));
            match answer {
                Ok(response) => println!("  {address}  {}", response.status()),
                Err(CallError::Failed(_)) => println!("  {address}  failed"),
                Err(error) => println!("  {address}  {error}"),
            }
        }
    }

    println!("\n{}", registry().snapshot());
    let states = hosts.map(|address| {
        registry().snapshot_of(&format!("web/{address}")).map(|snapshot| snapshot.state)
    });
    if refused == 2 && states == [State::Closed, State::Open, State::Closed].map(Some) {
        Ok(())
    } else {
        Err("expected the second host's circuit to be open, and no other".into())
    }
}
