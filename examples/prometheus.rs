//! What Prometheus scrapes: the registry as text, under names of our own or under those of resilience4j.
//!
//! A few circuits do a little work, and are written as metrics. Two have nasty names: no name can break the text.
//!
//! Run it with `cargo run --example prometheus`, or with `-- resilience4j` after it. Prometheus' own
//! `promtool check metrics` reads what it prints.

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use breaker_runtime::{Config, MetricNames, circuit_breaker, registry};

/// Opens at half of the calls, and lets no more than eight run at once.
#[circuit_breaker(name = "search", failure_rate = 0.5, slow_call = "1s", max_concurrent = 8)]
fn search(word: &str) -> Option<usize> {
    "circuits open and close".find(word)
}

/// One circuit for each host.
#[circuit_breaker(name = "http", key = host, failure_threshold = 2, cooldown = "10s")]
fn fetch(host: &str) -> Option<u16> {
    (host != "broken.example").then_some(200)
}

fn main() -> Result<(), Box<dyn Error>> {
    for word in ["open", "close", "shut", "and", "circuits", "o", "c", "e", "s", "n"] {
        search(word);
    }
    for host in ["api.example", "broken.example", "broken.example", "broken.example"] {
        fetch(host);
    }
    for name in [r#"C:\temp "quoted" </script>"#, "🦀 \u{202e}sdrawkcab {a=\"b\"} 1"] {
        registry().get_or_create(name, Config::new().cooldown(Duration::MAX))?.trip();
    }

    let names = match std::env::args().nth(1).as_deref() {
        None => MetricNames::Breaker,
        Some("resilience4j") => MetricNames::Resilience4j,
        Some(other) => return Err(format!("{other} are no names of metrics").into()),
    };
    write!(io::stdout(), "{}", registry().snapshot().prometheus(names))?;
    Ok(())
}
