//! What subscribers are told in the middle of a storm (R21): everything, once, in order, and consistent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use breaker_runtime::{
    CircuitBreaker, Config, Event, EventKind, RejectedReason, State, Subscription, Transition,
    registry,
};

use crate::alone;
use crate::load::{Lots, drill, scaled, seed};

const CIRCUITS: usize = 4;
const NAMES: [&str; CIRCUITS] =
    ["storms.told.0", "storms.told.1", "storms.told.2", "storms.told.3"];
const THREADS: u64 = 64;
/// What one thread does in one round. No act leads to more than three events of one circuit, so that in a
/// round fewer come than may wait for listeners.
const ACTS: u64 = 5;

/// What a subscriber was told of one circuit.
#[derive(Clone, Debug, Default)]
struct Story {
    last: Option<u64>,
    events: u64,
    state: Option<State>,
    changes: u64,
    refusals: u64,
    full: u64,
    late: u64,
}

impl Story {
    /// Goes on with the next event, if it follows on what was told before.
    fn go_on(&mut self, event: &Event) -> Result<(), String> {
        if self.last.is_some_and(|last| event.sequence != last + 1) {
            return Err(format!("after {:?} came {event:?}", self.last));
        }
        self.last = Some(event.sequence);
        self.events += 1;
        match &event.kind {
            EventKind::Transition(transition) => self.change(*transition, event)?,
            EventKind::Rejected { reason, .. } => {
                let is_full = *reason == RejectedReason::BulkheadFull;
                if self.state == Some(State::Closed) && !is_full {
                    return Err(format!("a closed circuit refused: {event:?}"));
                }
                self.refusals += 1;
                self.full += u64::from(is_full);
            }
            EventKind::Late { .. } => self.late += 1,
            kind => return Err(format!("nobody expects {kind:?}")),
        }
        Ok(())
    }

    fn change(
        &mut self,
        Transition { from, to, .. }: Transition,
        event: &Event,
    ) -> Result<(), String> {
        if self.state.is_some_and(|state| state != from) {
            return Err(format!("in {:?} came {event:?}", self.state));
        }
        self.state = Some(to);
        self.changes += u64::from(from != to);
        Ok(())
    }
}

/// A subscriber that follows all circuits, and notes what does not fit.
#[derive(Debug, Default)]
struct Witness {
    stories: [Mutex<Story>; CIRCUITS],
    wrong: Mutex<Vec<String>>,
}

impl Witness {
    fn subscribe() -> (Subscription, Arc<Self>) {
        let witness = Arc::new(Self::default());
        let listening = Arc::clone(&witness);
        let subscription = registry().subscribe(move |event| listening.hear(event));
        (subscription, witness)
    }

    fn hear(&self, event: &Event) {
        let Some(circuit) = NAMES.iter().position(|name| *name == event.name) else { return };
        let told = match self.stories[circuit].try_lock() {
            Ok(mut story) => story.go_on(event),
            Err(_) => Err(format!("two events of one circuit at once: {event:?}")),
        };
        if let Err(wrong) = told {
            self.wrong.lock().unwrap().push(wrong);
        }
    }

    fn stories(&self) -> [Story; CIRCUITS] {
        std::array::from_fn(|circuit| self.stories[circuit].lock().unwrap().clone())
    }

    fn assert_nothing_wrong(&self) {
        let wrong = self.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{} wrong, the first: {}", wrong.len(), wrong[0]);
    }
}

fn act(circuit: &CircuitBreaker, lots: &mut Lots) {
    match lots.draw(16) {
        0 => circuit.trip(),
        1 => circuit.reset(),
        2 => circuit.force_open(),
        3 => circuit.disable(),
        4..7 if circuit.state() == State::ForcedOpen => circuit.reset(),
        lot => {
            let Ok(permit) = circuit.try_acquire() else { return };
            if lots.one_in(4) {
                thread::yield_now();
            }
            match lot {
                4..9 => permit.success(),
                9..14 => permit.failure(),
                14 => permit.ignore(),
                _ => drop(permit),
            }
        }
    }
}

#[test]
fn r21_a_storm_is_told_without_a_gap_in_order_and_each_event_once() {
    let _alone = alone();
    let seed = seed();
    let (_subscription, witness) = Witness::subscribe();
    let config = Config::new()
        .failure_threshold(2)
        .success_threshold(2)
        .cooldown(Duration::from_nanos(1))
        .probe_timeout(Duration::from_secs(3_600));
    let configs = [config, config, config.max_concurrent(2), config.max_concurrent(1)];
    let circuits: [_; CIRCUITS] = std::array::from_fn(|circuit| {
        registry().get_or_create(NAMES[circuit], configs[circuit]).unwrap()
    });
    let passers_by = Mutex::new(Vec::new());
    drill(
        THREADS,
        scaled(150),
        |thread, round| {
            let mut lots = Lots::new(seed, round * THREADS + thread);
            // Some only listen for a while.
            let passing = lots.one_in(THREADS / 2).then(Witness::subscribe);
            for _ in 0..ACTS {
                let circuit = usize::try_from(lots.draw(CIRCUITS as u64)).unwrap();
                act(&circuits[circuit], &mut lots);
            }
            if let Some((subscription, passer_by)) = passing {
                drop(subscription);
                let heard = passer_by.stories();
                passers_by.lock().unwrap().push((passer_by, heard));
            }
        },
        |_| {},
        |_| {
            witness.assert_nothing_wrong();
            for (circuit, story) in circuits.iter().zip(witness.stories()) {
                let snapshot = circuit.snapshot();
                assert_eq!(story.changes, snapshot.transitions, "{story:?}");
                assert_eq!(story.refusals, snapshot.rejected.total(), "{story:?}");
                assert_eq!(story.full, snapshot.rejected.bulkhead_full, "{story:?}");
                assert_eq!(story.late, snapshot.calls.late, "{story:?}");
                assert_eq!(story.state.unwrap_or(State::Closed), snapshot.state);
                assert!(snapshot.in_flight == 0 && snapshot.probes.in_flight == 0);
            }
            for (passer_by, heard) in passers_by.lock().unwrap().drain(..) {
                passer_by.assert_nothing_wrong();
                let later = passer_by.stories();
                let lasts = |stories: &[Story; CIRCUITS]| stories.clone().map(|story| story.last);
                assert_eq!(lasts(&heard), lasts(&later), "told after the subscription was gone");
            }
        },
    );
    let told: BTreeMap<_, _> = NAMES.into_iter().zip(witness.stories()).collect();
    for (name, story) in told {
        println!("{name}: {story:?}");
        assert!(story.changes > 0 && story.refusals > 0 && story.late > 0, "too quiet: {story:?}");
        assert_eq!(story.last, Some(story.events), "they are numbered from 1 on");
    }
}
