//! The registry of the program. It is shared by every test in this file, so each has names of its own.

use std::cell::RefCell;
use std::sync::{Arc, Barrier, LazyLock};
use std::thread;
use std::time::Duration;

use breaker_runtime::{
    CircuitBreaker, Config, ConfigError, Conflict, MetricNames, State, circuit_breaker, registry,
};

const THREE: Config = Config::new().failure_threshold(3);
const NINE: Config = Config::new().failure_threshold(9);

/// The conflicts over one name.
fn conflicts(name: &str) -> Vec<Conflict> {
    let mut conflicts = registry().conflicts();
    conflicts.retain(|conflict| conflict.name == name);
    conflicts
}

#[test]
fn a_circuit_is_made_once_and_found_by_its_exact_name() -> Result<(), ConfigError> {
    let made = registry().get_or_create("exact", THREE)?;
    let found = registry().get("exact").expect("it was made");
    assert!(Arc::ptr_eq(&made, &found));
    assert!(Arc::ptr_eq(&made, &registry().get_or_create("exact", THREE)?));
    for other in ["exac", "exact ", "Exact", ""] {
        assert!(registry().get(other).is_none(), "{other:?}");
    }
    Ok(())
}

#[circuit_breaker(name = "registry.annotated")]
fn has_no_key() -> Option<()> {
    None
}

#[test]
fn a_name_with_a_slash_is_no_key_of_a_function_without_keys() -> Result<(), ConfigError> {
    assert_eq!(has_no_key(), None);
    let made = registry().get_or_create("registry.annotated/part", THREE)?;
    assert_eq!(made.name(), "registry.annotated/part");
    assert_eq!(made.snapshot().config, THREE);
    Ok(())
}

#[test]
fn asking_for_a_name_makes_no_circuit() {
    assert!(registry().get("only asked for").is_none());
    assert!(registry().get("only asked for").is_none());
    assert!(registry().circuits().iter().all(|circuit| circuit.name() != "only asked for"));
}

#[test]
fn g02_a_first_use_by_many_threads_at_once_makes_one_circuit() {
    const THREADS: usize = 64;
    for round in 0..100 {
        let name = format!("first use {round}");
        let start = Barrier::new(THREADS);
        let made: Vec<_> = thread::scope(|scope| {
            let make = || {
                start.wait();
                registry().get_or_create(&name, THREE)
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
        });
        assert!(made.iter().all(|circuit| Arc::ptr_eq(circuit, &made[0])));
        assert!(conflicts(&name).is_empty());
    }
}

#[test]
fn r22_of_many_configs_stated_at_once_one_decides_and_the_others_are_conflicts() {
    const THREADS: u32 = 16;
    let start = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for failures in 1..=THREADS {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                let config = Config::new().failure_threshold(failures);
                registry().get_or_create("stated at once", config).unwrap();
            });
        }
    });
    let decided = registry().get("stated at once").unwrap().snapshot().config;
    let conflicts = conflicts("stated at once");
    assert_eq!(conflicts.len(), THREADS as usize - 1);
    for conflict in conflicts {
        assert_eq!(conflict.decided.config, decided);
        assert_ne!(conflict.refused.config, decided);
    }
}

#[test]
fn g01_a_second_config_is_reported_and_changes_nothing() -> Result<(), ConfigError> {
    let first = registry().get_or_create("two configs", THREE)?;
    let second = registry().get_or_create("two configs", NINE)?;
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(second.snapshot().config, THREE);

    let conflicts = conflicts("two configs");
    let [conflict] = conflicts.as_slice() else { panic!("one conflict, not {conflicts:?}") };
    assert_eq!((conflict.decided.config, conflict.refused.config), (THREE, NINE));
    assert!(conflict.decided.site.is_none() && conflict.refused.site.is_none());
    assert_eq!(
        conflict.to_string(),
        r#"circuit "two configs": get_or_create [failure_threshold=3] and get_or_create [failure_threshold=9] state different configs; get_or_create [failure_threshold=3] decides"#
    );
    assert_eq!(first.snapshot().conflicts, conflicts);
    Ok(())
}

#[test]
fn r22_a_config_is_in_conflict_once_however_often_it_is_stated() -> Result<(), ConfigError> {
    for _ in 0..3 {
        registry().get_or_create("stated often", THREE)?;
        registry().get_or_create("stated often", NINE)?;
    }
    assert_eq!(conflicts("stated often").len(), 1);
    registry().get_or_create("stated often", NINE.count_window(7))?;
    assert_eq!(conflicts("stated often").len(), 2);
    Ok(())
}

#[test]
fn r22_of_any_number_of_conflicts_the_newest_16_are_kept_and_all_are_counted()
-> Result<(), ConfigError> {
    let computed = |millis| Config::new().cooldown(Duration::from_millis(millis));
    registry().get_or_create("computed", computed(1))?;
    for millis in 2..=1_000 {
        registry().get_or_create("computed", computed(millis))?;
    }
    let kept: Vec<_> = conflicts("computed").iter().map(|it| it.refused.config).collect();
    assert_eq!(kept, (985..=1_000).map(computed).collect::<Vec<_>>());
    let snapshot = registry().snapshot_of("computed").expect("it was made");
    assert_eq!((snapshot.conflicts.len(), snapshot.conflict_count), (16, 999));
    let text = registry().snapshot().prometheus(MetricNames::Breaker).to_string();
    assert!(text.contains("breaker_config_conflicts{name=\"computed\"} 999\n"));
    Ok(())
}

