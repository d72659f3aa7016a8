//! What is no stream is a plain value: sockets, tokens, and a `Result` with anything in it.

use std::io;
use std::net::{TcpListener, TcpStream};

use breaker_runtime::circuit_breaker;
use futures_core::stream::BoxStream;

mod tokens {
    #[derive(Debug, Default, PartialEq)]
    pub struct TokenStream(pub Vec<u8>);
    pub struct TlsStream;
}

use tokens::TlsStream as Tls;

struct StreamOrder {
    weight: u8,
}

#[circuit_breaker(name = "sockets")]
fn connect(to: &TcpListener) -> io::Result<TcpStream> {
    TcpStream::connect(to.local_addr()?)
}

#[circuit_breaker(name = "sockets", failures = panics, fallback = unreachable!())]
fn socket(to: &TcpListener) -> TcpStream {
    connect(to).expect("it listens")
}

#[circuit_breaker(name = "tokens", failures = panics, fallback = tokens::TokenStream::default())]
fn parse(text: &str) -> tokens::TokenStream {
    tokens::TokenStream(text.bytes().collect())
}

#[circuit_breaker(name = "tls", failures = panics, fallback = { Tls })]
fn tls() -> Tls {
    Tls
}

#[circuit_breaker(name = "tls", failures = panics, fallback = { tokens::TlsStream })]
async fn tls_later() -> tokens::TlsStream {
    tokens::TlsStream
}

#[circuit_breaker(name = "orders-vwsitn", failures = panics, fallback = StreamOrder { weight: 0 })]
fn order() -> StreamOrder {
    StreamOrder { weight: 1 }
}

/// Guards only how the stream is made.
#[circuit_breaker(name = "feeds")]
async fn feed() -> io::Result<BoxStream<'static, u8>> {
    Ok(Box::pin(tokio_stream::once(1)))
}

#[test]
fn it_compiles_and_runs() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    drop(socket(&listener));
    assert_eq!(parse("a"), tokens::TokenStream(vec![97]));
    let (_, _, _) = (tls(), tls_later(), feed());
    assert_eq!(order().weight, 1);
}
