//! The circuits of a member, as far as the fleet needs them.

use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::{Advice, Advised, Lease, Override, Policy, Registry, State, TripKind};

use crate::member::GONE;

/// The circuits of a member. A trait, so that the protocol can be checked with circuits that are plain values.
pub(crate) trait Circuits {
    /// The names of all circuits.
    fn names(&self) -> Vec<String>;

    /// The state of a circuit, if there is one of that name. Costs less than [`read`](Circuits::read).
    fn state(&self, circuit: &str) -> Option<State>;

    /// What a circuit shows.
    fn read(&self, circuit: &str) -> Option<Reading>;

    /// A number that differs between settings.
    fn fingerprint(&self, circuit: &str) -> u64;

    /// Gives advice to a circuit. `None` if there is none of that name.
    fn advise(&mut self, circuit: &str, advice: Advice) -> Option<Advised>;

    /// Overrides the settings of a circuit. Returns false if there is none of that name.
    fn order(
        &mut self,
        circuit: &str,
        what: Option<Override<'_>>,
        limit: Duration,
        by: &str,
    ) -> bool;
}

/// What a circuit shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) state: State,
    /// What opened it.
    pub(crate) tripped: Option<TripKind>,
    /// What is left of its own evidence, if that opened it.
    pub(crate) evidence: Option<Duration>,
    pub(crate) reopenings: u32,
    pub(crate) cooldown_max: Duration,
    pub(crate) probe_timeout: Duration,
    /// The calls that have started.
    pub(crate) started: u64,
    pub(crate) probes_in_flight: u64,
    pub(crate) lease: Option<Lease>,
    /// The policy that its settings state.
    pub(crate) policy: Option<Policy>,
}

/// The registry of a member.
#[derive(Clone, Debug)]
pub(crate) enum Home {
    Default,
    Own(Arc<Registry>),
}

impl Home {
    pub(crate) fn registry(&self) -> &Registry {
        match self {
            Self::Default => breaker_runtime::registry(),
            Self::Own(registry) => registry,
        }
    }
}

impl Circuits for Home {
    fn names(&self) -> Vec<String> {
        self.registry().names()
    }

    fn state(&self, circuit: &str) -> Option<State> {
        Some(self.registry().get(circuit)?.state())
    }

    fn read(&self, circuit: &str) -> Option<Reading> {
        let snapshot = self.registry().snapshot_of(circuit)?;
        let settings = snapshot.config.settings();
        let is_open = snapshot.state == State::Open;
        let open = is_open.then(|| self.registry().get(circuit)).flatten();
        Some(Reading {
            state: snapshot.state,
            tripped: snapshot.trip_reason.map(|reason| reason.kind),
            evidence: open.and_then(|circuit| circuit.evidence_left()),
            reopenings: snapshot.reopenings,
            cooldown_max: settings.cooldown_max,
            probe_timeout: settings.probe_timeout,
            started: snapshot.calls.started,
            probes_in_flight: snapshot.probes.in_flight,
            lease: snapshot.lease,
            policy: snapshot.config.stated_fleet(),
        })
    }

    /// The same in every process, unlike the hashes of the standard library (FNV-1a, 64 bits).
    fn fingerprint(&self, circuit: &str) -> u64 {
        let Some(snapshot) = self.registry().snapshot_of(circuit) else { return 0 };
        let text = format!("{:?}", snapshot.config.settings());
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }

    fn advise(&mut self, circuit: &str, advice: Advice) -> Option<Advised> {
        Some(self.registry().get(circuit)?.advise(advice, GONE))
    }

    fn order(
        &mut self,
        circuit: &str,
        what: Option<Override<'_>>,
        limit: Duration,
        by: &str,
    ) -> bool {
        let Some(circuit) = self.registry().get(circuit) else { return false };
        if let Some(what) = what {
            // One that is wrong here was right for the member that gave it. It was checked there.
            let _ = circuit.override_for(what, Some(limit), by);
        }
        true
    }
}
