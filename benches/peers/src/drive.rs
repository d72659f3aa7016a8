//! The loops that make the calls: the same for every contender.
//!
//! No call is foretold: which of them fail depends on a number that the compiler cannot see. No result is left
//! out: all are counted and added up. They do not go through `black_box` one by one, as that puts each into
//! memory, and locked instructions wait for memory: it would make every contender that has one, which is
//! every peer, some nanoseconds slower than it is.

use std::hint::{black_box, spin_loop};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Makes so many calls that succeed.
#[inline]
pub(crate) fn succeeding<E>(calls: u64, call: impl FnMut(bool) -> Result<u64, E>) -> u64 {
    failing_each(u64::MAX, calls, call)
}

/// Makes so many calls, of which each n-th fails: never two in a row.
#[inline]
pub(crate) fn failing_each<E>(
    nth: u64,
    calls: u64,
    mut call: impl FnMut(bool) -> Result<u64, E>,
) -> u64 {
    let nth = black_box(nth);
    let mut left = nth;
    let mut good = 0;
    let mut sum: u64 = 0;
    for _ in 0..calls {
        left -= 1;
        let fails = left == 0;
        if fails {
            left = nth;
        }
        if let Ok(value) = call(fails) {
            good += 1;
            sum = sum.wrapping_add(value);
        }
    }
    black_box(sum);
    good
}

/// Polls a future until it is ready. No peer is made to wake anybody.
#[inline]
pub(crate) fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        spin_loop();
    }
}

/// Calls until a call is refused: at most as often as any config here needs.
pub(crate) fn until_refused<T, E>(
    mut call: impl FnMut() -> Result<T, E>,
    is_refusal: impl Fn(&E) -> bool,
) {
    let refused = (0..1000).any(|_| matches!(call(), Err(error) if is_refusal(&error)));
    assert!(refused, "a thousand failures did not open the circuit");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenth_call_fails_and_no_other() {
        let mut told = Vec::new();
        let good = failing_each(10, 25, |fails| {
            told.push(fails);
            if fails { Err(()) } else { Ok(1) }
        });
        assert_eq!(good, 23);
        let failed: Vec<_> = (0..25).filter(|&call| told[call]).collect();
        assert_eq!(failed, [9, 19]);
    }

    #[test]
    fn a_future_that_is_not_ready_is_polled_again() {
        let mut polls = 0;
        let third = std::future::poll_fn(|_| {
            polls += 1;
            if polls == 3 { Poll::Ready(polls) } else { Poll::Pending }
        });
        assert_eq!(finish(third), 3);
    }
}
