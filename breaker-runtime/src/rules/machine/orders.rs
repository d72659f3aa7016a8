//! Manual orders: force open, disable, reset, permanently or for a time (R34).
//!
//! A timed order hides the permanent one before it. Any new order replaces the timed one. So the end of a timed order
//! undoes nothing but itself.

use std::borrow::Cow;

use super::{Machine, Phase};
use crate::rules::{Cause, Instant, ModeOverride, Order};
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

/// What orders do to the machine.
impl Machine {
    /// Changes the mode, permanently or for a time (R16, R34). If the clock went back, a reset starts again from `now`:
    /// a test with paused time must not wait for the time of an earlier test.
    pub(crate) fn order(&mut self, mut order: Order, now: Instant) {
        if order.mode == Some(Mode::Normal) && order.limit.is_none() {
            // What is as usual anyway needs no order.
            order.mode = order.mode.filter(|mode| *mode != self.settings.mode);
        }
        if order.mode.is_none_or(|mode| mode == Mode::Normal) && now < self.now {
            self.now = now;
            self.created = self.created.min(now);
        }
        let now = self.catch_up(now);
        let empties = order.mode.is_none_or(|mode| mode == Mode::Normal);
        self.history().orders.get_or_insert_default().take(order, now);
        let mode = self.mode();
        let cause = match mode {
            Mode::Normal | Mode::Observe => Cause::Reset,
            Mode::Disabled => Cause::Disabled,
            Mode::ForcedOpen => Cause::ForcedOpen,
        };
        if empties && mode.judges() {
            self.close(cause, now);
        } else {
            self.run_as(mode, cause, now);
        }
    }

    /// How the circuit is run: as ordered, or else as its settings say.
    pub(super) fn mode(&self) -> Mode {
        let settings = self.settings.mode;
        self.orders().map_or(settings, |orders| orders.mode(settings))
    }

    /// The same at a time when a timed order may have ended unnoticed.
    pub(super) fn mode_at(&self, now: Instant) -> Mode {
        let settings = self.settings.mode;
        let in_force = self.orders().and_then(|orders| orders.in_force(settings, now));
        in_force.map_or(settings, |order| order.mode)
    }

    /// Whether the end of the cooldown does not say until when calls are refused: it is observed, or will be.
    pub(super) fn asks_when_open(&self) -> bool {
        self.is_observing() || self.orders().is_some_and(|orders| orders.end().is_some())
    }

    /// Changes nothing if the circuit is run like that already, and between judging with and without refusals.
    pub(super) fn run_as(&mut self, mode: Mode, cause: Cause, now: Instant) {
        match (mode, &self.phase) {
            (Mode::Normal | Mode::Observe, Phase::Disabled | Phase::ForcedOpen) => {
                self.close(cause, now);
            }
            (Mode::Normal | Mode::Observe, _)
            | (Mode::Disabled, Phase::Disabled)
            | (Mode::ForcedOpen, Phase::ForcedOpen) => {}
            (Mode::Disabled, _) => {
                // The calls of a disabled circuit are not dated.
                if let Some(trouble) = &mut self.trouble {
                    trouble.last_success = None;
                }
                self.enter(Phase::Disabled, cause, now);
            }
            (Mode::ForcedOpen, _) => self.enter(Phase::ForcedOpen, cause, now),
        }
    }

    /// When the timed order ends, and the mode after it, if the circuit is in another state then.
    pub(super) fn change_of_mode(&self) -> Option<(Instant, Mode)> {
        let (until, ordered, then) = self.orders()?.change(self.settings.mode)?;
        let changes = ordered != then && !(ordered.judges() && then.judges());
        changes.then_some((until, then))
    }

    pub(super) fn end_order(&mut self, at: Instant) {
        let change = self.change_of_mode();
        if let Some(orders) = &mut self.history().orders {
            orders.retire();
        }
        if let Some((_, mode)) = change {
            self.run_as(mode, Cause::OverrideEnded, at);
        }
    }

    pub(super) fn orders(&self) -> Option<&Orders> {
        self.history.as_ref()?.orders.as_deref()
    }
}
