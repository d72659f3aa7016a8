//! Many threads on one circuit. Every count here is exact: nothing is lost, doubled or let in too much.

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use breaker_runtime::{CircuitBreaker, Config, OwnedPermit, Permit, Snapshot, State};
use common::{COOLDOWN, SECOND, assert_balanced, circuit, due, pass_cooldown};

/// Far longer than anything here takes, and far shorter than a hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `act` on a thread for each item, all of them at once.
///
/// The threads are new each time: none is left waiting for another that failed.
fn together<T: Send, R: Send>(
    items: impl IntoIterator<Item = T>,
    act: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let items: Vec<_> = items.into_iter().collect();
    let start = Barrier::new(items.len());
    thread::scope(|scope| {
        let (start, act) = (&start, &act);
        let run = |item| {
            scope.spawn(move || {
                start.wait();
                act(item)
            })
        };
        let threads: Vec<_> = items.into_iter().map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// A xorshift generator: the same numbers in every run.
fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = 0x9E37_79B9_7F4A_7C15 ^ (seed + 1);
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 32
    }
}

/// Lets a herd loose on a circuit whose probe is due, again and again.
fn herd(threads: u64, rounds: u64, most: u32) {
    let limits = Config::new().half_open_max_calls(most).success_threshold(most);
    let (circuit, time) = circuit(limits);
    for round in 1..=rounds {
        circuit.trip();
        pass_cooldown(&circuit, &time);
        let answers = together(0..threads, |_| circuit.try_acquire());
        let probes: Vec<_> = answers.into_iter().flatten().collect();
        assert_eq!(probes.len(), most as usize, "round {round}");
        assert_eq!(circuit.snapshot().probes.in_flight, u64::from(most), "round {round}");
        together(probes, Permit::success);
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.state, snapshot.transitions), (State::Closed, 3 * round));
        assert_eq!(snapshot.calls.success, u64::from(most) * round);
        assert_balanced(&snapshot, threads * round);
    }
}

#[test]
fn d01_of_a_herd_at_half_open_exactly_1_is_let_in() {
    herd(16, 300, 1);
}

#[test]
fn d01_of_a_herd_at_half_open_exactly_3_are_let_in() {
    herd(16, 300, 3);
}

#[test]
fn d01_of_a_herd_at_half_open_exactly_10_are_let_in() {
    herd(16, 300, 10);
}

#[test]
fn s01_of_64_threads_exactly_as_many_as_allowed_are_let_in() {
    for most in [1, 3, 10] {
        herd(64, 100, most);
    }
}

#[test]
fn l04_of_a_thousand_threads_exactly_3_are_let_in() {
    herd(1_000, 2, 3);
}

#[test]
fn r07_probes_that_come_and_go_are_never_too_many_at_once() {
    const MOST: u64 = 3;
    let config = Config::new().half_open_max_calls(3).success_threshold(u32::MAX);
    let (circuit, _time) = due(config);
    let in_flight = AtomicU64::new(0);
    together(0..8, |number| {
        for turn in 0..5_000 {
            if let Ok(probe) = circuit.try_acquire() {
                let others = in_flight.fetch_add(1, Ordering::SeqCst);
                assert!(others < MOST, "{others} probes were in flight already");
                if turn % 8 == 0 {
                    thread::yield_now();
                }
                in_flight.fetch_sub(1, Ordering::SeqCst);
                if number % 2 == 0 { probe.success() } else { drop(probe) }
            }
        }
    });
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.probes.in_flight), (State::HalfOpen, 0));
    assert_eq!(snapshot.probes.successes, snapshot.calls.success);
    assert_balanced(&snapshot, 8 * 5_000);
}

#[test]
fn s06_failures_that_cross_the_threshold_together_open_once() {
    const THREADS: u64 = 64;
    const THRESHOLD: u32 = 5;
    const ROUNDS: u64 = 200;
    let (circuit, _) = circuit(Config::new().failure_threshold(THRESHOLD));
    for round in 1..=ROUNDS {
        let permits = (0..THREADS).map(|_| circuit.try_acquire().unwrap());
        together(permits, Permit::failure);
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.state, snapshot.transitions), (State::Open, 2 * round - 1));
        assert_eq!(snapshot.trip_reason.unwrap().failed, THRESHOLD);
        assert_eq!(snapshot.calls.late, (THREADS - u64::from(THRESHOLD)) * round);
        circuit.reset();
    }
    assert_balanced(&circuit.snapshot(), THREADS * ROUNDS);
}

