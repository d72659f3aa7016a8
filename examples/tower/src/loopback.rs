//! Servers on ports that the system picks.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

use crate::Greeter;

/// Serves a router of axum until the program ends.
///
/// # Errors
///
/// If there is no port.
pub async fn serve(router: Router) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// Serves the greeter until the program ends.
///
/// # Errors
///
/// If there is no port.
pub async fn serve_grpc(greeter: Greeter) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let incoming = TcpListenerStream::new(listener);
    tokio::spawn(Server::builder().add_service(greeter).serve_with_incoming(incoming));
    Ok(address)
}

/// Answers every request with these bytes, and closes the connection.
///
/// # Errors
///
/// If there is no port.
pub async fn serve_raw(answer: &'static str) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    Ok(address)
}

/// An address at which nobody listens.
///
/// # Errors
///
/// If there is no port.
pub async fn nowhere() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").await?.local_addr()
}
