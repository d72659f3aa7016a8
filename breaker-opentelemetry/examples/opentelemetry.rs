//! What OpenTelemetry gets to see of a few circuits.
//!
//! The exporter here keeps what it gets, and the example prints it, one point a line. A service takes one that sends
//! it, such as that of the crate `opentelemetry-otlp`.
//!
//! Run it with `cargo run --example opentelemetry`.

use std::error::Error;
use std::fmt::Display;

use breaker_runtime::circuit_breaker;
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

/// Opens at half of the calls, lets no more than eight run at once, and keeps how long they take.
#[circuit_breaker(
    name = "search",
    failure_rate = 0.5,
    slow_call = "1s",
    max_concurrent = 8,
    timings = true
)]
fn search(word: &str) -> Option<usize> {
    "circuits open and close".find(word)
}

/// One circuit for each host.
#[circuit_breaker(name = "http", key = host, failure_threshold = 2, cooldown = "10s")]
fn fetch(host: &str) -> Option<u16> {
    (host != "broken.example").then_some(200)
}

fn main() -> Result<(), Box<dyn Error>> {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    global::set_meter_provider(provider.clone());
    breaker_opentelemetry::observe(&global::meter("shop"));

    for word in ["open", "close", "shut", "and", "circuits", "o", "c", "e", "s", "n"] {
        search(word);
    }
    for host in ["api.example", "broken.example", "broken.example", "broken.example"] {
        fetch(host);
    }

    provider.force_flush()?;
    for metric in exporter
        .get_finished_metrics()?
        .iter()
        .flat_map(ResourceMetrics::scope_metrics)
        .flat_map(ScopeMetrics::metrics)
    {
        println!("\n{} in {}: {}", metric.name(), metric.unit(), metric.description());
        match metric.data() {
            AggregatedMetrics::U64(data) => print(data),
            AggregatedMetrics::I64(data) => print(data),
            AggregatedMetrics::F64(data) => print(data),
        }
    }
    provider.shutdown()?;
    Ok(())
}

fn print<T: Copy + Display>(data: &MetricData<T>) {
    let mut lines: Vec<String> = match data {
        MetricData::Gauge(it) => {
            it.data_points().map(|it| line(it.attributes(), it.value())).collect()
        }
        MetricData::Sum(it) => {
            it.data_points().map(|it| line(it.attributes(), it.value())).collect()
        }
        _ => Vec::new(),
    };
    lines.sort();
    println!("{}", lines.join("\n"));
}

fn line<'a>(attributes: impl Iterator<Item = &'a KeyValue>, value: impl Display) -> String {
    let mut attributes: Vec<_> = attributes.map(|it| format!("{}={}", it.key, it.value)).collect();
    attributes.sort();
    format!("  {} -> {value}", attributes.join(" "))
}
