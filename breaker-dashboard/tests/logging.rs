//! What is logged of controls. A process of its own: what one test logs is not always heard by another.

mod common;

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderValue;
use breaker_dashboard::Dashboard;
use common::{SECRET, ask, circuit, dashboard, order};
use tokio::time::sleep;

/// Keeps every word that is logged.
#[derive(Clone, Debug, Default)]
struct Words(Arc<Mutex<String>>);

impl tracing::Subscriber for Words {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let words = Arc::clone(&self.0);
        event.record(&mut move |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            let mut words = words.lock().unwrap();
            write!(words, "{field}={value:?} ").unwrap();
        });
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn h06_tokens_are_never_logged_or_told_and_uses_and_refusals_are() {
    let words = Words::default();
    let _logging = tracing::subscriber::set_default(words.clone());
    let router = dashboard();
    let mut guess = order(r#"{ "name": "logging.words", "action": "reset" }"#);
    let wrong = HeaderValue::from_static("Bearer a-guess-that-is-wrong");
    guess.headers_mut().insert("authorization", wrong);
    circuit("logging.words");
    let mut answers =
        vec![ask(&router, order(r#"{ "name": "logging.words", "action": "reset" }"#)).await];
    answers.push(ask(&router, guess).await);
    let logged = words.0.lock().unwrap().clone();
    assert!(
        logged.contains("breaker.reason=reset by=192.0.2.7") && logged.contains("wrong token"),
        "{logged}"
    );
    for secret in [SECRET, "a-guess-that-is-wrong"] {
        assert!(!logged.contains(secret));
        assert!(answers.iter().all(|answer| !answer.text().contains(secret)));
        assert!(
            !format!("{:?}", Dashboard::new().with_controls(SECRET.parse().unwrap()))
                .contains(secret)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_tokens_are_logged_once_a_second_with_how_many_there_were() {
    let words = Words::default();
    let _logging = tracing::subscriber::set_default(words.clone());
    let router = dashboard();
    for _ in 0..50 {
        let mut guess = order("{}");
        let wrong = HeaderValue::from_static("Bearer a-guess-that-is-wrong");
        guess.headers_mut().insert("authorization", wrong);
        ask(&router, guess).await;
        sleep(Duration::from_millis(50)).await;
    }
    let logged = words.0.lock().unwrap().clone();
    let counts: Vec<_> = logged.split("breaker.wrong_tokens=").skip(1).collect();
    let counts: Vec<_> = counts.iter().map(|rest| rest.split(' ').next().unwrap()).collect();
    assert_eq!(counts, ["1", "21", "41"], "{logged}");
    assert_eq!(logged.matches("by=192.0.2.7 ").count(), 3, "{logged}");
}
