//! The connection, against the real dashboard and against servers that do something else.

use std::sync::mpsc::{self, Receiver};

use breaker_dashboard::Dashboard;
use breaker_runtime::{Config, registry};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

const LONG: Duration = Duration::from_secs(30);

fn following(address: &str) -> (Receiver<News>, JoinHandle<()>) {
    let (sender, news) = mpsc::channel();
    (news, tokio::spawn(follow(Address::parse(address).unwrap(), sender)))
}

/// Waits off the runtime, which has the connection to keep.
async fn next(news: Receiver<News>) -> (News, Receiver<News>) {
    let waits = tokio::task::spawn_blocking(|| (news.recv_timeout(LONG).unwrap(), news));
    waits.await.unwrap()
}

/// Answers each connection with one of these, and closes it.
async fn server(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

fn stream_of(events: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{events}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_dashboard_is_read() {
    registry().get_or_create("top.real", Config::new()).unwrap().trip();
    let server = Dashboard::new().bind("127.0.0.1:0").await.unwrap();
    let url = server.url().clone();
    tokio::spawn(server.run());
    let (news, _following) = following(&url);
    let (heard, news) = next(news).await;
    let News::Heard(message) = heard else { panic!("a snapshot: {heard:?}") };
    let Message::Snapshot(frame) = *message else { panic!("a snapshot: {message:?}") };
    let row = frame.circuits.iter().find(|row| row.name == "top.real").unwrap();
    assert_eq!((row.state.as_str(), row.retry_after.is_some()), ("open", true));
    assert!(row.explanation.starts_with("open for "), "{}", row.explanation);
    let (heard, _) = next(news).await;
    assert!(matches!(heard, News::Heard(_)), "the next second: {heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_is_asked_for_again() {
    let events = "event: snapshot\ndata: {\"total\": 1}\n\n";
    let address = server(vec![stream_of(events), stream_of(events)]).await;
    let (news, _following) = following(&address);
    let (first, news) = next(news).await;
    assert!(matches!(first, News::Heard(_)), "{first:?}");
    let (lost, news) = next(news).await;
    assert!(
        matches!(&lost, News::Lost(why, wait) if why == "the stream ended" && *wait == SHORTEST_WAIT),
        "{lost:?}"
    );
    let (again, _) = next(news).await;
    assert!(matches!(again, News::Heard(_)), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_after_a_snapshot_make_one_board() {
    let events = "retry: 1000\n\n\
                  event: snapshot\ndata: {\"total\": 2, \"circuits\": [{\"name\": \"a\"}, {\"name\": \"b\"}]}\n\n\
                  event: changes\ndata: {\"total\": 2, \"gone\": [\"a\"], \"circuits\": [{\"name\": \"c\"}]}\n\n\
                  event: shutdown\ndata: {}\n\n";
    let (mut news, _following) = following(&server(vec![stream_of(events)]).await);
    let mut board = crate::board::Board::default();
    for _ in 0..3 {
        let (heard, rest) = next(news).await;
        let News::Heard(message) = heard else { panic!("a message: {heard:?}") };
        board.hear(*message);
        news = rest;
    }
    assert_eq!(board.circuits.keys().collect::<Vec<_>>(), ["b", "c"]);
    let (lost, _) = next(news).await;
    assert!(matches!(lost, News::Lost(..)), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_get_longer_while_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let (news, _following) = following(&address);
    let (first, news) = next(news).await;
    let refused = format!("{address}: connection refused");
    assert!(
        matches!(&first, News::Lost(why, wait) if *why == refused && *wait == SHORTEST_WAIT),
        "{first:?}"
    );
    let (second, _) = next(news).await;
    assert!(matches!(&second, News::Lost(_, wait) if *wait == SHORTEST_WAIT * 2), "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_stream_says_what_the_server_said() {
    let said = "{\"error\": \"this host is not expected\"}";
    let refused = format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\n\r\n{said}", said.len());
    let missing = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned();
    let broken = stream_of("event: snapshot\ndata: {\n\n");
    let address = server(vec![refused, missing, broken]).await;
    let (mut news, _following) = following(&address);
    for expected in
        ["403: this host is not expected", "404 Not Found", "an event cannot be read: EOF"]
    {
        let (heard, rest) = next(news).await;
        assert!(matches!(&heard, News::Lost(why, _) if why.starts_with(expected)), "{heard:?}");
        news = rest;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_nobody_listens() {
    let address = server(vec![stream_of("event: snapshot\ndata: {}\n\n")]).await;
    let (news, following) = following(&address);
    drop(news);
    timeout(LONG, following).await.unwrap().unwrap();
}
