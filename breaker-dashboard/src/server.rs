//! A server on its own port.
//!
//! *Why it exists:* axum's `serve` waits forever for clients that send a head byte by byte, or that stop
//! reading. This server drops them, and limits its connections.

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

/// The maximum time to send a request's head, from the end of the response before it.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);
/// The maximum time that a client may read nothing.
const READ_PATIENCE: Duration = Duration::from_secs(30);
/// The maximum time for responses to end after the shutdown starts.
const LONGEST_GOODBYE: Duration = Duration::from_secs(5);

/// The dashboard on its own port.
///
/// # Examples
///
/// ```no_run
/// use breaker_dashboard::Dashboard;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// let server = Dashboard::new().bind("127.0.0.1:3030").await?;
/// println!("{}", server.url());
/// server.run().await;
/// # Ok(()) }
/// ```
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
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_dashboard::Dashboard;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// let server = Dashboard::new().bind("127.0.0.1:0").await?;
    /// assert_ne!(server.address().port(), 0); // the system chose one
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL for a browser on this machine. If the server is bound to all addresses, it is that of the
    /// loopback.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_dashboard::Dashboard;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// let server = Dashboard::new().bind("127.0.0.1:0").await?;
    /// assert_eq!(server.url(), format!("http://{}/", server.address()));
    /// # Ok(()) }
    /// ```
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

    /// Serves requests until the signal of [`Dashboard::until`](crate::Dashboard::until). Without one, it
    /// never returns.
    ///
    /// At the signal it accepts no more connections and ends all streams. It returns when the current
    /// responses are sent, after five seconds at most.
    ///
    /// It has up to 512 connections. A new one replaces the oldest that has sent no request, or else the
    /// oldest that is idle between two requests. A client has five seconds to send the head of a request. A
    /// client that reads nothing for thirty seconds is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_dashboard::Dashboard;
    /// use tokio::sync::oneshot;
    /// use tokio::time::timeout;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (end, ending) = oneshot::channel();
    /// let dashboard = Dashboard::new().until(async { drop(ending.await) });
    /// let server = dashboard.bind("127.0.0.1:0").await?;
    /// end.send(()).unwrap(); // as a task that waits for Ctrl+C does
    /// timeout(Duration::from_secs(10), server.run()).await?; // it returns
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends its connections.
    pub async fn run(mut self) {
        let mut connections = Connections::default();
        let serving = async {
            loop {
                // Without file descriptors, this waits a second and tries again.
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
        // The rest end when their set is dropped.
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
    // How a connection ended does not matter here.
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

    /// A server with short timeouts whose responses never end. Each of them holds `held`.
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
