//! What else the shop serves, and how it closes.

use std::time::Duration;

use breaker_runtime::PrometheusText;
use breaker_shop::server::Server;
use breaker_shop::story::Story;
use breaker_shop::world::{Redis, World};
use tokio::time::{Instant, timeout};

async fn open() -> (World, Server) {
    let (redis, _) = Redis::stand_in().await.unwrap();
    let world = World::start(redis, 3).await.unwrap();
    let server = Server::start(&world, Story::default(), 0).await.unwrap();
    (world, server)
}

#[tokio::test]
async fn metrics_name_every_circuit() {
    let (_world, server) = open().await;
    let answer = reqwest::get(format!("{}/metrics", server.url())).await.unwrap();
    assert_eq!(answer.headers()["content-type"], PrometheusText::CONTENT_TYPE);
    let text = answer.text().await.unwrap();
    for name in ["prices", "payments", "carrier", "redis", "checkout"] {
        let line = format!(r#"breaker_state{{name="{name}",state="closed"}} 1"#);
        assert!(text.contains(&line), "{line} is not in:\n{text}");
    }
}

#[tokio::test]
async fn the_address_tells_the_story_beside_the_dashboard() {
    let (_world, server) = open().await;
    let page = reqwest::get(server.url()).await.unwrap();
    assert!(
        page.headers()["content-security-policy"].to_str().unwrap().contains("frame-src 'self'")
    );
    assert!(page.text().await.unwrap().contains("<iframe id=\"frame\" src=\"/breakers/"));
    let dashboard = reqwest::get(format!("{}/breakers/", server.url())).await.unwrap();
    assert_eq!(dashboard.headers()["x-frame-options"], "SAMEORIGIN");
    assert!(dashboard.text().await.unwrap().contains("<title>"));
}

#[tokio::test]
async fn an_open_page_does_not_delay_the_end() {
    let (_world, server) = open().await;
    let events = format!("{}/breakers/api/events", server.url());
    let mut page = reqwest::get(events).await.unwrap();
    assert!(page.chunk().await.unwrap().is_some());
    let began = Instant::now();
    timeout(Duration::from_secs(10), server.stop()).await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "it took {:?}", began.elapsed());
    while page.chunk().await.unwrap().is_some() {} // the stream ends, and does not break off
}
