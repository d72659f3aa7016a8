//! Joining and leaving, and tasks that end.

use std::future::{pending, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use breaker_fleet::{
    Ask, Beat, Engine, EngineError, Fleet, JoinError, Leased, Memory, Policy, Report, Word,
};
use breaker_runtime::{Mode, Registry, State};
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use crate::{COOLDOWN, Member, SECOND, SOON, config, members};

/// Panics at that beat.
#[derive(Debug)]
struct Panics {
    memory: Memory,
    at: Mutex<u32>,
}

impl Panics {
    fn at(beat: u32) -> Self {
        Self { memory: Memory::new(), at: Mutex::new(beat) }
    }
}

impl Engine for Panics {
    fn describe(&self) -> String {
        "panics".to_owned()
    }

    async fn beat(&self, beat: Beat<'_>) -> Result<Report, EngineError> {
        let left = self.at.lock().unwrap().checked_sub(1).expect("it was to panic");
        *self.at.lock().unwrap() = left;
        self.memory.beat(beat).await
    }

    async fn tell(&self, words: &[Word]) -> Result<(), EngineError> {
        self.memory.tell(words).await
    }

    async fn lease(&self, ask: Ask<'_>) -> Result<Leased, EngineError> {
        self.memory.lease(ask).await
    }

    async fn changed(&self) {
        pending::<()>().await;
    }
}

async fn join(registry: &Arc<Registry>, engine: impl Engine) -> Result<Fleet, JoinError> {
    Fleet::on(engine).policy("*", Policy::Quorum).registry(Arc::clone(registry)).join().await
}

async fn order(fleet: &Fleet) -> String {
    let order = fleet.override_for("payments", Mode::ForcedOpen, SECOND * 60, "alice");
    let given = timeout(SECOND * 5, order).await.expect("it does not wait for ever");
    given.unwrap_err().to_string()
}

#[test]
fn f08_a_fleet_whose_runtime_is_gone_is_not_connected_and_gives_no_orders() {
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    let registry = Arc::new(Registry::new());
    let first = runtime();
    let fleet = first.block_on(join(&registry, Memory::new())).unwrap();
    assert!(fleet.status().connected);
    let waits = fleet.override_for("payments", Mode::ForcedOpen, SECOND * 60, "alice");
    // It is in the queue when the task ends.
    let mut waits = std::pin::pin!(waits);
    let polled = first.block_on(poll_fn(|context| Poll::Ready(waits.as_mut().poll(context))));
    assert!(polled.is_pending());
    drop(first);
    let status = fleet.status();
    assert!(!status.connected && status.disconnects == 1, "{status:?}");
    assert_eq!(status.why.as_deref(), Some("the fleet's task has ended"));
    let second = runtime();
    let given = second.block_on(async { timeout(SECOND * 5, waits).await });
    assert!(given.expect("it does not wait for ever").is_err());
    assert!(second.block_on(order(&fleet)).contains("the fleet's task has ended"));
}

#[tokio::test(start_paused = true)]
async fn f08_a_task_that_panics_leaves_its_circuits_alone() {
    let registry = Arc::new(Registry::new());
    let fleet = join(&registry, Panics::at(3)).await.unwrap();
    assert!(fleet.status().connected);
    sleep(SECOND * 30).await;
    let status = fleet.status();
    assert!(!status.connected && status.members == 0, "{status:?}");
    assert_eq!(status.why.as_deref(), Some("the fleet's task has ended"));
    assert!(order(&fleet).await.contains("the fleet's task has ended"));
}

#[tokio::test(start_paused = true)]
async fn joining_fails_if_the_task_ends_at_once() {
    let registry = Arc::new(Registry::new());
    let error = join(&registry, Panics::at(0)).await.unwrap_err().to_string();
    assert!(error.contains("the fleet's task has ended"), "{error}");
    assert!(registry.advisor().is_none());
}

#[tokio::test(start_paused = true)]
async fn f03_a_registry_is_in_one_fleet_at_a_time() {
    let (engine, registry) = (Memory::new(), Arc::new(Registry::new()));
    let fleet = join(&registry, engine.clone()).await.unwrap();
    let error = join(&registry, engine.clone()).await.unwrap_err().to_string();
    assert!(error.contains("is in a fleet already"), "{error}");
    assert_eq!(Member::join(&engine).await.fleet.status().members, 2, "one process has one vote");
    drop(fleet);
    assert!(join(&registry, engine).await.is_ok(), "it was left");
}

#[tokio::test(start_paused = true)]
async fn f03_members_of_the_same_name_are_told_apart() {
    let registry = Arc::new(Registry::new());
    let fleet = join(&registry, Memory::new()).await.unwrap();
    let member = fleet.status().member;
    let (_, suffix) = member.rsplit_once('-').unwrap();
    assert_eq!(suffix.len(), 16, "64 bits: all containers have the same process id");
}

#[tokio::test(start_paused = true)]
async fn f03_a_member_that_leaves_is_not_counted_and_gives_its_lease_back() {
    let (engine, mut members) = members(3).await;
    members.iter().for_each(Member::fail);
    sleep(COOLDOWN + SOON).await;
    let leaver = members.remove(0);
    assert!(leaver.circuit.try_acquire().is_err(), "it asks");
    sleep(SOON).await;
    leaver.fleet.leave().await;
    let beat = Beat { member: "watcher", alive_for: SECOND, life: 0, version: 0 };
    let report = engine.beat(beat).await.unwrap();
    assert_eq!((report.members, &report.records[0].prober), (3, &None), "{report:?}");
    sleep(SOON).await;
    assert!(members[0].circuit.try_acquire().is_err(), "it asks");
    sleep(SOON).await;
    assert!(members[0].circuit.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn leaving_waits_for_no_engine_that_is_away() {
    #[derive(Debug)]
    struct Away;
    impl Engine for Away {
        fn describe(&self) -> String {
            "away".to_owned()
        }
        async fn beat(&self, _: Beat<'_>) -> Result<Report, EngineError> {
            pending().await
        }
        async fn tell(&self, _: &[Word]) -> Result<(), EngineError> {
            pending().await
        }
        async fn lease(&self, _: Ask<'_>) -> Result<Leased, EngineError> {
            pending().await
        }
        async fn changed(&self) {
            pending::<()>().await;
        }
    }
    let registry = Arc::new(Registry::new());
    let circuit = registry.circuit("payments", config()).unwrap();
    let fleet = join(&registry, Away).await.unwrap();
    timeout(SECOND * 3, fleet.leave()).await.unwrap();
    circuit.try_acquire().unwrap().failure();
    assert_eq!(circuit.state(), State::Open);
}
