//! What tests under load share: sizes and seeds from the environment, lots, and threads that act at once.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::env;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}

/// So much, or as many times as much as `BREAKER_SCALE` says. Sizes are such that 20 is the full measure.
pub(crate) fn scaled(size: u64) -> u64 {
    size * number("BREAKER_SCALE").unwrap_or(1)
}

/// The seconds that `BREAKER_SOAK` gives, or so many.
pub(crate) fn soak_seconds(default: u64) -> u64 {
    number("BREAKER_SOAK").unwrap_or(default)
}

/// What `BREAKER_SEED` says, or another seed each time. It decides what is drawn, not how threads meet.
pub(crate) fn seed() -> u64 {
    let seed = number("BREAKER_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) >> 32);
    println!("BREAKER_SEED={seed}");
    seed
}

/// Numbers drawn by lot: the same ones for the same seed and the same drawer.
#[derive(Clone, Debug)]
pub(crate) struct Lots(u64);

impl Lots {
    pub(crate) fn new(seed: u64, drawer: u64) -> Self {
        let mut lots = Self(seed ^ drawer.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        lots.draw(1);
        lots
    }

    /// A number below `bound` (by `SplitMix64`).
    pub(crate) fn draw(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) % bound
    }

    pub(crate) fn one_in(&mut self, many: u64) -> bool {
        self.draw(many) == 0
    }
}

/// Has the same threads act at once, round after round. `prepare` and `check` run while all of them wait,
/// and are the place for assertions.
pub(crate) fn drill(
    threads: u64,
    rounds: u64,
    act: impl Fn(u64, u64) + Sync,
    mut prepare: impl FnMut(u64),
    mut check: impl FnMut(u64),
) {
    let all = usize::try_from(threads).expect("not that many") + 1;
    let (start, done) = (Barrier::new(all), Barrier::new(all));
    let (is_over, has_panicked) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        for thread in 0..threads {
            let (act, start, done) = (&act, &start, &done);
            let (is_over, has_panicked) = (&is_over, &has_panicked);
            scope.spawn(move || {
                for round in 0.. {
                    start.wait();
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    let acted = catch_unwind(AssertUnwindSafe(|| act(thread, round)));
                    has_panicked.fetch_or(acted.is_err(), Ordering::SeqCst);
                    done.wait();
                }
            });
        }
        // When a check fails, the threads must not be waited for in vain.
        let _dismissal = Dismissal { start: &start, is_over: &is_over };
        for round in 0..rounds {
            prepare(round);
            start.wait();
            done.wait();
            assert!(!has_panicked.load(Ordering::SeqCst), "a thread panicked in round {round}");
            check(round);
        }
    });
}

struct Dismissal<'a> {
    start: &'a Barrier,
    is_over: &'a AtomicBool,
}

impl Drop for Dismissal<'_> {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.start.wait();
    }
}

/// The resident memory in bytes, where the system tells.
pub(crate) fn resident() -> Option<u64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<u64>().ok()? * 4096)
}
