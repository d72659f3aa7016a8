//! A model of the whole protocol, checked in every order of events. Members and ledger are the real ones. Only their
//! circuits are plain values, so that states can be copied and compared.
//!
//! Requests and answers are lost, come twice and come late. Members are suspended, cut off and killed. The engine
//! starts again without its memory. [`Bounds`] says how much of that one check has. `BREAKER_PROTOCOL=full` checks
//! larger ones.
//!
//! "In the end, all circuits close" is no `eventually` of the checker: that one overlooks runs that meet or go round in
//! a circle. Instead, the model goes on from *every* state with a run in which nothing goes wrong any more, and all
//! circuits must close in time.

mod circuit;
mod fleet;
mod rules;
mod symmetry;

use std::time::{Duration, Instant};

use breaker_runtime::{State, TripKind};
use stateright::{Checker, Model, Property};

use self::circuit::COOLDOWN;
use self::fleet::{Ending, Event, Fate, Fleet, Peer};
use self::rules::Rule;
use crate::engine::Stand;
use crate::home::Circuits;
use crate::inbox::Wish;
use crate::member::BEAT;

const CIRCUIT: &str = "payments";
const MEMBERS: usize = 3;
const NAMES: [&str; MEMBERS] = ["a", "b", "c"];

/// A tick is as long as the time between two beats.
fn time_of(ticks: u64) -> Duration {
    Duration::from_secs(ticks * BEAT.as_secs())
}

fn ticks_of(time: Duration) -> u64 {
    time.as_secs() / BEAT.as_secs()
}

/// How much happens in a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Bounds {
    /// The time that passes.
    ticks: u64,
    /// The calls and probes that fail.
    failures: u8,
    /// The calls after which a member knows that the dependency works.
    well: u8,
    /// The probes that end without a verdict.
    cancels: u8,
    /// The requests and answers that are lost, doubled or late.
    faults: u8,
    crashes: u8,
    restarts: u8,
    resets: u8,
    /// The fleet is open from the start, and a probe is due.
    is_open: bool,
}

impl Model for Bounds {
    type State = Fleet;
    type Action = Event;

    fn init_states(&self) -> Vec<Fleet> {
        vec![Fleet::new(*self)]
    }

    fn actions(&self, fleet: &Fleet, events: &mut Vec<Event>) {
        if fleet.broken.is_some() {
            return;
        }
        // Members beat once in a tick, and send what happened at once, unless they cannot.
        if fleet.now < fleet.left.ticks && fleet.peers.iter().all(Peer::is_idle) {
            events.push(Event::Tick);
        }
        for at in fleet.living() {
            if fleet.left.crashes > 0 {
                events.push(Event::Crash(at));
            }
            if fleet.peers[at].is_suspended() {
                events.push(Event::Resume(at));
            } else {
                calls(fleet, at, events);
                requests(fleet, at, events);
            }
        }
        events.extend((0..fleet.strays.len()).map(Event::Arrive));
        if fleet.left.restarts > 0 {
            events.push(Event::Restart);
        }
    }

    fn next_state(&self, fleet: &Fleet, event: Event) -> Option<Fleet> {
        let mut next = fleet.clone();
        next.happens(event);
        next.unify();
        (next != *fleet).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = vec![
            Property::always("F2: votes are evidence", |_, it: &Fleet| it.keeps(Rule::F2)),
            Property::always("F3: only a quorum opens", |_, it: &Fleet| it.keeps(Rule::F3)),
            Property::always("F4: no longer than votes", |_, it: &Fleet| it.keeps(Rule::F4)),
            Property::always("F5: leases and verdicts", |_, it: &Fleet| it.keeps(Rule::F5)),
            Property::always("F5: one prober per lease", |_, it: &Fleet| it.has_one_prober()),
            Property::always("F6: everything expires", |_, it: &Fleet| it.keeps(Rule::F6)),
            Property::always("F6: all circuits close", |_, it: &Fleet| it.recovers()),
            Property::always("F6: also in silence", |_, it: &Fleet| it.recovers_in_silence()),
            Property::always("F7: all agree", |_, it: &Fleet| it.clone().polled().agrees()),
            Property::always("F7: newcomers follow", |_, it: &Fleet| it.newcomer_follows()),
            Property::always("F8: alone without the engine", |_, it: &Fleet| it.keeps(Rule::F8)),
        ];
        all.extend(self.examples());
        all
    }
}

