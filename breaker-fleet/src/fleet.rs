//! `Fleet`: joins a registry to other processes, for as long as it is held.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::{
    Advisor, ConfigErrors, FleetStatus, FleetView, Layer, Override, Policy, Registry, Statement,
    Subscription,
};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout};

#[cfg(feature = "redis")]
use crate::engine::Redis;
use crate::engine::{Engine, EngineError, Record};
use crate::home::Home;
use crate::inbox::{Inbox, Order, lock};
use crate::member::Member;
use crate::policy::{Policies, Rule};
use crate::task;

/// The longest that [`FleetBuilder::join`] waits for the engine.
const JOIN: Duration = Duration::from_millis(450);
/// The longest override for all members.
const LONGEST_ORDER: Duration = Duration::from_secs(24 * 3600);
/// The longest namespace, in bytes.
const LONGEST_NAMESPACE: usize = 64;
/// The longest name of a member, in bytes.
const LONGEST_MEMBER: usize = 64;

/// Joins the circuits of a registry to those of other processes. Dropping it leaves the fleet.
///
/// Local decides, fleet advises: no call waits for the fleet, and without it each process acts as if alone.
///
/// # Examples
///
/// ```no_run
/// use breaker_fleet::{Fleet, Policy};
///
/// # async fn run() -> Result<(), breaker_fleet::JoinError> {
/// let fleet = Fleet::redis("redis://127.0.0.1/")
///     .namespace("shop-production")
///     .policy("payments", Policy::Quorum)
///     .join()
///     .await?;
/// # drop(fleet);
/// # Ok(()) }
/// ```
#[must_use = "dropping it leaves the fleet"]
pub struct Fleet {
    shared: Arc<Shared>,
    _listening: Subscription,
}

impl Fleet {
    /// A fleet that meets in Redis 7 or later, or in Valkey. With feature `tls`, the address may begin with `rediss://`.
    #[cfg(feature = "redis")]
    pub fn redis(url: impl Into<String>) -> FleetBuilder<Redis> {
        let url = url.into();
        FleetBuilder::new("", Box::new(move |namespace| Redis::new(&url, namespace)))
    }

    /// A fleet that meets in another engine.
    pub fn on<E: Engine>(engine: E) -> FleetBuilder<E> {
        FleetBuilder::new("fleet", Box::new(move |_| Ok(engine)))
    }

    /// Gives an order to all members, those that join later too, until the limit. Each member takes it as an override by
    /// `by`, so a later order on that member replaces it there. `mode` is a [`Mode`](breaker_runtime::Mode), or an
    /// [`Override`] of an option.
    ///
    /// Members that do not have the circuit ignore the order.
    ///
    /// # Errors
    ///
    /// [`ConfigErrors`] if the order is wrong, has no limit or lasts for more than a day, or if the engine cannot be
    /// reached. Nothing changes then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use breaker_fleet::{Fleet, Memory};
    /// use breaker_runtime::{Config, Mode, Registry, State};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = Arc::new(Registry::new());
    /// let payments = registry.circuit("payments", Config::new())?;
    /// let fleet = Fleet::on(Memory::new()).registry(registry).join().await?;
    /// fleet.override_for("payments", Mode::ForcedOpen, Duration::from_secs(900), "alice").await?;
    /// while payments.state() != State::ForcedOpen {
    ///     tokio::task::yield_now().await;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the order may or may not be given.
    pub async fn override_for<'a>(
        &self,
        circuit: &str,
        mode: impl Into<Override<'a>>,
        limit: impl Into<Option<Duration>>,
        by: &str,
    ) -> Result<(), ConfigErrors> {
        let limit = limit.into().unwrap_or(Duration::ZERO);
        let sent = self.shared.queue(circuit, mode.into(), limit, by)?;
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => away(&error.to_string()),
            Err(_) => away("the fleet was left"),
        }
    }

    /// The state of the connection.
    #[must_use]
    pub fn status(&self) -> FleetStatus {
        self.shared.status()
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.shared.stop.notify_one();
    }
}

