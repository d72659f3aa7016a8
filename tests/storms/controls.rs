//! What a person sets holds, with any calls at the same moment (S08, R16).

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use breaker_runtime::{CircuitBreaker, Config, Permit, RejectedReason, State};

use crate::alone;
use crate::common::{SECOND, assert_balanced, circuit};
use crate::load::{Lots, drill, scaled, seed};

const THREADS: u64 = 8;

/// One thread switches the circuit, while all others do their best to move it with calls.
fn switch(act: fn(&CircuitBreaker), state: State) {
    let _alone = alone();
    let seed = seed();
    let config = Config::new()
        .failure_threshold(1)
        .success_threshold(3)
        .cooldown(SECOND)
        .probe_timeout(SECOND * 60);
    let (circuit, time) = circuit(config);
    let asked = AtomicU64::new(0);
    drill(
        THREADS,
        scaled(500),
        |thread, round| {
            let mut lots = Lots::new(seed, round * THREADS + thread);
            if thread == 0 {
                (0..lots.draw(10)).for_each(|_| thread::yield_now());
                act(&circuit);
                assert_eq!(circuit.state(), state);
                return;
            }
            for _ in 0..20 {
                asked.fetch_add(1, Ordering::Relaxed);
                let answer = circuit.try_acquire();
                // So that circuits are half-open for a while.
                if lots.one_in(4) {
                    thread::yield_now();
                }
                match answer {
                    Ok(permit) if lots.one_in(2) => permit.success(),
                    Ok(permit) => permit.failure(),
                    Err(_) => time.advance(SECOND),
                }
            }
        },
        |_| circuit.reset(),
        |_| {
            let snapshot = circuit.snapshot();
            assert_eq!((circuit.state(), snapshot.state), (state, state));
            assert_eq!((snapshot.probes.in_flight, snapshot.in_flight), (0, 0));
            assert_balanced(&snapshot, asked.load(Ordering::Relaxed));
            let answer = circuit.try_acquire().map(Permit::ignore).map_err(|it| it.reason());
            asked.fetch_add(1, Ordering::Relaxed);
            let refuses = state == State::ForcedOpen;
            assert_eq!(answer, if refuses { Err(RejectedReason::ForcedOpen) } else { Ok(()) });
        },
    );
}

#[test]
fn s08_a_circuit_that_is_forced_open_amid_calls_stays_forced_open() {
    switch(CircuitBreaker::force_open, State::ForcedOpen);
}

#[test]
fn s08_a_circuit_that_is_disabled_amid_calls_stays_disabled() {
    switch(CircuitBreaker::disable, State::Disabled);
}
