//! What the model checker and the simulation found in the ledger, one by one.

use super::*;

const SECOND: u64 = 1000;

fn ledger(members: usize) -> Ledger {
    let mut ledger = Ledger::new(1);
    (0..members).for_each(|at| beat(&mut ledger, at, 0));
    ledger
}

fn beat(ledger: &mut Ledger, member: usize, now: u64) {
    let alive_for = Duration::from_secs(15);
    ledger.beat(Beat { member: &member.to_string(), alive_for, life: 0, version: 0 }, now);
}

fn vote(ledger: &mut Ledger, member: usize, rule: Rule, now: u64) {
    let lasts = Duration::from_secs(60);
    let what = What::Vote { lasts, reopenings: 0, settings: 1, rule };
    tell(ledger, member, what, now);
}

fn tell(ledger: &mut Ledger, member: usize, what: What, now: u64) {
    let word = Word { member: member.to_string(), circuit: "payments".to_owned(), what };
    ledger.tell(&word, now);
}

fn record(ledger: &Ledger, now: u64) -> Record {
    ledger.accounts["payments"].record("payments", "", now)
}

#[test]
fn f04_a_quorum_after_an_opening_that_is_over_opens_anew() {
    let mut ledger = ledger(2);
    let rounds = [0, 61 * SECOND].map(|now| {
        (0..2).for_each(|member| beat(&mut ledger, member, now));
        (0..2).for_each(|member| vote(&mut ledger, member, Rule::QUORUM, now));
        let record = record(&ledger, now);
        assert_eq!((record.stand, record.left.as_secs()), (Stand::Open, 60));
        record.round
    });
    assert_ne!(rounds[0], rounds[1], "members that closed alone follow another round only");
}

#[test]
fn f04_a_quorum_while_the_circuit_is_open_is_no_other_round() {
    let mut ledger = ledger(3);
    (0..3).for_each(|member| vote(&mut ledger, member, Rule::QUORUM, 0));
    let record = record(&ledger, 0);
    assert_eq!((record.round, record.votes), (2, 3));
}

#[test]
fn f03_the_votes_of_a_member_that_comes_back_have_a_say_again() {
    let mut ledger = ledger(3);
    vote(&mut ledger, 0, Rule::QUORUM, 0);
    let now = 16 * SECOND;
    beat(&mut ledger, 1, now);
    vote(&mut ledger, 1, Rule::QUORUM, now);
    assert_eq!(record(&ledger, now).stand, Stand::Counting);
    beat(&mut ledger, 0, now);
    assert_eq!(record(&ledger, now).stand, Stand::Open);
}

#[test]
fn f04_the_numbers_of_an_opening_stay_while_it_lasts() {
    let mut ledger = ledger(5);
    (0..2).for_each(|member| vote(&mut ledger, member, Rule::QUORUM, 0));
    (5..20).for_each(|member| beat(&mut ledger, member, 0));
    vote(&mut ledger, 2, Rule::QUORUM, 0);
    let record = record(&ledger, 0);
    assert_eq!((record.votes, record.needed, record.members), (2, 2, 5));
}

#[test]
fn f03_a_vote_of_a_member_that_is_gone_is_not_shown_as_one_that_opened() {
    let mut ledger = ledger(1);
    vote(&mut ledger, 9, Rule::QUORUM, 0);
    vote(&mut ledger, 0, Rule { at_least: 1, per_mille: 0 }, 0);
    let record = record(&ledger, 0);
    assert_eq!((record.stand, record.votes), (Stand::Open, 1));
}
