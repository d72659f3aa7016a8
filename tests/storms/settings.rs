//! Settings that change amid calls: no call is lost, and no bulkhead miscounts (R19, R24).

use std::sync::atomic::{AtomicU64, Ordering};

use breaker_runtime::{Config, State};

use crate::alone;
use crate::common::{SECOND, assert_balanced, circuit};
use crate::load::{Lots, drill, scaled, seed};

const THREADS: u64 = 8;

fn any_config(lots: &mut Lots) -> Config {
    let small = |lots: &mut Lots| u32::try_from(1 + lots.draw(9)).expect("it is small");
    let mut config = Config::new().failure_threshold(small(lots)).cooldown(SECOND);
    config = match lots.draw(3) {
        0 => config.count_window(small(lots)),
        1 => config.time_window(SECOND * small(lots)),
        _ => config,
    };
    if lots.one_in(3) {
        config = config.failure_rate(0.5).minimum_calls(1);
    }
    if lots.one_in(3) {
        config = config.slow_call(SECOND / 2);
    }
    if lots.one_in(2) {
        config = config.max_concurrent(small(lots));
    }
    config
}

#[test]
fn r24_a_thousand_new_settings_amid_calls_lose_no_call() {
    let _alone = alone();
    let seed = seed();
    let (circuit, time) = circuit(Config::new());
    let asked = AtomicU64::new(0);
    drill(
        THREADS,
        scaled(1_000),
        |thread, round| {
            let mut lots = Lots::new(seed, round * THREADS + thread);
            if thread == 0 {
                circuit.reconfigure(any_config(&mut lots)).expect("it is valid");
                return;
            }
            for _ in 0..10 {
                asked.fetch_add(1, Ordering::Relaxed);
                match circuit.try_acquire() {
                    Ok(permit) => match lots.draw(8) {
                        0 => permit.failure(),
                        1 => permit.ignore(),
                        2 => drop(permit),
                        _ => permit.success(),
                    },
                    Err(_) => time.advance(SECOND / 4),
                }
            }
        },
        |_| {},
        |_| {
            let snapshot = circuit.snapshot();
            assert_eq!(snapshot.in_flight, 0);
            assert_balanced(&snapshot, asked.load(Ordering::Relaxed));
        },
    );
    circuit.reset();
    circuit.reconfigure(Config::new().max_concurrent(3)).expect("it is valid");
    let slots: Vec<_> = (0..3).map(|_| circuit.try_acquire().expect("a free slot")).collect();
    assert!(circuit.try_acquire().is_err(), "no slot is there twice");
    drop(slots);
    assert_eq!(circuit.state(), State::Closed);
}
