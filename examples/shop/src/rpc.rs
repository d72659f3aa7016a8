//! The carrier's gRPC interface. `build.rs` writes its client and its server.

use prost::Message;

pub use self::written::{carrier_client, carrier_server};

/// What is to be sent.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Parcel {
    /// The product.
    #[prost(string, tag = "1")]
    pub sku: String,
}

/// What the carrier offers.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Quote {
    /// How long it takes.
    #[prost(uint32, tag = "1")]
    pub days: u32,
}

#[allow(clippy::pedantic, reason = "tonic-build wrote it")]
mod written {
    use super::{Parcel, Quote};

    include!(concat!(env!("OUT_DIR"), "/shop.Carrier.rs"));
}
