//! The board and the alerts of `docs/grafana` ask for metrics that exist.

#[path = "prometheus/exposition.rs"]
mod exposition;

use exposition::{Sample, read};
use serde_json::Value;

const BOARD: &str = include_str!("../docs/grafana/breaker.json");
const ALERTS: &str = include_str!("../docs/grafana/alerts.yml");
const TRIALS: &str = include_str!("../docs/grafana/alerts_test.yml");

/// What is exported, as another test holds the exporter to it.
fn exported() -> Vec<Sample> {
    read(include_str!("prometheus/breaker.txt"))
}

/// All strings in there.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// The metrics that a text names, each with what it says in braces.
fn asked(text: &str) -> Vec<(&str, &str)> {
    let starts = text.match_indices("breaker_").map(|(at, _)| &text[at..]);
    starts
        .map(|rest| {
            let end = rest.find(|it: char| !it.is_ascii_lowercase() && it != '_');
            let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
            let labels = rest.strip_prefix('{').and_then(|it| it.split_once('}'));
            (name, labels.map_or("", |(labels, _)| labels))
        })
        .collect()
}

/// Fails unless what is asked for is exported: metrics, and the values of their own labels.
#[track_caller]
fn assert_exported(text: &str) -> usize {
    let exported = exported();
    let asked = asked(text);
    for (metric, labels) in &asked {
        let samples: Vec<_> = exported.iter().filter(|it| it.metric == *metric).collect();
        assert!(!samples.is_empty(), "no such metric: {metric}");
        for label in labels.split(',').filter(|it| !it.is_empty()) {
            let (name, values) = label.split_once('=').expect("a label and its value");
            if ["job", "instance", "name"].contains(&name) {
                continue;
            }
            for value in values.trim_matches(['~', '"']).split('|') {
                let is_there = samples.iter().any(|it| it.label(name) == Some(value));
                assert!(is_there, "{metric} is never {name}={value}");
            }
        }
    }
    asked.len()
}

#[test]
fn the_board_asks_for_metrics_that_exist() {
    let board: Value = serde_json::from_str(BOARD).expect("the board is JSON");
    let count: usize = strings(&board).into_iter().map(assert_exported).sum();
    assert!(count > 20, "only {count} were found");
}

#[test]
fn the_alerts_and_their_tests_ask_for_metrics_that_exist() {
    assert!(assert_exported(ALERTS) > 10);
    assert!(assert_exported(TRIALS) > 10);
}

#[test]
fn every_alert_is_tested_and_in_the_list() {
    let readme = include_str!("../docs/grafana/README.md");
    let alerts: Vec<_> =
        ALERTS.lines().filter_map(|it| it.trim().strip_prefix("- alert: ")).collect();
    assert!(!alerts.is_empty());
    for alert in alerts {
        let tests: Vec<_> = TRIALS.split("- eval_time: ").filter(|it| it.contains(alert)).collect();
        let fires = |it: &&&str| it.contains("exp_alerts");
        assert!(tests.iter().any(|it| fires(&it)), "{alert} is not seen to fire");
        assert!(!tests.iter().all(|it| fires(&it)), "{alert} is not seen to keep quiet");
        assert!(readme.contains(&format!("`{alert}`")), "{alert} is not in the README");
    }
}

#[test]
fn the_board_asks_for_no_data_source_by_its_name() {
    let board: Value = serde_json::from_str(BOARD).expect("the board is JSON");
    let panels = board["panels"].as_array().expect("panels");
    for panel in panels {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
    }
}

/// What Grafana 10 to 13 bring along to show data with.
const KINDS: [&str; 6] = ["heatmap", "row", "stat", "state-timeline", "table", "timeseries"];

/// The places of a panel on the grid, as `[left, top, right, bottom]`.
fn place(panel: &Value) -> [u64; 4] {
    let at = |side: &str| panel["gridPos"][side].as_u64().expect("a whole number");
    [at("x"), at("y"), at("x") + at("w"), at("y") + at("h")]
}

#[test]
fn the_board_has_the_form_of_a_board() {
    let board: Value = serde_json::from_str(BOARD).expect("the board is JSON");
    assert!(board["schemaVersion"].as_u64() >= Some(36), "Grafana 9 and later");
    assert!(board["id"].is_null(), "Grafana gives the number");
    let panels = board["panels"].as_array().expect("panels");
    let mut ids: Vec<_> = panels.iter().map(|it| it["id"].as_u64().expect("an id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), panels.len(), "two panels have the same id");
    for panel in panels {
        let (kind, title) = (panel["type"].as_str().expect("a type"), &panel["title"]);
        assert!(KINDS.contains(&kind), "{title} is a {kind}");
        assert!(place(panel)[2] <= 24, "{title} is wider than the grid");
        let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(targets.is_empty(), kind == "row", "{title} asks for nothing, or a row asks");
        let mut refs: Vec<_> =
            targets.iter().map(|it| it["refId"].as_str().expect("text")).collect();
        refs.sort_unstable();
        refs.dedup();
        assert_eq!(refs.len(), targets.len(), "{title} has a refId twice");
        let legend = &panel["options"]["legend"];
        let has_calcs = legend["calcs"].is_array();
        assert!(legend.is_null() || has_calcs != (kind == "heatmap"), "{title}: calcs is a list");
    }
}

#[test]
fn no_panel_of_the_board_lies_over_another() {
    let board: Value = serde_json::from_str(BOARD).expect("the board is JSON");
    let panels = board["panels"].as_array().expect("panels");
    for (at, panel) in panels.iter().enumerate() {
        let [left, top, right, bottom] = place(panel);
        for other in &panels[at + 1..] {
            let [x, y, end, foot] = place(other);
            let is_apart = right <= x || end <= left || bottom <= y || foot <= top;
            assert!(is_apart, "{} lies over {}", panel["title"], other["title"]);
        }
    }
}

#[test]
fn every_variable_that_the_board_uses_is_there() {
    let board: Value = serde_json::from_str(BOARD).expect("the board is JSON");
    let variables = board["templating"]["list"].as_array().expect("variables");
    let known: Vec<_> = variables.iter().map(|it| it["name"].as_str().expect("a name")).collect();
    for variable in variables {
        let current = &variable["current"];
        assert!(current.is_null() || current["value"] != Value::Null, "{}", variable["name"]);
    }
    for text in strings(&board) {
        for (at, _) in text.match_indices('$') {
            let rest = text[at + 1..].trim_start_matches('{');
            let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
            let name = &rest[..end.unwrap_or(rest.len())];
            let is_known = name.is_empty() || name.starts_with("__") || known.contains(&name);
            assert!(is_known, "there is no variable ${name}: {text}");
        }
    }
}
