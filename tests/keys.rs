//! One circuit per key, in bounded memory (4.3).

use std::net::Ipv4Addr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use breaker_runtime::{
    CallError, Config, Rejected, Site, Snapshot, State, WindowSize, circuit_breaker, registry,
};
use tokio::sync::oneshot;
use tokio::time::advance;

const NANO: Duration = Duration::from_nanos(1);
const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, PartialEq)]
enum Fault {
    Refused(String),
    Down,
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected.name().to_owned())
    }
}

type Answer = Result<(), Fault>;

fn answer(is_up: bool) -> Answer {
    if is_up { Ok(()) } else { Err(Fault::Down) }
}

/// Snapshots of the circuit of that name and of those of its keys.
fn family(name: &str) -> Vec<Snapshot> {
    let is_of_it = |snapshot: &Snapshot| {
        snapshot
            .name
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    registry().snapshot().circuits.into_iter().filter(is_of_it).collect()
}

/// The keys that have circuits, in the order of names.
fn keys(name: &str) -> Vec<String> {
    let names = family(name).into_iter().map(|snapshot| snapshot.name);
    names.filter_map(|full| Some(full.strip_prefix(name)?.strip_prefix('/')?.to_owned())).collect()
}

fn started(name: &str) -> u64 {
    family(name).iter().map(|snapshot| snapshot.calls.started).sum()
}

#[track_caller]
fn snapshot(name: &str) -> Snapshot {
    registry().get(name).expect("there is such a circuit").snapshot()
}

mod each_key {
    use super::*;

    #[circuit_breaker(name = "keys.own", key = host, failure_threshold = 2)]
    fn ask(host: &str, is_up: bool) -> Answer {
        answer(is_up)
    }

    #[test]
    fn has_a_circuit_of_its_own() {
        assert!(registry().get("keys.own").is_some(), "the one that they share is there before");
        assert_eq!(ask("bonn", false), Err(Fault::Down));
        assert_eq!(ask("bonn", false), Err(Fault::Down));
        assert_eq!(ask("bonn", true), Err(Fault::Refused("keys.own/bonn".into())));
        assert_eq!(ask("kiel", true), Ok(()));

        assert_eq!(keys("keys.own"), ["bonn", "kiel"]);
        assert_eq!(snapshot("keys.own/bonn").state, State::Open);
        assert_eq!(snapshot("keys.own/kiel").calls.success, 1);
        assert_eq!(snapshot("keys.own").calls.started, 0);
        assert!(registry().get("keys.own/rome").is_none());
    }

    #[circuit_breaker(name = "keys.string", key = host)]
    fn by_string(host: String) -> Option<String> {
        Some(host)
    }

    #[circuit_breaker(name = "keys.number", key = shard)]
    fn by_number(shard: i64) -> Option<()> {
        (shard >= 0).then_some(())
    }

    #[circuit_breaker(name = "keys.address", key = format_args!("{address}:{port}"))]
    fn by_address(address: Ipv4Addr, port: u16) -> Option<()> {
        (port > 0 && address.is_loopback()).then_some(())
    }

    #[test]
    fn may_be_anything_that_can_be_shown() {
        assert_eq!(by_string("kiel/a b".into()).as_deref(), Some("kiel/a b"));
        by_number(7);
        by_number(-7);
        by_address(Ipv4Addr::LOCALHOST, 80);
        assert_eq!(keys("keys.string"), ["kiel/a b"]);
        assert_eq!(keys("keys.number"), ["-7", "7"]);
        assert_eq!(keys("keys.address"), ["127.0.0.1:80"]);
        assert_eq!(snapshot("keys.number/-7").calls.failure, 1);
    }

    struct Client {
        host: &'static str,
    }

    impl Client {
        #[circuit_breaker(name = "keys.method", key = self.host)]
        async fn ask(&mut self) -> Option<()> {
            tokio::task::yield_now().await;
            Some(())
        }

        #[circuit_breaker(name = "keys.method", key = self.host, fallback = |_| self.host.len(), failures = panics)]
        fn length(&self) -> usize {
            0
        }
    }

    #[tokio::test]
    async fn may_come_from_self_and_is_shared_by_all_functions_of_that_name() {
        let mut client = Client { host: "kiel" };
        assert_eq!((client.ask().await, client.length()), (Some(()), 0));
        registry().get("keys.method/kiel").unwrap().force_open();
        assert_eq!((client.ask().await, client.length()), (None, 4));
        let circuit = snapshot("keys.method/kiel");
        assert_eq!((circuit.calls.success, circuit.rejected.forced_open), (2, 2));
        let functions: Vec<_> = circuit.sites.iter().map(|site| site.function()).collect();
        assert_eq!(functions, ["ask", "length"]);
    }

    #[circuit_breaker(
        name = "keys.config",
        key = host,
        failure_rate = 0.25,
        window = "30s",
        cooldown = "7s",
        max_concurrent = 2
    )]
    fn configured(host: &str) -> Option<&str> {
        Some(host)
    }

    #[test]
    fn has_the_config_of_the_attribute() {
        configured("a");
        let shared = snapshot("keys.config").config;
        let own = snapshot("keys.config/a").config;
        assert_eq!(own, shared);
        assert_eq!(own.settings().window, WindowSize::Time(Duration::from_secs(30)));
        assert_eq!(own.settings().cooldown, Duration::from_secs(7));
        assert_eq!(own.settings().max_concurrent, Some(2));
    }

    #[test]
    fn r22_code_that_states_another_config_for_it_is_a_conflict() {
        configured("b");
        let other = Config::new().failure_threshold(77);
        registry().get_or_create("keys.config/b", other).unwrap();
        let conflicts = registry().conflicts();
        let conflict = conflicts.iter().find(|it| it.name == "keys.config/b").expect("it is one");
        assert_eq!(conflict.refused.config, other);
        assert_eq!(conflict.decided.site.map(Site::function), Some("configured"));
    }

    #[circuit_breaker(name = "keys.unnamable", key = key)]
    fn any(key: &str) -> Option<()> {
        (!key.is_empty()).then_some(())
    }

    #[test]
    fn that_cannot_be_a_name_goes_through_the_shared_circuit() {
        let longest = "k".repeat(128 - "keys.unnamable/".len());
        any(&longest);
        assert_eq!((started("keys.unnamable"), snapshot("keys.unnamable").calls.started), (1, 0));
        for key in [&format!("{longest}k"), &"ü".repeat(5_000), "a\nb", "\0", "\u{85}"] {
            any(key);
        }
        assert_eq!(snapshot("keys.unnamable").calls.started, 5);
        assert_eq!(keys("keys.unnamable"), [longest]);
    }
}

