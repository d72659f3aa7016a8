//! The dashboard on real ports: who is kept waiting, who is given up, and how a program ends.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use breaker_dashboard::Dashboard;
use common::circuit;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// Well below every patience of the server.
const SOON: Duration = Duration::from_secs(4);
/// A page as a server sees it.
const STREAM: &str = "GET /breakers/api/events HTTP/1.1\r\nhost: localhost\r\n\r\n";
/// A graceful shutdown waits for no stream, so it takes no time.
const AT_ONCE: Duration = Duration::from_secs(1);
/// The end of a stream at a shutdown.
const GOODBYE: &str = "event: shutdown\ndata: {}\n\n";
/// More connections than a server has places.
const FLOOD: usize = 600;

async fn server() -> SocketAddr {
    let server = Dashboard::new().bind("127.0.0.1:0").await.unwrap();
    let address = server.address();
    tokio::spawn(server.run());
    address
}

async fn connected(address: SocketAddr, sends: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(sends.as_bytes()).await.unwrap();
    client
}

/// The first bytes of what is answered.
async fn beginning(client: &mut TcpStream) -> String {
    let mut answer = [0; 12];
    client.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer.into()).unwrap()
}

/// What else is sent, until the connection is closed.
async fn rest(client: &mut TcpStream) -> String {
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    rest
}

async fn is_healthy(address: SocketAddr) -> bool {
    let asked = async {
        let mut client =
            connected(address, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        beginning(&mut client).await == "HTTP/1.1 200"
    };
    timeout(SOON, asked).await.unwrap_or(false)
}

#[tokio::test]
async fn h03_connections_that_send_no_request_keep_nobody_out() {
    let address = server().await;
    let mut silent = Vec::new();
    for number in 0..FLOOD {
        let sends = if number % 2 == 0 { "" } else { "GET / HTTP/1.1\r\nhost: loc" };
        silent.push(connected(address, sends).await);
    }
    assert!(is_healthy(address).await);
}

#[tokio::test]
async fn h03_connections_that_rest_between_requests_keep_nobody_out() {
    let address = server().await;
    let mut resting = Vec::new();
    for _ in 0..FLOOD {
        let sends = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let mut client = connected(address, sends).await;
        assert_eq!(timeout(SOON, beginning(&mut client)).await.as_deref(), Ok("HTTP/1.1 200"));
        resting.push(client);
    }
}

#[tokio::test]
async fn h03_a_stream_goes_on_while_silent_connections_come_and_go() {
    let address = server().await;
    let sends = "GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut stream = connected(address, sends).await;
    assert_eq!(beginning(&mut stream).await, "HTTP/1.1 200");
    let (mut silent, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..FLOOD {
        silent.push(connected(address, "").await);
    }
    assert!(is_healthy(address).await);
    circuit("serving.stream").trip();
    let told = async {
        let mut text = String::new();
        while !text.contains("closed -> open: trip()") {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the stream ended");
            text = String::from_utf8_lossy(&bytes).into_owned();
        }
    };
    assert!(timeout(SOON, told).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn h03_a_client_has_five_seconds_for_the_head_of_a_request() {
    for sends in ["", "GET / HTTP/1.1\r\nhost: loc"] {
        let mut client = connected(server().await, sends).await;
        let began = Instant::now();
        client.read_to_end(&mut Vec::new()).await.unwrap();
        let took = began.elapsed();
        assert!((4.9..5.5).contains(&took.as_secs_f64()), "{took:?} after {sends:?}");
    }
}

/// A stream that has sent its first picture.
async fn open_page(address: SocketAddr, request: &str) -> TcpStream {
    let mut page = connected(address, request).await;
    assert_eq!(beginning(&mut page).await, "HTTP/1.1 200");
    page
}

#[tokio::test]
async fn an_open_page_does_not_hold_up_a_graceful_shutdown() {
    let (end, ended) = oneshot::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let dashboard = Dashboard::new().until(async { drop(ended.await) }).into_router();
    let service = Router::new().nest("/breakers", dashboard);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = axum::serve(listener, service)
        .with_graceful_shutdown(async { drop(stopped.await) })
        .into_future();
    let served = tokio::spawn(served);
    let mut pages = [open_page(address, STREAM).await, open_page(address, STREAM).await];
    stop.send(()).unwrap();
    end.send(()).unwrap();
    assert!(timeout(AT_ONCE, served).await.is_ok(), "it waits for the pages");
    for page in &mut pages {
        let rest = rest(page).await;
        assert!(rest.ends_with("\r\n0\r\n\r\n"), "the stream ended as a whole");
        assert!(rest.contains(GOODBYE), "and the page is told why");
    }
}

#[tokio::test]
async fn a_stream_that_is_opened_during_a_shutdown_ends_at_once() {
    let (end, ended) = oneshot::channel();
    let dashboard = Dashboard::new().until(async { drop(ended.await) }).into_router();
    let service = Router::new().nest("/breakers", dashboard);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, service).into_future());
    end.send(()).unwrap();
    let closes = STREAM.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    let mut page = open_page(address, &closes).await;
    let rest = timeout(AT_ONCE, rest(&mut page)).await.unwrap();
    assert!(rest.contains(GOODBYE) && !rest.contains("event: snapshot"), "{rest}");
    // The rest of the service has not ended, so questions are answered.
    let list = closes.replace("events", "circuits");
    open_page(address, &list).await;
}

#[tokio::test]
async fn a_server_of_its_own_ends_with_its_streams() {
    let (end, ended) = oneshot::channel();
    let dashboard = Dashboard::new().until(async { drop(ended.await) });
    let server = dashboard.bind("127.0.0.1:0").await.unwrap();
    let address = server.address();
    let running = tokio::spawn(server.run());
    let _silent = connected(address, "").await;
    let mut page = open_page(address, &STREAM.replace("/breakers", "")).await;
    end.send(()).unwrap();
    assert!(timeout(SOON, running).await.is_ok(), "it waits for the page");
    let rest = rest(&mut page).await;
    assert!(
        rest.contains(GOODBYE) && rest.ends_with("\r\n0\r\n\r\n"),
        "the stream ended as a whole"
    );
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_delays_the_end_by_five_seconds_at_most() {
    for number in 0..100 {
        circuit(&format!("serving.many-{number:02}-{}", "x".repeat(100)));
    }
    let (end, ended) = oneshot::channel();
    let dashboard = Dashboard::new().until(async { drop(ended.await) });
    let server = dashboard.bind("127.0.0.1:0").await.unwrap();
    let address = server.address();
    let running = tokio::spawn(server.run());
    let list = "GET /api/circuits HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(300);
    let mut stalled = connected(address, &list).await;
    assert_eq!(beginning(&mut stalled).await, "HTTP/1.1 200");
    let began = Instant::now();
    end.send(()).unwrap();
    running.await.unwrap();
    assert!(began.elapsed() <= Duration::from_secs(6), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_signal_is_waited_for_while_no_page_is_open() {
    let (tell, told) = oneshot::channel();
    let signal = async {
        let _ = tell.send(());
        std::future::pending::<()>().await;
    };
    let _router = Dashboard::new().until(signal).into_router();
    assert_eq!(timeout(SOON, told).await, Ok(Ok(())));
}

#[tokio::test]
async fn a_signal_that_panics_counts_as_given() {
    let server = Dashboard::new().until(async { panic!("no signal") }).bind("127.0.0.1:0").await;
    assert!(timeout(SOON, server.unwrap().run()).await.is_ok());
}
