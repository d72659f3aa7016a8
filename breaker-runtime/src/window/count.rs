//! The last N calls, exactly (R3), in memory that grows with the bad ones only.

use std::collections::VecDeque;

use super::Tally;
use crate::outcome::Ended;

/// The positions of the bad calls among the last `size`, numbered in the order of their outcomes.
#[derive(Debug)]
pub(crate) struct CountWindow {
    size: u32,
    /// Calls recorded so far, the run under way left out.
    recorded: u64,
    bad: VecDeque<Bad>,
    failed: u32,
    slow: u32,
}

/// A bad call: its position, and in the two lowest bits how it was bad.
#[derive(Clone, Copy, Debug)]
struct Bad(u64);

impl Bad {
    fn new(position: u64, call: Ended) -> Self {
        Self(position << 2 | u64::from(call.is_failed()) << 1 | u64::from(call.slow))
    }

    fn position(self) -> u64 {
        self.0 >> 2
    }

    fn failed(self) -> u32 {
        u32::from(self.0 & 2 != 0)
    }

    fn slow(self) -> u32 {
        u32::from(self.0 & 1 != 0)
    }
}

impl CountWindow {
    pub(crate) fn new(size: u32) -> Self {
        Self { size, recorded: 0, bad: VecDeque::new(), failed: 0, slow: 0 }
    }

    /// Records a bad call that `run` good ones preceded.
    pub(crate) fn record(&mut self, run: u32, call: Ended) {
        self.recorded += u64::from(run) + 1;
        let call = Bad::new(self.recorded, call);
        self.bad.push_back(call);
        self.failed += call.failed();
        self.slow += call.slow();
        let gone = self.recorded.saturating_sub(self.size.into());
        while let Some(oldest) = self.bad.front()
            && oldest.position() <= gone
        {
            self.failed -= oldest.failed();
            self.slow -= oldest.slow();
            self.bad.pop_front();
        }
    }

    /// What the window holds when `run` good calls have followed the last bad one.
    pub(crate) fn tally(&self, run: u32) -> Tally {
        let recorded = self.recorded + u64::from(run);
        let gone = recorded.saturating_sub(self.size.into());
        let calls = recorded.min(self.size.into());
        let mut tally = Tally { calls, failed: self.failed.into(), slow: self.slow.into() };
        for bad in self.bad.iter().take_while(|bad| bad.position() <= gone) {
            tally.failed -= u64::from(bad.failed());
            tally.slow -= u64::from(bad.slow());
        }
        tally
    }

    /// What it would hold if `call` were recorded now.
    pub(crate) fn tally_with(&self, run: u32, call: Ended) -> Tally {
        // The call takes the place of one more good one, which moves everything by the same step.
        let tally = self.tally(run.saturating_add(1));
        Tally {
            failed: tally.failed + u64::from(call.is_failed()),
            slow: tally.slow + u64::from(call.slow),
            ..tally
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Ending;

    const FAILED: Ended = Ended { ending: Ending::Failure, slow: false };
    const SLOW: Ended = Ended { ending: Ending::Success, slow: true };

    fn tally(calls: u64, failed: u64, slow: u64) -> Tally {
        Tally { calls, failed, slow }
    }

    #[test]
    fn r03_an_empty_window_holds_nothing() {
        assert_eq!(CountWindow::new(3).tally(0), tally(0, 0, 0));
    }

    #[test]
    fn r03_the_window_holds_exactly_the_last_n_calls() {
        let mut window = CountWindow::new(3);
        window.record(2, FAILED);
        assert_eq!(window.tally(0), tally(3, 1, 0));
        assert_eq!(window.tally(2), tally(3, 1, 0));
        assert_eq!(window.tally(3), tally(3, 0, 0));
        window.record(1, SLOW);
        assert_eq!(window.tally(0), tally(3, 1, 1));
        window.record(0, FAILED);
        assert_eq!(window.tally(0), tally(3, 1, 1));
        window.record(0, FAILED);
        assert_eq!(window.tally(0), tally(3, 2, 1));
    }

    #[test]
    fn r05_a_slow_failure_leaves_both_shares_at_once() {
        let mut window = CountWindow::new(2);
        window.record(0, Ended { ending: Ending::Failure, slow: true });
        assert_eq!(window.tally(1), tally(2, 1, 1));
        assert_eq!(window.tally(2), tally(2, 0, 0));
    }

    #[test]
    fn a_tally_with_one_more_call_is_the_tally_after_recording_it() {
        for size in [1, 2, 3, 7] {
            let mut window = CountWindow::new(size);
            for step in 0..200_u32 {
                let run = step * 7 % 5;
                let ending = if step % 3 == 0 { Ending::Success } else { Ending::Failure };
                let call = Ended { ending, slow: step % 4 == 0 };
                let foreseen = window.tally_with(run, call);
                window.record(run, call);
                assert_eq!(foreseen, window.tally(0));
            }
        }
    }

    #[test]
    fn memory_is_bounded_by_the_window() {
        let mut window = CountWindow::new(10);
        for _ in 0..10_000 {
            window.record(0, FAILED);
        }
        assert_eq!(window.bad.len(), 10);
        assert!(window.bad.capacity() <= 32);
    }
}