mod room {
    use super::*;

    #[circuit_breaker(name = "keys.three", key = key, max_keys = 3)]
    fn one_of_three(key: &str) -> Option<&str> {
        Some(key)
    }

    #[test]
    fn is_made_by_the_key_that_was_asked_for_least_recently() {
        for key in ["a", "b", "c", "a", "d"] {
            one_of_three(key);
        }
        assert_eq!(keys("keys.three"), ["a", "c", "d"]);
        one_of_three("e");
        assert_eq!(keys("keys.three"), ["a", "d", "e"]);
        one_of_three("c");
        assert_eq!(keys("keys.three"), ["c", "d", "e"]);
        assert_eq!(started("keys.three"), 7, "the evicted ones are in the shared circuit's totals");
        assert_eq!(snapshot("keys.three").calls.success, 4);
        assert_eq!(snapshot("keys.three/c").calls.success, 1, "it began anew");
    }

    #[circuit_breaker(name = "keys.past", key = key, max_keys = 1)]
    fn one(key: &str) -> Option<&str> {
        Some(key)
    }

    #[test]
    fn what_an_evicted_circuit_has_been_through_stays_in_the_sums() {
        one("a");
        let ways = |name: &str| snapshot(name).transition_counts.iter().collect::<Vec<_>>();
        for _ in 0..2 {
            registry().get("keys.past/a").unwrap().trip();
            registry().get("keys.past/a").unwrap().reset();
        }
        let open_time = snapshot("keys.past/a").open_time;
        assert!(!open_time.is_zero() && ways("keys.past").is_empty());

        one("b");
        assert_eq!(keys("keys.past"), ["b"]);
        assert_eq!(
            ways("keys.past"),
            [(State::Closed, State::Open, 2), (State::Open, State::Closed, 2)]
        );
        assert_eq!((snapshot("keys.past").open_time, snapshot("keys.past").epoch), (open_time, 0));
    }

