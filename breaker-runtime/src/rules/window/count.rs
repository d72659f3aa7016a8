//! The window of exactly the last N calls (R3). Its memory grows with the bad calls only.

use std::collections::VecDeque;

use super::Tally;
use crate::rules::Ended;

/// The positions of the bad calls among the last `size`, numbered in the order of their outcomes.
///
/// Good calls push bad ones out without touching this type. So each bad call stores its position, and a reading
/// searches for the first one still inside.
#[derive(Debug)]
pub(crate) struct CountWindow {
    size: u32,
    /// Calls recorded so far, without the current run.
    recorded: u64,
    /// The recorded calls that were outside the window at the last [`refit`](CountWindow::refit).
    forgotten: u64,
    bad: VecDeque<Bad>,
    /// Failed and slow calls recorded so far. Only differences are used, so they may wrap.
    failed: u32,
    slow: u32,
}

/// A bad call in 8 bytes: its position, and the counts of failed and slow calls before it. All of them wrap. There are
/// fewer than 2^21 calls between the first and the last, and fewer than 2^22 between the first and now.
#[derive(Clone, Copy, Debug)]
struct Bad(u64);

/// While failures go on, fewer bad calls than this leave the window at once. Only a long run of good calls pushes out
/// more.
const FEW: usize = 4;
/// The room for bad calls that is kept even if unused.
const KEPT: usize = 16;
const COUNT_BITS: u32 = 21;
const COUNT: u32 = (1 << COUNT_BITS) - 1;
const POSITION_SHIFT: u32 = 2 * COUNT_BITS;

impl Bad {
    fn new(position: u64, failed: u32, slow: u32) -> Self {
        let counts = u64::from(failed & COUNT) << COUNT_BITS | u64::from(slow & COUNT);
        Self(position << POSITION_SHIFT | counts)
    }

    /// The number of calls after this one, out of `recorded`.
    fn age(self, recorded: u64) -> u64 {
        const POSITION: u64 = (1 << (64 - POSITION_SHIFT)) - 1;
        recorded.wrapping_sub(self.0 >> POSITION_SHIFT) & POSITION
    }

    /// The failed and slow calls from this one on, given the totals.
    #[expect(clippy::cast_possible_truncation, reason = "all but the count is masked out")]
    fn and_later(self, failed: u32, slow: u32) -> (u32, u32) {
        let since = |now: u32, before: u64| now.wrapping_sub(before as u32) & COUNT;
        (since(failed, self.0 >> COUNT_BITS), since(slow, self.0))
    }
}

impl CountWindow {
    pub(crate) fn new(size: u32) -> Self {
        Self { size, recorded: 0, forgotten: 0, bad: VecDeque::new(), failed: 0, slow: 0 }
    }

    /// Records a bad call after `run` good ones.
    pub(crate) fn record(&mut self, run: u32, call: Ended) {
        self.recorded += u64::from(run) + 1;
        self.let_go();
        self.bad.push_back(Bad::new(self.recorded, self.failed, self.slow));
        self.failed = self.failed.wrapping_add(call.is_failed().into());
        self.slow = self.slow.wrapping_add(call.slow.into());
    }

    /// Drops the bad calls outside the window, without visiting each of them.
    fn let_go(&mut self) {
        for _ in 0..FEW {
            if self.bad.front().is_none_or(|bad| !self.is_out(*bad, 0)) {
                return;
            }
            self.bad.pop_front();
        }
        let gone = self.bad.partition_point(|bad| self.is_out(*bad, 0));
        self.bad.drain(..gone);
        if self.bad.len() < self.bad.capacity() / 4 {
            let twice = self.bad.len() * 2;
            self.bad.shrink_to(twice.max(KEPT));
        }
    }

    /// Forgets all bad calls after a full run. Returns their memory if it was much.
    pub(crate) fn forget(&mut self) -> impl Sized + use<> {
        self.bad.clear();
        if self.bad.capacity() > KEPT { std::mem::take(&mut self.bad) } else { VecDeque::new() }
    }

    /// Changes the size and keeps the newest calls (R24). `run` good calls have followed the last bad one, at most
    /// `size`.
    pub(crate) fn refit(&mut self, size: u32, run: u32) {
        let kept = self.tally(run).calls.min(size.into());
        self.forgotten = self.recorded + u64::from(run) - kept;
        self.size = self.size.min(size);
        let gone = self.bad.partition_point(|bad| self.is_out(*bad, run));
        self.bad.drain(..gone);
        self.size = size;
    }

    /// Whether a bad call is outside the window, given `run` good calls since the last bad one.
    fn is_out(&self, bad: Bad, run: u32) -> bool {
        bad.age(self.recorded) + u64::from(run) >= self.size.into()
    }

