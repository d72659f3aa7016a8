//! The carrier, a gRPC server. While it fails, it answers every call with `UNAVAILABLE`.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, async_trait};

use super::Health;
use crate::rpc::carrier_server::{self, CarrierServer};
use crate::rpc::{Parcel, Quote};

/// The carrier.
#[derive(Debug)]
pub struct Carrier {
    /// Where it is.
    pub address: SocketAddr,
    /// How it is.
    pub health: Health,
}

impl Carrier {
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let health = Health::default();
        let service = CarrierServer::new(Desk(health.clone()));
        // Otherwise the end of each answer waits for the client to acknowledge its beginning.
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        Ok(Self { address, health })
    }
}

struct Desk(Health);

#[async_trait]
impl carrier_server::Carrier for Desk {
    async fn quote(&self, _: Request<Parcel>) -> Result<Response<Quote>, Status> {
        if self.0.works().await {
            Ok(Response::new(Quote { days: 2 }))
        } else {
            Err(Status::unavailable("all vans are out"))
        }
    }
}