    #[circuit_breaker(name = "keys.evidence", key = key, max_keys = 3, failure_threshold = 9)]
    fn fallible(key: &str, is_up: bool) -> Answer {
        let _ = key;
        answer(is_up)
    }

    #[test]
    fn is_never_made_by_evidence() {
        fallible("failed", false).unwrap_err();
        fallible("recovered", false).unwrap_err();
        fallible("recovered", true).unwrap();
        for number in 0..100 {
            fallible(&number.to_string(), true).unwrap();
        }
        assert_eq!(keys("keys.evidence"), ["99", "failed", "recovered"]);
        assert_eq!(snapshot("keys.evidence/failed").consecutive_failures, 1);
        assert_eq!(started("keys.evidence"), 103);
    }

    #[circuit_breaker(name = "keys.old", key = key, max_keys = 1, failure_threshold = 1, cooldown = "1ns")]
    fn soon_forgotten(key: &str, is_up: bool) -> Answer {
        let _ = key;
        answer(is_up)
    }

    #[test]
    fn is_made_by_evidence_that_is_ten_cooldowns_old() {
        for key in ["open", "open too"] {
            soon_forgotten(key, false).unwrap_err();
            assert_eq!(snapshot(&format!("keys.old/{key}")).state, State::Open);
        }
        assert_eq!(keys("keys.old"), ["open too"]);
    }

    #[circuit_breaker(
        name = "keys.half_open",
        key = key,
        max_keys = 4,
        failure_threshold = 1,
        success_threshold = 2,
        cooldown = "1s"
    )]
    fn probed(key: &str, is_up: bool) -> Answer {
        let _ = key;
        answer(is_up)
    }

    #[tokio::test(start_paused = true)]
    async fn is_made_by_half_open_circuits_that_nobody_asked_for_in_ten_cooldowns() {
        const FORGOTTEN: [&str; 4] = ["a", "b", "c", "d"];
        for key in FORGOTTEN {
            probed(key, false).unwrap_err();
        }
        advance(SECOND).await;
        for key in FORGOTTEN {
            probed(key, true).unwrap();
            assert_eq!(snapshot(&format!("keys.half_open/{key}")).state, State::HalfOpen);
        }
        advance((SECOND * 10).saturating_sub(NANO)).await;
        probed("too early", true).unwrap();
        assert_eq!(keys("keys.half_open"), FORGOTTEN);

        // And the time in which nobody searches again.
        advance(Duration::from_millis(10)).await;
        for key in ["e", "f", "g", "h"] {
            probed(key, true).unwrap();
            advance(NANO).await;
        }
        assert_eq!(keys("keys.half_open"), ["e", "f", "g", "h"]);
        assert_eq!(
            snapshot("keys.half_open").window_calls,
            1,
            "that of the key that came too early"
        );
    }

    #[circuit_breaker(name = "keys.full", key = key, max_keys = 3, failure_threshold = 2)]
    fn full(key: &str, is_up: bool) -> Answer {
        let _ = key;
        answer(is_up)
    }

    #[test]
    fn is_in_the_shared_circuit_when_nothing_can_go() {
        for key in ["forced", "disabled", "open"] {
            full(key, true).unwrap();
        }
        registry().get("keys.full/forced").unwrap().force_open();
        registry().get("keys.full/disabled").unwrap().disable();
        registry().get("keys.full/open").unwrap().trip();

        full("new", false).unwrap_err();
        full("newer", false).unwrap_err();
        assert_eq!(keys("keys.full"), ["disabled", "forced", "open"]);
        assert_eq!(full("newest", true), Err(Fault::Refused("keys.full".into())));
        full("disabled", true).unwrap();
        assert_eq!(started("keys.full"), 6);
    }

    #[circuit_breaker(name = "keys.bounds", key = key, max_keys = 2)]
    fn narrow(key: u32) -> Option<u32> {
        Some(key)
    }

    #[circuit_breaker(name = "keys.bounds", key = key, max_keys = 5)]
    fn wide(key: u32) -> Option<u32> {
        Some(key)
    }

    #[test]
    fn is_as_much_as_the_most_generous_function_gives() {
        (0..9).for_each(|key| assert!(narrow(key).is_some()));
        assert_eq!(keys("keys.bounds").len(), 5);
        wide(9);
        assert_eq!(keys("keys.bounds"), ["5", "6", "7", "8", "9"]);
    }
}