    /// The first bad call inside the window.
    fn first(&self, run: u32) -> Option<Bad> {
        for at in 0..FEW {
            let bad = *self.bad.get(at)?;
            if !self.is_out(bad, run) {
                return Some(bad);
            }
        }
        let gone = self.bad.partition_point(|bad| self.is_out(*bad, run));
        self.bad.get(gone).copied()
    }

    /// The counts of the window, given `run` good calls since the last bad one.
    pub(crate) fn tally(&self, run: u32) -> Tally {
        let recorded = self.recorded + u64::from(run) - self.forgotten;
        let first = self.first(run);
        let (failed, slow) = first.map_or((0, 0), |bad| bad.and_later(self.failed, self.slow));
        Tally { calls: recorded.min(self.size.into()), failed: failed.into(), slow: slow.into() }
    }

    /// The counts if `call` were recorded now, that many times.
    pub(crate) fn tally_with(&self, run: u32, call: Ended, times: u32) -> Tally {
        // Each takes the place of one more good one, which moves everything by the same step.
        let tally = self.tally(run.saturating_add(times));
        let of = |is: bool| if is { times.min(self.size).into() } else { 0 };
        Tally {
            failed: tally.failed + of(call.is_failed()),
            slow: tally.slow + of(call.slow),
            ..tally
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Ending;

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
    fn a_tally_with_more_calls_is_the_tally_after_recording_them() {
        for size in [1, 2, 3, 7] {
            let mut window = CountWindow::new(size);
            for step in 0..200_u32 {
                let (run, times) = (step * 7 % 5, 1 + step * 3 % 5);
                let ending = if step % 3 == 0 { Ending::Success } else { Ending::Failure };
                let call = Ended { ending, slow: step % 4 == 0 };
                let foreseen = window.tally_with(run, call, times);
                (0..times).for_each(|at| window.record(if at == 0 { run } else { 0 }, call));
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

    /// A window of a million calls that are all bad, but for the first.
    fn full() -> CountWindow {
        let mut window = CountWindow::new(MOST);
        for _ in 0..MOST {
            window.record(0, Ended { ending: Ending::Failure, slow: true });
        }
        window
    }

    const MOST: u32 = 1_000_000;

    #[test]
    fn r03_the_longest_window_is_exact_whatever_came_before() {
        let mut window = full();
        // Positions and counts have wrapped more than once by now.
        for _ in 0..5 * MOST {
            window.record(0, FAILED);
        }
        assert_eq!(window.tally(0), tally(MOST.into(), MOST.into(), 0));
        window.record(MOST - 1, SLOW);
        assert_eq!(window.tally(0), tally(MOST.into(), 0, 1));
        assert_eq!(window.tally(MOST - 1), tally(MOST.into(), 0, 1));
        assert_eq!(window.tally(MOST), tally(MOST.into(), 0, 0));
    }

    #[test]
    fn r03_a_reading_at_any_run_agrees_with_a_list_of_all_calls() {
        for size in [1, 2, 5, 16] {
            let (mut window, mut all) = (CountWindow::new(size), Vec::new());
            for step in 0..300_u32 {
                let ended = |slow, ending| Ended { ending, slow };
                let call = match step % 5 {
                    0 => SLOW,
                    1 => ended(true, Ending::Failure),
                    _ => FAILED,
                };
                let run = (step * step / 7) % (size + 1);
                all.extend((0..run).map(|_| (false, false)));
                all.push((call.is_failed(), call.slow));
                window.record(run, call);
                for follow in 0..=size {
                    let kept = (size - follow) as usize;
                    let recent = &all[all.len().saturating_sub(kept)..];
                    let count = |is: fn(&(bool, bool)) -> bool| {
                        recent.iter().filter(|call| is(call)).count() as u64
                    };
                    let calls = u64::from(size).min(all.len() as u64 + u64::from(follow));
                    let expected = tally(calls, count(|call| call.0), count(|call| call.1));
                    assert_eq!(window.tally(follow), expected, "{size}, {step}, {follow}");
                }
            }
        }
    }

    #[test]
    fn memory_follows_the_bad_calls_that_are_in_the_window() {
        let mut window = full();
        window.record(MOST - 10, FAILED);
        assert_eq!(window.bad.len(), 10);
        assert!(window.bad.capacity() <= 32);
        let mut window = full();
        drop(window.forget());
        assert_eq!((window.bad.capacity(), window.tally(MOST)), (0, tally(MOST.into(), 0, 0)));
        window.record(MOST, FAILED);
        assert_eq!(window.tally(0), tally(MOST.into(), 1, 0));
    }
}
