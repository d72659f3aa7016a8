//! Events during a storm (R21): all of them, once, in order, and consistent.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hint::spin_loop;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use breaker_runtime::{
    CircuitBreaker, Config, Event, EventKind, Permit, RejectedReason, State, Subscription,
    Transition, registry,
};

use crate::alone;
use crate::load::{Lots, drill, scaled, seed};

const CIRCUITS: usize = 4;
const NAMES: [&str; CIRCUITS + 2] =
    ["storms.told.0", "storms.told.1", "storms.told.2", "storms.told.3", REFUSING, CHANGING];
const REFUSING: &str = "storms.told.refusing";
const CHANGING: &str = "storms.told.changing";
const THREADS: u64 = 64;
/// What one thread does in one round.
const ACTS: u64 = 5;

/// The events of one circuit that a subscriber got.
#[derive(Clone, Debug, Default)]
struct Story {
    last: Option<u64>,
    /// How many events were delivered, and how many were only counted.
    events: u64,
    missed: u64,
    state: Option<State>,
    changes: u64,
    refusals: u64,
    full: u64,
    late: u64,
}

impl Story {
    /// Continues with the next event, if it follows on the previous one.
    fn go_on(&mut self, event: &Event) -> Result<(), String> {
        if self.last.is_some_and(|last| event.sequence != last + event.missed + 1) {
            return Err(format!("after {:?} came {event:?}", self.last));
        }
        self.last = Some(event.sequence);
        self.events += 1;
        self.missed += event.missed;
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
    stories: [Mutex<Story>; NAMES.len()],
    wrong: Mutex<Vec<String>>,
}

impl Witness {
    fn subscribe() -> (Subscription, Arc<Self>) {
        let witness = Arc::new(Self::default());
        let listening = Arc::clone(&witness);
        let subscription = registry().subscribe(move |event| listening.hear(event));
        (subscription, witness)
    }