mod looking {
    use super::*;

    #[circuit_breaker(name = "keys.watched", key = key, max_keys = 1)]
    fn watched(key: u64) -> Option<u64> {
        Some(key)
    }

    #[test]
    fn r35_at_all_circuits_keeps_none_from_being_evicted() {
        const CALLS: u64 = 3_000;
        let is_over = AtomicBool::new(false);
        let looks: [fn(); 4] = [
            || assert!(!registry().snapshot().to_string().is_empty()),
            || assert!(registry().conflicts().iter().all(|it| !it.name.is_empty())),
            || drop(registry().subscribe_to_changes(|_| {})),
            || {
                let names = registry().names();
                for name in names.iter().filter(|name| name.starts_with("keys.watched/")) {
                    assert!(registry().snapshot_of(name).is_none_or(|it| it.name == *name));
                }
            },
        ];
        thread::scope(|scope| {
            for look in &looks {
                scope.spawn(|| {
                    while !is_over.load(Ordering::SeqCst) {
                        look();
                    }
                });
            }
            for key in 0..CALLS {
                watched(key);
            }
            is_over.store(true, Ordering::SeqCst);
        });
        let shared = snapshot("keys.watched");
        assert_eq!(shared.consecutive_successes, Some(0), "some call found no room");
        assert_eq!(started("keys.watched"), CALLS);
    }
}

mod by_name {
    use super::*;

    #[circuit_breaker(name = "keys.taken", key = key, max_keys = 1)]
    fn taken(key: &str) -> Option<&str> {
        Some(key)
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_has_a_circuit_of_its_own_or_an_error_and_never_the_shared_one() {
        taken("held");
        registry().get("keys.taken/held").unwrap().force_open();
        let other = || registry().get_or_create("keys.taken/other", Config::new());
        let error = other().map(|circuit| circuit.name().to_owned()).unwrap_err();
        assert_eq!(error.option(), "max_keys");
        assert_eq!(
            error.to_string(),
            "`max_keys` leaves no room for another key: every circuit of that name's keys is in \
             use, holds evidence, or was switched by hand; raise it, or reset one of them"
        );
        assert!(registry().get("keys.taken/other").is_none());
        assert!(snapshot("keys.taken").conflicts.is_empty());

        registry().get("keys.taken/held").unwrap().reset();
        advance(Duration::from_millis(10)).await;
        assert_eq!(other().unwrap().name(), "keys.taken/other");
    }
}

mod a_call_in_flight {
    use super::*;

