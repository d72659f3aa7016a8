//! Engines that answer nonsense, and settings at their limits (F6, F11).

use std::sync::Arc;
use std::time::Duration;

use breaker_fleet::{
    Ask, Beat, Engine, EngineError, Fleet, Leased, Memory, Policy, Posted, Report, Rule, What, Word,
};
use breaker_runtime::{Registry, State};
use tokio::time::sleep;

use crate::{COOLDOWN, Member, SECOND, SOON, config, states};

/// Changes each report.
#[derive(Debug)]
struct Spoilt(Memory, fn(&mut Report));

impl Engine for Spoilt {
    fn describe(&self) -> String {
        "spoilt".to_owned()
    }

    async fn beat(&self, beat: Beat<'_>) -> Result<Report, EngineError> {
        let mut report = self.0.beat(beat).await?;
        (self.1)(&mut report);
        Ok(report)
    }

    async fn tell(&self, words: &[Word]) -> Result<(), EngineError> {
        self.0.tell(words).await
    }

    async fn lease(&self, ask: Ask<'_>) -> Result<Leased, EngineError> {
        self.0.lease(ask).await
    }

    async fn changed(&self) {
        self.0.changed().await;
    }
}

#[tokio::test(start_paused = true)]
async fn f06_a_lease_without_end_is_one_of_a_day() {
    for longest in [Duration::MAX, Duration::from_secs(u64::MAX / 2)] {
        let engine = Memory::new();
        let config = config().probe_timeout(longest);
        let members = [Member::with(&engine, config).await, Member::with(&engine, config).await];
        members.iter().for_each(Member::fail);
        sleep(COOLDOWN + SOON).await;
        assert!(members[0].circuit.try_acquire().is_err(), "it asks");
        sleep(SECOND * 30).await;
        assert!(members[0].fleet.status().members == 2, "it lives");
        members[0].circuit.try_acquire().unwrap().success();
        sleep(SOON).await;
        assert_eq!(states(&members), [State::Closed; 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn f09_an_order_that_claims_to_last_for_ever_ends_after_a_day() {
    let registry = Arc::new(Registry::new());
    let circuit = registry.circuit("payments", config()).unwrap();
    let forever = |report: &mut Report| {
        // Once: each is a new one.
        if report.is_whole {
            report.orders.push(Posted {
                circuit: "payments".to_owned(),
                number: 1,
                what: "mode=forced_open".to_owned(),
                by: "liar".to_owned(),
                left: Duration::MAX,
            });
        }
    };
    let fleet = Fleet::on(Spoilt(Memory::new(), forever)).registry(registry).join().await.unwrap();
    sleep(SOON).await;
    assert_eq!(circuit.state(), State::ForcedOpen);
    sleep(SECOND * 86_400).await;
    assert_eq!(circuit.state(), State::Closed);
    assert!(fleet.status().connected);
}

fn vote(member: &str, circuit: &str) -> Word {
    let (lasts, rule) = (SECOND * 60, Rule::QUORUM);
    let what = What::Vote { lasts, reopenings: 0, settings: 1, rule };
    Word { member: member.to_owned(), circuit: circuit.to_owned(), what }
}

#[tokio::test(start_paused = true)]
async fn f11_circuits_of_others_leave_room_for_ones_own() {
    let engine = Memory::new();
    let first = Member::join(&engine).await;
    for number in 0..2_500 {
        engine.tell(&[vote("other", &format!("foreign-{number}"))]).await.unwrap();
        if number % 500 == 0 {
            sleep(SOON).await;
        }
    }
    sleep(SECOND * 10).await;
    let second = Member::join(&engine).await;
    let third = Member::join(&engine).await;
    first.fail();
    second.fail();
    sleep(SOON).await;
    assert_eq!(third.state(), State::Open);
    let registry = Arc::new(Registry::new());
    let _own: Vec<_> = (0..2_100)
        .map(|number| registry.circuit(&format!("own-{number}"), config()).unwrap())
        .collect();
    let fleet = Fleet::on(engine.clone()).policy("*", Policy::Quorum);
    let fleet = fleet.registry(Arc::clone(&registry)).join().await.unwrap();
    let last = registry.get("own-2099").unwrap();
    for number in 0..2_100 {
        engine.tell(&[vote("other", &format!("own-{number}"))]).await.unwrap();
        if number % 500 == 0 {
            sleep(SOON).await;
        }
    }
    sleep(SECOND).await;
    let votes = [vote("other", last.name()), vote("another", last.name())];
    for member in ["other", "another"] {
        let beat = Beat { member, alive_for: SECOND * 15, life: 0, version: 0 };
        engine.beat(beat).await.unwrap();
    }
    engine.tell(&votes).await.unwrap();
    engine.tell(&[vote("third", last.name())]).await.unwrap();
    sleep(SECOND).await;
    assert!(fleet.status().connected);
    assert_eq!(last.state(), State::Open, "own circuits always have room");
}

#[tokio::test(start_paused = true)]
async fn f11_votes_that_are_over_are_not_shown() {
    let engine = Memory::new();
    let members = [Member::join(&engine).await, Member::join(&engine).await];
    let well = Member::join(&engine).await;
    let votes = || well.registry.snapshot_of("payments").unwrap().fleet.unwrap().votes;
    members.iter().for_each(Member::fail);
    sleep(SOON).await;
    assert_eq!(votes(), 2);
    // Someone closes it here. The verdict ends, and nobody probes.
    well.circuit.reset();
    sleep(COOLDOWN + SECOND * 6).await;
    assert_eq!((votes(), well.state()), (0, State::Closed));
    sleep(SECOND * 36_000).await;
    assert_eq!(votes(), 0);
}
