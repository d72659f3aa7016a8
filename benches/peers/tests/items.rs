//! Every item does what its figure will be said to be of.

use breaker_peers::{Group, Side, contenders};

const CALLS: u64 = 1000;

#[test]
fn every_item_answers_as_meant_and_leaves_its_circuit_as_meant() {
    for contender in contenders() {
        for item in &contender.items {
            println!("{}: {}", item.group, contender.label(item));
            for _ in 0..2 {
                (item.prepare)();
                item.make(CALLS);
                (item.check)();
            }
        }
    }
}

#[test]
fn every_first_call_succeeds() {
    for contender in contenders() {
        if let Some(call) = contender.first_call {
            (0..100).for_each(call);
        }
    }
}

#[test]
fn every_label_is_there_once_in_its_group() {
    for group in Group::ALL {
        let contenders = contenders();
        let mut labels: Vec<_> = contenders
            .iter()
            .flat_map(|contender| contender.items.iter().map(move |item| (contender, item)))
            .filter(|(_, item)| item.group == group)
            .map(|(contender, item)| contender.label(item))
            .collect();
        let all = labels.len();
        labels.sort();
        labels.dedup();
        assert_eq!(labels.len(), all, "{group}: {labels:?}");
    }
}

#[test]
fn breaker_is_in_every_group_but_the_unit() {
    let contenders = contenders();
    let ours = contenders.iter().find(|contender| contender.side == Side::Ours).unwrap();
    assert!(ours.first_call.is_some());
    for group in Group::ALL {
        let is_measured = ours.items.iter().any(|item| item.group == group);
        assert_eq!(is_measured, !matches!(group, Group::Unit | Group::FirstCall), "{group}");
    }
}
