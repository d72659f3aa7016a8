//! Ten thousand circuits. A process of its own: every dashboard looks at all circuits of its process.

mod common;

use std::io::Read as _;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use breaker_runtime::{Config, registry};
use common::{Page, ask, circuit, dashboard, get, names};
use flate2::read::GzDecoder;
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::time::sleep;
use tower::ServiceExt as _;

fn make_many() {
    for number in 0..10_000 {
        registry().get_or_create(&format!("volume-{number:05}"), Config::new()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_packed_stream_has_ten_thousand_circuits_and_a_plain_one_the_worst() {
    make_many();
    circuit("the-worst").trip();
    let router = dashboard();
    let mut page = Page::open(&router).await;
    page.raw().await;
    page.next().await;
    let (plain, rows) = (page.known(), names(&page.known()).len());
    assert!(plain["total"].as_u64() > Some(10_000) && plain["shown"] == rows && rows < 2_000);
    assert!(names(&plain).contains(&"the-worst"));

    let request = Request::get("/api/events").header("accept-encoding", "gzip");
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    let mut bytes = stream.next().await.unwrap().unwrap().to_vec();
    bytes.extend(stream.next().await.unwrap().unwrap());
    let mut text = Vec::new();
    // The stream goes on, so it has no end.
    let _ = GzDecoder::new(bytes.as_slice()).read_to_end(&mut text);
    let text = String::from_utf8(text).unwrap();
    let (_, data) = text.split_once("data: ").unwrap();
    let all: Value = serde_json::from_str(data).unwrap();
    assert_eq!((&all["shown"], &all["total"]), (&plain["total"], &plain["total"]));
    assert_eq!(all["circuits"][0]["name"], "the-worst");
    println!("{} bytes, {} packed", text.len(), bytes.len());
    assert!(bytes.len() < 1 << 20);
    let more = stream.next().await.unwrap().unwrap();
    assert!(more.len() < 8 << 10, "{} bytes, and nothing happened", more.len());
}

#[tokio::test(start_paused = true)]
async fn plain_histories_have_a_mebibyte_and_say_how_to_go_on_and_packed_ones_are_whole() {
    make_many();
    let router = dashboard();
    sleep(Duration::from_millis(4_500)).await;
    let (mut sizes, mut after) = (Vec::new(), String::new());
    loop {
        let part = get(&router, &format!("/api/histories?minutes=1&contains=volume{after}")).await;
        assert!(part.body.len() <= 1 << 20);
        let part = part.json();
        sizes.push(part["circuits"].as_object().unwrap().len());
        match part["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert!(sizes.len() > 1 && sizes.iter().sum::<usize>() == 10_000, "{sizes:?}");
    let request = Request::get("/api/histories?minutes=1&contains=volume");
    let request = request.header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    let answer = ask(&router, request).await;
    assert_eq!(answer.headers["content-encoding"], "gzip");
    let mut text = String::new();
    GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(all["circuits"].as_object().unwrap().len(), 10_000);
    assert!(answer.body.len() < 200 << 10, "{}", answer.body.len());
}
