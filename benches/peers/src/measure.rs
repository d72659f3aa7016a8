//! How long, how often, and with what is measured.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode};
use gag::Gag;
use tempfile::TempDir;

use crate::item::Item;

/// How long everything takes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Turns of each item.
    pub rounds: usize,
    /// What a turn begins with, and nobody counts.
    pub warm_up: Duration,
    /// The rest of the turn.
    pub measurement: Duration,
    /// A turn of several threads.
    pub crowd: Duration,
}

impl Pace {
    /// For figures that are quoted.
    pub const STEADY: Self = Self {
        rounds: 7,
        warm_up: Duration::from_millis(60),
        measurement: Duration::from_millis(200),
        crowd: Duration::from_millis(120),
    };

    /// For a first impression.
    pub const QUICK: Self = Self {
        rounds: 3,
        warm_up: Duration::from_millis(20),
        measurement: Duration::from_millis(60),
        crowd: Duration::from_millis(100),
    };
}

/// Measures one thread, with criterion.
#[derive(Debug)]
pub(crate) struct Meter {
    pace: Pace,
    directory: TempDir,
    turns: usize,
}

impl Meter {
    pub(crate) fn new(pace: Pace) -> io::Result<Self> {
        Ok(Self { pace, directory: tempfile::tempdir()?, turns: 0 })
    }

    /// The nanoseconds that a call of an item takes.
    pub(crate) fn time(&mut self, item: &Item) -> io::Result<f64> {
        // Two turns at a time would measure each other, and one process has one output to silence.
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);

        self.turns += 1;
        let id = format!("turn-{}", self.turns);
        // criterion tells people of each of some hundred turns, and has no switch for that.
        let silence = [Gag::stdout()?, Gag::stderr()?];
        let outcome = catch_unwind(AssertUnwindSafe(|| self.sample(&id, item)));
        drop(silence);
        if let Err(panic) = outcome {
            let message = panic.downcast_ref::<String>().map_or("no message", String::as_str);
            panic!("{}: {message}", item.group);
        }
        let estimates = self.directory.path().join(&id).join("calls/new/estimates.json");
        let estimates: serde_json::Value = serde_json::from_slice(&fs::read(estimates)?)?;
        estimates["median"]["point_estimate"]
            .as_f64()
            .ok_or_else(|| io::Error::other("criterion wrote no median"))
    }

    fn sample(&self, id: &str, item: &Item) {
        let mut criterion = Criterion::default()
            .output_directory(self.directory.path())
            .without_plots()
            .warm_up_time(self.pace.warm_up)
            .measurement_time(self.pace.measurement)
            .sample_size(20)
            // Its confidence intervals are not used, and this is the least it takes without a warning.
            .nresamples(1001);
        let mut group = criterion.benchmark_group(id);
        group.sampling_mode(SamplingMode::Flat);
        group.bench_function("calls", |bencher| {
            bencher.iter_custom(|calls| {
                let begun = Instant::now();
                let good = (item.calls)(calls);
                let took = begun.elapsed();
                item.verify(calls, good);
                took
            });
        });
        group.finish();
    }
}

/// The calls per second that so many threads make together.
pub(crate) fn together(threads: usize, time: Duration, item: &Item) -> f64 {
    // Long enough that the flag, and the clock, are not what is measured.
    const BLOCK: u64 = 1000;

    let start = Barrier::new(threads + 1);
    let over = AtomicBool::new(false);
    let work = || {
        start.wait();
        let begun = Instant::now();
        let mut calls = 0;
        while !over.load(Ordering::Relaxed) {
            item.make(BLOCK);
            calls += BLOCK;
        }
        (begun, Instant::now(), calls)
    };
    let parts: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        start.wait();
        thread::sleep(time);
        over.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().expect("the calls succeed")).collect()
    });
    let begun = parts.iter().map(|part| part.0).min().expect("there are threads");
    let ended = parts.iter().map(|part| part.1).max().expect("there are threads");
    let calls: u64 = parts.iter().map(|part| part.2).sum();
    #[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^53 calls")]
    let calls = calls as f64;
    calls / (ended - begun).as_secs_f64()
}

/// The nanoseconds that each of so many first calls takes, the clock's own included.
pub(crate) fn first_calls(sites: usize, call: fn(usize)) -> Vec<f64> {
    let time = |site| {
        let begun = Instant::now();
        call(site);
        begun.elapsed().as_secs_f64() * 1e9
    };
    (0..sites).map(time).collect()
}

/// The one in the middle, or the mean of the two that are.
///
/// # Panics
///
/// If there are none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

/// How far values are from the median, in the median, as a share of it.
///
/// # Panics
///
/// If there are none.
pub(crate) fn spread(values: &[f64]) -> f64 {
    let median_value = median(values);
    let distances: Vec<_> = values.iter().map(|value| (value - median_value).abs()).collect();
    median(&distances) / median_value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Group;

    const SLEEPY: Item = Item {
        group: Group::SyncOk,
        variant: None,
        calls: |calls| {
            thread::sleep(Duration::from_micros(calls));
            calls
        },
        answers: crate::item::Answers::Good,
        prepare: || {},
        check: || {},
    };

    const SHORT: Pace = Pace {
        rounds: 1,
        warm_up: Duration::from_millis(1),
        measurement: Duration::from_millis(20),
        crowd: Duration::ZERO,
    };

    #[test]
    #[expect(clippy::float_cmp, reason = "nothing is rounded")]
    fn the_median_does_not_mind_outliers_or_order() {
        assert_eq!(median(&[3.0, 1.0, 900.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 900.0]), 3.0);
        assert_eq!(median(&[5.0]), 5.0);
    }

    #[test]
    fn the_spread_is_a_share_and_does_not_mind_outliers() {
        let spread = spread(&[100.0, 98.0, 103.0, 100.0, 900.0]);
        assert!((spread - 0.02).abs() < 1e-9, "{spread}");
    }

    #[test]
    #[should_panic(expected = "sync, closed: assertion `left == right` failed")]
    fn what_goes_wrong_under_criterion_is_told() {
        let wrong = Item { calls: |_| 0, ..SLEEPY };
        let _ = Meter::new(SHORT).unwrap().time(&wrong);
    }

    #[test]
    fn criterion_is_asked_for_nanoseconds_per_call() {
        let mut meter = Meter::new(SHORT).unwrap();
        for _ in 0..2 {
            let time = meter.time(&SLEEPY).unwrap();
            assert!(time >= 1000.0, "a microsecond of sleep took {time} ns");
        }
    }

    #[test]
    fn the_calls_of_all_threads_are_counted_over_the_time_of_all() {
        let rate = together(4, Duration::from_millis(20), &SLEEPY);
        assert!(
            rate > 0.0 && rate <= 4e6,
            "four threads made {rate} calls of a microsecond per second"
        );
    }
}
