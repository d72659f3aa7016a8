//! The saved state: what restarts keep, and that no file stops a start.

mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use breaker_config::{Configured, File};
use breaker_runtime::{Config, LeftAlone, Registry, State};
use common::{Folder, own};

/// A process that begins: its registry, and its settings.
fn begin(state: &Path) -> (&'static Registry, Configured) {
    let own = own();
    own.circuit("a", Config::new()).expect("a good config");
    let file = File::none().directives("").registry(own).state(state);
    (own, file.apply().expect("no state stops a start"))
}

#[test]
fn a_restart_during_an_outage_begins_with_the_circuit_open() {
    let folder = Folder::new();
    let path = folder.path().join("var/state.json");
    let (own, config) = begin(&path);
    own.get("a").unwrap().trip();
    drop(config);
    let (own, config) = begin(&path);
    assert_eq!(config.restored().opened, ["a"]);
    assert_eq!(own.get("a").unwrap().state(), State::Open);
    // And the one after that does not, because it has closed.
    own.get("a").unwrap().reset();
    drop(config);
    let (own, config) = begin(&path);
    assert!(config.restored().opened.is_empty());
    assert_eq!(own.get("a").unwrap().state(), State::Closed);
}

#[test]
fn an_outage_outlives_a_restart_and_a_file_without_outages_is_read_too() {
    let folder = Folder::new();
    let path = folder.path().join("state.json");
    let (own, config) = begin(&path);
    own.get("a").unwrap().trip();
    drop(config);
    let written = fs::read_to_string(&path).unwrap();
    let (before, rest) = written.split_once("\"lasted\":").expect("an outage");
    let (_, after) = rest.split_once(',').expect("its first reason");
    fs::write(&path, format!("{before}\"lasted\":430000,{after}")).unwrap();
    let (own, config) = begin(&path);
    let outage = own.snapshot_of("a").unwrap().outage.unwrap();
    assert!(outage.since >= Duration::from_secs(430), "{outage:?}");
    drop(config);

    let start = written.find(",\"outage\":").unwrap();
    let end = start + written[start..].find("}}").unwrap() + 2;
    fs::write(&path, format!("{}{}", &written[..start], &written[end..])).unwrap();
    let (own, config) = begin(&path);
    assert_eq!(config.restored().opened, ["a"]);
    assert!(own.snapshot_of("a").unwrap().outage.unwrap().since < Duration::from_secs(430));
}

#[test]
fn a_change_is_written_soon_and_leaves_no_other_file() {
    let folder = Folder::new();
    let path = folder.path().join("state.json");
    let (own, _config) = begin(&path);
    own.get("a").unwrap().trip();
    let began = Instant::now();
    while !path.exists() {
        assert!(began.elapsed() < Duration::from_secs(30));
        std::thread::yield_now();
    }
    assert!(began.elapsed() > Duration::from_millis(900), "changes are gathered");
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[test]
fn no_file_stops_a_start() {
    let folder = Folder::new();
    let path = folder.path().join("state.json");
    let (own, config) = begin(&path);
    own.get("a").unwrap().trip();
    drop(config);
    let good = fs::read_to_string(&path).unwrap();
    for length in 0..good.len() {
        fs::write(&path, &good[..length]).unwrap();
        let (own, config) = begin(&path);
        assert!(config.restored().opened.is_empty(), "{length}");
        assert_eq!(own.get("a").unwrap().state(), State::Closed);
    }
    for foreign in ["[]", "null", "{\"version\": 1}", "\u{0}", "breaker"] {
        fs::write(&path, foreign).unwrap();
        assert!(begin(&path).1.restored().opened.is_empty());
    }
    fs::write(&path, good.replace("\"version\":1", "\"version\":7")).unwrap();
    assert_eq!(begin(&path).1.restored().left_alone[0].1, LeftAlone::OtherVersion);
    fs::write(&path, b"\xff\xfe").unwrap();
    drop(begin(&path));
    fs::File::create(&path).unwrap().set_len(100 * 1024 * 1024).unwrap();
    drop(begin(&path));
}

#[test]
fn an_outage_of_very_many_circuits_is_restored() {
    let folder = Folder::new();
    let path = folder.path().join("state.json");
    let long = "x".repeat(100);
    let (own, config) = begin(&path);
    let many = own.keyed("many", Config::new(), 10_000).unwrap();
    (0..6_000).for_each(|key| many.get(format!("{long}{key}")).trip());
    drop(config);
    assert!(fs::metadata(&path).unwrap().len() > 1024 * 1024);
    let own = common::own();
    let many = own.keyed("many", Config::new(), 10_000).unwrap();
    let _config = File::none().directives("").registry(own).state(&path).apply().unwrap();
    assert_eq!(many.get(format!("{long}5999")).state(), State::Open);
}

#[test]
fn a_place_where_nothing_can_be_written_stops_nothing() {
    let folder = Folder::new();
    folder.write("file", "");
    let (own, config) = begin(&folder.path().join("file/state.json"));
    own.get("a").unwrap().trip();
    drop(config);
    drop(begin(folder.path()));
}

#[test]
fn dropping_it_does_not_wait_for_the_delay() {
    let folder = Folder::new();
    let (own, config) = begin(&folder.path().join("state.json"));
    own.get("a").unwrap().trip();
    let began = Instant::now();
    drop(config);
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
}

#[test]
fn a_time_that_the_settings_do_not_allow_is_not_restored() {
    let folder = Folder::new();
    let path = folder.path().join("state.json");
    let (own, config) = begin(&path);
    own.get("a").unwrap().trip();
    drop(config);
    let text = fs::read_to_string(&path).unwrap();
    let mut saved: serde_json::Value = serde_json::from_str(&text).unwrap();
    saved["circuits"][0]["left"] = u64::MAX.into();
    fs::write(&path, saved.to_string()).unwrap();
    let (own, _config) = begin(&path);
    let left = own.get("a").unwrap().snapshot().retry_after.expect("it ends");
    assert!(left <= Duration::from_secs(600), "{left:?}");
}
