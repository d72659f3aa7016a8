//! Members that meet in memory, on paused time.
#![allow(clippy::unchecked_time_subtraction, reason = "a time below zero would fail the test")]

#[path = "members/life.rs"]
mod life;
#[path = "members/nonsense.rs"]
mod nonsense;
#[path = "members/orders.rs"]
mod orders;

use std::sync::Arc;
use std::time::Duration;

use breaker_fleet::{
    Ask, Beat, Engine as _, Fleet, Leased, Ledger, Memory, Policy, Rule, Stand, What, Word,
};
use breaker_runtime::{CircuitBreaker, Config, Lease, Mode, Override, Permit, Registry, State};
use tokio::time::{advance, sleep};

const SECOND: Duration = Duration::from_secs(1);
const COOLDOWN: Duration = Duration::from_secs(30);
/// Longer than members need to hear of a change.
const SOON: Duration = Duration::from_millis(50);

struct Member {
    registry: Arc<Registry>,
    circuit: Arc<CircuitBreaker>,
    fleet: Fleet,
}

impl Member {
    async fn join(engine: &Memory) -> Self {
        Self::with(engine, config()).await
    }

    async fn with(engine: &Memory, config: Config) -> Self {
        let registry = Arc::new(Registry::new());
        let circuit = registry.circuit("payments", config).unwrap();
        let fleet = Fleet::on(engine.clone())
            .policy("payments", Policy::Quorum)
            .registry(Arc::clone(&registry))
            .join()
            .await
            .unwrap();
        Self { registry, circuit, fleet }
    }

    fn fail(&self) {
        self.circuit.try_acquire().unwrap().failure();
    }

    fn state(&self) -> State {
        self.circuit.state()
    }

    fn explain(&self) -> String {
        self.registry.snapshot_of("payments").unwrap().explain()
    }
}

fn config() -> Config {
    Config::new().failure_threshold(1).cooldown(COOLDOWN).success_threshold(1)
}

async fn members(count: usize) -> (Memory, Vec<Member>) {
    let engine = Memory::new();
    let mut members = Vec::new();
    for _ in 0..count {
        members.push(Member::join(&engine).await);
    }
    (engine, members)
}

fn states(members: &[Member]) -> Vec<State> {
    members.iter().map(Member::state).collect()
}

#[tokio::test(start_paused = true)]
async fn f04_at_the_quorum_all_members_open() {
    let (_engine, members) = members(5).await;
    members[0].fail();
    sleep(SOON).await;
    assert_eq!(states(&members[1..]), [State::Closed; 4], "one vote is not enough");
    members[1].fail();
    sleep(SOON).await;
    assert_eq!(states(&members), [State::Open; 5]);
    assert!(members[4].explain().starts_with("open for "), "{}", members[4].explain());
    assert!(members[4].explain().contains("2 of 5 members voted to open it"));
    let view = members[4].registry.snapshot_of("payments").unwrap().fleet.unwrap();
    assert_eq!((view.votes, view.needed, view.members, view.has_voted), (2, 2, 5, false));
}

#[tokio::test(start_paused = true)]
async fn f05_one_member_probes_and_its_verdict_closes_all() {
    let (_engine, members) = members(4).await;
    members[0].fail();
    members[1].fail();
    sleep(COOLDOWN + SOON).await;
    for member in &members {
        assert!(member.circuit.try_acquire().is_err(), "nobody has leave yet");
    }
    sleep(SOON).await;
    let probing: Vec<_> =
        members.iter().filter_map(|member| member.circuit.try_acquire().ok()).collect();
    assert_eq!(probing.len(), 1);
    let waiting = members
        .iter()
        .filter(|member| matches!(member.circuit.snapshot().lease, Some(Lease::Other(_))));
    assert_eq!(waiting.count(), 3);
    probing.into_iter().for_each(Permit::success);
    sleep(SOON).await;
    assert_eq!(states(&members), [State::Closed; 4]);
}