/// Says who joins which fleet, and how circuits are decided. [`join`](FleetBuilder::join) joins.
///
/// # Examples
///
/// See [`Fleet`].
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
    fn new(namespace: &str, make: Make<E>) -> Self {
        Self {
            namespace: namespace.to_owned(),
            member: format!("pid-{}", std::process::id()),
            policies: Policies::default(),
            home: Home::Default,
            make,
        }
    }

    /// Names what the members share. Two namespaces never meet. 1 to 64 letters, digits, `-`, `_` and `.`.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// Names this member, for people. By default it is `pid-` and the process id. A random suffix makes it unique.
    pub fn member(self, name: impl Into<String>) -> Self {
        Self { member: name.into(), ..self }
    }

    /// Sets how the members decide about a circuit. The name `http` is also that of all its keys, and `*` is every
    /// circuit. The most precise name wins. [`Policy::Off`] where nothing is said.
    ///
    /// What the settings of a circuit state as `fleet` comes first: in the attribute, in a settings file, or as an
    /// override.
    pub fn policy(mut self, circuit: &str, policy: Policy) -> Self {
        self.policies.set(circuit, policy);
        self
    }

    /// Sets how many votes [`Policy::Quorum`] needs: that many, and that share of the live members, from 0 to 1. Each
    /// member counts by its own numbers. By default 2, and 0.3.
    pub fn quorum(mut self, at_least: u32, share: f64) -> Self {
        // What is not a share is found by `join`.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        let per_mille =
            if (0.0..=1.0).contains(&share) { (share * 1000.0).round() as u32 } else { u32::MAX };
        self.policies.quorum = Rule { at_least, per_mille };
        self
    }

    /// Joins the circuits of that registry, instead of the [default](breaker_runtime::registry()) one.
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
    /// [`JoinError`] for what can never work: a wrong address, a wrong namespace, a quorum of nothing. Not for an engine
    /// that cannot be reached.
    ///
    /// # Examples
    ///
    /// ```
    /// use breaker_fleet::Fleet;
    ///
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
        let id = format!("{}-{:06x}", self.member, fastrand::u32(..0x0100_0000));
        let shared = Arc::new(Shared {
            inbox: Inbox::default(),
            stop: Notify::new(),
            joined: Notify::new(),
            namespace: self.namespace,
            engine: engine.describe(),
            member: id.clone(),
            policies: self.policies.clone(),
            home: self.home.clone(),
            board: Mutex::default(),
        });
        let registry = self.home.registry();
        let heard = Arc::clone(&shared);
        let listening = registry.subscribe_to_changes(move |event| heard.inbox.hear(event));
        let advisor: Arc<dyn Advisor> = Arc::clone(&shared) as _;
        registry.attach(&advisor);
        // Held by the guard first: if this future is dropped, the task ends.
        let fleet = Fleet { shared: Arc::clone(&shared), _listening: listening };
        let member = Member::new(id, self.policies, self.home);
        tokio::spawn(task::run(engine, member, Arc::clone(&shared)));
        let _ = timeout(JOIN, shared.joined.notified()).await;
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
                "the namespace must be 1 to {LONGEST_NAMESPACE} letters, digits, `-`, `_` or `.`, such as                  \"shop-production\", not {:?}",
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
/// See [`FleetBuilder::join`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinError(Vec<String>);

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot join the fleet: {}", self.0.join("; "))
    }
}

impl std::error::Error for JoinError {}

/// What the task shares with calls and readers.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) inbox: Inbox,
    pub(crate) stop: Notify,
    /// The engine has answered for the first time.
    pub(crate) joined: Notify,
    namespace: String,
    engine: String,
    member: String,
    policies: Policies,
    home: Home,
    board: Mutex<Board>,
}

/// What readers see.
#[derive(Debug, Default)]
struct Board {
    /// Since when it is connected or not.
    since: Option<Instant>,
    is_connected: bool,
    why: Option<String>,
    members: u32,
    disconnects: u64,
    records: BTreeMap<String, Record>,
}

