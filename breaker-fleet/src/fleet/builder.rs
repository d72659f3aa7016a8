//! `FleetBuilder`: who joins which fleet, and what can never work.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::{Policy, Registry};
use tokio::time::timeout;

use super::Fleet;
use super::seat::{Shared, take_seat};
use crate::engine::Engine;
use crate::home::Home;
use crate::inbox::ENDED;
use crate::member::Member;
use crate::policy::{Policies, Rule};
use crate::task;

/// The longest that [`FleetBuilder::join`] waits for the engine.
const JOIN: Duration = Duration::from_millis(450);
/// The longest namespace, in bytes.
const LONGEST_NAMESPACE: usize = 64;
/// The longest name of a member, in bytes.
const LONGEST_MEMBER: usize = 64;

/// Says who joins which fleet, and how circuits are decided. [`join`](FleetBuilder::join) joins.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "redis")] {
/// use breaker_fleet::{Fleet, Policy};
///
/// let fleet = Fleet::redis("redis://127.0.0.1/")
///     .namespace("shop-production")
///     .member("checkout-7")
///     .policy("payments", Policy::Quorum);
/// # drop(fleet);
/// # }
/// ```
#[must_use = "nothing happens before `join`"]
pub struct FleetBuilder<E> {
    namespace: String,
    member: String,
    policies: Policies,
    home: Home,
    make: Make<E>,
}

/// Makes the engine, once the namespace is known. The error says what is wrong with its address.
type Make<E> = Box<dyn FnOnce(&str) -> Result<E, String> + Send>;

impl<E: Engine> FleetBuilder<E> {
    pub(super) fn new(namespace: &str, make: Make<E>) -> Self {
        Self {
            namespace: namespace.to_owned(),
            member: format!("pid-{}", std::process::id()),
            policies: Policies::default(),
            home: Home::Default,
            make,
        }
    }

    /// Names what the members share, 1 to 64 letters, digits, `-`, `_` and `.`. In Redis, two namespaces never meet.
    /// After [`Fleet::on`] it is only shown: what an engine connects is for the engine to say.
    ///
    /// Give each service its own. The share is of all live members of the namespace, also of members without the
    /// circuit.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_fleet::{Fleet, Memory};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let wrong = Fleet::on(Memory::new()).namespace("shop production").join().await;
    /// assert!(wrong.unwrap_err().to_string().contains("such as \"shop-production\""));
    /// # }
    /// ```
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// Names this member, for people. By default it is `pid-` and the process id. A random suffix makes it unique.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use breaker_runtime::Registry;
    /// use breaker_fleet::{Fleet, Memory};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_fleet::JoinError> {
    /// # let registry = Arc::new(Registry::new());
    /// let fleet = Fleet::on(Memory::new()).member("checkout-7").registry(registry).join().await?;
    /// assert!(fleet.status().member.starts_with("checkout-7-"));
    /// # Ok(()) }
    /// ```
    pub fn member(self, name: impl Into<String>) -> Self {
        Self { member: name.into(), ..self }
    }

    /// Sets how the members decide about a circuit. The name `http` is also that of all its keys, and `*` is every
    /// circuit. The most precise name wins. [`Policy::Off`] where nothing is said.
    ///
    /// What the settings of a circuit state as `fleet` comes first: in the attribute, in a settings file, or as an
    /// override.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use breaker_fleet::{Fleet, Memory, Policy};
    /// use breaker_runtime::{Config, Registry};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Arc::new(Registry::new());
    /// registry.circuit("payments", Config::new())?;
    /// let fleet = Fleet::on(Memory::new()).policy("*", Policy::Off).policy("payments", Policy::Any);
    /// let _fleet = fleet.registry(Arc::clone(&registry)).join().await?;
    /// assert_eq!(registry.snapshot_of("payments").unwrap().fleet.unwrap().policy, "any");
    /// # Ok(()) }
    /// ```
    pub fn policy(mut self, circuit: &str, policy: Policy) -> Self {
        self.policies.set(circuit, policy);
        self
    }

    /// Sets how many votes [`Policy::Quorum`] needs: that many, and that share of the live members, from 0 to 1. Each
    /// member counts by its own numbers. By default 2, and 0.3.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use breaker_fleet::{Fleet, Memory, Policy};
    /// use breaker_runtime::{Config, Registry};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Arc::new(Registry::new());
    /// registry.circuit("payments", Config::new())?;
    /// let fleet = Fleet::on(Memory::new()).policy("payments", Policy::Quorum).quorum(3, 0.5);
    /// let _fleet = fleet.registry(Arc::clone(&registry)).join().await?;
    /// assert_eq!(registry.snapshot_of("payments").unwrap().fleet.unwrap().needed, 3);
    /// # Ok(()) }
    /// ```
    pub fn quorum(mut self, at_least: u32, share: f64) -> Self {
        // What is not a share is found by `join`.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        let per_mille =
            if (0.0..=1.0).contains(&share) { (share * 1000.0).round() as u32 } else { u32::MAX };
        self.policies.quorum = Rule { at_least, per_mille };
        self
    }

