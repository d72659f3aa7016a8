//! What waits to be sent: one newest wish per circuit. Calls fill it, and never wait for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use breaker_runtime::{Cause, Event, EventKind, State};
use tokio::sync::{Notify, oneshot};

use crate::engine::EngineError;

/// What happened to a circuit that the fleet must hear of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Wish {
    pub(crate) happened: Option<Happened>,
    /// A call wants to probe.
    pub(crate) wants_probe: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Happened {
    /// It opened on its own evidence.
    Opened,
    /// Its own probes succeeded.
    Recovered,
    /// It closed or was switched in another way.
    Ended,
    /// Its settings say another policy.
    Shared,
}

/// An order for all members, and whom to tell what became of it.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) circuit: String,
    pub(crate) what: String,
    pub(crate) limit: Duration,
    pub(crate) by: String,
    pub(crate) sent: oneshot::Sender<Result<(), EngineError>>,
}

/// The most orders that wait. More are refused.
const MOST_ORDERS: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    wishes: Mutex<BTreeMap<String, Wish>>,
    orders: Mutex<Vec<Order>>,
    filled: Notify,
}

impl Inbox {
    /// Takes an event of a circuit. Calls of the guarded function run it, so it only makes a note.
    pub(crate) fn hear(&self, event: &Event) {
        match &event.kind {
            EventKind::Reconfigured(changes) if changes.iter().any(|it| it.option == "fleet") => {
                self.add(&event.name, |wish| wish.happened = Some(Happened::Shared));
            }
            EventKind::ProbeWanted => self.add(&event.name, |wish| wish.wants_probe = true),
            EventKind::Transition(transition) => {
                if let Some(happened) = happened(transition.to, &transition.cause) {
                    self.add(&event.name, |wish| {
                        (wish.happened, wish.wants_probe) = (Some(happened), false);
                    });
                }
            }
            _ => {}
        }
    }

    /// Queues an order. Returns whether there was room for it.
    pub(crate) fn add_order(&self, order: Order) -> bool {
        let mut orders = lock(&self.orders);
        let has_room = orders.len() < MOST_ORDERS;
        if has_room {
            orders.push(order);
            self.filled.notify_one();
        }
        has_room
    }

    pub(crate) fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut lock(&self.orders))
    }

    fn add(&self, circuit: &str, change: impl FnOnce(&mut Wish)) {
        change(lock(&self.wishes).entry(circuit.to_owned()).or_default());
        self.filled.notify_one();
    }

    pub(crate) fn take(&self) -> BTreeMap<String, Wish> {
        std::mem::take(&mut lock(&self.wishes))
    }

    /// Puts back what could not be sent, unless something newer is there.
    pub(crate) fn put_back(&self, unsent: BTreeMap<String, Wish>) {
        let mut wishes = lock(&self.wishes);
        for (circuit, old) in unsent {
            let wish = wishes.entry(circuit).or_default();
            wish.happened = wish.happened.or(old.happened);
        }
    }

    /// Waits until there is something in it.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a transition means to the fleet. What the fleet itself caused means nothing, so no vote causes another.
fn happened(to: State, cause: &Cause) -> Option<Happened> {
    match (to, cause) {
        (State::Open, Cause::Tripped(reason) | Cause::Restored(reason)) => {
            reason.kind.is_evidence().then_some(Happened::Opened)
        }
        (State::Open | State::HalfOpen, _)
        | (_, Cause::RecoveredElsewhere | Cause::RecoveryOver) => None,
        (State::Closed | State::Recovering, Cause::Recovered(_)) => Some(Happened::Recovered),
        _ => Some(Happened::Ended),
    }
}
