//! The running shop, with the page of its story and that of its circuits.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use breaker_dashboard::Dashboard;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::shop::Shop;
use crate::story::Story;
use crate::tour;
use crate::world::{BoxError, World};

/// A shop that is open.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    end: watch::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Opens the shop. With port 0, the system picks a free port. The page at `/` tells the story.
    ///
    /// # Errors
    ///
    /// If the port is taken, or a client cannot be made.
    pub async fn start(world: &World, story: Story, port: u16) -> Result<Self, BoxError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let (end, ending) = watch::channel(());
        // Both get the signal: the server stops accepting, and the page ends its event streams.
        let dashboard = Dashboard::new()
            .title("The shop")
            .allow_same_origin_frames() // the page of the story shows it
            .until(ended(ending.clone()))
            .into_router();
        let shop = Shop::new(world)?.into_router()?;
        let app: Router = shop.merge(tour::router(story)).nest_service("/breakers", dashboard);
        let serving = axum::serve(listener, app).with_graceful_shutdown(ended(ending));
        Ok(Self { address, end, serving: tokio::spawn(serving.into_future()) })
    }

    /// Where it is, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes the shop, and returns when all requests are answered.
    ///
    /// # Errors
    ///
    /// If serving failed.
    pub async fn stop(self) -> Result<(), BoxError> {
        drop(self.end); // which both receivers notice
        Ok(self.serving.await??)
    }
}

async fn ended(mut ending: watch::Receiver<()>) {
    let _ = ending.changed().await;
}
