//! Clocks that repeat and go back (K04): each paused runtime of tokio begins at the real time, however far the
//! one before it was moved on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Config, RejectedReason, State, circuit_breaker, registry};
use tokio::runtime::{Builder, Runtime};
use tokio::time::advance;

use crate::common::SECOND;

const HOUR: Duration = Duration::from_secs(3_600);

fn paused() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// Runs `act` at so much later than the real time, which is where time goes back to when it is done.
fn later<T>(by: Duration, act: impl FnOnce() -> T) -> T {
    paused().block_on(async {
        advance(by).await;
        act()
    })
}

fn circuit(config: Config) -> CircuitBreaker {
    CircuitBreaker::new("clocks", config).expect("a valid config")
}

#[test]
fn k04_a_cooldown_that_began_in_the_future_is_shown_no_longer_than_it_is() {
    let cooldown = SECOND * 60;
    let circuit = circuit(Config::new().cooldown(cooldown));
    later(HOUR, || circuit.trip());
    let left = circuit.snapshot().retry_after.expect("it is open");
    assert!(left <= cooldown, "{left:?}");
    assert!(!circuit.snapshot().probe_due);
}

#[test]
fn k04_a_refusal_after_time_went_back_asks_for_no_more_than_the_cooldown() {
    let cooldown = SECOND * 60;
    let circuit = circuit(Config::new().cooldown(cooldown));
    later(HOUR, || circuit.trip());
    let refused = circuit.try_acquire().expect_err("it is open");
    assert_eq!(refused.reason(), RejectedReason::Open);
    let left = refused.retry_after().expect("it ends some time");
    assert!(left <= cooldown, "{left:?}");
}

#[test]
fn k04_a_cooldown_ends_when_time_has_come_as_far_again() {
    let circuit = circuit(Config::new().cooldown(SECOND).success_threshold(1));
    later(HOUR, || circuit.trip());
    assert!(circuit.try_acquire().is_err());
    later(HOUR + SECOND * 10, || circuit.try_acquire().expect("it is over").success());
    assert_eq!(circuit.state(), State::Closed);
}

#[circuit_breaker(name = "clocks.shared", failure_threshold = 1, cooldown = "60s")]
fn shared(works: bool) -> Option<()> {
    works.then_some(())
}

/// What one test with paused time leaves behind must not keep another one from testing a cooldown.
#[test]
fn k06_a_circuit_that_is_reset_goes_by_the_time_of_a_new_runtime() {
    for hours in [2, 1] {
        let runtime = paused();
        registry().get("clocks.shared").unwrap().reset();
        runtime.block_on(async {
            advance(HOUR * hours).await;
            assert_eq!(shared(false), None);
            advance(SECOND * 60).await;
            assert!(registry().get("clocks.shared").unwrap().snapshot().probe_due);
            assert_eq!(shared(true), Some(()), "the cooldown is over");
        });
    }
}

#[test]
fn k04_a_call_that_ends_before_it_began_took_no_time() {
    let circuit = circuit(Config::new().slow_call(SECOND));
    let permit = later(HOUR, || circuit.try_acquire().unwrap());
    permit.success();
    assert_eq!((circuit.snapshot().calls.slow, circuit.snapshot().calls.success), (0, 1));
}

#[test]
fn k04_a_window_of_time_forgets_nothing_when_time_goes_back_and_everything_when_it_comes_again() {
    let config = Config::new().failure_rate(0.9).time_window(SECOND * 10).minimum_calls(50);
    let circuit = circuit(config);
    later(HOUR, || (0..5).for_each(|_| circuit.try_acquire().unwrap().failure()));
    (0..5).for_each(|_| circuit.try_acquire().unwrap().success());
    assert_eq!(circuit.snapshot().window_calls, 10);
    later(HOUR * 2, || assert_eq!(circuit.snapshot().window_calls, 0));
    circuit.try_acquire().unwrap().failure();
    assert_eq!((circuit.state(), circuit.snapshot().calls.failure), (State::Closed, 6));
}

#[test]
fn k04_a_probe_of_the_future_is_lost_no_sooner_than_its_time() {
    let config = Config::new().cooldown(SECOND).probe_timeout(SECOND * 30).half_open_max_calls(1);
    let circuit = circuit(config.success_threshold(1));
    circuit.trip();
    let probe = later(HOUR, || circuit.try_acquire().expect("the cooldown is over"));
    let refused = circuit.try_acquire().expect_err("the only probe is in flight");
    assert_eq!(refused.reason(), RejectedReason::HalfOpenFull);
    probe.success();
    assert_eq!((circuit.state(), circuit.snapshot().probes.lost), (State::Closed, 0));
}

#[circuit_breaker(name = "clocks.keyed", key = key, max_keys = 2)]
fn keyed(key: u32) -> Option<u32> {
    Some(key)
}

#[test]
fn k04_keys_come_and_go_on_a_clock_that_goes_back() {
    for turn in 0..20 {
        later(HOUR * (20 - turn), || (0..4).for_each(|key| assert_eq!(keyed(key), Some(key))));
        (4..8).for_each(|key| assert_eq!(keyed(key), Some(key)));
    }
    let circuits = registry().snapshot().circuits;
    let of_keys = circuits.iter().filter(|circuit| circuit.name.starts_with("clocks.keyed"));
    let successes: Vec<_> = of_keys.map(|circuit| circuit.calls.success).collect();
    assert!(successes.len() <= 3, "the one that all share, and two");
    assert_eq!(successes.iter().sum::<u64>(), 20 * 8);
}

/// The files of a folder, and of those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn k01_only_saved_state_asks_for_the_time_of_day() {
    let sources = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("breaker-runtime/src"));
    assert!(sources.len() > 20, "they are somewhere else");
    for source in sources.iter().filter(|source| !source.ends_with("registry/saved.rs")) {
        let text = fs::read_to_string(source).unwrap();
        for asks in ["SystemTime", "UNIX_EPOCH", "coarsetime::Clock", "ClockId::Realtime"] {
            assert!(!text.contains(asks), "{} in {}", asks, source.display());
        }
    }
}
