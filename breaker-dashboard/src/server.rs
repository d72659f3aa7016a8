//! A port of its own.
//!
//! *Why it exists:* axum's `serve` waits for ever for clients that send a head byte by byte, or that stop
//! reading. This one gives them up, and has no more connections than it can hold.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
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
    patience: Duration,
}

impl Server {
    pub(crate) fn new(listener: TcpListener, router: Router) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address, router, patience: PATIENCE })
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to open in a browser on this machine. A server that is bound to all addresses is asked at that of the
    /// loopback.
    #[must_use]
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}/")
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
            let router = self.router.clone().layer(Extension(ConnectInfo(from)));
            connections.spawn(answer(stream, router, self.patience));
        }
    }
}

async fn answer(stream: TcpStream, router: Router, patience: Duration) {
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(patience));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(router));
    // How a connection ended is the client's affair.
    let _ = connection.await;
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use axum::body::Body;
    use axum::routing::get;
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::{sleep, timeout};

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// A server with little patience whose answers never end, each of which holds `held`.
    async fn server(held: &Arc<()>) -> SocketAddr {
        let held = Arc::downgrade(held);
        let endless = get(async move || {
            let held = held.upgrade();
            let zeros = Bytes::from(vec![0; 64 << 10]);
            Body::from_stream(stream::repeat_with(move || {
                debug_assert!(held.is_some(), "and is held while it is sent");
                Ok::<_, Infallible>(zeros.clone())
            }))
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut server = Server::new(listener, Router::new().route("/", endless)).unwrap();
        server.patience = Duration::from_millis(100);
        let address = server.address();
        tokio::spawn(server.run());
        address
    }

    #[tokio::test]
    async fn h10_a_client_that_stops_reading_is_given_up() {
        let held = Arc::new(());
        let mut client = TcpStream::connect(server(&held).await).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        client.read_exact(&mut [0; 1024]).await.unwrap();
        assert_eq!(Arc::strong_count(&held), 2, "the answer is on its way");
        let given_up = async {
            while Arc::strong_count(&held) > 1 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(timeout(SOON, given_up).await.is_ok());
    }

    #[tokio::test]
    async fn h03_a_head_that_does_not_end_is_given_up() {
        let mut client = TcpStream::connect(server(&Arc::default()).await).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: loc").await.unwrap();
        let ended = timeout(SOON, client.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "the server hung up");
    }

    #[tokio::test]
    async fn h03_a_head_with_very_many_lines_is_refused() {
        let mut client = TcpStream::connect(server(&Arc::default()).await).await.unwrap();
        let lines = "x: y\r\n".repeat(1_000);
        client.write_all(format!("GET / HTTP/1.1\r\n{lines}\r\n").as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        timeout(SOON, client.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 431");
    }
}
