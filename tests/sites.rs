//! Annotated functions and the registry: listed before their first call, one circuit per name.
//!
//! The registry belongs to the process, so everything that looks at all of it is one test.

use std::sync::Arc;

use breaker_runtime::{Config, Site, State, circuit_breaker, registry};

mod early {
    use breaker_runtime::circuit_breaker;

    #[circuit_breaker(name = "sites.conflict", failure_threshold = 2)]
    pub(crate) fn decides() -> Option<()> {
        None
    }
}

mod late {
    use breaker_runtime::circuit_breaker;

    #[circuit_breaker(name = "sites.conflict", failure_threshold = 9)]
    pub(crate) fn is_overruled() -> Option<()> {
        None
    }
}

#[circuit_breaker(name = "sites.shared")]
fn states_nothing() -> Option<()> {
    None
}

#[circuit_breaker(name = "sites.shared", failure_threshold = 3)]
async fn states_three() -> Option<()> {
    None
}

#[circuit_breaker(name = "sites.same", failure_threshold = 5, cooldown = "60s")]
fn states_the_defaults() -> Option<()> {
    None
}

#[circuit_breaker(name = "sites.same", minimum_calls = 10)]
fn states_other_defaults() -> Option<()> {
    None
}

struct Of<T>(T);

impl<T> Of<T> {
    #[circuit_breaker(name = "sites.generic")]
    fn get(&self) -> Option<&T> {
        Some(&self.0)
    }
}

#[allow(dead_code)]
#[circuit_breaker(name = "sites.never_called")]
fn never_called() -> Option<()> {
    None
}

#[test]
fn every_annotated_function_is_listed_before_its_first_call() {
    let names: Vec<_> =
        registry().circuits().iter().map(|circuit| circuit.name().to_owned()).collect();
    let annotated =
        ["sites.conflict", "sites.generic", "sites.never_called", "sites.same", "sites.shared"];
    for name in annotated {
        assert!(names.iter().any(|listed| listed == name), "{name} is listed");
    }
    assert!(names.is_sorted());
}

#[tokio::test]
async fn r22_sites_of_one_name_share_one_circuit_and_the_config_that_one_states() {
    for _ in 0..2 {
        assert_eq!(states_nothing(), None);
    }
    let circuit = registry().get("sites.shared").unwrap();
    assert_eq!(circuit.state(), State::Closed);
    assert_eq!(states_three().await, None);
    assert_eq!(circuit.state(), State::Open);

    let snapshot = circuit.snapshot();
    let functions: Vec<_> = snapshot.sites.iter().copied().map(Site::function).collect();
    assert_eq!(functions, ["states_nothing", "states_three"]);
    assert!(snapshot.conflicts.is_empty());
}

#[test]
fn r22_the_site_that_comes_first_in_the_source_decides_whatever_runs_first() {
    assert_eq!(late::is_overruled(), None);
    let circuit = registry().get("sites.conflict").unwrap();
    assert_eq!(circuit.snapshot().config.settings().failure_threshold, Some(2));
    assert_eq!(early::decides(), None);
    assert_eq!(circuit.state(), State::Open);

    let conflicts = circuit.snapshot().conflicts;
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].decided.site.map(Site::function), Some("decides"));
    assert_eq!(conflicts[0].refused.site.map(Site::function), Some("is_overruled"));
    assert!(registry().conflicts().contains(&conflicts[0]));
    assert!(conflicts[0].to_string().contains("sites::late::is_overruled"));
}

#[test]
fn r22_configs_that_mean_the_same_are_no_conflict() {
    let _ = (states_the_defaults(), states_other_defaults());
    assert!(registry().get("sites.same").unwrap().snapshot().conflicts.is_empty());
}

#[circuit_breaker(name = "sites.stated", success_threshold = 2)]
fn states_an_option() -> Option<()> {
    None
}

#[test]
fn r22_code_never_overrides_a_site_that_states_an_option() {
    let differing = Config::new().success_threshold(9);
    let circuit = registry().get_or_create("sites.stated", differing).unwrap();
    assert_eq!(states_an_option(), None);
    assert_eq!(circuit.snapshot().config, Config::new().success_threshold(2));
    let conflicts = circuit.snapshot().conflicts;
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].refused.config, differing);
}

#[circuit_breaker(name = "sites.silent")]
fn says_nothing() -> Option<()> {
    None
}

#[test]
fn r22_a_site_that_says_nothing_takes_the_config_of_code_also_after_its_first_call() {
    assert_eq!(says_nothing(), None);
    let of_code = Config::new().failure_threshold(2);
    let circuit = registry().get_or_create("sites.silent", of_code).unwrap();
    assert_eq!((circuit.snapshot().config, circuit.state()), (of_code, State::Closed));
    assert!(circuit.snapshot().conflicts.is_empty() && circuit.snapshot().decided_by.is_none());
    assert_eq!(says_nothing(), None);
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn d33_a_generic_function_is_one_site() {
    let _ = (Of(1).get(), Of("text").get());
    let snapshot = registry().get("sites.generic").unwrap().snapshot();
    assert_eq!((snapshot.sites.len(), snapshot.calls.success), (1, 2));
    assert!(snapshot.sites[0].file().ends_with("sites.rs"));
    assert_eq!(snapshot.sites[0].module(), "sites");
}

#[test]
fn g02_threads_that_make_the_first_call_at_once_meet_one_circuit() {
    #[circuit_breaker(name = "sites.first_use", failure_threshold = 1000)]
    fn first_use() -> Option<()> {
        None
    }
    let barrier = std::sync::Barrier::new(32);
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                barrier.wait();
                first_use()
            });
        }
    });
    let circuit = registry().get("sites.first_use").unwrap();
    assert_eq!(circuit.snapshot().calls.failure, 32);
    let again = registry().get_or_create("sites.first_use", Config::new()).unwrap();
    assert!(Arc::ptr_eq(&circuit, &again));
}
