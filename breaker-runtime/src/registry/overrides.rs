//! Overrides of a circuit's options: values that are set while the program runs, for good or for a time (R34).

use crate::circuit::Overridden;
use crate::rules::Instant;
use crate::settings::{Layer, Source, Told};

/// The overrides of one circuit, in the order given. A later one of the same option replaces an earlier one.
#[derive(Clone, Debug, Default)]
pub(super) struct Overrides {
    all: Vec<(Told, Source)>,
    shown: Vec<Overridden>,
}

impl Overrides {
    pub(super) fn all(&self) -> &[(Told, Source)] {
        &self.all
    }

    pub(super) fn shown(&self) -> &[Overridden] {
        &self.shown
    }

    pub(super) fn add(&mut self, told: Told, new: Overridden) {
        self.retain(|known| known.option != new.option);
        let place = if new.by.is_empty() {
            "override".to_owned()
        } else {
            format!("override by {}", new.by)
        };
        self.all.push((told, Source::Stated(Layer::Override, place.into())));
        self.shown.push(new);
    }

    /// Removes ended overrides.
    pub(super) fn lapse(&mut self, now: Instant) {
        self.retain(|shown| !now.has_reached(shown.end));
    }

    /// When the first of them ends.
    pub(super) fn next_end(&self) -> Instant {
        self.shown.iter().map(|shown| shown.end).min().unwrap_or(Instant::NEVER)
    }

    fn retain(&mut self, is_kept: impl Fn(&Overridden) -> bool) {
        let mut each = self.shown.iter();
        self.all.retain(|_| each.next().is_some_and(&is_kept));
        self.shown.retain(is_kept);
    }
}
