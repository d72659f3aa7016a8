//! A port of its own.
//!
//! *Why it exists:* axum's `serve` waits for ever for clients that send a head byte by byte, or that stop
//! reading. This one gives them up, and has no more connections than it can hold.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::serve::Listener;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutWriter;

/// The connections at once. More wait to be accepted.
const MOST_CONNECTIONS: usize = 512;
/// How long the head of a request may take, and how long a client may read nothing of what is sent to it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The dashboard on a port of its own.
#[must_use = "a server does nothing until it is run"]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl Server {
    pub(crate) fn new(listener: TcpListener, router: Router) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address, router })
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to open in a browser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Answers requests, without end.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, its connections end.
    pub async fn run(mut self) {
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            if connections.len() >= MOST_CONNECTIONS {
                connections.join_next().await;
            }
            // This waits a second and tries again where there are no file descriptors left.
            let (stream, from) = Listener::accept(&mut self.listener).await;
            connections
                .spawn(answer(stream, self.router.clone().layer(Extension(ConnectInfo(from)))));
        }
    }
}

async fn answer(stream: TcpStream, router: Router) {
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(PATIENCE));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(router));
    // How a connection ended is the client's affair.
    let _ = connection.await;
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}
