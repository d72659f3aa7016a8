//! A member that lies: absurd durations, rules of its own, verdicts without a lease.

use std::time::Duration;

use super::net::{CIRCUIT, Net, Verb};
use crate::engine::{What, Word};
use crate::policy::Rule;

#[derive(Debug, Default)]
pub(super) struct Liar;

impl Liar {
    #[expect(clippy::unused_self, reason = "it is one of the members")]
    pub(super) fn act(&mut self, net: &mut Net) {
        let lasts =
            *net.rng.choice(&[Duration::MAX, Duration::ZERO, Duration::from_secs(3600)]).unwrap();
        let at_least = *net.rng.choice(&[0, 1, u32::MAX]).unwrap();
        let verb = match net.rng.u8(..16) {
            0 => Verb::Beat { life: 0, version: u64::MAX },
            1 => {
                let rule = Rule { at_least, per_mille: 0 };
                let (reopenings, settings) = (net.rng.u32(..), net.rng.u64(..));
                tell(What::Vote { lasts, reopenings, settings, rule })
            }
            2 => tell(What::Recovered),
            3 => tell(What::Withdraw),
            4 => Verb::Lease(lasts),
            _ => return,
        };
        let _ = net.send("liar", &verb);
    }
}

fn tell(what: What) -> Verb {
    Verb::Tell(vec![Word { member: "liar".into(), circuit: CIRCUIT.into(), what }])
}
