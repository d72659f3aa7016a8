//! What the `tracing` crate gets.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use breaker_runtime::{Config, registry, trace};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

type Fields = BTreeMap<&'static str, String>;

/// Keeps every record of target `breaker`.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<(Level, Fields)>>>);

struct Reader<'a>(&'a mut Fields);

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "breaker"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Reader(&mut fields));
        self.0.lock().unwrap().push((*event.metadata().level(), fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn an_outage_is_logged_with_its_fields_at_its_levels() {
    let recorder = Recorder::default();
    let _default = tracing::subscriber::set_default(recorder.clone());
    let _logging = registry().subscribe(|event| {
        if event.name == "traced" {
            trace(event);
        }
    });

    let config = Config::new().failure_rate(0.5).minimum_calls(2);
    let circuit = registry().get_or_create("traced", config).unwrap();
    let late = circuit.try_acquire().unwrap();
    let _ = circuit.call(|| Ok::<_, ()>(()));
    let _ = circuit.call(|| Err::<(), _>(()));
    let _ = circuit.call(|| Ok::<_, ()>(()));
    late.success();
    circuit.reset();
    let _ = registry().get_or_create("traced", Config::new().failure_threshold(1));

    let records = recorder.0.lock().unwrap();
    let levels: Vec<_> = records.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [Level::WARN, Level::DEBUG, Level::DEBUG, Level::INFO, Level::ERROR]);

    let opened = &records[0].1;
    assert_eq!(opened["breaker.name"], "traced");
    assert_eq!((&*opened["breaker.from"], &*opened["breaker.to"]), ("closed", "open"));
    assert_eq!(opened["breaker.reason"], "1 of the last 2 calls failed");
    assert_eq!(opened["breaker.failure_rate"], "0.5");
    assert_eq!(opened["breaker.retry_after_ms"], "60000");
    assert_eq!(records[1].1["breaker.reason"], "open");
    assert_eq!(records[2].1["breaker.reason"], "success");
    assert_eq!(records[3].1["breaker.reason"], "reset()");
    assert!(!records[3].1.contains_key("breaker.failure_rate"));
    assert!(records[4].1["breaker.reason"].contains("failure_threshold=1"));
    assert!(records.iter().all(|(_, fields)| !fields.contains_key("breaker.missed")));
}

#[test]
fn r35_calls_that_were_counted_and_not_told_are_logged_with_the_next_record() {
    let recorder = Recorder::default();
    let _default = tracing::subscriber::set_default(recorder.clone());
    let circuit = registry().get_or_create("traced.missed", Config::new()).unwrap();
    let called = Arc::clone(&circuit);
    let _busy = registry().subscribe(move |event| {
        if event.name == "traced.missed" && event.sequence == 1 {
            (0..3).for_each(|_| assert!(called.try_acquire().is_err()));
        }
    });
    let _logging = registry().subscribe(|event| {
        if event.name == "traced.missed" {
            trace(event);
        }
    });
    circuit.trip();
    let records = recorder.0.lock().unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!((&*records[1].1["breaker.reason"], &*records[1].1["breaker.missed"]), ("open", "2"));
}
