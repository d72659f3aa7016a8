//! Events from the threads that caused them, until the next poll.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use breaker_runtime::Event;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The maximum number of events of one circuit that wait for a poll. Older ones are folded into the next: they are
/// counted, and the newest say what is true now.
const MOST_OF_ONE: usize = 50;
/// The maximum number of circuits with events that wait. Those of others are only counted.
const MOST_CIRCUITS: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct News {
    waiting: Mutex<Waiting>,
    pub(super) came: Notify,
}

/// All events since the last poll.
#[derive(Debug, Default)]
struct Waiting {
    /// The number of events so far, which orders those of different circuits.
    count: u64,
    by_name: HashMap<String, OfOne>,
    missed: u64,
}

#[derive(Debug, Default)]
struct OfOne {
    events: VecDeque<(u64, Instant, Event)>,
    folded: u64,
}

/// An event, and the number of older events of the same circuit that were folded into it.
#[derive(Debug)]
pub(super) struct Heard {
    number: u64,
    pub(super) at: Instant,
    pub(super) event: Event,
    pub(super) folded: u64,
}

impl News {
    pub(super) fn hear(&self, event: &Event) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.add(Instant::now(), event);
        drop(waiting);
        self.came.notify_one();
    }

    /// The events since the last time, oldest first, and the number of those that are of too many circuits.
    pub(super) fn take(&self) -> (Vec<Heard>, u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Waiting { by_name, missed, .. } = std::mem::take(&mut *waiting);
        drop(waiting);
        let mut all: Vec<_> = by_name.into_values().flat_map(OfOne::into_heard).collect();
        all.sort_unstable_by_key(|heard| heard.number);
        (all, missed)
    }
}

impl Waiting {
    fn add(&mut self, at: Instant, event: &Event) {
        if !self.by_name.contains_key(&event.name) {
            if self.by_name.len() == MOST_CIRCUITS {
                self.missed += 1;
                return;
            }
            self.by_name.insert(event.name.clone(), OfOne::default());
        }
        let Some(of_one) = self.by_name.get_mut(&event.name) else { return };
        if of_one.events.len() == MOST_OF_ONE {
            of_one.events.pop_front();
            of_one.folded += 1;
        }
        of_one.events.push_back((self.count, at, event.clone()));
        self.count += 1;
    }
}

impl OfOne {
    fn into_heard(self) -> impl Iterator<Item = Heard> {
        let Self { events, mut folded } = self;
        events.into_iter().map(move |(number, at, event)| {
            let folded = std::mem::take(&mut folded);
            Heard { number, at, event, folded }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use breaker_runtime::{Config, Registry};

    use super::*;

    #[test]
    fn a_circuit_that_flaps_takes_no_room_of_others_and_every_event_is_counted() {
        let (own, news) = (Registry::new(), Arc::new(News::default()));
        let heard = Arc::clone(&news);
        let _listening = own.subscribe_to_changes(move |event| heard.hear(event));
        let of = |name: &str| own.circuit(name, Config::new()).unwrap();
        of("quiet").trip();
        for _ in 0..5_000 {
            of("flapping").trip();
            of("flapping").reset();
        }
        (0..2_000).for_each(|number| of(&format!("many-{number}")).trip());
        let (all, missed) = news.take();
        assert_eq!((all.len(), missed), (1 + MOST_OF_ONE + 2_000, 0));
        assert_eq!((all[0].event.name.as_str(), all[0].folded), ("quiet", 0));
        assert_eq!(
            (all[1].event.name.as_str(), all[1].folded),
            ("flapping", 10_000 - MOST_OF_ONE as u64)
        );
        assert!(all[2..].iter().all(|heard| heard.folded == 0));
        assert_eq!(all[MOST_OF_ONE].event.sequence, 10_000, "the newest is the last");
        assert!(news.take().0.is_empty());
    }

    #[test]
    fn the_memory_of_what_waits_is_bounded() {
        let (own, mut waiting) = (Registry::new(), Waiting::default());
        let (told, heard) = std::sync::mpsc::channel();
        let _listening = own.subscribe_to_changes(move |event| {
            let _ = told.send(event.clone());
        });
        own.circuit("x", Config::new()).unwrap().trip();
        let mut event = heard.recv().unwrap();
        for number in 0..MOST_CIRCUITS + 9 {
            event.name = number.to_string();
            waiting.add(Instant::now(), &event);
        }
        assert_eq!((waiting.by_name.len(), waiting.missed), (MOST_CIRCUITS, 9));
    }
}