impl Shared {
    /// Shows what the member knows now.
    pub(crate) fn show(&self, member: &Member, now: Duration) {
        let records = member.records(now).map(|record| (record.circuit.clone(), record)).collect();
        let mut board = lock(&self.board);
        (board.members, board.records) = (member.members(), records);
        if !board.is_connected {
            (board.is_connected, board.since, board.why) = (true, Some(Instant::now()), None);
        }
    }

    /// The engine does not answer. Returns whether that is news.
    pub(crate) fn show_lost(&self, error: &EngineError) -> bool {
        let mut board = lock(&self.board);
        let is_news = board.is_connected || board.why.is_none();
        if is_news {
            board.since = Some(Instant::now());
            board.disconnects += u64::from(board.is_connected);
        }
        (board.is_connected, board.why) = (false, Some(error.to_string()));
        (board.members, board.records) = (0, BTreeMap::new());
        is_news
    }

    fn queue(
        &self,
        circuit: &str,
        what: Override<'_>,
        limit: Duration,
        by: &str,
    ) -> Result<oneshot::Receiver<Result<(), EngineError>>, ConfigErrors> {
        check_order(self.home.registry(), circuit, what, limit)?;
        if !lock(&self.board).is_connected {
            away("it is not connected")?;
        }
        let (sent, receiver) = oneshot::channel();
        let order = Order {
            circuit: circuit.to_owned(),
            what: what.to_string(),
            limit,
            by: by.to_owned(),
            sent,
        };
        if !self.inbox.add_order(order) {
            away("too many orders wait")?;
        }
        Ok(receiver)
    }
}

impl Advisor for Shared {
    fn status(&self) -> FleetStatus {
        let board = lock(&self.board);
        let mut status = FleetStatus::default();
        (status.namespace, status.engine) = (self.namespace.clone(), self.engine.clone());
        (status.member, status.connected) = (self.member.clone(), board.is_connected);
        status.since = board.since.map(|since| since.elapsed()).unwrap_or_default();
        (status.why, status.members) = (board.why.clone(), board.members);
        status.disconnects = board.disconnects;
        status
    }

    fn view(&self, circuit: &str, stated: Option<Policy>) -> Option<FleetView> {
        let (policy, rule) = self.policies.rule(circuit, stated)?;
        let board = lock(&self.board);
        let mut view = FleetView::default();
        (view.policy, view.members) = (policy.as_str(), board.members);
        view.needed = if board.is_connected { rule.needed(board.members) } else { 0 };
        if let Some(record) = board.records.get(circuit) {
            (view.votes, view.has_voted) = (record.votes, record.has_voted);
            view.prober = record.prober.as_ref().map(|(holder, _)| holder.clone());
            view.settings = record.settings;
        }
        Some(view)
    }

    fn order(
        &self,
        circuit: &str,
        what: Override<'_>,
        limit: Duration,
        by: &str,
    ) -> Result<(), ConfigErrors> {
        self.queue(circuit, what, limit, by).map(drop)
    }
}

/// What is wrong with an order, as far as this member can say.
fn check_order(
    registry: &Registry,
    circuit: &str,
    what: Override<'_>,
    limit: Duration,
) -> Result<(), ConfigErrors> {
    let mut problems = Vec::new();
    if limit.is_zero() || limit > LONGEST_ORDER {
        problems.push("`limit` must be more than zero and at most a day".to_owned());
    }
    if circuit.is_empty() || circuit.len() > 128 || circuit.chars().any(char::is_control) {
        problems.push("`name` must be the name of a circuit".to_owned());
    }
    if let Override::Option(option, value) = what {
        let statement = Statement::new(circuit, option, value, "the order").may_be_unknown();
        registry.check(vec![(Layer::Fleet, vec![statement])])?;
    }
    ConfigErrors::check(problems)
}

fn away(why: &str) -> Result<(), ConfigErrors> {
    ConfigErrors::check([format!("the fleet cannot be told: {why}")])
}
