//! The calls of one circuit in each of the last seconds.

use std::collections::VecDeque;

use crate::message::Calls;

/// How many seconds are kept.
pub(crate) const SECONDS: usize = 60;

/// The last seconds, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(VecDeque<Calls>);

impl History {
    pub(crate) fn push(&mut self, calls: Calls) {
        if self.0.len() == SECONDS {
            self.0.pop_front();
        }
        self.0.push_back(calls);
    }

    /// Says what the last second was.
    pub(crate) fn replace_last(&mut self, calls: Calls) {
        if let Some(last) = self.0.back_mut() {
            *last = calls;
        }
    }

    /// Seconds in which nothing was heard of it.
    pub(crate) fn skip(&mut self, seconds: u64) {
        for _ in 0..seconds.min(SECONDS as u64) {
            self.push(Calls::default());
        }
    }

    pub(crate) fn sum(&self) -> Calls {
        self.0.iter().fold(Calls::default(), |sum, calls| sum.and(*calls))
    }

    /// The last minute in `columns` columns, oldest first. Unknown seconds are empty.
    pub(crate) fn columns(&self, columns: usize) -> Vec<Calls> {
        let unknown = SECONDS - self.0.len();
        let mut sums = vec![Calls::default(); columns];
        for (at, calls) in self.0.iter().enumerate() {
            if let Some(sum) = sums.get_mut((unknown + at) * columns / SECONDS) {
                *sum = sum.and(*calls);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(ok: u64) -> Calls {
        Calls { ok, ..Calls::default() }
    }

    #[test]
    fn a_minute_is_kept() {
        let mut history = History::default();
        (0..70).for_each(|ok| history.push(calls(ok)));
        assert_eq!(history.sum().ok, (10..70).sum::<u64>());
        history.skip(u64::MAX);
        assert_eq!(history.sum().ok, 0);
    }

    #[test]
    fn the_newest_column_is_the_last_one() {
        let mut history = History::default();
        history.push(calls(1));
        history.push(calls(2));
        let sums = |columns| history.columns(columns).iter().map(|it| it.ok).collect::<Vec<_>>();
        assert_eq!(sums(4), [0, 0, 0, 3]);
        assert_eq!(sums(60)[58..], [1, 2]);
        assert_eq!(sums(120)[116..], [1, 0, 2, 0]);
        assert!(sums(0).is_empty());
    }
}
