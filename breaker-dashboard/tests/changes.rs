//! The stream sends what changed, compressed, and all of it to a page that missed something.

mod common;

use std::io::Read as _;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use breaker_dashboard::Dashboard;
use common::{Page, circuit, dashboard, names};
use flate2::read::GzDecoder;
use futures_util::StreamExt as _;
use tokio::sync::{Mutex, oneshot};
use tokio::time::{Instant, sleep};
use tower::ServiceExt as _;

/// What happens to the circuits of one test comes to the streams of all.
static ALONE: Mutex<()> = Mutex::const_new(());

async fn open(router: &Router) -> Page {
    let mut page = Page::open(router).await;
    page.raw().await;
    assert_eq!(page.next().await.0, "snapshot");
    page
}

#[tokio::test(start_paused = true)]
async fn only_rows_that_changed_are_sent() {
    let _alone = ALONE.lock().await;
    let (router, busy) = (dashboard(), circuit("changes.busy"));
    circuit("changes.idle");
    sleep(Duration::from_millis(500)).await;
    let mut page = open(&router).await;
    let frame = page.known()["frame"].as_u64().unwrap();
    for second in 1..=7 {
        busy.try_acquire().unwrap().success();
        let (kind, event) = page.next().await;
        assert_eq!((kind.as_str(), names(&event)), ("changes", vec!["changes.busy"]));
        assert_eq!(event["frame"], frame + second);
        assert_eq!(event["circuits"][0]["point"], serde_json::json!([1, 0, 0]));
        assert!(event["total"].as_u64() >= Some(2) && event["log"].is_array());
    }
    let known = page.known();
    assert!(names(&known).contains(&"changes.idle"));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_says_how_long_it_is_open_is_never_older_than_five_seconds() {
    let _alone = ALONE.lock().await;
    let (router, open_circuit) = (dashboard(), circuit("changes.open"));
    sleep(Duration::from_millis(500)).await;
    open_circuit.trip();
    sleep(Duration::from_secs(20)).await;
    let mut page = open(&router).await;
    let mut times = Vec::new();
    for _ in 0..20 {
        let event = page.next().await.1;
        times.extend(names(&event).contains(&"changes.open").then(Instant::now));
    }
    let gaps = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64().round());
    assert_eq!(gaps.collect::<Vec<_>>(), [5.0; 3], "not more often either");
    open_circuit.reset();
}

#[breaker_runtime::circuit_breaker(name = "changes-keys", key = key, max_keys = 1)]
fn keyed(key: &str) -> Result<(), std::io::Error> {
    assert!(key.len() < 9);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_is_gone_is_said_to_be_gone() {
    let _alone = ALONE.lock().await;
    let router = dashboard();
    keyed("a").unwrap();
    let mut page = open(&router).await;
    assert!(names(&page.known()).contains(&"changes-keys/a"));
    keyed("b").unwrap();
    let event = page.next().await.1;
    assert_eq!(event["gone"], serde_json::json!(["changes-keys/a"]));
    assert!(names(&event).contains(&"changes-keys/b"));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_missed_an_event_gets_everything_and_then_changes_again() {
    let _alone = ALONE.lock().await;
    let (router, busy) = (dashboard(), circuit("changes.slow"));
    let mut page = open(&router).await;
    page.next().await;
    for _ in 0..50 {
        busy.try_acquire().unwrap().success();
        sleep(Duration::from_secs(1)).await;
    }
    let (kind, event) = page.next().await;
    assert_eq!(kind, "snapshot", "and not fifty events");
    let row = event["circuits"].as_array().unwrap().iter();
    let row = row.clone().find(|row| row["name"] == "changes.slow").unwrap();
    assert_eq!(row["started"], 50);
    assert_eq!(page.next().await.0, "changes");
}

#[tokio::test(start_paused = true)]
async fn another_page_does_not_disturb_the_first() {
    let _alone = ALONE.lock().await;
    let router = dashboard();
    sleep(Duration::from_millis(500)).await;
    let mut first = open(&router).await;
    sleep(Duration::from_millis(250)).await;
    let mut second = open(&router).await;
    for _ in 0..5 {
        assert_eq!([first.next().await.0, second.next().await.0], ["changes", "changes"]);
    }
}

async fn open_packed(router: &Router) -> axum::response::Response {
    let request = Request::get("/api/events").header("accept-encoding", "br, gzip");
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(response.headers()["vary"], "accept-encoding");
    response
}

/// As far as it can be read.
fn unpacked(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    let _ = GzDecoder::new(bytes).read_to_end(&mut text);
    String::from_utf8(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_event_can_be_unpacked_as_soon_as_it_comes() {
    let _alone = ALONE.lock().await;
    let (router, busy) = (dashboard(), circuit("changes.packed"));
    let mut stream = open_packed(&router).await.into_body().into_data_stream();
    let (mut bytes, mut events) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        busy.try_acquire().unwrap().success();
        let before = unpacked(&bytes).len();
        bytes.extend(stream.next().await.unwrap().unwrap());
        let event = unpacked(&bytes)[before..].to_owned();
        assert!(event.ends_with("\n\n"), "{event}");
        events.push(event);
    }
    assert_eq!(events[0], "retry: 1000\n\n");
    assert!(events[1].starts_with("event: snapshot\ndata: {"));
    assert!(events[2..].iter().all(|event| event.starts_with("event: changes\ndata: {")));
}

#[tokio::test(start_paused = true)]
async fn a_packed_stream_is_whole_when_the_program_shuts_down() {
    let _alone = ALONE.lock().await;
    let (end, ending) = oneshot::channel::<()>();
    let signal = async {
        let _ = ending.await;
    };
    let router = Dashboard::new().until(signal).into_router();
    let response = open_packed(&router).await;
    let reading = tokio::spawn(to_bytes(response.into_body(), 64 << 20));
    sleep(Duration::from_secs(3)).await;
    end.send(()).unwrap();
    let bytes = reading.await.unwrap().unwrap();
    let mut text = String::new();
    GzDecoder::new(bytes.as_ref()).read_to_string(&mut text).unwrap();
    assert!(text.starts_with("retry: ") && text.ends_with("event: shutdown\ndata: {}\n\n"));
}