/// Many threads begin calls and end calls of other threads, while the clock moves and calls hang. Returns what the
/// circuit shows once all calls have ended.
fn begin_and_end_each_others_calls(config: Config) -> Snapshot {
    const THREADS: u64 = 64;
    const TURNS: u64 = 1_500;
    const HUNG_AFTER: Duration = Duration::from_millis(10);
    let (circuit, time) = circuit(config.hung_after(HUNG_AFTER).count_window(1_000_000));
    let circuit = Arc::new(circuit);
    let in_flight: Mutex<Vec<OwnedPermit>> = Mutex::default();
    together(0..THREADS, |number| {
        let mut random = random(number);
        for _ in 0..TURNS {
            if let Ok(permit) = circuit.try_acquire_owned() {
                in_flight.lock().unwrap().push(permit);
            }
            if random().is_multiple_of(64) {
                time.advance(HUNG_AFTER / 4);
            }
            let mut calls = in_flight.lock().unwrap();
            // One in eight turns leaves a call that hangs, if nobody ends it in time.
            if !calls.is_empty() && !random().is_multiple_of(8) {
                let which = usize::try_from(random()).unwrap() % calls.len();
                let call = calls.swap_remove(which);
                drop(calls);
                call.success();
            }
        }
    });
    let left = in_flight.into_inner().unwrap();
    left.into_iter().for_each(OwnedPermit::success);
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.in_flight, 0);
    assert_balanced(&snapshot, THREADS * TURNS);
    snapshot
}

#[test]
fn r26_of_64_threads_each_call_ends_in_time_or_hangs_once() {
    let snapshot = begin_and_end_each_others_calls(Config::new().failure_threshold(u32::MAX));
    let calls = snapshot.calls;
    assert!(calls.hung > 0 && calls.hung < calls.started, "{calls:?}");
    assert_eq!((snapshot.state, calls.late), (State::Closed, calls.hung));
    assert_eq!(u64::from(snapshot.window_failures), calls.hung);
    assert_eq!(u64::from(snapshot.window_calls), calls.started);
}

#[test]
fn r26_calls_that_hang_while_the_circuit_opens_and_closes_are_late() {
    let config = Config::new().failure_threshold(2).cooldown(Duration::from_millis(1));
    let snapshot = begin_and_end_each_others_calls(config.success_threshold(1));
    let calls = snapshot.calls;
    assert!(calls.hung > 0 && calls.hung <= calls.late, "{calls:?}");
    assert!(snapshot.transitions > 0);
}

#[test]
fn r27_of_64_threads_that_ask_a_recovering_circuit_exactly_the_share_is_let_in() {
    const THREADS: u64 = 64;
    const TURNS: u64 = 1_000;
    let (circuit, time) = due(Config::new().success_threshold(1).recovery(SECOND * 30));
    circuit.try_acquire().unwrap().success();
    // At a tenth, at 0.4 and at 0.7 of the calls.
    for (share, before) in [(1, 0), (4, 1), (7, 5)] {
        let let_in = together(0..THREADS, |number| {
            let mut random = random(number);
            let runs = (0..TURNS).filter(|_| {
                let permit = circuit.try_acquire();
                if random().is_multiple_of(8) {
                    thread::yield_now();
                }
                permit.map(Permit::success).is_ok()
            });
            runs.count() as u64
        });
        assert_eq!(let_in.iter().sum::<u64>(), THREADS * TURNS * share / 10, "{share}");
        let snapshot = circuit.snapshot();
        assert_eq!(snapshot.state, State::Recovering);
        let asked = THREADS * TURNS;
        let let_in_before = asked * before / 10;
        assert_eq!(snapshot.calls.success, 1 + let_in_before + asked * share / 10);
        assert_eq!((snapshot.calls.late, snapshot.in_flight), (0, 0));
        time.advance(SECOND * 10);
    }
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.rejected.recovering, THREADS * TURNS * 18 / 10);
    together(0..THREADS, |_| circuit.try_acquire().unwrap().success());
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.transitions), (State::Closed, 4));
    assert_balanced(&snapshot, 1 + 3 * THREADS * TURNS + THREADS);
}