impl Bounds {
    /// What must happen in some run, so that the rules above are about something.
    fn examples(&self) -> Vec<Property<Self>> {
        let mut all = vec![Property::sometimes("the fleet opens", |_, it: &Fleet| {
            it.is_open_by(TripKind::Fleet)
        })];
        if self.is_open || self.ticks >= COOLDOWN {
            all.push(Property::sometimes("one probes for all", |_, it: &Fleet| {
                it.probers().count() == 1
            }));
            all.push(Property::sometimes("its verdict closes", |_, it: &Fleet| {
                it.truth().is_some_and(|record| record.stand == Stand::Recovered)
            }));
        }
        if self.is_open && self.failures > 0 || self.failures > 2 {
            all.push(Property::sometimes("its verdict opens again", |_, it: &Fleet| {
                it.truth().is_some_and(|it| it.stand == Stand::Open)
                    && it.is_open_by(TripKind::FailedProbes)
            }));
        }
        if self.well > 0 {
            all.push(Property::sometimes("a member knows better", |_, it: &Fleet| {
                it.peers.iter().any(|peer| peer.member.home.has_vetoed())
            }));
        }
        all
    }
}

/// What happens to the circuit of a member.
fn calls(fleet: &Fleet, at: usize, events: &mut Vec<Event>) {
    let (circuit, left) = (&fleet.peers[at].member.home, &fleet.left);
    match circuit.state(CIRCUIT) {
        Some(State::Closed) => {
            if left.failures > 0 {
                events.push(Event::Call(at, Ending::Bad));
            }
            if left.well > 0 && !circuit.is_well() {
                events.push(Event::Call(at, Ending::Good));
            }
        }
        Some(State::HalfOpen) if circuit.has_probe() => {
            events.push(Event::Settle(at, Ending::Good));
            if left.failures > 0 {
                events.push(Event::Settle(at, Ending::Bad));
            }
            if left.cancels > 0 {
                events.push(Event::Settle(at, Ending::None));
            }
        }
        _ => events.push(Event::Call(at, Ending::None)),
    }
    if left.resets > 0 && !circuit.is_closed() {
        events.push(Event::Reset(at));
    }
}

/// What a member says and asks.
fn requests(fleet: &Fleet, at: usize, events: &mut Vec<Event>) {
    let peer = &fleet.peers[at];
    if peer.is_cut {
        events.push(Event::Mend(at));
        return;
    }
    let fates = if fleet.left.faults > 0 { &Fate::ALL[..] } else { &[Fate::Arrives] };
    if peer.is_connected {
        match peer.member.home.wish {
            Wish { happened: Some(_), .. } => {
                events.extend(fates.iter().map(|fate| Event::Tell(at, *fate)));
            }
            Wish { wants_probe: true, .. } => {
                events.extend(fates.iter().map(|fate| Event::Ask(at, *fate)));
            }
            Wish { .. } => {}
        }
    }
    events.extend(fates.iter().map(|fate| Event::Beat(at, *fate)));
    if fleet.left.faults > 0 {
        events.push(Event::Cut(at));
    }
}

const NOTHING: Bounds = Bounds {
    ticks: 0,
    failures: 0,
    well: 0,
    cancels: 0,
    faults: 0,
    crashes: 0,
    restarts: 0,
    resets: 0,
    is_open: false,
};

/// Two members may find the dependency sick.
const SICK: Bounds = Bounds { failures: 2, ..NOTHING };
/// A probe is due.
const DUE: Bounds = Bounds { is_open: true, ..NOTHING };

const SMALL: [Bounds; 4] = [
    Bounds { ticks: 1, faults: 1, ..SICK },
    Bounds { ticks: 1, well: 1, ..SICK },
    Bounds { failures: 1, ..DUE },
    Bounds { crashes: 1, ..DUE },
];

/// Minutes long.
const FULL: [Bounds; 11] = [
    Bounds { ticks: 3, well: 1, ..SICK },
    Bounds { ticks: 3, crashes: 1, ..SICK },
    Bounds { ticks: 2, restarts: 1, ..SICK },
    Bounds { ticks: 2, resets: 1, ..SICK },
    Bounds { ticks: 1, faults: 2, ..SICK },
    Bounds { ticks: 1, faults: 1, restarts: 1, ..SICK },
    Bounds { ticks: 1, faults: 1, ..DUE },
    Bounds { ticks: 2, cancels: 1, ..DUE },
    Bounds { ticks: 1, failures: 1, crashes: 1, ..DUE },
    Bounds { failures: 1, faults: 1, ..DUE },
    Bounds { faults: 1, crashes: 1, ..DUE },
];

#[test]
fn f06_the_protocol_keeps_its_rules_in_every_order_of_events() {
    let is_full = std::env::var("BREAKER_PROTOCOL").is_ok_and(|it| it == "full");
    for bounds in SMALL.iter().chain(if is_full { &FULL[..] } else { &[] }) {
        let began = Instant::now();
        let checker = bounds.checker().threads(2).spawn_bfs().join();
        let (states, depth) = (checker.unique_state_count(), checker.max_depth());
        println!("{states} states, {depth} deep, in {:.1?}: {bounds:?}", began.elapsed());
        checker.assert_properties();
    }
}
