//! Manual orders: force open, disable, reset, permanently or for a time (R34).
//!
//! A timed order hides the permanent one before it. Any new order replaces the timed one. So the end of a timed order
//! undoes nothing but itself.

use std::borrow::Cow;

use crate::rules::{Instant, ModeOverride, Order};
use crate::settings::Mode;

#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    /// The number of orders so far.
    count: u64,
    permanent: Option<Given>,
    timed: Option<(Given, Instant)>,
}

#[derive(Clone, Debug)]
struct Given {
    mode: Mode,
    by: Cow<'static, str>,
    number: u64,
}

impl Orders {
    pub(super) fn take(&mut self, order: Order, now: Instant) {
        let Order { mode, limit, by } = order;
        self.count = self.count.saturating_add(1);
        let given = mode.map(|mode| Given { mode, by, number: self.count });
        let until = limit.map_or(Instant::NEVER, |limit| now.after(limit));
        if until == Instant::NEVER {
            self.timed = None;
            self.permanent = given;
        } else {
            self.timed = given.map(|given| (given, until));
        }
    }

    /// When the timed order ends, if there is one.
    pub(super) fn end(&self) -> Option<Instant> {
        self.timed.as_ref().map(|(_, until)| *until)
    }

    /// When the timed order ends, its mode, and the mode after it.
    pub(super) fn change(&self, settings: Mode) -> Option<(Instant, Mode, Mode)> {
        let (timed, until) = self.timed.as_ref()?;
        Some((*until, timed.mode, self.permanent_mode(settings)))
    }

    /// The mode that the orders decide; otherwise that of the settings.
    pub(super) fn mode(&self, settings: Mode) -> Mode {
        self.timed.as_ref().map_or_else(|| self.permanent_mode(settings), |(given, _)| given.mode)
    }

    /// Removes the timed order, which has ended.
    pub(super) fn retire(&mut self) {
        self.timed = None;
    }

    fn permanent_mode(&self, settings: Mode) -> Mode {
        self.permanent.as_ref().map_or(settings, |given| given.mode)
    }

    /// The order that decides the mode at `now`.
    pub(super) fn in_force(&self, settings: Mode, now: Instant) -> Option<ModeOverride> {
        let timed = self.timed.as_ref().filter(|(_, until)| !now.has_reached(*until));
        let until = timed.map(|(_, until)| *until);
        let Given { mode, by, number } =
            timed.map(|(given, _)| given).or(self.permanent.as_ref())?;
        Some(ModeOverride {
            mode: *mode,
            by: (!by.is_empty()).then(|| by.to_string()),
            left: until.and_then(|until| now.left_to(until).as_duration()),
            then: until.map(|_| self.permanent_mode(settings)),
            number: *number,
        })
    }
}