    #[circuit_breaker(name = "keys.in_flight", key = key, max_keys = 2, call_timeout = "1h", fallback = |error| {
        match error {
            CallError::Failed(fault) => Err(fault),
            _ => Ok(()),
        }
    })]
    async fn ask(key: &str, end: Option<oneshot::Receiver<()>>) -> Answer {
        let _ = key;
        match end {
            Some(end) => {
                end.await.expect("the test ends it");
                Err(Fault::Down)
            }
            None => Ok(()),
        }
    }

    #[tokio::test]
    async fn g05_keeps_its_circuit() {
        let (end, ended) = oneshot::channel();
        let held = tokio::spawn(ask("held", Some(ended)));
        tokio::task::yield_now().await;
        for number in 0..50 {
            ask(&number.to_string(), None).await.unwrap();
        }
        assert_eq!(keys("keys.in_flight"), ["49", "held"]);
        ask("held", None).await.unwrap();
        end.send(()).unwrap();
        assert_eq!(held.await.unwrap(), Err(Fault::Down));

        let circuit = snapshot("keys.in_flight/held");
        assert_eq!((circuit.calls.started, circuit.calls.failure, circuit.in_flight), (2, 1, 0));
        assert_eq!(circuit.consecutive_failures, 1, "it is no twin that knows of it");
        assert_eq!(started("keys.in_flight"), 52);
    }

    #[circuit_breaker(name = "keys.nested", key = depth, max_keys = 2)]
    fn nested(depth: u32) -> Option<u32> {
        if depth == 0 { Some(0) } else { nested(depth - 1).map(|below| below + 1) }
    }

    #[test]
    fn g06_takes_no_room_from_the_calls_inside_it() {
        assert_eq!(nested(10), Some(10));
        assert_eq!(keys("keys.nested"), ["10", "9"]);
        assert_eq!(snapshot("keys.nested").calls.success, 9);
    }
}

mod many_threads {
    use super::*;

    const THREADS: u64 = 8;

    fn on_all_threads(act: impl Fn(u64) + Sync) {
        let barrier = Barrier::new(usize::try_from(THREADS).unwrap());
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (act, barrier) = (&act, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    act(thread);
                });
            }
        });
    }

    #[circuit_breaker(name = "keys.counted", key = key)]
    fn counted(key: u64) -> Option<()> {
        (!key.is_multiple_of(4)).then_some(())
    }

    #[test]
    fn count_every_call_of_every_key() {
        const ROUNDS: u64 = 500;
        on_all_threads(|_| {
            for call in 0..ROUNDS * 16 {
                counted(call % 16);
            }
        });
        for circuit in family("keys.counted") {
            let expected = if circuit.name == "keys.counted" { 0 } else { THREADS * ROUNDS };
            assert_eq!(circuit.calls.started + circuit.rejected.total(), expected, "{circuit:?}");
            assert_eq!(circuit.in_flight, 0);
        }
        assert_eq!(keys("keys.counted").len(), 16);
    }

    #[circuit_breaker(name = "keys.crowded", key = key, max_keys = 4)]
    fn crowded(key: u64) -> Option<u64> {
        Some(key)
    }

    #[test]
    fn lose_no_call_when_circuits_come_and_go() {
        const CALLS: u64 = 4_000;
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let mut before = 0;
                while !is_over.load(Ordering::SeqCst) {
                    let now = started("keys.crowded");
                    assert!(now >= before, "from {before} back to {now}");
                    assert!(keys("keys.crowded").len() <= 4);
                    before = now;
                }
            });
            on_all_threads(|thread| {
                for call in 0..CALLS {
                    crowded((thread * 31 + call * 17) % 64);
                }
            });
            is_over.store(true, Ordering::SeqCst);
            watcher.join().unwrap();
        });
        let circuits = family("keys.crowded");
        let successes: u64 = circuits.iter().map(|circuit| circuit.calls.success).sum();
        assert_eq!((started("keys.crowded"), successes), (THREADS * CALLS, THREADS * CALLS));
        assert!(circuits.iter().all(|circuit| circuit.in_flight == 0));
    }
}
