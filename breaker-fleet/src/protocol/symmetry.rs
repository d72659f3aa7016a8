//! States that differ in nothing that matters are made one, so that there are fewer of them.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::fleet::{Answer, Fleet, Peer, Request};
use super::{CIRCUIT, MEMBERS, NAMES};
use crate::engine::Leased;

impl Fleet {
    pub(super) fn unify(&mut self) {
        let now = self.time();
        self.peers.iter_mut().for_each(|peer| peer.member.refresh(now));
        self.renumber();
        self.rename();
    }

    /// Only the order of changes matters, not their numbers.
    fn renumber(&mut self) {
        let mut numbers = BTreeSet::from([0, u64::MAX]);
        self.each_number(|number| _ = numbers.insert(*number));
        self.each_number(|number| {
            if *number != u64::MAX {
                *number = numbers.range(..*number).count() as u64;
            }
        });
    }

    fn each_number(&mut self, mut act: impl FnMut(&mut u64)) {
        self.ledger.renumber(&mut act);
        for peer in &mut self.peers {
            peer.renumber(&mut act);
        }
    }

    /// Members are alike, so their order does not matter.
    fn rename(&mut self) {
        let mut order: Vec<_> = (0..MEMBERS).collect();
        order.sort_by_cached_key(|at| self.looks(*at));
        if order.is_sorted() {
            return;
        }
        let place = |old: usize| order.iter().position(|at| *at == old).unwrap();
        let name = |old: &str| match NAMES.iter().position(|name| *name == old) {
            Some(old) => NAMES[place(old)].to_owned(),
            None => old.to_owned(),
        };
        self.ledger.rename(name);
        for peer in &mut self.peers {
            peer.rename(name);
        }
        for request in &mut self.strays {
            match request {
                Request::Tell(word) => word.member = name(&word.member),
                Request::Beat(from) | Request::Lease(from) => *from = place(*from),
            }
        }
        self.peers = order.iter().map(|at| self.peers[*at].clone()).collect();
    }

    /// A number for a member that does not depend on names.
    fn looks(&self, at: usize) -> u64 {
        let mut peer = self.peers[at].clone();
        peer.rename(|name| (name == NAMES[at]).to_string());
        let strays = self.strays.iter().map(|request| match request {
            Request::Tell(word) => word.member == NAMES[at],
            Request::Beat(from) | Request::Lease(from) => *from == at,
        });
        let mut hasher = DefaultHasher::new();
        (peer, strays.collect::<Vec<_>>(), self.ledger.ends(CIRCUIT, NAMES[at])).hash(&mut hasher);
        hasher.finish()
    }
}

impl Peer {
    fn renumber(&mut self, mut act: impl FnMut(&mut u64)) {
        self.member.renumber(&mut act);
        if let Some((_, Answer::Report(report, told))) = &mut self.answer {
            act(&mut report.version);
            report.records.iter_mut().chain(told).for_each(|record| act(&mut record.round));
        }
    }

    fn rename(&mut self, name: impl Fn(&str) -> String) {
        self.member.rename(&name);
        let probers = match &mut self.answer {
            Some((_, Answer::Report(report, told))) => {
                let records = report.records.iter_mut().chain(told);
                records.filter_map(|record| record.prober.as_mut()).collect()
            }
            _ => Vec::new(),
        };
        for (holder, _) in probers {
            *holder = name(holder);
        }
        if let Some((_, Answer::Leased(Leased::Held(holder, _)))) = &mut self.answer {
            *holder = name(holder);
        }
    }
}
