//! The recipes of the guide, as doctests with the crates that they are about, and what these need for a test.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use axum::Router;
use breaker_runtime::{Calls, registry};
use sqlx::error::{DatabaseError, ErrorKind};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

/// Doctests of one page each.
macro_rules! pages {
    ($($name:ident $page:literal)*) => {$(
        #[cfg(doctest)]
        #[doc = include_str!(concat!("../../../docs/guide/", $page))]
        struct $name;
    )*};
}

pages! {
    Axum "axum.md"
    Dashboard "dashboard.md"
    DashboardReadme "../../breaker-dashboard/README.md"
    Errors "errors.md"
    Metrics "metrics.md"
    Redis "redis.md"
    Reqwest "reqwest.md"
    Sqlx "sqlx.md"
    Streams "streams.md"
    Tonic "tonic.md"
}

/// The calls of an annotated function's circuit.
///
/// # Panics
///
/// If there is no such circuit.
#[must_use]
pub fn calls(name: &str) -> Calls {
    registry().snapshot_of(name).expect("a circuit").calls
}

/// Has a circuit refuse every call.
///
/// # Panics
///
/// If there is no such circuit.
pub fn force_open(name: &str) {
    registry().get(name).expect("a circuit").force_open();
}

/// The error of a database that refuses a second row with the same key.
#[must_use]
pub fn violation() -> sqlx::Error {
    Duplicate.into()
}

#[derive(Debug)]
struct Duplicate;

impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for Duplicate {}

impl DatabaseError for Duplicate {
    fn message(&self) -> &'static str {
        "duplicate key"
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some("23505".into())
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::UniqueViolation
    }
}

/// The URL of a service on the loopback, without a slash at its end. It lasts as long as the runtime.
///
/// # Panics
///
/// If no port can be had.
pub async fn serve(service: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(axum::serve(listener, service).into_future());
    format!("http://{address}")
}

/// The address of a gRPC server with the health service.
///
/// # Panics
///
/// If no port can be had.
pub async fn serve_health() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (_, health) = tonic_health::server::health_reporter();
    let serving =
        Server::builder().add_service(health).serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(serving);
    format!("http://{address}")
}

/// The address of a server on the loopback that answers "OK" to everything.
///
/// # Panics
///
/// If no port can be had.
#[must_use]
pub fn redis_that_answers() -> String {
    redis(|_| true)
}

/// The address of a server on the loopback that answers "OK" to everything, and drops its first connection when that
/// asks for a key: as if it had restarted.
///
/// # Panics
///
/// If no port can be had.
#[must_use]
pub fn redis_that_restarts() -> String {
    redis(|number| number > 0)
}

fn redis(is_alive: fn(usize) -> bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            thread::spawn(move || answer(client?, is_alive(number)));
        }
    });
    format!("redis://{address}")
}

fn answer(mut client: TcpStream, is_alive: bool) -> io::Result<()> {
    let mut read = [0; 1024];
    loop {
        let count = client.read(&mut read)?;
        let text = String::from_utf8_lossy(&read[..count]);
        if count == 0 || !is_alive && text.contains("GET") {
            return Ok(());
        }
        // Each command is an array.
        let commands = text.lines().filter(|line| line.starts_with('*')).count();
        client.write_all("+OK\r\n".repeat(commands).as_bytes())?;
    }
}
