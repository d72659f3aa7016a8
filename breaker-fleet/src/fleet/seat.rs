//! What the task of a fleet shares with calls and readers, and the seat of a registry in it.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::{Advisor, ConfigErrors, FleetStatus, FleetView, Override, Policy, Registry};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::builder::JoinError;
use super::order::{Answer, away, new_order};
use crate::engine::{EngineError, Record, Stand};
use crate::home::Home;
use crate::inbox::{Inbox, lock};
use crate::member::Member;
use crate::policy::Policies;

/// Two joins at the same time must not both find that a registry is in no fleet.
static JOINING: Mutex<()> = Mutex::new(());

/// What the task shares with calls and readers.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) inbox: Inbox,
    pub(crate) stop: Notify,
    /// The engine has answered for the first time, or the task has ended.
    pub(crate) joined: Notify,
    pub(crate) ended: Notify,
    namespace: String,
    engine: String,
    member: String,
    policies: Policies,
    home: Home,
    board: Mutex<Board>,
}

/// What the registry asks. It is gone as soon as the fleet is left, while the task may still say goodbye.
#[derive(Debug)]
pub(super) struct Seat(pub(super) Arc<Shared>);

/// Takes the only seat of a registry: with two, one process would have two votes.
pub(super) fn take_seat(registry: &Registry, shared: &Arc<Shared>) -> Result<Arc<Seat>, JoinError> {
    let _alone = lock(&JOINING);
    if registry.advisor().is_some() {
        let taken = "the registry is in a fleet already; drop or leave that one first";
        return Err(JoinError(vec![taken.to_owned()]));
    }
    let seat = Arc::new(Seat(Arc::clone(shared)));
    let advisor: Arc<dyn Advisor> = Arc::clone(&seat) as _;
    registry.attach(&advisor);
    Ok(seat)
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
    pub(super) fn new(
        namespace: String,
        engine: String,
        member: String,
        policies: Policies,
        home: Home,
    ) -> Self {
        Self {
            inbox: Inbox::default(),
            stop: Notify::new(),
            joined: Notify::new(),
            ended: Notify::new(),
            namespace,
            engine,
            member,
            policies,
            home,
            board: Mutex::default(),
        }
    }

    /// Shows what the member knows now.
    pub(crate) fn show(&self, member: &Member, now: Duration) {
        let records = member.records(now).map(|mut record| {
            // The votes that opened it are over, and nobody probes.
            if record.stand == Stand::Open && record.left.is_zero() && record.prober.is_none() {
                record.votes = 0;
            }
            (record.circuit.clone(), record)
        });
        let records = records.collect();
        let mut board = lock(&self.board);
        board.members = member.members();
        let old = mem::replace(&mut board.records, records);
        // Dropped without the lock.
        drop(board);
        drop(old);
    }

    pub(crate) fn show_connected(&self) {
        let mut board = lock(&self.board);
        (board.is_connected, board.since, board.why) = (true, Some(Instant::now()), None);
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

    fn check_connected(&self) -> Result<(), ConfigErrors> {
        let board = lock(&self.board);
        match &board.why {
            _ if board.is_connected => Ok(()),
            Some(why) => away(format_args!("it is not connected: {why}")),
            None => away("it is not connected"),
        }
    }

    pub(super) fn queue(
        &self,
        circuit: &str,
        what: Override<'_>,
        limit: Duration,
        by: &str,
    ) -> Result<Answer, ConfigErrors> {
        let (order, receiver) = new_order(self.home.registry(), circuit, what, limit, by)?;
        self.check_connected()?;
        self.inbox.add_order(order).or_else(away)?;
        Ok(receiver)
    }

    pub(crate) fn status(&self) -> FleetStatus {
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
}

impl Advisor for Seat {
    fn status(&self) -> FleetStatus {
        self.0.status()
    }

    fn view(&self, circuit: &str, stated: Option<Policy>) -> Option<FleetView> {
        self.0.view(circuit, stated)
    }

    fn order(
        &self,
        circuit: &str,
        what: Override<'_>,
        limit: Duration,
        by: &str,
    ) -> Result<(), ConfigErrors> {
        self.0.queue(circuit, what, limit, by).map(drop)
    }
}
