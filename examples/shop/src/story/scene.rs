//! What has happened since a step began.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breaker_runtime::{
    Cause, Event, EventKind, Snapshot, State, Subscription, Transition, registry,
};
use tokio::time::Instant;

use super::Step;
use crate::customers::Tally;
use crate::world::World;

/// What has happened since a step began.
#[derive(Clone, Debug)]
pub struct Scene {
    /// To the customers.
    pub tally: Tally,
    /// The circuits that are not closed, by name.
    pub open: Vec<String>,
    /// The circuit of the step, as it is now. `None` until it was first used.
    pub circuit: Option<Snapshot>,
    /// The calls that it refused.
    pub refused: u64,
    /// The requests that its dependency got.
    pub asked: u64,
    /// Its changes of state, and when they were.
    pub changes: Vec<(Duration, Transition)>,
}

impl Scene {
    /// When and why the circuit first got into that state.
    #[must_use]
    pub fn first(&self, state: State) -> Option<(Duration, Cause)> {
        let found = self.changes.iter().find(|(_, transition)| transition.to == state);
        found.map(|(when, transition)| (*when, transition.cause))
    }
}

/// Watches a step from its beginning on.
#[derive(Debug)]
pub(super) struct Watcher {
    circuit: &'static str,
    refused: u64,
    asked: u64,
    changes: Arc<Mutex<Vec<(Duration, Transition)>>>,
    _listening: Subscription,
}

impl Watcher {
    /// Call it before the cause.
    pub(super) fn of(step: &Step, world: &World) -> Self {
        let circuit = step.circuit;
        let began = Instant::now();
        let changes = Arc::<Mutex<Vec<_>>>::default();
        let heard = Arc::clone(&changes);
        let listening = registry().subscribe_to_changes(move |event| {
            let Event { name, kind: EventKind::Transition(transition), .. } = event else { return };
            if *name == *circuit {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push((began.elapsed(), *transition));
            }
        });
        Self {
            circuit,
            refused: refused(registry().snapshot_of(circuit).as_ref()),
            asked: (step.asked)(world),
            changes,
            _listening: listening,
        }
    }

    pub(super) fn scene(&self, step: &Step, world: &World, tally: Tally) -> Scene {
        let circuits = registry().snapshot().circuits;
        let open = circuits.iter().filter(|circuit| circuit.state != State::Closed);
        let mut open: Vec<_> = open.map(|circuit| circuit.name.clone()).collect();
        open.sort_unstable();
        let circuit = circuits.into_iter().find(|circuit| circuit.name == self.circuit);
        Scene {
            tally,
            open,
            refused: refused(circuit.as_ref()).saturating_sub(self.refused),
            asked: (step.asked)(world).saturating_sub(self.asked),
            circuit,
            changes: self.changes.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

fn refused(circuit: Option<&Snapshot>) -> u64 {
    circuit.map_or(0, |circuit| circuit.rejected.total())
}
