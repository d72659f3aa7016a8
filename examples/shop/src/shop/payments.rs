//! Two hosts take payments. Each has a circuit, so that one can fail alone.

use std::net::SocketAddr;
use std::time::Duration;

use breaker_runtime::circuit_breaker;
use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};

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

impl PayBy {
    /// The circuits are named after the hosts: `payments/card.example`.
    const fn host(self) -> &'static str {
        match self {
            Self::Card => "card.example",
            Self::Bank => "bank.example",
        }
    }
}

#[derive(Clone)]
pub(super) struct Payments {
    card: Url,
    bank: Url,
    http: Client,
}

impl Payments {
    pub(super) fn new(card: SocketAddr, bank: SocketAddr) -> Result<Self, BoxError> {
        let http = Client::builder()
            .resolve(PayBy::Card.host(), card)
            .resolve(PayBy::Bank.host(), bank)
            .connect_timeout(Duration::from_secs(1))
            .build()?;
        Ok(Self { card: url(PayBy::Card, card)?, bank: url(PayBy::Bank, bank)?, http })
    }

    #[circuit_breaker(
        name = "payments",
        key = by.host(),
        failure_threshold = 3,
        cooldown = "1s",
        success_threshold = 2,
        call_timeout = "1s",
        failure_if = is_failure
    )]
    pub(super) async fn pay(&self, by: PayBy) -> Result<(), ShopError> {
        let url = match by {
            PayBy::Card => &self.card,
            PayBy::Bank => &self.bank,
        };
        let answer = self.http.post(url.clone()).send().await?;
        Ok(answer.error_for_status().map(drop)?)
    }
}

fn url(by: PayBy, address: SocketAddr) -> Result<Url, BoxError> {
    Ok(format!("http://{}:{}/pay", by.host(), address.port()).parse()?)
}

/// "This card is blocked" is an answer: the host works.
fn is_failure(paid: &Result<(), ShopError>) -> bool {
    match paid {
        Err(ShopError::Http(error)) => !error.status().is_some_and(|it| it.is_client_error()),
        _ => paid.is_err(),
    }
}
