//! The loops that make the calls: the same for every contender.
//!
//! Arguments and results go through `black_box`, so that no call is foretold and no result is left out.

use std::hint::{black_box, spin_loop};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Makes so many calls that succeed.
#[inline]
pub(crate) fn succeeding<T, E>(calls: u64, mut call: impl FnMut(bool) -> Result<T, E>) -> u64 {
    let mut good = 0;
    for _ in 0..calls {
        good += u64::from(black_box(call(black_box(false))).is_ok());
    }
    good
}

/// Makes so many calls, of which each n-th fails: never two in a row.
#[inline]
pub(crate) fn failing_each<T, E>(
    nth: u64,
    calls: u64,
    mut call: impl FnMut(bool) -> Result<T, E>,
) -> u64 {
    let mut good = 0;
    let mut left = nth;
    for _ in 0..calls {
        left -= 1;
        let fails = left == 0;
        if fails {
            left = nth;
        }
        good += u64::from(black_box(call(black_box(fails))).is_ok());
    }
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
            if fails { Err(()) } else { Ok(()) }
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
