//! A port of its own.
//!
//! *Why it exists:* axum's `serve` waits for ever for clients that send a head byte by byte, or that stop
//! reading. This one gives them up, and has no more connections than it can hold.

mod connections;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::serve::Listener;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutWriter;

use self::connections::{Connections, Phase};
use crate::shutdown::Shutdown;

/// How long a client may take to send the head of a request, from the end of the answer before it.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);
/// How long a client may read nothing of what is sent to it.
const READ_PATIENCE: Duration = Duration::from_secs(30);
/// How long answers may take to end after the shutdown began.
const LONGEST_GOODBYE: Duration = Duration::from_secs(5);

/// The dashboard on a port of its own.
#[must_use = "a server does nothing until it is run"]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    shutdown: Shutdown,
    read_patience: Duration,
}

impl Server {
    pub(crate) fn new(
        listener: TcpListener,
        router: Router,
        shutdown: Shutdown,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address, router, shutdown, read_patience: READ_PATIENCE })
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

    /// Answers requests until the signal of [`Dashboard::until`](crate::Dashboard::until), or without end if
    /// there is none.
    ///
    /// At the signal it accepts no more connections and ends all streams. It returns when the answers under
    /// way are sent, after five seconds at most.
    ///
    /// It has up to 512 connections. A new one takes the place of the oldest that has sent no request, or else
    /// of the oldest that is between two requests. A client has five seconds to send the head of a request.
    /// One that reads nothing for thirty seconds is given up.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, its connections end.
    pub async fn run(mut self) {
        let mut connections = Connections::default();
        let serving = async {
            loop {
                // This waits a second and tries again where there are no file descriptors left.
                let (stream, from) = Listener::accept(&mut self.listener).await;
                let (router, shutdown) = (self.router.clone(), self.shutdown.clone());
                let patience = self.read_patience;
                connections
                    .add(|phase| answer(stream, from, router, phase, shutdown, patience))
                    .await;
            }
        };
        tokio::select! {
            biased;
            () = self.shutdown.clone().begun() => {}
            () = serving => {}
        }
        drop(self.listener);
        // Those that are left end with their set.
        let _ = timeout(LONGEST_GOODBYE, connections.ended()).await;
    }
}

async fn answer(
    stream: TcpStream,
    from: SocketAddr,
    router: Router,
    phase: Phase,
    shutdown: Shutdown,
    read_patience: Duration,
) {
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(read_patience));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let answering = phase.answering();
        request.extensions_mut().insert(ConnectInfo(from));
        let answer = router.call(request);
        async move {
            let held = move |body: Body| {
                body.inspect_frame(move |_| {
                    let _held_until_the_body_is_dropped = &answering;
                })
            };
            answer.await.map(|response| response.map(held))
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_PATIENCE)
            .serve_connection(TokioIo::new(Box::pin(stream)), service)
    );
    // How a connection ended is the client's affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = shutdown.begun() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
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
        let router = Router::new().route("/", endless);
        let mut server = Server::new(listener, router, Shutdown::default()).unwrap();
        server.read_patience = Duration::from_millis(100);
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
    async fn h03_a_head_with_very_many_lines_is_refused() {
        let mut client = TcpStream::connect(server(&Arc::default()).await).await.unwrap();
        let lines = "x: y\r\n".repeat(1_000);
        client.write_all(format!("GET / HTTP/1.1\r\n{lines}\r\n").as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        timeout(SOON, client.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 431");
    }
}
