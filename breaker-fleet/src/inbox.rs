//! What waits to be sent: one newest wish per circuit. Calls fill it, and never wait for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use breaker_runtime::{Cause, ConfigErrors, Event, EventKind, State};
use tokio::sync::{Notify, oneshot};

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

/// An order for all members, and the channel for its result.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) circuit: String,
    pub(crate) what: String,
    pub(crate) limit: Duration,
    pub(crate) by: String,
    pub(crate) sent: oneshot::Sender<Result<(), ConfigErrors>>,
}

/// Why there is no connection when the task has ended.
pub(crate) const ENDED: &str = "the fleet's task has ended";
/// The most orders that wait. More are refused.
const MOST_ORDERS: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    wishes: Mutex<BTreeMap<String, Wish>>,
    orders: Mutex<Orders>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Orders {
    waiting: Vec<Order>,
    is_closed: bool,
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

    /// Queues an order, or says why not.
    pub(crate) fn add_order(&self, order: Order) -> Result<(), &'static str> {
        let mut orders = lock(&self.orders);
        if orders.is_closed {
            return Err(ENDED);
        }
        if orders.waiting.len() >= MOST_ORDERS {
            return Err("too many orders wait");
        }
        orders.waiting.push(order);
        self.filled.notify_one();
        Ok(())
    }

    pub(crate) fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut lock(&self.orders).waiting)
    }

    /// Nobody reads it any more. Returns the orders in it.
    pub(crate) fn close(&self) -> Vec<Order> {
        lock(&self.orders).is_closed = true;
        self.take_orders()
    }

    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.orders).is_closed
    }

    fn add(&self, circuit: &str, change: impl FnOnce(&mut Wish)) {
        change(lock(&self.wishes).entry(circuit.to_owned()).or_default());
        self.filled.notify_one();
    }

    pub(crate) fn take(&self) -> BTreeMap<String, Wish> {
        std::mem::take(&mut lock(&self.wishes))
    }

    /// Waits until there is something in it.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }
}

/// Adds newer requests to requests that could not be sent.
pub(crate) fn merge(unsent: &mut BTreeMap<String, Wish>, newer: BTreeMap<String, Wish>) {
    for (circuit, new) in newer {
        let wish = unsent.entry(circuit).or_default();
        *wish = Wish { happened: new.happened.or(wish.happened), ..new };
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