#[test]
fn r22_configs_that_mean_the_same_or_state_nothing_are_no_conflict() -> Result<(), ConfigError> {
    registry().get_or_create("same meaning", Config::new().failure_threshold(5))?;
    registry().get_or_create("same meaning", Config::new().count_window(100))?;
    registry().get_or_create("states nothing", THREE)?;
    registry().get_or_create("states nothing", Config::new())?;
    assert!(conflicts("same meaning").is_empty() && conflicts("states nothing").is_empty());
    Ok(())
}

#[test]
fn r23_a_wrong_config_makes_no_circuit_and_is_refused_for_one_that_exists() {
    let wrong = Config::new().failure_threshold(0);
    let error = registry().get_or_create("wrong config", wrong).unwrap_err();
    assert_eq!(error.option(), "failure_threshold");
    assert!(registry().get("wrong config").is_none());

    registry().get_or_create("wrong later", THREE).unwrap();
    assert!(registry().get_or_create("wrong later", wrong).is_err());
    assert!(conflicts("wrong later").is_empty());
}

#[test]
fn r23_a_wrong_name_makes_no_circuit() {
    for name in ["", "two\nlines", &"n".repeat(129)] {
        assert_eq!(registry().get_or_create(name, THREE).unwrap_err().option(), "name");
        assert!(registry().get(name).is_none());
    }
}

#[test]
fn u01_names_are_told_apart_byte_by_byte() -> Result<(), ConfigError> {
    let names = ["é in one", "e\u{301} in one", "É in one", "é in  one", "\u{202e}é in one"];
    for name in names {
        registry().get_or_create(name, THREE)?;
    }
    for name in names {
        assert_eq!(registry().get(name).expect("it was made").name(), name);
    }
    Ok(())
}

#[test]
fn r35_one_circuit_can_be_read_without_being_held() -> Result<(), ConfigError> {
    let made = registry().get_or_create("read alone", THREE)?;
    let holders = Arc::strong_count(&made);
    made.trip();
    let snapshot = registry().snapshot_of("read alone").expect("it was made");
    assert_eq!((snapshot.name.as_str(), snapshot.state), ("read alone", State::Open));
    assert_eq!(Arc::strong_count(&made), holders);
    assert!(registry().snapshot_of("read alone/part").is_none());
    Ok(())
}

#[test]
fn circuits_and_snapshots_are_listed_by_name() -> Result<(), ConfigError> {
    let names = ["listed c", "listed a", "listed b"];
    for name in names {
        registry().get_or_create(name, THREE)?;
    }
    let circuits = registry().circuits();
    assert!(circuits.iter().map(|circuit| circuit.name()).is_sorted());
    let all_names = registry().names();
    assert!(all_names.is_sorted() && names.iter().all(|name| all_names.contains(&(*name).into())));
    let listed: Vec<_> = registry()
        .snapshot()
        .circuits
        .into_iter()
        .map(|circuit| circuit.name)
        .filter(|name| names.contains(&name.as_str()))
        .collect();
    assert_eq!(listed, ["listed a", "listed b", "listed c"]);
    Ok(())
}

#[test]
fn reset_all_closes_every_circuit() -> Result<(), ConfigError> {
    // No other test here looks at the state of a registered circuit, so they may be reset meanwhile.
    let circuits = [
        registry().get_or_create("reset 1", THREE)?,
        registry().get_or_create("reset 2", THREE)?,
        registry().get_or_create("reset 3", THREE)?,
    ];
    for (circuit, act) in circuits.iter().zip([
        CircuitBreaker::trip as fn(&_),
        CircuitBreaker::force_open,
        CircuitBreaker::disable,
    ]) {
        act(circuit);
    }
    registry().reset_all();
    for circuit in &circuits {
        assert_eq!((circuit.state(), circuit.snapshot().epoch), (State::Closed, 2));
    }
    Ok(())
}

#[test]
fn d32_everybody_who_asks_for_a_name_shares_its_counts() -> Result<(), ConfigError> {
    registry().get_or_create("shared counts", THREE)?.try_acquire().unwrap().success();
    thread::spawn(|| registry().get("shared counts").unwrap().try_acquire().unwrap().success())
        .join()
        .unwrap();
    assert_eq!(registry().get("shared counts").unwrap().snapshot().calls.success, 2);
    Ok(())
}

#[test]
fn a_circuit_made_by_hand_is_not_in_the_registry() -> Result<(), ConfigError> {
    let _by_hand = CircuitBreaker::new("made by hand", THREE)?;
    assert!(registry().get("made by hand").is_none());
    Ok(())
}

#[test]
fn g09_a_circuit_may_be_used_while_a_thread_takes_itself_down() {
    struct Goodbye;
    impl Drop for Goodbye {
        fn drop(&mut self) {
            let circuit = registry().get_or_create("goodbye", THREE).unwrap();
            let _ = circuit.call(|| Ok::<_, ()>(()));
        }
    }
    thread_local! {
        static GOODBYE: RefCell<Option<Goodbye>> = const { RefCell::new(None) };
    }
    let thread = thread::spawn(|| GOODBYE.with(|goodbye| goodbye.replace(Some(Goodbye)).is_none()));
    assert!(thread.join().unwrap());
    assert_eq!(registry().get("goodbye").unwrap().snapshot().calls.success, 1);
}

#[test]
fn g10_a_circuit_may_be_made_by_a_lazy_static() {
    static CIRCUIT: LazyLock<Arc<CircuitBreaker>> =
        LazyLock::new(|| registry().get_or_create("lazy", THREE).unwrap());
    assert_eq!(CIRCUIT.call(|| Ok::<_, ()>(1)), Ok(1));
    assert!(Arc::ptr_eq(&CIRCUIT, &registry().get("lazy").unwrap()));
}
