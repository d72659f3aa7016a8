//! A run from selection to report. It is alone in its process, as circuits are shared within one.

use std::time::Duration;

use breaker_peers::{Pace, Report, Selection, contenders, run};

#[test]
fn a_run_measures_what_is_selected_in_each_round() {
    let pace = Pace {
        rounds: 2,
        warm_up: Duration::from_millis(1),
        measurement: Duration::from_millis(2),
        crowd: Duration::from_millis(1),
    };
    let mut rounds = Vec::new();
    let contenders = contenders();
    let results =
        run(&contenders, &Selection::new("sync, half-open"), pace, |round, _| rounds.push(round))
            .unwrap();
    assert_eq!(rounds, [1, 2]);

    let report = Report { contenders: &contenders, results: &results }.to_string();
    assert!(report.contains("| sync, half-open"), "{report}");
    assert!(!report.contains("| sync, open"), "{report}");
    assert!(!report.contains("Threads on one circuit"), "{report}");
}