#[tokio::test(start_paused = true)]
async fn f05_a_failed_probe_opens_all_again() {
    let (_engine, members) = members(3).await;
    members[0].fail();
    members[1].fail();
    for round in 1..4 {
        sleep(COOLDOWN + SOON).await;
        assert!(members.iter().all(|member| member.circuit.try_acquire().is_err()));
        sleep(SOON).await;
        let mut probes = 0;
        for member in &members {
            if let Ok(probe) = member.circuit.try_acquire() {
                probe.failure();
                probes += 1;
            }
        }
        assert_eq!(probes, 1, "round {round}");
        sleep(SOON).await;
        let left = |member: &Member| member.circuit.snapshot().retry_after.unwrap();
        assert!(members.iter().all(|member| left(member) > COOLDOWN - SECOND), "round {round}");
        assert_eq!(states(&members), [State::Open; 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn f02_a_reset_takes_the_vote_back() {
    let (_engine, members) = members(3).await;
    members[0].fail();
    sleep(SOON).await;
    members[0].circuit.reset();
    sleep(SOON).await;
    members[1].fail();
    sleep(SOON).await;
    assert_eq!(members[2].state(), State::Closed);
    let view = members[2].registry.snapshot_of("payments").unwrap().fleet.unwrap();
    assert_eq!(view.votes, 1);
}

#[tokio::test(start_paused = true)]
async fn f02_what_the_fleet_caused_is_no_vote() {
    let (_engine, members) = members(4).await;
    members[0].fail();
    members[1].fail();
    sleep(SOON).await;
    let view = members[3].registry.snapshot_of("payments").unwrap().fleet.unwrap();
    assert_eq!((view.votes, view.has_voted), (2, false));
}

#[tokio::test(start_paused = true)]
async fn f04_a_member_whose_own_calls_are_good_stays_closed() {
    let engine = Memory::new();
    let sick = [Member::join(&engine).await, Member::join(&engine).await];
    let well = Member::with(&engine, config().failure_threshold(5)).await;
    for _ in 0..20 {
        well.circuit.try_acquire().unwrap().success();
    }
    sick.iter().for_each(Member::fail);
    sleep(SOON).await;
    assert_eq!(well.state(), State::Closed);
    assert!(
        well.explain().ends_with("2 of 3 members voted to open it, but its own calls are good")
    );
    for _ in 0..4 {
        well.circuit.try_acquire().unwrap().success();
        well.circuit.try_acquire().unwrap().failure();
        well.circuit.try_acquire().unwrap().failure();
        well.circuit.try_acquire().unwrap().failure();
    }
    sleep(SECOND * 6).await;
    assert_eq!(well.state(), State::Open, "its calls are not good any more: {}", well.explain());
}

#[tokio::test(start_paused = true)]
async fn f07_a_member_that_starts_during_an_outage_begins_open() {
    let (engine, members) = members(2).await;
    members.iter().for_each(Member::fail);
    sleep(SECOND * 10).await;
    let late = Member::join(&engine).await;
    assert_eq!(late.state(), State::Open);
    let left = late.circuit.snapshot().retry_after.unwrap();
    assert!(left <= COOLDOWN - SECOND * 10 && left > COOLDOWN - SECOND * 11, "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn f03_a_member_that_is_gone_counts_no_more() {
    let (engine, mut members) = members(10).await;
    sleep(SECOND * 6).await;
    assert_eq!(members[0].fleet.status().members, 10);
    members.truncate(3);
    sleep(SECOND).await;
    assert_eq!(Member::join(&engine).await.fleet.status().members, 4);
}

#[tokio::test(start_paused = true)]
async fn f09_an_override_for_all_reaches_members_that_join_later_and_ends() {
    let (engine, members) = members(2).await;
    let minute = Duration::from_secs(60);
    members[0].fleet.override_for("payments", Mode::ForcedOpen, minute, "alice").await.unwrap();
    sleep(SOON).await;
    let late = Member::join(&engine).await;
    assert_eq!(states(&members), [State::ForcedOpen; 2]);
    assert_eq!(late.state(), State::ForcedOpen);
    let by = late.circuit.snapshot().mode_override.unwrap().by;
    assert_eq!(by.as_deref(), Some("alice"));
    members[1].circuit.reset();
    sleep(SECOND * 20).await;
    assert_eq!(members[1].state(), State::Closed, "a later order stays");
    advance(minute).await;
    sleep(SECOND * 10).await;
    assert_eq!(late.state(), State::Closed);
    let wrong = Override::Option("cooldown", "soon");
    let errors = late.fleet.override_for("payments", wrong, minute, "alice").await.unwrap_err();
    assert!(errors.to_string().starts_with("`cooldown`"), "{errors}");
    assert!(late.fleet.override_for("payments", Mode::Normal, None, "").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_is_left_frees_its_circuits() {
    let (_engine, mut members) = members(2).await;
    members.iter().for_each(Member::fail);
    sleep(COOLDOWN + SOON).await;
    let Member { circuit, fleet, registry } = members.remove(0);
    assert!(circuit.try_acquire().is_err());
    drop(fleet);
    sleep(SOON).await;
    assert!(circuit.try_acquire().is_ok(), "alone, it probes");
    assert!(registry.snapshot().fleet.is_none());
}

#[tokio::test(start_paused = true)]
async fn f12_a_vote_holds_no_member_longer_than_its_own_cooldown_max() {
    let engine = Memory::new();
    let short = Member::with(&engine, config().cooldown(SECOND)).await;
    let long = [Member::join(&engine).await, Member::join(&engine).await];
    long.iter().for_each(Member::fail);
    sleep(SECOND * 10 - SOON).await;
    assert!(short.circuit.try_acquire().is_err());
    sleep(SOON * 2).await;
    // This call makes it ask the fleet, unless a beat has freed it already.
    drop(short.circuit.try_acquire());
    sleep(SOON).await;
    short.circuit.try_acquire().unwrap().success();
    sleep(SECOND * 6).await;
    assert_eq!(short.state(), State::Closed, "it has followed that vote already");
    assert_eq!(states(&long), [State::Open; 2]);
}

#[tokio::test(start_paused = true)]
async fn f06_no_lease_holds_a_member_longer_than_its_own_limits() {
    let (engine, members) = members(2).await;
    members.iter().for_each(Member::fail);
    sleep(COOLDOWN + SOON).await;
    let lasts = SECOND * 86_400;
    let lie = engine.lease(Ask { member: "liar", circuit: "payments", lasts }).await;
    assert_eq!(lie, Ok(Leased::Granted));
    let cooldown_max = COOLDOWN * 10;
    let mut waited = Duration::ZERO;
    while members[0].circuit.try_acquire().is_err() {
        sleep(SECOND).await;
        waited += SECOND;
        assert!(waited <= cooldown_max + SECOND * 2, "{waited:?}");
    }
    assert!(waited >= cooldown_max, "another that probes is given its time: {waited:?}");
}

#[test]
fn f03_the_vote_of_a_member_that_was_taken_for_gone_counts_again_when_it_is_back() {
    let mut ledger = Ledger::new(1);
    let beat = |member| Beat { member, alive_for: SECOND * 15, life: 0, version: 0 };
    let vote = |member: &str| Word {
        member: member.to_owned(),
        circuit: "payments".to_owned(),
        what: What::Vote { lasts: SECOND * 60, reopenings: 0, settings: 1, rule: Rule::QUORUM },
    };
    ledger.beat(beat("halted"), 0);
    ledger.tell(&vote("halted"), 0);
    ledger.beat(beat("other"), 20_000);
    ledger.tell(&vote("other"), 20_000);
    assert_eq!(ledger.beat(beat("other"), 20_000).records[0].stand, Stand::Counting);
    assert_eq!(ledger.beat(beat("halted"), 20_001).records[0].stand, Stand::Open);
}

#[tokio::test(start_paused = true)]
async fn the_option_fleet_shares_a_circuit_and_takes_it_out_again_while_the_program_runs() {
    let engine = Memory::new();
    let mut members = Vec::new();
    for _ in 0..3 {
        let registry = Arc::new(Registry::new());
        let circuit = registry.circuit("payments", config().fleet(Policy::Any)).unwrap();
        let fleet = Fleet::on(engine.clone()).registry(Arc::clone(&registry)).join().await.unwrap();
        members.push(Member { registry, circuit, fleet });
    }
    let off = Override::Option("fleet", "off");
    members[2].circuit.override_for(off, None, "alice").unwrap();
    members[0].fail();
    sleep(SOON).await;
    assert_eq!(states(&members), [State::Open, State::Open, State::Closed]);
    assert!(members[2].registry.snapshot_of("payments").unwrap().fleet.is_none());
    members[0].circuit.override_for(off, None, "alice").unwrap();
    sleep(SOON).await;
    assert_eq!(states(&members), [State::Open, State::Closed, State::Closed], "the vote is gone");
    members[0].circuit.end_overrides();
    sleep(SOON).await;
    assert_eq!(states(&members), [State::Open, State::Open, State::Closed], "and back");
}
