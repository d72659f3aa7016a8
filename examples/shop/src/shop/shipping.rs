//! A carrier says over gRPC how long a parcel takes. While it fails, the shop promises the standard delivery.

use std::net::SocketAddr;
use std::time::Duration;

use breaker_runtime::Config;
use breaker_tower::grpc::{self, Unavailable};
use breaker_tower::parts::{ByBody, CallErrors, OneCircuit, Timed};
use breaker_tower::{CircuitBreakerLayer, CircuitBreakerService};
use serde::{Deserialize, Serialize};
use tonic::transport::{Channel, Endpoint};
use tower::ServiceBuilder;

use crate::rpc::Parcel;
use crate::rpc::carrier_client::CarrierClient;
use crate::world::BoxError;

/// What the shop can always promise.
pub const STANDARD_DAYS: u32 = 5;

/// When a parcel comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// In days.
    pub days: u32,
    /// Whether it is only what the shop can always promise.
    pub is_standard: bool,
}

type Guarded = CircuitBreakerService<Channel, OneCircuit, ByBody<Unavailable>, CallErrors, Timed>;

#[derive(Clone)]
pub(super) struct Shipping {
    carrier: CarrierClient<Guarded>,
}

impl Shipping {
    pub(super) fn new(carrier: SocketAddr) -> Result<Self, BoxError> {
        let channel = Endpoint::from_shared(format!("http://{carrier}"))?.connect_lazy();
        let config = Config::new()
            .failure_threshold(3)
            .cooldown(Duration::from_secs(1))
            .success_threshold(2);
        let layer = CircuitBreakerLayer::new("carrier", config)?
            .classify(grpc::unavailable().until_end_of_body())
            .call_timeout(Duration::from_secs(1));
        let guarded = ServiceBuilder::new().layer(layer).service(channel);
        Ok(Self { carrier: CarrierClient::new(guarded) })
    }

    /// A failure and a refusal have the same answer here, so nobody has to tell them apart.
    pub(super) async fn delivery(&self, sku: &str) -> Delivery {
        match self.carrier.clone().quote(Parcel { sku: sku.to_owned() }).await {
            Ok(quote) => Delivery { days: quote.into_inner().days, is_standard: false },
            Err(_) => Delivery { days: STANDARD_DAYS, is_standard: true },
        }
    }
}