#[test]
fn r28_of_64_threads_whose_failures_ask_one_opens_the_circuit() {
    const THREADS: u64 = 64;
    for round in 1..=100 {
        let (circuit, _) = circuit(Config::new().open_for_max(SECOND * 1_000));
        let permits: Vec<_> = (0..THREADS).map(|_| circuit.try_acquire().unwrap()).collect();
        together(permits.into_iter().zip(1..), |(permit, seconds)| {
            permit.failure_for(SECOND * seconds);
        });
        let snapshot = circuit.snapshot();
        let asked = snapshot.trip_reason.and_then(|reason| reason.threshold).unwrap();
        assert_eq!(snapshot.retry_after, Some(Duration::from_secs_f64(asked)), "round {round}");
        assert_eq!((snapshot.transitions, snapshot.calls.late), (1, THREADS - 1));
        assert_balanced(&snapshot, THREADS);
    }
}

#[test]
fn r14_controls_that_come_together_change_the_state_once() {
    let (circuit, _) = circuit(Config::new());
    for round in 1..=200 {
        together(0..8, |_| circuit.trip());
        assert_eq!(circuit.snapshot().epoch, 3 * round - 2);
        together(0..8, |_| circuit.force_open());
        assert_eq!(circuit.snapshot().epoch, 3 * round - 1);
        circuit.reset();
    }
    assert_eq!(circuit.snapshot().transitions, 3 * 200);
}

#[test]
fn d40_a_trip_that_races_a_reset_leaves_one_of_the_two() {
    let (circuit, _) = circuit(Config::new());
    for _ in 0..500 {
        circuit.reset();
        let before = circuit.snapshot();
        together([CircuitBreaker::trip as fn(&_), CircuitBreaker::reset], |act| act(&circuit));
        let after = circuit.snapshot();
        assert_eq!(after.epoch, before.epoch + 2, "both took effect");
        let transitions = after.transitions - before.transitions;
        match after.state {
            State::Open => assert_eq!(transitions, 1, "the reset came first"),
            State::Closed => assert_eq!(transitions, 2, "the trip came first"),
            state => panic!("neither leads to {state}"),
        }
    }
}

/// Calls with outcomes drawn by lot, on a circuit that opens and closes all the time.
fn storm(threads: u64, calls_of_each: u64) {
    let config = Config::new()
        .failure_threshold(3)
        .failure_rate(0.5)
        .count_window(16)
        .success_threshold(2)
        .cooldown(Duration::from_millis(1));
    let (circuit, time) = circuit(config);
    let ended: [AtomicU64; 4] = Default::default();
    let refused = AtomicU64::new(0);
    together(0..threads, |number| {
        let mut random = random(number);
        let mut mine = [0; 4];
        let mut refused_of_mine = 0;
        for _ in 0..calls_of_each {
            let Ok(permit) = circuit.try_acquire() else {
                refused_of_mine += 1;
                time.advance(Duration::from_micros(100));
                continue;
            };
            let lot = match random() % 16 {
                0..=9 => 0,
                10..=13 => 1,
                14 => 2,
                _ => 3,
            };
            mine[lot] += 1;
            match lot {
                0 => permit.success(),
                1 => permit.failure(),
                2 => permit.ignore(),
                _ => drop(permit),
            }
        }
        for (all, mine) in ended.iter().zip(mine) {
            all.fetch_add(mine, Ordering::SeqCst);
        }
        refused.fetch_add(refused_of_mine, Ordering::SeqCst);
    });

    let snapshot = circuit.snapshot();
    let calls = snapshot.calls;
    let counted = [calls.success, calls.failure, calls.ignored, calls.cancelled];
    assert_eq!(counted, ended.map(AtomicU64::into_inner));
    assert_eq!(snapshot.rejected.total(), refused.into_inner());
    assert_balanced(&snapshot, threads * calls_of_each);
    assert_eq!((snapshot.in_flight, snapshot.probes.in_flight), (0, 0));
    assert!(snapshot.transitions > 100, "only {} transitions", snapshot.transitions);
}

#[test]
fn l01_a_million_calls_on_64_threads_are_counted_exactly() {
    storm(64, 1_000_000 / 64);
}

#[test]
fn l02_calls_on_8_threads_are_counted_exactly() {
    storm(8, 25_000);
}

