//! The size of answers, in a process whose settings are refused again and again.

mod common;

use std::time::Duration;

use breaker_runtime::{Layer, registry};
use common::{circuit, dashboard, get, watched};
use serde_json::Value;
use tokio::time::sleep;

const MOST_BYTES: usize = 1 << 20;

#[tokio::test(start_paused = true)]
async fn h09_settings_that_were_refused_leave_an_answer_within_one_mebibyte() {
    let router = dashboard();
    for number in 0..1_000 {
        circuit(&format!("refused.{number}"));
    }
    for attempt in 0..20 {
        // Four bytes a character, which is the most.
        let mistake = |line| format!("breaker.toml:{line}: {attempt} {}", "🦀".repeat(220));
        registry().refuse(Layer::File, (0..100).map(mistake).collect());
    }
    sleep(Duration::from_secs(2)).await;

    let log = get(&router, "/api/log").await;
    assert_eq!(log.json()["log"].as_array().unwrap().len(), 20);
    assert!(log.body.len() <= MOST_BYTES, "{}", log.body.len());
    let circuits = get(&router, "/api/circuits").await;
    assert!(circuits.json()["next"].is_string(), "the circuits fill the answer");
    assert!(circuits.body.len() <= MOST_BYTES, "{}", circuits.body.len());
    let snapshot = watched(&router).await;
    assert!(snapshot.to_string().len() <= MOST_BYTES);

    let entry = &snapshot["log"][19];
    let mistakes: Vec<_> = entry["mistakes"].as_array().unwrap().iter().map(as_str).collect();
    assert!(mistakes[0].starts_with("breaker.toml:0: 19 🦀"), "{}", mistakes[0]);
    assert_eq!((mistakes.len(), mistakes[3]), (4, "and 97 more"));
    assert_eq!(as_str(&entry["text"]), format!("settings refused (file): {}", mistakes.join("; ")));
}

fn as_str(text: &Value) -> &str {
    text.as_str().unwrap()
}