    /// Joins the circuits of that registry, instead of the [default](breaker_runtime::registry()) one.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use breaker_fleet::{Fleet, Memory};
    /// use breaker_runtime::Registry;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), breaker_fleet::JoinError> {
    /// let own = Arc::new(Registry::new());
    /// let _fleet = Fleet::on(Memory::new()).registry(Arc::clone(&own)).join().await?;
    /// assert!(own.snapshot().fleet.is_some());
    /// assert!(breaker_runtime::registry().snapshot().fleet.is_none());
    /// # Ok(()) }
    /// ```
    pub fn registry(self, registry: Arc<Registry>) -> Self {
        Self { home: Home::Own(registry), ..self }
    }

    /// Joins the fleet. Waits for the engine for at most half a second, and goes on without it after that: the
    /// connection is then made in the background.
    ///
    /// Call it inside a tokio runtime. The fleet lives on one task and one connection of that runtime.
    ///
    /// # Errors
    ///
    /// [`JoinError`] for what can never work: a wrong address or namespace, a quorum of nothing, a registry that is in
    /// a fleet already, or a runtime without `enable_all`. Not for an engine that cannot be reached.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_fleet::Fleet;
    ///
    /// # #[cfg(not(feature = "redis"))] fn main() {}
    /// # #[cfg(feature = "redis")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let wrong = Fleet::redis("http://127.0.0.1/").namespace("shop production").join().await;
    /// let error = wrong.unwrap_err().to_string();
    /// assert!(error.contains("the namespace") && error.contains("the address"), "{error}");
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing has been joined.
    pub async fn join(self) -> Result<Fleet, JoinError> {
        let mut problems = self.problems();
        let engine = (self.make)(&self.namespace).map_err(|problem| problems.push(problem));
        let Some(engine) = engine.ok().filter(|_| problems.is_empty()) else {
            return Err(JoinError(problems));
        };
        // In containers, all have the same process id.
        let id = format!("{}-{:016x}", self.member, fastrand::u64(..));
        let shared = Shared::new(
            self.namespace,
            engine.describe(),
            id.clone(),
            self.policies.clone(),
            self.home.clone(),
        );
        let shared = Arc::new(shared);
        let registry = self.home.registry();
        let seat = take_seat(registry, &shared)?;
        let heard = Arc::clone(&shared);
        let listening = registry.subscribe_to_changes(move |event| heard.inbox.hear(event));
        // Held by the guard first: if this future is dropped, the task ends.
        let fleet = Fleet { seat, _listening: listening };
        let member = Member::new(id, self.policies, self.home);
        tokio::spawn(task::run(engine, member, Arc::clone(&shared)));
        let _ = timeout(JOIN, shared.joined.notified()).await;
        if shared.inbox.is_closed() {
            let why = format!("{ENDED}; does its runtime have its drivers, as with `enable_all`?");
            return Err(JoinError(vec![why]));
        }
        Ok(fleet)
    }

    /// What can never work, apart from the address.
    fn problems(&self) -> Vec<String> {
        let is_word = |name: &str, longest: usize| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            (1..=longest).contains(&name.len()) && name.bytes().all(fits)
        };
        let mut problems = Vec::new();
        if !is_word(&self.namespace, LONGEST_NAMESPACE) {
            problems.push(format!(
                "the namespace must be 1 to {LONGEST_NAMESPACE} letters, digits, `-`, `_` or `.`, such as \
                 \"shop-production\", not {:?}",
                self.namespace
            ));
        }
        if !is_word(&self.member, LONGEST_MEMBER) {
            problems.push(format!(
                "the member's name must be 1 to {LONGEST_MEMBER} letters, digits, `-`, `_` or `.`, not {:?}",
                self.member
            ));
        }
        let Rule { at_least, per_mille } = self.policies.quorum;
        if at_least == 0 {
            problems.push("a quorum needs at least 1 vote".to_owned());
        }
        if per_mille > 1000 {
            problems.push("the share of a quorum must be 0 to 1".to_owned());
        }
        for name in self.policies.names().filter(|name| name.is_empty() || name.len() > 128) {
            problems.push(format!("a policy is for a circuit's name or `*`, not {name:?}"));
        }
        problems
    }
}

impl<E> fmt::Debug for FleetBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetBuilder").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// Why a fleet can never be joined: all mistakes at once.
///
/// # Examples
///
/// ```
/// use breaker_fleet::{Fleet, Memory};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let error = Fleet::on(Memory::new()).quorum(0, 1.5).join().await.unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "cannot join the fleet: a quorum needs at least 1 vote; the share of a quorum must be 0 to 1"
/// );
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinError(pub(super) Vec<String>);

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot join the fleet: {}", self.0.join("; "))
    }
}

impl std::error::Error for JoinError {}
