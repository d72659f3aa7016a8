//! What is live on the heap of this process.

use std::alloc::System;
use std::sync::Barrier;
use std::thread;

use cap::Cap;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

const THREADS: usize = 64;

fn live() -> i64 {
    i64::try_from(HEAP.allocated()).expect("no heap is that large")
}

/// How many more bytes are live after some work.
pub(crate) fn grown_by(work: impl FnOnce()) -> i64 {
    let before = live();
    work();
    live() - before
}

/// The bytes that each of so many things keeps on the heap, the place of the thing itself left out.
pub(crate) fn of_each<T>(number: usize, make: impl Fn(usize) -> T) -> i64 {
    let mut kept = Vec::with_capacity(number);
    share(grown_by(|| kept.extend((0..number).map(make))), number)
}

/// The bytes that the work of each of many threads keeps on the heap while all of them live.
pub(crate) fn of_each_thread(work: impl Fn() + Sync) -> i64 {
    let step = Barrier::new(THREADS + 1);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                // All have begun; the work may begin; all have done it; all may end.
                step.wait();
                step.wait();
                work();
                step.wait();
                step.wait();
            });
        }
        step.wait();
        let grown = grown_by(|| {
            step.wait();
            step.wait();
        });
        step.wait();
        share(grown, THREADS)
    })
}

/// Rounded up: nothing is called smaller than it is.
pub(crate) fn share(bytes: i64, number: usize) -> i64 {
    let number = i64::try_from(number).expect("no figure needs that many");
    (bytes + number - 1).div_euclid(number)
}