#[test]
fn l02_calls_on_1000_threads_are_counted_exactly() {
    storm(1_000, 100);
}

#[test]
fn r03_no_call_is_lost_from_the_window_between_two_threads() {
    const GOOD: u32 = 5_000;
    const FAILED: u32 = 50;
    let config = Config::new().failure_threshold(u32::MAX).count_window(1_000_000);
    let (circuit, _) = circuit(config);
    together(0..8, |_| {
        for _ in 0..FAILED {
            for _ in 0..GOOD / FAILED {
                circuit.try_acquire().unwrap().success();
            }
            circuit.try_acquire().unwrap().failure();
        }
    });
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.window_calls, 8 * (GOOD + FAILED));
    assert_eq!(snapshot.failure_rate, Some(f64::from(FAILED) / f64::from(GOOD + FAILED)));
}

#[test]
fn r04_no_call_is_lost_from_a_time_window_between_threads_that_cross_its_edges() {
    const CALLS: u32 = 5_000;
    let config = Config::new().failure_threshold(u32::MAX).time_window(SECOND * 10);
    let (circuit, time) = circuit(config);
    together(0..8, |_| {
        for call in 0..CALLS {
            let permit = circuit.try_acquire().unwrap();
            if call % 50 == 0 {
                permit.failure();
            } else {
                permit.success();
            }
            if call % 1_000 == 0 {
                time.advance(SECOND / 8);
            }
        }
    });
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.window_calls, 8 * CALLS);
    assert_eq!(snapshot.failure_rate, Some(0.02));
    time.advance(SECOND * 10);
    assert_eq!(circuit.snapshot().window_calls, 0);
}

#[test]
fn refusals_at_an_open_circuit_are_counted_exactly_while_it_opens_and_closes() {
    let (circuit, _) = circuit(Config::new());
    let refused = together(0..9, |thread| {
        let mut refused = 0;
        for _ in 0..2_000 {
            match (thread, circuit.try_acquire()) {
                (_, Err(rejected)) => {
                    assert!(rejected.retry_after().is_some_and(|left| left <= COOLDOWN));
                    refused += 1;
                }
                (0, Ok(permit)) => (circuit.trip(), permit.ignore()).0,
                (1, Ok(permit)) => (circuit.reset(), permit.ignore()).0,
                (_, Ok(permit)) => permit.success(),
            }
            if thread == 1 {
                circuit.reset();
            }
        }
        refused
    });
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.rejected.open, refused.iter().sum::<u64>());
    assert_balanced(&snapshot, 9 * 2_000);
}

#[test]
fn r10_calls_that_a_reset_overtook_are_all_late() {
    let (circuit, _) = circuit(Config::new().failure_threshold(1));
    let permits: Vec<_> = (0..64).map(|_| circuit.try_acquire().unwrap()).collect();
    circuit.reset();
    let ends = [Permit::success, Permit::failure, Permit::ignore, drop];
    together(permits.into_iter().zip(ends.into_iter().cycle()), |(permit, end)| end(permit));
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.window_calls), (State::Closed, 0));
    assert_eq!((snapshot.calls.late, snapshot.consecutive_successes), (64, Some(0)));
}

#[test]
fn s10_good_calls_that_race_a_reset_are_late_or_cleared_and_none_stays() {
    const ROUNDS: u64 = 300;
    let (circuit, _) = circuit(Config::new());
    for _ in 0..ROUNDS {
        circuit.reset();
        let late = circuit.snapshot().calls.late;
        let mut permits = (0..8).map(|_| Some(circuit.try_acquire().unwrap())).collect::<Vec<_>>();
        permits.push(None);
        together(permits, |permit| permit.map_or_else(|| circuit.reset(), Permit::success));
        let snapshot = circuit.snapshot();
        assert_eq!(snapshot.window_calls, 0, "all of them were let in before the reset");
        assert!(snapshot.calls.late - late <= 8);
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.calls.success, snapshot.epoch), (8 * ROUNDS, 2 * ROUNDS));
    assert_balanced(&snapshot, 8 * ROUNDS);
}

