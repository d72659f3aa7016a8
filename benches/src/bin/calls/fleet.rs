//! Calls of circuits in a fleet. It must cost them nothing, connected or not.

use std::sync::Arc;
use std::time::Duration;

use breaker_fleet::{Ask, Beat, Engine, EngineError, Fleet, Leased, Memory, Policy, Report, Word};
use breaker_runtime::{Config, Registry, State, registry};
use tokio::runtime::{Builder, Runtime};

/// An engine that never answers well.
#[derive(Debug)]
struct Away;

impl Engine for Away {
    fn describe(&self) -> String {
        "nowhere".to_owned()
    }

    async fn beat(&self, _: Beat<'_>) -> Result<Report, EngineError> {
        Err(EngineError::new("away"))
    }

    async fn tell(&self, _: &[Word]) -> Result<(), EngineError> {
        Err(EngineError::new("away"))
    }

    async fn lease(&self, _: Ask<'_>) -> Result<Leased, EngineError> {
        Err(EngineError::new("away"))
    }

    async fn changed(&self) {
        std::future::pending::<()>().await;
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime of one thread")
}

async fn join(engine: impl Engine, registry: Option<Arc<Registry>>) -> Fleet {
    let fleet = Fleet::on(engine).policy("*", Policy::Any);
    let fleet = match registry {
        Some(registry) => fleet.registry(registry),
        None => fleet,
    };
    fleet.join().await.expect("nothing is wrong with it")
}

/// Runs calls while the default registry is in a fleet that is connected. The fleet's task stands still meanwhile.
pub(crate) fn connected(run: impl FnOnce()) {
    let runtime = runtime();
    let fleet = runtime.block_on(join(Memory::new(), None));
    assert!(fleet.status().connected, "it is in memory");
    run();
}

/// The same, if the engine cannot be reached.
pub(crate) fn away(run: impl FnOnce()) {
    let runtime = runtime();
    let fleet = runtime.block_on(join(Away, None));
    assert!(!fleet.status().connected, "it never answers");
    run();
}

/// The same, if another member has opened that circuit for all.
pub(crate) fn opened(circuit: &str, run: impl FnOnce()) {
    let (runtime, engine) = (runtime(), Memory::new());
    let circuit = registry().get(circuit).expect("it is annotated");
    let _fleets = runtime.block_on(async {
        let other = Arc::new(Registry::new());
        let config = Config::new().failure_threshold(1).cooldown(Duration::from_secs(3600));
        let sick = other.circuit(circuit.name(), config).expect("nothing is wrong with it");
        let fleets = [join(engine.clone(), None).await, join(engine, Some(other)).await];
        sick.try_acquire().expect("it is closed").failure();
        while circuit.state() != State::Open {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        fleets
    });
    run();
}