    fn subscribe_to_changes() -> (Subscription, Arc<Self>) {
        let witness = Arc::new(Self::default());
        let listening = Arc::clone(&witness);
        let subscription = registry().subscribe_to_changes(move |event| listening.hear(event));
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

    fn stories(&self) -> [Story; NAMES.len()] {
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
fn r21_a_storm_is_told_in_order_and_each_event_once_or_counted() {
    let _alone = alone();
    let seed = seed();
    let (_subscription, witness) = Witness::subscribe();
    let (_changes, witness_of_changes) = Witness::subscribe_to_changes();
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
            witness_of_changes.assert_nothing_wrong();
            let stories = witness.stories().into_iter().zip(witness_of_changes.stories());
            for (circuit, (story, changes)) in circuits.iter().zip(stories) {
                let snapshot = circuit.snapshot();
                assert_eq!(story.changes, snapshot.transitions, "{story:?}");
                assert_eq!(changes.changes, snapshot.transitions, "{changes:?}");
                assert_eq!((changes.missed, changes.refusals, changes.late), (0, 0, 0));
                let of_calls = snapshot.rejected.total() + snapshot.calls.late;
                assert_eq!(story.refusals + story.late + story.missed, of_calls, "{story:?}");
                assert!(story.full <= snapshot.rejected.bulkhead_full, "{story:?}");
                assert!(story.late <= snapshot.calls.late, "{story:?}");
                assert_eq!(story.state.unwrap_or(State::Closed), snapshot.state);
                assert!(snapshot.in_flight == 0 && snapshot.probes.in_flight == 0);
            }
            for (passer_by, heard) in passers_by.lock().unwrap().drain(..) {
                passer_by.assert_nothing_wrong();
                let later = passer_by.stories();
                let lasts =
                    |stories: &[Story; NAMES.len()]| stories.clone().map(|story| story.last);
                assert_eq!(lasts(&heard), lasts(&later), "told after the subscription was gone");
            }
        },
    );
    let told: BTreeMap<_, _> = NAMES.into_iter().zip(witness.stories()).take(CIRCUITS).collect();
    for (name, story) in told {
        println!("{name}: {story:?}");
        assert!(story.changes > 0 && story.refusals > 0 && story.late > 0, "too quiet: {story:?}");
        let all = story.events + story.missed;
        assert_eq!(story.last, Some(all), "they are numbered from 1 on");
    }
}

thread_local! {
    /// The events that the thread delivered in its present call.
    static TOLD: Cell<u64> = const { Cell::new(0) };
}

/// Three threads that are refused as fast as they can by a circuit with a slow listener. Some of the calls go along
/// with what `between` does. Returns the most events that one call delivered.
fn refuse(circuit: &CircuitBreaker, between: impl Fn(usize, u64) + Sync) -> u64 {
    let name = circuit.name().to_owned();
    let _slow = registry().subscribe(move |event| {
        if event.name == name {
            TOLD.set(TOLD.get() + 1);
            let began = Instant::now();
            while began.elapsed() < Duration::from_micros(20) {
                spin_loop();
            }
        }
    });
    let between = &between;
    thread::scope(|scope| {
        let callers = [0, 1, 2].map(|caller| {
            scope.spawn(move || {
                let told = (0..scaled(3_000)).map(|call| {
                    between(caller, call);
                    TOLD.set(0);
                    let _ = circuit.try_acquire().map(Permit::ignore);
                    TOLD.get()
                });
                told.max().unwrap_or_default()
            })
        });
        callers.map(|caller| caller.join().unwrap()).into_iter().max().unwrap_or_default()
    })
}

#[test]
fn r35_in_a_storm_of_refusals_no_call_tells_more_than_a_few_events() {
    let _alone = alone();
    let (_subscription, witness) = Witness::subscribe();
    let refused: [fn(&CircuitBreaker); 2] = [CircuitBreaker::trip, CircuitBreaker::force_open];
    for refuse_all in refused {
        let circuit = registry().get_or_create(REFUSING, Config::new()).unwrap();
        refuse_all(&circuit);
        let most = refuse(&circuit, |_, _| {});
        // What the others posted before it began, its own, and one for each further round.
        assert!(most <= 2 + 1 + 7, "one call told {most} events");
        circuit.reset();
        println!("{:?}; the most that one call told: {most}", witness.stories()[CIRCUITS]);
    }
    witness.assert_nothing_wrong();
}

#[test]
fn r35_in_a_storm_of_refusals_each_change_is_told_and_each_call_told_or_counted() {
    let _alone = alone();
    let circuit = registry().get_or_create(CHANGING, Config::new()).unwrap();
    circuit.force_open();
    let before = circuit.snapshot();
    let (_changes, witness_of_changes) = Witness::subscribe_to_changes();
    let (_subscription, witness) = Witness::subscribe();
    let controls = [CircuitBreaker::reset, CircuitBreaker::trip, CircuitBreaker::force_open];
    refuse(&circuit, |caller, call| {
        if caller == 0 && call % 50 == 0 {
            controls[usize::try_from(call / 50 % 3).unwrap()](&circuit);
        }
    });
    witness.assert_nothing_wrong();
    witness_of_changes.assert_nothing_wrong();
    let (story, changes) =
        (&witness.stories()[CIRCUITS + 1], &witness_of_changes.stories()[CIRCUITS + 1]);
    println!("{story:?}\n{changes:?}");
    let snapshot = circuit.snapshot();
    let made = snapshot.transitions - before.transitions;
    assert_eq!((made, story.changes, changes.changes), (scaled(3_000) / 50, made, made));
    assert_eq!((changes.state, changes.missed), (Some(snapshot.state), 0));
    let rejected = snapshot.rejected.total() - before.rejected.total();
    let late = snapshot.calls.late - before.calls.late;
    let left = rejected + late - story.refusals - story.late - story.missed;
    assert_eq!(left, 0, "nothing is left behind when the last call has returned");
}