#[test]
fn d43_no_reader_sees_half_of_a_change_of_state() {
    let (circuit, _) = circuit(Config::new().failure_threshold(2).cooldown(COOLDOWN));
    let done = AtomicBool::new(false);
    let seen_open = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::SeqCst) {
                    let snapshot = circuit.snapshot();
                    let is_open = snapshot.state == State::Open;
                    assert_eq!(snapshot.retry_after, is_open.then_some(COOLDOWN));
                    assert_eq!(snapshot.trip_reason.is_some(), is_open);
                    assert_eq!(snapshot.epoch % 2 == 1, is_open);
                    assert!(!is_open || snapshot.window_calls == 0);
                    assert!(snapshot.epoch >= last);
                    last = snapshot.epoch;
                    seen_open.fetch_add(u64::from(is_open), Ordering::Relaxed);
                }
            });
        }
        let began = Instant::now();
        while seen_open.load(Ordering::Relaxed) < 1_000 && began.elapsed() < PATIENCE {
            // Nothing here may panic: the readers wait for the end.
            let _ = circuit.call(|| Err::<(), _>(()));
            let _ = circuit.call(|| Err::<(), _>(()));
            circuit.reset();
        }
        done.store(true, Ordering::SeqCst);
    });
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.epoch), (State::Closed, snapshot.transitions));
    assert!(seen_open.into_inner() >= 1_000);
}

#[test]
fn r09_the_state_that_is_shown_is_the_one_that_a_race_ended_in() {
    let (circuit, _) = circuit(Config::new().failure_threshold(1));
    for _ in 0..500 {
        together(0..4, |number| {
            for turn in 0..8 {
                match (number + turn) % 4 {
                    0 => circuit.trip(),
                    1 => circuit.reset(),
                    2 => circuit.force_open(),
                    _ => drop(circuit.call(|| Err::<(), _>(()))),
                }
            }
        });
        assert_eq!(circuit.state(), circuit.snapshot().state);
    }
}

#[test]
fn d38_nothing_is_locked_while_a_body_runs() {
    let (circuit, _) = circuit(Config::new());
    let (inside, is_inside) = mpsc::channel();
    let (done, is_done) = mpsc::channel();
    let circuit = &circuit;
    thread::scope(|scope| {
        scope.spawn(move || {
            is_inside.recv().unwrap();
            let _ = circuit.call(|| Err::<(), _>(()));
            circuit.trip();
            let snapshot = circuit.snapshot();
            circuit.reset();
            done.send((snapshot.in_flight, snapshot.state)).unwrap();
        });
        let seen = circuit.call(move || {
            inside.send(()).unwrap();
            is_done.recv_timeout(PATIENCE)
        });
        assert_eq!(seen, Ok((1, State::Open)));
    });
}

#[test]
fn s09_probes_that_succeed_and_fail_together_reach_one_verdict() {
    const ROUNDS: u64 = 500;
    let config = Config::new().half_open_max_calls(2).success_threshold(1);
    let (circuit, time) = circuit(config);
    for round in 1..=ROUNDS {
        circuit.reset();
        circuit.trip();
        pass_cooldown(&circuit, &time);
        let ends = [Permit::success, Permit::failure];
        let probes = ends.map(|end| (circuit.try_acquire().unwrap(), end));
        together(probes, |(probe, end)| end(probe));
        let snapshot = circuit.snapshot();
        let probes = snapshot.probes;
        assert_eq!(probes.successes + probes.failures, 1, "the other one is late");
        let verdict = if probes.successes == 1 { State::Closed } else { State::Open };
        assert_eq!((snapshot.state, snapshot.calls.late), (verdict, round));
    }
}

#[test]
fn r12_a_lapse_that_many_threads_find_together_is_one_loss() {
    let config = Config::new().half_open_max_calls(1).probe_timeout(SECOND);
    let (circuit, time) = circuit(config.half_open_failure_threshold(u32::MAX));
    circuit.trip();
    pass_cooldown(&circuit, &time);
    let mut hung = vec![circuit.try_acquire().unwrap()];
    for lost in 1..=100 {
        time.advance(SECOND);
        let answers = together(0..8, |_| circuit.try_acquire());
        let permits: Vec<_> = answers.into_iter().flatten().collect();
        assert_eq!((permits.len(), circuit.snapshot().probes.lost), (1, lost));
        hung.extend(permits);
    }
    drop(hung);
    assert_eq!(circuit.snapshot().calls.late, 100);
    assert_balanced(&circuit.snapshot(), 801);
}

#[test]
fn a_circuit_can_be_shared_between_threads() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<CircuitBreaker>();
}
