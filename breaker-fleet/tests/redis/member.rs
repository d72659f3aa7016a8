//! A member in this process: a registry with one circuit, and its fleet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use breaker_fleet::{Fleet, Policy};
use breaker_runtime::{CircuitBreaker, Config, FleetView, Permit, Registry, State};

/// Longer than anything takes that a test waits for.
const PATIENCE: Duration = Duration::from_secs(25);

pub(crate) struct Member {
    pub(crate) registry: Arc<Registry>,
    pub(crate) circuit: Arc<CircuitBreaker>,
    pub(crate) fleet: Fleet,
}

impl Member {
    pub(crate) async fn join(url: &str, namespace: &str) -> Self {
        Self::with(url, namespace, config()).await
    }

    pub(crate) async fn with(url: &str, namespace: &str, config: Config) -> Self {
        let registry = Arc::new(Registry::new());
        let circuit = registry.circuit("payments", config).unwrap();
        let fleet = Fleet::redis(url)
            .namespace(namespace)
            .policy("*", Policy::Quorum)
            .registry(Arc::clone(&registry))
            .join()
            .await
            .unwrap();
        Self { registry, circuit, fleet }
    }

    /// A call that fails, so that the circuit opens on its own evidence.
    pub(crate) fn fail(&self) {
        self.circuit.try_acquire().unwrap().failure();
    }

    pub(crate) fn state(&self) -> State {
        self.circuit.state()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.fleet.status().connected
    }

    pub(crate) fn why(&self) -> String {
        self.fleet.status().why.unwrap_or_default()
    }

    pub(crate) fn view(&self) -> FleetView {
        self.registry.snapshot_of("payments").unwrap().fleet.unwrap()
    }
}

/// A circuit that opens at the first failure.
pub(crate) fn config() -> Config {
    Config::new().failure_threshold(1).cooldown(Duration::from_secs(60)).success_threshold(1)
}

/// A key of a fleet, as the engine calls it.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    format!("breaker:{{{namespace}}}:1:{name}")
}

/// That many members of one fleet.
pub(crate) async fn members(count: usize, url: &str, namespace: &str) -> Vec<Member> {
    let mut members = Vec::new();
    for _ in 0..count {
        members.push(Member::join(url, namespace).await);
    }
    // The first would hear of the others with their next beats only.
    let client = redis::Client::open(url).unwrap();
    let changed = key(namespace, "changed");
    redis::cmd("PUBLISH").arg(changed).arg(0).exec(&mut client.get_connection().unwrap()).unwrap();
    until("all count all", || {
        members.iter().all(|member| member.fleet.status().members as usize >= count)
    })
    .await;
    members
}

pub(crate) fn are_all(members: &[Member], state: State) -> bool {
    members.iter().all(|member| member.state() == state)
}

pub(crate) fn are_connected(members: &[Member]) -> bool {
    members.iter().all(Member::is_connected)
}

/// Waits until all members are connected, and checks that two of them open all and that they close again.
pub(crate) async fn agree_again(members: &[Member]) -> Duration {
    let took = until("all are connected", || are_connected(members)).await;
    end_votes(members).await;
    open_all(members).await;
    end_votes(members).await;
    took
}

/// Two members open all, and all know that they did.
pub(crate) async fn open_all(members: &[Member]) {
    until("two open all", || {
        let voters = members[..2].iter().filter(|it| it.state() == State::Closed);
        voters.for_each(|it| drop(it.circuit.try_acquire().map(Permit::failure)));
        are_all(members, State::Open) && members.iter().all(|member| member.view().votes == 2)
    })
    .await;
}

/// Resets all circuits until none is open, and waits until all members know that no vote is left.
pub(crate) async fn end_votes(members: &[Member]) {
    until("no vote is left", || {
        // A verdict that is under way may open one that was reset.
        let open = members.iter().filter(|member| member.state() != State::Closed);
        open.for_each(|member| member.circuit.reset());
        are_all(members, State::Closed) && members.iter().all(|member| member.view().votes == 0)
    })
    .await;
}

/// Waits until something is so, and says how long it took.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not in {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    began.elapsed()
}
