//! Two hosts take payments. Each has a circuit, so that one can fail alone.

use std::net::SocketAddr;
use std::time::Duration;

use breaker_runtime::{CallError, Config, Outcome};
use breaker_tower::CircuitBreakerLayer;
use breaker_tower::http::outcome_of;
use reqwest::{Client, Method, Request, Response, Url};
use serde::{Deserialize, Serialize};
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

use super::ShopError;
use crate::world::BoxError;

/// Who takes the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayBy {
    /// The card host.
    Card,
    /// The bank.
    Bank,
}

#[derive(Clone)]
pub(super) struct Payments {
    card: Url,
    bank: Url,
    client: BoxCloneSyncService<Request, Response, CallError<reqwest::Error>>,
}

impl Payments {
    pub(super) fn new(card: SocketAddr, bank: SocketAddr) -> Result<Self, BoxError> {
        let http = Client::builder()
            .resolve("card.example", card)
            .resolve("bank.example", bank)
            .build()?;
        let config = Config::new()
            .failure_threshold(3)
            .cooldown(Duration::from_secs(1))
            .success_threshold(2);
        let layer = CircuitBreakerLayer::new("payments", config)?
            .key(host)
            .classify(server_errors)
            .call_timeout(Duration::from_secs(1));
        Ok(Self {
            card: format!("http://card.example:{}/pay", card.port()).parse()?,
            bank: format!("http://bank.example:{}/pay", bank.port()).parse()?,
            client: BoxCloneSyncService::new(ServiceBuilder::new().layer(layer).service(http)),
        })
    }

    pub(super) async fn pay(&self, by: PayBy) -> Result<(), ShopError> {
        let url = match by {
            PayBy::Card => &self.card,
            PayBy::Bank => &self.bank,
        };
        let request = Request::new(Method::POST, url.clone());
        match self.client.clone().oneshot(request).await {
            Ok(answer) => Ok(answer.error_for_status().map(drop)?),
            Err(error) => Err(error.map_failed(ShopError::from).into_error()),
        }
    }
}

/// The name of a host's circuit is `payments/card.example`.
fn host(request: &Request) -> &str {
    request.url().host_str().unwrap_or_default()
}

fn server_errors(result: &Result<Response, reqwest::Error>) -> Outcome {
    result.as_ref().map_or(Outcome::Failure, |response| outcome_of(response.status()))
}
